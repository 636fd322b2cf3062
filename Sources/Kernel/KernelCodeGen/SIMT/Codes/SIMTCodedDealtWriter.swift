import ElementTypes
import KernelIR

/// Products of one row by a right operand of codes on matrix units, in tiles of 16 columns that are dealt to blocks through rings of
/// shared memory (`SIMTDealtRing`): whole numbers on units that multiply bytes (`SIMTIntegerUnits`), reals on units
/// that multiply f16 (`SIMTHalfUnits`).
///
/// A stage of the ring holds neighbouring batches (`SIMTUnitCodes`) of a tile, which one bulk copy brings, as they lie side by
/// side; every warp multiplies its own of them, always the same places along the summed axis, so that it computes and keeps (in shared
/// memory) only those of the left operand, and warps never wait for each other.
struct SIMTCodedDealtWriter {
    let weights: SIMTUnitCodes
    let symbol: String
    /// Warps that multiply.
    let warps: Int
    /// Batches of a stage for each warp.
    let together: Int
    /// Stages of the ring.
    let stages: Int

    /// Warps that multiply, the best first.
    static let warps = [8, 12]

    private var product: SIMTProduct { weights.codes.product }
    private var depth: Int { product.depth ?? 0 }
    private var batches: Int { weights.batches }
    private var units: any SIMTDealtUnits {
        weights.units == .bytes ? SIMTIntegerUnits(weights: weights) : SIMTHalfUnits(weights: weights)
    }

    /// Parts of a tile, as few as leave a warp no more than its batches.
    private var parts: Int { (batches + warps * together - 1) / (warps * together) }
    /// Batches of a part, but for the last.
    private var piece: Int { (batches + parts - 1) / parts }
    private var lastPiece: Int { batches - (parts - 1) * piece }

    private var ring: SIMTDealtRing {
        SIMTDealtRing(
            product: product, width: 16, parts: parts, stages: stages,
            stageBytes: (piece * weights.batchBytes + 127) / 128 * 128, warps: warps)
    }
    /// Where the left operand lies, beyond the ring.
    private var leftPlace: Int { ring.sharedBytes }
    /// Bytes of a batch of the left operand.
    private var leftBytes: Int { units.leftBytes }
    /// Bytes of shared memory of a block.
    var sharedBytes: Int { (leftPlace + batches * leftBytes + 127) / 128 * 128 }

    /// The codes of a product as they are read here; nil where they are no such codes.
    static func weights(_ product: SIMTProduct) -> SIMTUnitCodes? {
        product.codes.flatMap { SIMTUnitCodes($0, .bytes) ?? SIMTUnitCodes($0, .halves) }
    }

    /// Whether a product can be computed so at all.
    static func applies(_ weights: SIMTUnitCodes) -> Bool {
        let product = weights.codes.product
        // Left operands that are still to be multiplied by a row's factor may be too large for f16; bf16 has room.
        return product.target.overlaps && product.rows == 1 && product.isRightConstant && 16 % product.gates == 0
            && (product.columns ?? 1) % product.gates == 0 && (product.rowSums.isEmpty || product.element == .bf16)
            && weights.batches >= 4 && !stages(weights, warps: 8, together: 1).isEmpty
    }

    /// Whether it is the best to begin with: most processors have a tile.
    static func isDefault(_ weights: SIMTUnitCodes) -> Bool {
        weights.tiles >= max(1, weights.codes.product.target.multiprocessors)
    }

    /// Stages of a ring beside which a block of more than half of the shared memory has room, most first.
    static func stages(_ weights: SIMTUnitCodes, warps: Int, together: Int) -> [Int] {
        let most = SIMTDealtRing.mostBeside(weights.codes.product.target)
        return (2...24).reversed().filter {
            SIMTCodedDealtWriter(weights: weights, symbol: "", warps: warps, together: together, stages: $0)
                .sharedBytes <= most
        }
    }

    func write() -> EmittedKernel {
        var frame = product.frame(symbol)
        frame.hidden = product.packedParameters
        let ring = self.ring
        let axes = [product.batch, product.row, product.sum]
        let finish = frame.readyEpilogue(
            product.epilogue, product.stores, over: [product.batch, product.row, product.result], sums: product.sums,
            isEarly: true)
        let functions =
            units.functions(symbol)
            + frame.run("left", product.left, over: axes, along: product.sum, count: 8, .words(product.element))
            + product.rowSums.enumerated().map {
                frame.run("term\($0)", $1, over: axes, along: product.sum, count: 8, .values(rounded: nil))
            }.joined() + finish.functions
        let bytes = weights.batchBytes
        var lines = ring.begin
        lines.append("const int g = lane / 4, t = lane % 4; (void)g; (void)t;")
        lines += ring.ask(
            bytes: piece == lastPiece
                ? "\(piece * bytes)" : "(part < \(parts - 1) ? \(piece * bytes) : \(lastPiece * bytes))",
            copy: [
                "const int bytes = \(piece == lastPiece ? "\(piece * bytes)" : "part < \(parts - 1) ? \(piece * bytes) : \(lastPiece * bytes)");",
                "bulk_copy(to, codes + ((int64_t)tile * \(batches) + part * \(piece)) * \(bytes), bytes, at);",
            ])
        lines += ["if (warp < \(warps)) {"] + prefetchLeft(frame) + ["OVERLAP_WAIT;"] + takeLeft(frame) + multiply()
        lines += ["}"]
        lines += ring.finish(
            finish, integer: frame.integer, factor: weights.hasRowFactor ? { "factors[\($0)]" } : nil)
        let packings = weights.packings(symbol)
        var extra = [SIMTFrame.Extra(name: "codes", type: "uint8_t", isRead: true)]
        if packings.count > 1 { extra.append(.init(name: "factors", type: "float", isRead: true)) }
        // Bounds for 1024 threads: of 64 registers, as footprints count on.
        let body = frame.kernelFunction(
            extra: extra, hasCounters: true, threads: 1024, lines.filter { !$0.isEmpty })
        let footprints = ring.footprints(sharedBytes: sharedBytes)
        var grid = EmittedKernel.Grid(
            blocks: IntegerExpression(ring.blocks), threads: footprints.first.threads,
            sharedBytes: footprints.first.sharedBytes, overlaps: true, counters: SIMTDealtRing.counters)
        grid.alternate = footprints.second
        var emitted = EmittedKernel(
            symbol: symbol, source: functions + body, packingSource: packings.map(\.source).joined(),
            arguments: frame.visible.map { .parameter($0) } + packings.indices.map { .packed($0) },
            packings: packings.map(\.packing), workspaceBytes: 0, parts: .grid(grid))
        emitted.spreading = units.spreading
        return emitted
    }

    /// Runs of 8 summed elements of a batch, and of all batches that are a warp's own.
    private var runsOfBatch: Int { weights.elements / 8 }
    private var ownRuns: Int { parts * together * runsOfBatch }

    /// Statements that name what a lane's run `place` of its warp's is: its first summed element `at`, and whether it `isThere`.
    private func locate(_ place: String) -> String {
        let inside = "(slot % \(together) * \(warps) + warp)"
        return "const int slot = (\(place)) / \(runsOfBatch), inside = \(inside), part = slot / \(together), "
            + "at = (part * \(piece) + inside) * \(weights.elements) + (\(place)) % \(runsOfBatch) * 8; "
            + "const bool isThere = slot < \(parts * together) && inside < \(limit); (void)at; (void)isThere;"
    }

    /// Text of the batches of the part `part`.
    private var limit: String { piece == lastPiece ? "\(piece)" : "(part < \(parts - 1) ? \(piece) : \(lastPiece))" }

    /// Statements that ask for what is constant in the left operand, such as a norm's weights, before the kernel waits.
    private func prefetchLeft(_ frame: SIMTFrame) -> [String] {
        let loads = frame.wideLoads(product.left, along: product.sum, count: 8).filter {
            product.kernel.parameters[$0.parameter].isConstant && $0.condition == nil
        }
        guard !loads.isEmpty else { return [] }
        let (b, m, s) = (product.batch.variable.name, product.row.variable.name, product.sum.variable.name)
        return [
            "KEEP_LOOP for (int place = lane; place < \(ownRuns); place += 32) { \(locate("place")) if (!isThere) continue;",
            "const \(frame.integer) \(b) = 0, \(m) = 0, \(s) = at; (void)\(b); (void)\(m); (void)\(s);",
        ] + loads.map { "fetch_ahead(p\($0.parameter) + \($0.base));" } + ["}"]
    }

    /// Statements that put a warp's own batches of the left operand into shared memory, with the sums of their parts, and sum what rows
    /// are summed of.
    private func takeLeft(_ frame: SIMTFrame) -> [String] {
        let count = product.rowSums.count
        // Reads of several runs are under way before the first is stored.
        let ahead = min(8, (ownRuns + 31) / 32)
        var lines: [String] = []
        if count > 0 { lines.append("float s[\(count)]; UNROLL for (int i = 0; i < \(count); ++i) s[i] = 0;") }
        lines += [
            "KEEP_LOOP for (int first = 0; first < \(ownRuns); first += \(ahead * 32)) {", "uint32_t x[\(ahead)][4];",
            "UNROLL for (int u = 0; u < \(ahead); ++u) { \(locate("first + u * 32 + lane"))",
            "UNROLL for (int k = 0; k < 4; ++k) x[u][k] = 0;",
            "if (isThere) \(frame.call("left", ["0", "0", "at", "x[u]"])); }",
            "UNROLL for (int u = 0; u < \(ahead); ++u) { \(locate("first + u * 32 + lane"))",
            "\(symbol)_keep(x[u], arena + \(leftPlace) + at / \(weights.elements) * \(leftBytes), "
                + "at % \(weights.elements) / \(SIMTUnitCodes.part), t, isThere);",
        ]
        for number in 0..<count {
            lines.append(
                "if (isThere) { float z[8]; \(frame.call("term\(number)", ["0", "0", "at", "z"])); "
                    + "UNROLL for (int k = 0; k < 8; ++k) s[\(number)] += z[k]; }")
        }
        return lines + ["} }"] + ring.handOver("s") + ["WARP_BARRIER;"]
    }

    private func multiply() -> [String] {
        let bytes = weights.batchBytes
        let isWhole = piece == lastPiece && piece == warps * together
        let condition = isWhole ? nil : "u * \(warps) + warp < \(limit)"
        let head = [
            "UNROLL for (int u = 0; u < \(together); ++u) \(condition.map { "if (\($0)) " } ?? ""){",
            "const int batch = part * \(piece) + u * \(warps) + warp;",
        ]
        return units.begin
            + ring.multiply(
                isUnrolled: false, clear: ["float c[2] = {0, 0};"],
                read: units.fetch("stage_ + warp * \(bytes)", together, stride: warps * bytes, where: condition),
                multiply: head + units.multiply(left: "arena + \(leftPlace) + batch * \(leftBytes)") + ["}"],
                fold: units.join + ["if (t == 0) { fold[g * \(warps)] = c[0]; fold[(g + 8) * \(warps)] = c[1]; }"])
    }
}
