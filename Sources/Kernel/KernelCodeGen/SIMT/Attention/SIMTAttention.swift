import ElementTypes
import KernelIR

/// The choices of an attention on a device that runs blocks of threads.
package func simtAttentionChoices(
    _ kernel: Kernel, _ body: AttentionKernel, _ target: SIMTTarget
) -> [Choice] {
    let shape = SIMTAttentionShape(kernel, body, target)
    let queries = body.queries.extent.constantValue ?? 64
    var forms = SIMTFlashWriter.applies(shape) ? (queries >= 16 ? [1, 0] : [0, 1]) : [0]
    if SIMTGroupFlashWriter.applies(shape) {
        // Where a group's rows are mostly there (measured, H200).
        forms.insert(3, at: queries >= 16 && shape.rowCount ?? 64 >= 48 ? 0 : forms.count)
    }
    if SIMTDecodeWriter.applies(shape), shape.isCountable { forms.insert(2, at: 0) }
    let rows = min(8, max(1, shape.rowCount ?? 8))
    let power = [1, 2, 4, 8].first { $0 >= rows } ?? 8
    // Split decoding: up to two blocks a processor, each of 128 keys at least (32 heads over 2048 keys: 9.3 µs in 8 parts, 11.9 in 4, 11.4
    // in 16; measured, H200).
    let decoders = max(1, 2 * target.multiprocessors / max(1, shape.heads.constantValue ?? 1))
    let tiles = max(1, (body.keys.extent.constantValue ?? 2048) / 128)
    // Eight blocks join in each other's shared memory, as long as they do not have too much to read.
    let most = target.hasClusters && tiles <= 32 ? 8 : 16
    let share = [16, 8, 4, 2, 1].first { $0 <= min(decoders, tiles, most) } ?? 1
    let parts = forms[0] == 2 ? share : shape.defaultParts(rows: power)
    let places = forms.contains(3) ? SIMTGroupFlashWriter.preferredTiles(shape) : [0]
    return [
        Choice("form", forms), Choice("rows", [power] + [4, 8, 2, 1].filter { $0 != power }),
        Choice("parts", shape.isCountable ? [parts] + [1, 2, 4, 8, 16, 32].filter { $0 != parts } : [1]),
        Choice("threads", [128, 256].filter { $0 <= target.threads }),
        // Blocks of eight warps leave no room for those of the products before and after, whose weights are on their way.
        Choice("warps", forms[0] == 2 && !target.overlaps ? [8, 4] : [4, 8, 2]),
        // Tiles of form 3, and how many are in shared memory.
        Choice("tile", places),
        Choice("stages", !forms.contains(3) ? [2] : places[0] == 7 ? [3, 2, 4] : [2, 3, 4]),
    ]
}

/// Emits an attention for blocks of threads.
package func emitSIMTAttention(
    _ kernel: Kernel, _ body: AttentionKernel, symbol: String, _ schedule: Schedule, _ target: SIMTTarget
) throws(EmissionError) -> EmittedKernel {
    let shape = SIMTAttentionShape(kernel, body, target)
    guard let depth = shape.depth, let valueDepth = shape.valueDepth else {
        throw EmissionError(kernel: kernel.name, reason: "attention over a symbolic depth")
    }
    let choices = simtAttentionChoices(kernel, body, target)
    if schedule[choices[0]] == 1 {
        guard SIMTFlashWriter.applies(shape) else {
            throw EmissionError(kernel: kernel.name, reason: "matrix units do not serve this attention")
        }
        return SIMTFlashWriter(shape: shape, symbol: symbol, warps: schedule[choices[4]]).write()
    }
    if schedule[choices[0]] == 3 {
        guard choices[0].values.contains(3) else {
            throw EmissionError(kernel: kernel.name, reason: "groups of warps do not serve this attention")
        }
        let tile = SIMTGroupFlashWriter.tiles[schedule[choices[5]]]
        let writers = (2...max(2, schedule[choices[6]])).reversed().map {
            SIMTGroupFlashWriter(shape: shape, symbol: symbol, tile: tile, stages: $0)
        }
        guard let writer = writers.first(where: \.fits) else {
            throw EmissionError(kernel: kernel.name, reason: "two tiles of keys and values do not fit in shared memory")
        }
        return writer.write()
    }
    if schedule[choices[0]] == 2 {
        guard choices[0].values.contains(2) else {
            throw EmissionError(kernel: kernel.name, reason: "split decoding does not serve this attention")
        }
        let warps = max(4, schedule[choices[4]])
        let tiles = body.keys.extent.constantValue.map { max(1, ($0 + warps * 16 - 1) / (warps * 16)) } ?? .max
        return SIMTDecodeWriter(shape: shape, symbol: symbol, parts: min(schedule[choices[2]], tiles), warps: warps)
            .write()
    }
    let run = SIMTAttentionWriter.run(valueDepth, shape.element)
    let chunks = valueDepth / run
    // Every thread of a block holds a run of the result; narrow odd values need as many threads as they have elements.
    guard let threads = [schedule[choices[3]], 256, 512, 1024].first(where: { $0 >= chunks && $0 <= target.threads })
    else {
        throw EmissionError(
            kernel: kernel.name, reason: "values of \(valueDepth) elements need more threads than a block has")
    }
    var rows = schedule[choices[1]]
    while rows > 1, rows * (threads * (run + 1) + depth) * 4 > 44 * 1024 { rows /= 2 }
    guard (rows * (threads * (run + 1) + depth) + 64) * 4 <= 48 * 1024 else {
        throw EmissionError(kernel: kernel.name, reason: "queries of \(depth) elements do not fit in shared memory")
    }
    // A part without keys has nothing to do.
    let turns = body.keys.extent.constantValue.map { max(1, ($0 + threads - 1) / threads) } ?? .max
    return SIMTAttentionWriter(
        shape: shape, symbol: symbol, rows: rows, parts: min(schedule[choices[2]], turns), threads: threads
    ).write()
}

/// What can be said of an attention before choices are taken.
struct SIMTAttentionShape {
    let kernel: Kernel
    let body: AttentionKernel
    let target: SIMTTarget

    init(_ kernel: Kernel, _ body: AttentionKernel, _ target: SIMTTarget) {
        self.kernel = kernel
        self.body = body
        self.target = target
    }

    var element: ElementType { body.operandElement }
    var depth: Int? { body.depth.extent.constantValue }
    var valueDepth: Int? { body.valueDepth.extent.constantValue }
    /// Query rows of a key head.
    var rows: IntegerExpression { body.group.extent * body.queries.extent }
    var rowCount: Int? { rows.constantValue }
    var heads: IntegerExpression { body.batch.extent * body.keyHeads.extent }
    /// Whether blocks can be counted when the kernel is made.
    var isCountable: Bool { rowCount != nil && heads.constantValue != nil }

    /// Blocks before keys are split.
    func blocks(rows count: Int) -> Int {
        ((rowCount ?? 512) + count - 1) / count * (heads.constantValue ?? 1)
    }

    /// As many parts of the keys as fill the device twice, each of 64 keys at least.
    func defaultParts(rows count: Int) -> Int {
        let keys = body.keys.extent.constantValue ?? 2048
        let wanted = max(1, 2 * target.multiprocessors / max(1, blocks(rows: count)))
        return max(1, min(wanted, keys / 64, 64))
    }

    /// Blocks of so many rows of a head, over symbols.
    func rowBlocks(_ count: Int, _ frame: SIMTFrame) -> IntegerExpression {
        (rows + (count - 1)).floorDivided(by: IntegerExpression(count), frame.ranges)
    }

    /// Statements that say where a block of so many rows is: batch `b`, head `h`, row `first`; how many rows, queries (`length`) and keys
    /// (`allKeys`) there are, and how many keys its rows may see (`seen`).
    func place(rows count: Int, _ frame: SIMTFrame) -> [String] {
        let (i, index) = (frame.integer, frame.index)
        let heads = index.print(body.keyHeads.extent)
        let lines = [
            "\(i) rest = BLOCK;", "const \(i) tilesOfRows = \(index.print(rowBlocks(count, frame)));",
            // Late rows see most keys under a causal mask: they start first.
            "const \(i) first = (tilesOfRows - 1 - rest % tilesOfRows) * \(count); rest /= tilesOfRows;",
            "const \(i) h = rest % \(heads), b = rest / \(heads);",
            "const \(i) length = \(index.print(body.queries.extent)), rows = \(index.print(rows));",
            "const \(i) allKeys = \(index.print(body.keys.extent));",
        ]
        guard body.isCausal else { return lines + ["const \(i) seen = allKeys;"] }
        return lines + [
            "const \(i) last = (first + \(count) < rows ? first + \(count) : rows) - 1;",
            "const \(i) reach = first / length == last / length ? last % length + 1 : length;",
            "const \(i) seen = reach < allKeys ? reach : allKeys;",
        ]
    }

    func frame(_ symbol: String) -> SIMTFrame {
        SIMTFrame(
            kernel, .attention(body), symbol: symbol,
            axes: [
                body.batch, body.keyHeads, body.group, body.queries, body.keys, body.depth, body.valueDepth,
            ], target)
    }

    /// Queries, keys and values as rows in shared memory (`query`, `key`, `value`).
    func operands(_ frame: SIMTFrame) -> (query: SIMTOperand, key: SIMTOperand, value: SIMTOperand) {
        let heads = [body.batch, body.keyHeads]
        func operand(_ function: ScalarFunction, _ name: String, _ axes: [LoopAxis], _ extent: Int?) -> SIMTOperand {
            SIMTOperand(function, name, frame, over: heads + axes, extent: extent, element: element)
        }
        return (
            operand(body.query, "query", [body.group, body.queries, body.depth], depth),
            operand(body.key, "key", [body.keys, body.depth], depth),
            operand(body.value, "value", [body.keys, body.valueDepth], valueDepth)
        )
    }

    /// Bytes between rows of so many elements of 2 bytes in shared memory.
    static func pitch(_ extent: Int) -> Int { (extent + 63) / 64 * 128 }

    /// A function rounded to the operands' type.
    func rounded(_ function: ScalarFunction) -> ScalarFunction {
        if element.computeType == element { return function }
        if case .load(let parameter, _, _) = function.body.nodes[function.result],
            kernel.parameters[parameter].element == element
        {
            return function
        }
        var body = function.body
        body.nodes.append(.cast(function.result, element))
        return ScalarFunction(body: body, result: body.nodes.count - 1)
    }

    /// Whether a query of any head sees a key: device function `sees`, and what is added to the score, `term` (−∞ hides).
    func maskFunctions(_ frame: SIMTFrame) -> String {
        guard let mask = body.mask else { return "" }
        return frame.function(
            "mask", mask, over: [body.batch, body.keyHeads, body.group, body.queries, body.keys], as: nil)
    }

    /// C text of what the mask adds to a score for group `g`, query `i` and key `k`.
    func maskTerm(_ frame: SIMTFrame, group: String, query: String, key: String) -> String {
        guard let mask = body.mask else { return "0.0f" }
        let call = frame.call("mask", ["b", "h", group, query, key])
        let type = mask.body.types(parameters: kernel.parameters)[mask.result]
        return type == .bool ? "(\(call) ? 0.0f : -__builtin_inff())" : "(float)\(call)"
    }

    /// As `maskTerm`, and what causality hides.
    func term(_ frame: SIMTFrame, group: String, query: String, key: String) -> String {
        let text = maskTerm(frame, group: group, query: query, key: key)
        return body.isCausal ? "(\(key) > \(query) ? -__builtin_inff() : \(text))" : text
    }
}
