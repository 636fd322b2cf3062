import KernelIR

/// The epilogue of 16 rows of results that a warp holds as matrix units leave them: 32 columns at a time go through a patch
/// of shared memory that no other warp sees, from the units' order to rows.
struct SIMTWarpFinish {
    /// Columns that a warp finishes at a time.
    static let chunk = 32
    /// Elements between rows of the patch.
    static let pitch = chunk + 4
    /// Bytes of a warp's patch.
    static let patchBytes = 16 * pitch * 4

    /// Device functions.
    let functions: String
    /// Declares what is fetched ahead, for this chunk and the next; nil where nothing is.
    let words: String?
    /// Fetches into a half what the chunk that begins at a column needs.
    let fetch: (_ half: String, _ edge: String) -> [String]
    /// Statements of a chunk: `part` is its number, `edge` its first column, `sums` the patch, `thread` the lane.
    let statements: [String]

    /// Where a point of a tile lies: statements and texts that read the row `r` of 16, and the first column `q` of a run in a chunk.
    struct Place {
        /// Declares what the other texts read.
        var point: [String] = []
        /// One for each axis.
        let arguments: [String]
        /// As `arguments`, but inside where `condition` fails, for runs of so many columns.
        let inside: (_ run: Int) -> [String]
        let condition: String
    }

    /// The epilogue of a kernel over `axes`, the last of which are the columns.
    init(_ frame: SIMTFrame, _ epilogue: ScalarBody, _ stores: [Store], over axes: [LoopAxis], _ place: Place) {
        let (chunk, pitch) = (Self.chunk, Self.pitch)
        for run in [8, 4, 2] {
            let runs = frame.finishingRuns(
                epilogue, stores, over: axes, count: 16 * chunk, run: run, columns: chunk, threads: 32,
                point: ["const int r = e / \(chunk / run);"] + place.point, arguments: place.arguments,
                inside: place.inside(run),
                accumulators: "UNROLL for (int i = 0; i < \(run); ++i) sums_[i] = sums[r * \(pitch) + q + i]",
                condition: place.condition)
            guard let runs else { continue }
            functions = runs.functions
            guard runs.words > 0, runs.turns * runs.words <= 16 else {
                words = nil
                fetch = { _, _ in [] }
                statements = runs.statements
                return
            }
            words = "uint32_t words[2][\(runs.turns)][\(runs.words)];"
            fetch = { half, edge in
                ["{ const int thread = lane; const \(frame.integer) edge = \(edge);"] + runs.fetch("words[\(half)]")
                    + ["}"]
            }
            statements = runs.finish("words[part % 2]")
            return
        }
        let plain = frame.finishing(
            epilogue, stores, over: axes, count: 16 * chunk, threads: 32,
            point: ["const int r = e / \(chunk), q = e % \(chunk);"] + place.point, arguments: place.arguments,
            inside: place.inside(1), accumulator: "sums[r * \(pitch) + q]", condition: place.condition)
        functions = plain.functions
        words = nil
        fetch = { _, _ in [] }
        statements = plain.statements
    }

    /// Statements that finish a tile of so many columns from `first` on, whose sums are the array `c`, four for each eight columns.
    func finish(columns: Int, first: String, integer: String) -> [String] {
        let parts = (columns + Self.chunk - 1) / Self.chunk
        var lines = ["UNROLL for (int part = 0; part < \(parts); ++part) {"]
        // What the next chunk needs is on its way while this one is computed.
        let next = fetch("(part + 1) % 2", "\(first) + (part + 1) * \(Self.chunk)")
        if !next.isEmpty { lines += ["if (part + 1 < \(parts)) {"] + next + ["}"] }
        lines += ["const \(integer) edge = \(first) + part * \(Self.chunk);", "WARP_BARRIER;"]
        let each = columns % Self.chunk == 0 ? "" : "if (part * \(Self.chunk) + j * 8 < \(columns)) "
        lines += [
            "UNROLL for (int j = 0; j < \(Self.chunk / 8); ++j) \(each)UNROLL for (int e = 0; e < 4; ++e)",
            "sums[(lane / 4 + e / 2 * 8) * \(Self.pitch) + j * 8 + lane % 4 * 2 + e % 2] = "
                + "c[(part * \(Self.chunk / 8) + j) * 4 + e];",
            "WARP_BARRIER;", "{ const int thread = lane;",
        ]
        return lines + statements + ["}", "}"]
    }
}
