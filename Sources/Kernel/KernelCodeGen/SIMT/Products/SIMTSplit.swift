import ElementTypes

/// Sums of one tile that several blocks have part of: each leaves its accumulators in scratch memory; the last to arrive adds
/// them up, always in the same order, and goes on alone.
struct SIMTSplit {
    /// Blocks that share a tile.
    let parts: Int
    /// Accumulators of a thread.
    let count: Int
    /// Threads of a block.
    let threads: Int
    /// Number of tiles.
    let tiles: Int

    /// Scratch memory for all accumulators.
    var scratchBytes: Int { parts > 1 ? tiles * parts * threads * count * 4 : 0 }
    /// Words to count arrivals in.
    var counters: Int { parts > 1 ? tiles : 0 }

    /// Statements after which the accumulators (`c[0..<count]`) are whole, in the one block that goes on. `tile` and `part`
    /// are C texts; `scratch`, `counters` and `thread` are in scope.
    func join(tile: String, part: String) -> [String] {
        guard parts > 1 else { return [] }
        return [
            "{",
            "volatile GLOBAL float *const shares = (volatile GLOBAL float *)scratch + (int64_t)(\(tile)) * \(parts * threads * count);",
            "UNROLL for (int i = 0; i < \(count); ++i) "
                + "shares[((\(part)) * \(count) + i) * \(threads) + thread] = c[i];",
            "FENCE; BARRIER_ALL;",
            "if (thread == 0) arrived = count_up(counters + (\(tile)));",
            "BARRIER_ALL;",
            "if (arrived != \(parts - 1)) return;",
            "FENCE;",
            "if (thread == 0) counters[\(tile)] = 0;",
            "UNROLL for (int i = 0; i < \(count); ++i) c[i] = 0;",
            "for (int other = 0; other < \(parts); ++other)",
            "UNROLL for (int i = 0; i < \(count); ++i) "
                + "c[i] += shares[(other * \(count) + i) * \(threads) + thread];",
            "}",
        ]
    }

    /// Declarations that `join` needs at the start of the kernel.
    var declarations: [String] { parts > 1 ? ["SHARED int arrived;"] : [] }
}
