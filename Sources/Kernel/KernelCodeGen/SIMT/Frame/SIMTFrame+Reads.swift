import ElementTypes
import KernelIR

extension SIMTFrame {
    /// An epilogue of which the reads that hang on nothing computed may be asked for before the sums of a point are there, so that they
    /// are under way while threads join what they summed.
    struct ReadyEpilogue {
        /// Device functions.
        let functions: String
        /// Statements that declare what is read.
        let declarations: [String]
        /// Text that reads at a point, given by the arguments of the axes; empty where nothing is read.
        let read: (_ point: [String]) -> String
        /// Text that finishes a point from its sums and what was read.
        let finish: (_ point: [String], _ sums: [String]) -> String
    }

    /// Reads that are kept at most: each takes a register while others work.
    private static let mostReads = 8

    /// As `epilogue`, named `finish`, in two parts; `isEarly` says whether reads come before.
    func readyEpilogue(
        _ body: ScalarBody, _ stores: [Store], over axes: [LoopAxis], sums: Int, isEarly: Bool
    ) -> ReadyEpilogue {
        let types = body.types(parameters: kernel.parameters, slots: Array(repeating: .f32, count: sums))
        let written = Set(stores.map(\.parameter))
        var reads: [Int] = []
        for (number, node) in body.nodes.enumerated() where isEarly {
            guard case .load(let parameter, let index, let mask) = node, !written.contains(parameter),
                types[number] != .bool,
                !([index] + mask).contains(where: { $0.variables.contains { $0.kind == .value } })
            else { continue }
            reads.append(number)
        }
        reads = Array(reads.prefix(Self.mostReads))
        var wanted = stores.map(\.value)
        for store in stores {
            for expression in [store.index] + store.mask {
                wanted += expression.variables.filter { $0.kind == .value }.map(\.index)
            }
        }
        var printer = self.printer
        printer.slotTypes = Array(repeating: .f32, count: sums)
        let kinds = reads.map { CTypes.scalar(types[$0]) }
        var functions = ""
        if !reads.isEmpty {
            let (statements, values) = printer.print(body, wanted: reads)
            let targets = kinds.enumerated().map { "\($1) *r\($0)" }
            let sets = reads.enumerated().map { "*r\($0) = \(values[$1]?.text ?? "0");" }
            functions = ([head("void", "reads", axes, targets)] + statements + sets + ["}", ""]).joined(separator: "\n")
        }
        printer.loaded = { node in reads.firstIndex(of: node).map { "r\($0)" } }
        let (statements, values) = printer.print(body, wanted: wanted)
        let writes = stores.map { printer.statement($0, values, types) }
        let given =
            ["const float accumulator"] + (1..<max(1, sums)).map { "const float slot\($0)" }
            + kinds.enumerated().map { "const \($1) r\($0)" }
        functions += ([head("void", "finish", axes, given)] + statements + writes + ["}", ""]).joined(separator: "\n")
        return ReadyEpilogue(
            functions: functions, declarations: kinds.enumerated().map { "\($1) r\($0) = 0;" },
            read: { point in
                reads.isEmpty ? "" : call("reads", point + reads.indices.map { "&r\($0)" }) + ";"
            },
            finish: { point, sums in call("finish", point + sums + reads.indices.map { "r\($0)" }) + ";" })
    }
}
