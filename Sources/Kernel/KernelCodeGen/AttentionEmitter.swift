import ElementTypes
import KernelIR

/// The choices of an attention kernel.
///
/// `form` 0 lays vector lanes over queries: keys and values are read as scalars where they lie, the softmax needs no
/// reduction across lanes. `form` 1 lays lanes over the depth, which suits few queries over a long cache.
package func attentionChoices(_ kernel: Kernel, _ body: AttentionKernel, _ target: CPUTarget) -> [Choice] {
    let lanes = max(4, target.vectorBytes / 4)
    let wide = target.vectorRegisters >= 32
    let fewQueries = (body.queries.extent * body.group.extent).constantValue.map { $0 <= 8 } ?? false
    // No more vectors than the queries fill; tiles with fewer vectors take more rows.
    let filled = body.queries.extent.constantValue.map { max(1, ($0 + lanes - 1) / lanes) } ?? 4
    let usesTiles = target.hasAMXBF16 && body.operandElement == .bf16
    // A tile product takes two vectors of queries.
    let vectors = usesTiles && filled == 3 ? 4 : min(filled, wide ? 4 : 2)
    let rows = vectors >= 3 || usesTiles ? 4 : wide ? (vectors == 2 ? 6 : 8) : 4
    func first(_ value: Int, _ others: [Int]) -> [Int] { [value] + others.filter { $0 != value } }
    return [
        Choice("form", fewQueries ? [1, 0] : [0, 1]),
        Choice("queryVectors", first(vectors, wide ? [4, 2, 3, 1] : [2, 1, 3])),
        Choice("rows", first(rows, wide ? [4, 6, 8] : [4, 3, 6])),
        Choice("keyBlock", [128, 64, 256, 512]),
        Choice("tiles", usesTiles && vectors % 2 == 0 ? [1, 0] : [0]),
    ]
}

/// Emits an attention kernel as C.
package func emitAttention(
    _ kernel: Kernel, _ body: AttentionKernel, symbol: String, _ schedule: Schedule, _ target: CPUTarget
) throws(EmissionError) -> EmittedKernel {
    for (name, axis) in [("depth", body.depth), ("valueDepth", body.valueDepth)] where axis.extent.constantValue == nil
    {
        throw EmissionError(kernel: kernel.name, reason: "the attention's \(name) is not a constant")
    }
    guard body.operandElement.computeType == .f32 else {
        throw EmissionError(
            kernel: kernel.name, reason: "attention over \(body.operandElement.rawValue) operands is not supported")
    }
    let choices = attentionChoices(kernel, body, target)
    let frame = CellFrame(
        kernel, symbol: symbol,
        axes: [
            body.batch, body.keyHeads, body.group, body.queries, body.keys, body.depth, body.valueDepth,
        ], target)
    let keyBlock = max(frame.lanes, schedule[choices[3]] / (2 * frame.lanes) * (2 * frame.lanes))
    if schedule[choices[0]] == 1 {
        return AttentionOverDepth(frame: frame, body: body, keyBlock: keyBlock, threads: target.threads).emit()
    }
    let hasPairs = body.operandElement == .bf16 && target.hasBF16Dot && target.vectorBytes == 64
    let (vectors, rows) = (schedule[choices[1]], schedule[choices[2]])
    let hasTiles = hasPairs && target.hasAMXBF16 && schedule[choices[4]] == 1 && vectors % 2 == 0 && 32 % rows == 0
    return AttentionOverQueries(
        frame: frame, body: body, vectors: vectors, rows: rows, keyBlock: keyBlock, threads: target.threads,
        hasPairs: hasPairs, hasTiles: hasTiles
    ).emit()
}

/// The mask of an attention as a term added to the scores.
struct AttentionMask {
    /// Over the mask's axes: 0 or −∞ for a bool mask, else the mask itself, as f32.
    let term: ScalarFunction
    /// Whether it depends on the query's position.
    let dependsOnQuery: Bool
    /// Whether it differs between heads.
    let dependsOnHead: Bool
    /// Whether it hides keys and adds nothing: a hidden score does not count, whatever it is.
    let isBool: Bool

    /// The mask of a kernel, if it has one.
    init?(_ body: AttentionKernel, _ parameters: [KernelParameter]) {
        guard var function = body.mask else { return nil }
        isBool = function.body.types(parameters: parameters)[function.result] == .bool
        if isBool {
            let shown = function.body.emit(.real(bits: (0.0).bitPattern, .f32))
            let hidden = function.body.emit(.real(bits: (-Double.infinity).bitPattern, .f32))
            function.result = function.body.emit(.apply(.select, [function.result, shown, hidden]))
        }
        term = function
        let variables = Set(
            function.body.nodes.flatMap { node -> [Variable] in
                switch node {
                case .load(_, let index, let mask): ([index] + mask).flatMap(\.variables)
                case .integerExpression(let expression): expression.variables
                case .condition(let mask): mask.flatMap(\.variables)
                case .position(_, let extent, let mask): ([extent] + mask).flatMap(\.variables)
                case .real, .integer, .truth, .apply, .cast, .slot, .row, .accumulator, .scan: []
                }
            })
        dependsOnQuery = variables.contains(body.queries.variable)
        dependsOnHead = variables.contains(body.keyHeads.variable) || variables.contains(body.group.variable)
    }
}

extension CellFrame {
    /// Loops that give every value of a row of results to the attention's epilogue; `row` points at the row.
    func epilogue(_ body: AttentionKernel, row: String) -> [String] {
        let axis = body.valueDepth
        let variable = axis.variable.name
        let types = body.epilogue.types(parameters: kernel.parameters)
        var lines = ["{ int64_t \(variable) = 0;"]
        for isVector in [true, false] {
            var printer = BodyPrinter(
                parameters: kernel.parameters, index: index, lanes: lanes, laneAxis: isVector ? axis : nil)
            printer.accumulator = .init(
                isVector ? "(*(const vf_u *)(\(row) + \(variable)))" : "\(row)[\(variable)]", isVector: isVector)
            let (statements, values) = printer.print(body.epilogue, wanted: body.stores.map(\.value))
            let limit = index.print(axis.extent)
            lines.append(
                isVector
                    ? "for (; \(variable) + LANES <= \(limit); \(variable) += LANES) {"
                    : "for (; \(variable) < \(limit); ++\(variable)) {")
            lines += statements
            lines += body.stores.map { printer.statement($0, values, types) }
            lines.append("}")
        }
        return lines + ["}"]
    }

    /// Product of 32 pairs of bf16 added to 16 sums, in the spelling of the compiler at hand.
    var pairProduct: String {
        """
        #if defined(__clang__)
        typedef __bf16 \(symbol)_pairs __attribute__((vector_size(64)));
        #define \(symbol)_product __builtin_ia32_dpbf16ps_512
        #else
        #if __GNUC__ >= 13
        typedef __bf16 \(symbol)_pairs __attribute__((vector_size(64)));
        #else
        typedef short \(symbol)_pairs __attribute__((vector_size(64)));
        #endif
        #define \(symbol)_product __builtin_ia32_dpbf16ps_v16sf
        #endif
        FORCE vf \(symbol)_dot(vf c, vi a, vi b) {
            return (vf)\(symbol)_product(c, (\(symbol)_pairs)a, (\(symbol)_pairs)b);
        }

        """
    }
}
