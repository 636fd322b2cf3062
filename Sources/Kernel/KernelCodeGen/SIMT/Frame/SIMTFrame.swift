import ElementTypes
import KernelIR

/// What the functions of one kernel share on a device that runs blocks of threads: arguments, index arithmetic, and the
/// kernel's scalar functions as device functions that templates call.
struct SIMTFrame {
    /// A pointer argument beyond the kernel's parameters.
    struct Extra {
        let name: String
        let type: String
        let isRead: Bool
    }

    let kernel: Kernel
    let target: SIMTTarget
    let symbol: String
    let ranges: VariableRanges
    /// Whether all indices fit in 32 bits.
    let isNarrow: Bool
    /// Parameters that the kernel is not given, as it reads what was made of them.
    var hidden: Set<Int> = []

    /// A frame for a body (the kernel's, or what it has been brought to) over all its axes.
    init(_ kernel: Kernel, _ body: Kernel.Body, symbol: String, axes: [LoopAxis], _ target: SIMTTarget) {
        self.kernel = kernel
        self.target = target
        self.symbol = symbol
        var ranges = kernel.ranges
        for axis in axes { ranges.declare(axis.variable, extent: axis.extent) }
        self.ranges = ranges
        var fits = kernel.parameters.allSatisfy { SIMTFrame.fits($0.count, ranges) }
        _ = body.mapping { expression in
            if fits { fits = SIMTFrame.fits(expression, ranges) }
            return expression
        }
        isNarrow = fits
    }

    var dialect: SIMTDialect { target.dialect }

    /// Prints indices.
    var index: IndexPrinter {
        var printer = IndexPrinter(ranges)
        printer.isNarrow = isNarrow
        return printer
    }

    /// C type of loop variables.
    var integer: String { isNarrow ? "int" : "int64_t" }

    /// Prints bodies as scalars.
    var printer: BodyPrinter {
        var printer = BodyPrinter(parameters: kernel.parameters, index: index, lanes: 1, laneAxis: nil)
        printer.hasHalf = false
        if dialect == .cuda { printer.errorSum = "erf_sum_fs" }
        return printer
    }

    /// Whether the sum of the magnitudes of all terms, however deep, stays below 2³⁰.
    private static func fits(_ expression: IntegerExpression, _ ranges: VariableRanges) -> Bool {
        let most = 1 << 30
        var sum = abs(expression.constant)
        for term in expression.terms {
            for atom in term.atoms {
                switch atom {
                case .variable(let variable):
                    // Symbols and values are 64 bits wide and make what holds them so.
                    if variable.kind != .axis { continue }
                case .floorDivide(let a, let b), .modulo(let a, let b), .minimum(let a, let b), .maximum(let a, let b):
                    guard fits(a, ranges), fits(b, ranges) else { return false }
                }
            }
            if term.atoms.contains(where: { $0.isWide }) { continue }
            let alone = IntegerExpression(constant: 0, terms: [term])
            guard let lower = ranges.lowerBound(alone), let upper = ranges.upperBound(alone) else { return false }
            let (next, overflow) = sum.addingReportingOverflow(max(abs(lower), abs(upper)))
            if overflow || next > most { return false }
            sum = next
        }
        return sum <= most
    }

    /// Statements that take the variables of axes from `number`, which counts their points and is used up.
    func places(_ axes: [LoopAxis], from number: String) -> [String] {
        axes.enumerated().reversed().map { position, axis in
            let (name, extent) = (axis.variable.name, index.print(axis.extent))
            return position == 0
                ? "const \(integer) \(name) = \(number);"
                : "const \(integer) \(name) = \(number) % \(extent); \(number) /= \(extent);"
        }
    }

    // MARK: Arguments

    /// Type of a parameter's elements in memory.
    func storage(_ element: ElementType) -> String { element == .f16 ? "uint16_t" : CTypes.storage(element) }

    private func pointer(_ number: Int) -> String {
        let parameter = kernel.parameters[number]
        let type = (parameter.access == .read ? "const " : "") + storage(parameter.element)
        // What another kernel may still be writing must not be read through the path for constants.
        let isAlone = dialect == .openCL || parameter.isConstant
        let restrict = isAlone ? (dialect == .cuda ? "__restrict__ " : "restrict ") : ""
        return "GLOBAL \(type) *\(restrict)p\(number)"
    }

    /// Parameters that the kernel is given.
    var visible: [Int] { kernel.parameters.indices.filter { !hidden.contains($0) } }

    /// Arguments of device functions.
    private var formals: [String] {
        kernel.parameters.indices.map(pointer) + kernel.symbols.map { "const int64_t \($0.name)" }
    }

    private var actuals: [String] {
        kernel.parameters.indices.map { "p\($0)" } + kernel.symbols.map(\.name)
    }

    /// What a kernel in CUDA C++ begins with; its attributes and its name follow.
    static let kernelHead = "extern \"C\" __global__ void "
    /// What a kernel in OpenCL C begins with.
    static let openCLHead = "__kernel "

    /// A whole kernel around its lines; `cluster` neighbouring blocks see each other's shared memory.
    func kernelFunction(
        extra: [Extra] = [], hasCounters: Bool = false, threads: Int, blocksPerProcessor: Int = 1, cluster: Int = 1,
        _ lines: [String]
    ) -> String {
        let others = extra.map { "GLOBAL \($0.isRead ? "const " : "")\($0.type) *\($0.name)" }
        let absent = hidden.sorted().map { "\(pointer($0)) = 0;" }
        let parameters =
            visible.map(pointer) + others + (hasCounters ? ["GLOBAL int32_t *counters"] : [])
            + kernel.symbols.map { "const int64_t \($0.name)" } + ["GLOBAL int32_t *status"]
        let list = parameters.joined(separator: ", ")
        let head =
            switch dialect {
            case .cuda:
                Self.kernelHead + "\(cluster > 1 ? "__cluster_dims__(\(cluster), 1, 1) " : "")"
                    + "__launch_bounds__(\(threads), \(blocksPerProcessor)) \(symbol)(\(list))"
            case .openCL:
                Self.openCLHead + "__attribute__((reqd_work_group_size(\(threads), 1, 1))) void \(symbol)(\(list))"
            }
        return "\(head) {\n\((absent + lines).joined(separator: "\n"))\n}\n\n"
    }

    // MARK: Device functions

    /// How the text of a device function begins.
    func head(_ type: String, _ name: String, _ axes: [LoopAxis], _ more: [String] = []) -> String {
        let loops = axes.map { "const \(integer) \($0.variable.name)" }
        return "FORCE \(type) \(symbol)_\(name)(\((formals + loops + more).joined(separator: ", "))) {"
    }

    /// The text that calls a device function at a point.
    func call(_ name: String, _ arguments: [String]) -> String {
        "\(symbol)_\(name)(\((actuals + arguments).joined(separator: ", ")))"
    }

    /// A device function that gives a value at one point: of its compute type, or rounded to `element` in that type's
    /// storage.
    func function(_ name: String, _ function: ScalarFunction, over axes: [LoopAxis], as element: ElementType?) -> String
    {
        let (statements, values) = printer.print(function.body, wanted: [function.result])
        guard let value = values[function.result] else { preconditionFailure("the value was not printed") }
        let type = function.body.types(parameters: kernel.parameters)[function.result]
        let text = element.map { stored($0, value.text, type) } ?? value.text
        let result = element.map(storage) ?? CTypes.scalar(type)
        return ([head(result, name, axes)] + statements + ["return \(text);", "}", ""]).joined(separator: "\n")
    }

    /// The text of a value as an element's storage.
    func stored(_ element: ElementType, _ text: String, _ type: ElementType) -> String {
        let cast = CScalarTable.cast(text, from: type, to: element.computeType, "s")
        return element == .f16 ? "store_f16(\(cast))" : CTypes.store(element, cast)
    }

    /// A device function that computes from the sums of one point, `accumulator` and `slot1` on, and stores.
    func epilogue(
        _ name: String, _ body: ScalarBody, _ stores: [Store], over axes: [LoopAxis], sums: Int = 1
    ) -> String {
        var wanted = stores.map(\.value)
        for store in stores {
            for expression in [store.index] + store.mask {
                wanted += expression.variables.filter { $0.kind == .value }.map(\.index)
            }
        }
        var printer = self.printer
        printer.slotTypes = Array(repeating: .f32, count: sums)
        let (statements, values) = printer.print(body, wanted: wanted)
        let types = body.types(parameters: kernel.parameters, slots: printer.slotTypes)
        let writes = stores.map { printer.statement($0, values, types) }
        let given = ["const float accumulator"] + (1..<max(1, sums)).map { "const float slot\($0)" }
        return ([head("void", name, axes, given)] + statements + writes + ["}", ""])
            .joined(separator: "\n")
    }

    /// A device function that writes a value to a parameter at one point.
    func writer(_ name: String, _ target: RecurrenceKernel.Target, over axes: [LoopAxis], value: String) -> String {
        let element = kernel.parameters[target.parameter].element
        let text = element == .f16 ? "store_f16(value)" : CTypes.store(element, "value")
        return """
            \(head("void", name, axes, ["const \(value) value"]))
            p\(target.parameter)[\(index.print(target.index))] = \(text);
            }

            """
    }
}

extension IntegerAtom {
    /// Whether it holds a symbol or a value, which are 64 bits wide.
    fileprivate var isWide: Bool {
        switch self {
        case .variable(let variable): variable.kind != .axis
        case .floorDivide(let a, let b), .modulo(let a, let b), .minimum(let a, let b), .maximum(let a, let b):
            (a.variables + b.variables).contains { $0.kind != .axis }
        }
    }
}
