import KernelIR

/// Tiles of weights that blocks take as they have room for them, on their way through a ring in each block's shared memory.
///
/// A product of few rows takes as long as reading its weights, if memory never idles: not while a kernel ends and the next one
/// begins, and not while some blocks have more to do than others. So one thread of a block only asks, by bulk copies (PTX ISA,
/// `cp.async.bulk`), as far ahead as the ring is long, and begins before the kernel waits for the one before it; tiles beyond those
/// go to whichever block asks next, as two of the next kernel's blocks may lie on one processor and none on another; and what is made
/// of the sums is computed by a warp that does nothing else, so that those that multiply never wait for memory.
///
/// Threads of a block: `warps` warps that multiply, one that asks and one that finishes. Numbers of tiles come from a counter that is
/// first used after the kernel has waited, so that launches that follow one another may share it.
struct SIMTDealtRing {
    let product: SIMTProduct
    /// Columns of the right operand of a tile.
    let width: Int
    /// Parts of a tile; each takes a stage of the ring.
    let parts: Int
    /// Stages of the ring.
    let stages: Int
    /// Bytes of a stage, a multiple of 128.
    let stageBytes: Int
    /// Warps that multiply.
    let warps: Int
    /// Bytes of shared memory that those keep for themselves, a multiple of 128, from `besidePlace` on.
    var besideBytes = 0

    /// 32-bit words that blocks count in.
    static let counters = 2
    /// What the count of a block's last lot is more than its tiles.
    private static let last = 1 << 16

    private var gates: Int { product.gates }
    private var rows: Int { product.rows ?? 1 }
    /// Tiles of all blocks.
    var tiles: Int { ((product.columns ?? 0) + width - 1) / width }
    /// Blocks, one for each processor.
    var blocks: Int { min(max(1, product.target.multiprocessors), tiles) }
    /// Threads of a block.
    var threads: Int { (warps + 2) * 32 }
    /// Sums of a tile, and results.
    private var tileSums: Int { width * rows }
    private var results: Int { width / gates * rows }
    /// Tiles of a lot, which are finished together: one result for each thread of a warp.
    private var together: Int { max(1, 32 / results) }
    /// Tiles that a block has without asking: as many as the ring holds, and the one with which it is full.
    private var fixed: Int { stages / parts + 1 }

    /// Bytes of shared memory that every block takes beyond what it asks for (CUDA C++ Programming Guide, compute capability 9.0).
    private static let reserved = 1024

    /// Bytes of shared memory of a block beside which one of more than half of a processor's has room.
    static func mostBeside(_ target: SIMTTarget) -> Int { (target.sharedBytes + reserved) / 2 - reserved - 256 }

    /// How a kernel whose blocks need `sharedBytes` is launched, by turns with its neighbours: its blocks shall lie on all processors, one
    /// on each, and begin to read while those of the kernel before still run. Where two of one kernel had room, 132 blocks began on
    /// 80 to 98 processors of an H200, and a product of 4096 by 28672 took 56 to 67 µs instead of 53. So of every two kernels
    /// one takes more than half of the shared memory, the other more than half of the registers: threads of at most 64 registers that
    /// end at once.
    func footprints(
        sharedBytes: Int
    ) -> (first: EmittedKernel.Grid.Footprint, second: EmittedKernel.Grid.Footprint) {
        let half = (product.target.sharedBytes + Self.reserved) / 2
        return (
            .init(threads: threads, sharedBytes: max(sharedBytes, (half - Self.reserved) / 128 * 128 + 128)),
            // Beside 168 registers of four warps: attention over a cache (`SIMTDecodeWriter`).
            .init(threads: 21 * 32, sharedBytes: sharedBytes)
        )
    }

    // Shared memory: the ring, what warps keep, sums of warps of two lots and over rows, numbers of tiles, barriers.
    /// Where what warps keep begins, in bytes from the arena's begin.
    var besidePlace: Int { stages * stageBytes }
    private var foldsPlace: Int { besidePlace + besideBytes }
    private var lotFloats: Int { together * tileSums * warps }
    private var rowSumsPlace: Int { foldsPlace + 2 * lotFloats * 4 }
    private var idsPlace: Int { rowSumsPlace + product.rowSums.count * rows * warps * 4 }
    private var barriersPlace: Int { (idsPlace + (stages + 2 * together + 2) * 4 + 7) / 8 * 8 }
    /// Bytes of shared memory from the arena's begin.
    var sharedBytes: Int { (barriersPlace + (2 * stages + 6) * 8 + 127) / 128 * 128 }

    /// Barriers: a stage is full, or free; of a lot the tiles are known, the sums are there, or have been read.
    private enum Barrier { case full, free, known, summed, read }

    private func barrier(_ kind: Barrier, _ number: String) -> String {
        let first =
            switch kind {
            case .full: 0
            case .free: stages
            case .known: 2 * stages
            case .summed: 2 * stages + 2
            case .read: 2 * stages + 4
            }
        return "barriers + \(first * 8) + (\(number)) * 8"
    }

    /// Statements that begin a kernel, of all threads.
    var begin: [String] {
        func starts(_ kind: Barrier, _ arrivals: Int) -> String { "barrier_begin(\(barrier(kind, "i")), \(arrivals));" }
        return [
            "OVERLAP_BEGIN;", "extern __shared__ __align__(128) unsigned char arena[];",
            "const int thread = THREAD, lane = thread % 32, warp = thread / 32;",
            "const uint32_t ring = (uint32_t)__cvta_generic_to_shared(arena), barriers = ring + \(barriersPlace);",
            "float *const folds = (float *)(arena + \(foldsPlace)), *const rowSums = (float *)(arena + \(rowSumsPlace));",
            "int *const ids = (int *)(arena + \(idsPlace)), *const numbers = ids + \(stages), *const counts = numbers + \(2 * together);",
            "(void)folds; (void)rowSums;", "if (thread == 0) {",
            "for (int i = 0; i < \(stages); ++i) { \(starts(.full, 1)) \(starts(.free, warps)) }",
            "for (int i = 0; i < 2; ++i) { \(starts(.known, 1)) \(starts(.summed, warps)) \(starts(.read, 1)) }",
            "BARRIERS_BEGUN; }", "BARRIER;", "if (warp >= \(warps + 2)) return;",
        ]
    }

    /// Statements of the warp that asks. `copy` copies part `part` of tile `tile` to `to`, its bytes counted at the barrier `at`;
    /// `bytes` is the text of how many those are.
    func ask(bytes: String, copy: [String]) -> [String] {
        let take = "taken = atomicAdd(counters, 1);"
        return [
            "if (warp == \(warps)) {", "if (lane != 0) return;",
            "int stage = 0, parity = 1, done = 0, held = 0, lot = 0, tile = BLOCK;",
            "KEEP_LOOP for (int number = 1; ; ++number) {",
            "const int half = lot % 2;",
            "if (held == 0 && lot >= 2) barrier_wait(\(barrier(.read, "half")), lot / 2 % 2 ^ 1);",
            "if (tile >= \(tiles)) break;", "numbers[half * \(together) + held] = tile;",
            // The next number is on its way while this tile is asked for: nothing may use it before.
            "int taken = 0;", "if (number > \(fixed)) \(take)",
            "KEEP_LOOP for (int part = 0; part < \(parts); ++part) {",
            "if (done == \(stages)) { OVERLAP_WAIT; \(take) }",
            "if (done >= \(stages)) barrier_wait(\(barrier(.free, "stage")), parity);",
            "if (part == 0) ids[stage] = tile;",
            "const uint32_t to = ring + stage * \(stageBytes), at = \(barrier(.full, "stage"));",
            "barrier_expect(at, \(bytes));",
        ] + copy + [
            "++done; if (++stage == \(stages)) { stage = 0; parity ^= 1; } }",
            "if (++held == \(together)) { counts[half] = held; barrier_arrive(\(barrier(.known, "half"))); held = 0; ++lot; }",
            "tile = number < \(fixed) ? tile + \(blocks) : \(fixed * blocks) + taken; }",
            "counts[lot % 2] = held + \(Self.last); barrier_arrive(\(barrier(.known, "lot % 2")));",
            "if (done >= \(stages)) barrier_wait(\(barrier(.free, "stage")), parity);",
            "ids[stage] = -1; barrier_arrive(\(barrier(.full, "stage")));",
            // No block asks for a number any more when all have come here; one that never filled its ring has not waited yet.
            "OVERLAP_WAIT; if (count_up(counters + 1) == \(blocks - 1)) { counters[0] = 0; counters[1] = 0; }",
            "return; }",
        ]
    }

    /// Statements of the warps that multiply: for every tile `clear`, then for each of its parts (a constant `part` where `isUnrolled`)
    /// `read`, which takes what it needs from `stage_` (a pointer), and `multiply`; at last `fold`, which stores every sum of a
    /// tile, `[column][row]`, once for each warp, at `fold[sum * warps]`.
    func multiply(isUnrolled: Bool, clear: [String], read: [String], multiply: [String], fold: [String]) -> [String] {
        let isSummed = "WARP_BARRIER; if (lane == 0) barrier_arrive(\(barrier(.summed, "lot % 2")));"
        return [
            "int stage = 0, parity = 0, held = 0, lot = 0;", "KEEP_LOOP for (;;) {",
            "barrier_wait(\(barrier(.full, "stage")), parity);", "if (ids[stage] < 0) break;",
            "if (held == 0 && lot >= 2) barrier_wait(\(barrier(.read, "lot % 2")), lot / 2 % 2 ^ 1);",
        ] + clear + [
            "\(isUnrolled ? "UNROLL" : "KEEP_LOOP") for (int part = 0; part < \(parts); ++part) {",
            parts > 1 ? "if (part > 0) barrier_wait(\(barrier(.full, "stage")), parity);" : "",
            "const unsigned char *const stage_ = arena + stage * \(stageBytes);",
        ] + read + [
            "WARP_BARRIER; if (lane == 0) barrier_arrive(\(barrier(.free, "stage")));",
            "if (++stage == \(stages)) { stage = 0; parity ^= 1; }",
        ] + multiply + [
            "}", "float *const fold = folds + lot % 2 * \(lotFloats) + held * \(tileSums * warps) + warp;",
        ] + fold + [
            "if (++held == \(together)) { \(isSummed) held = 0; ++lot; }", "}", "if (held > 0) { \(isSummed) }",
            "return;",
        ]
    }

    /// Statements by which a warp hands over what its threads summed over rows, `c[sum][row]`.
    func handOver(_ c: String) -> [String] {
        guard !product.rowSums.isEmpty else { return [] }
        let count = product.rowSums.count * rows
        return [
            "UNROLL for (int i = 0; i < \(count); ++i) { float sum = \(c)[i];",
            "UNROLL for (int other = 16; other > 0; other /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, other);",
            "if (lane == 0) rowSums[i * \(warps) + warp] = sum; }",
        ]
    }

    /// Statements of the warp that finishes; `factor` is what a column's sum is multiplied by.
    func finish(_ finish: SIMTFrame.ReadyEpilogue, integer: String, factor: ((_ column: String) -> String)? = nil)
        -> [String]
    {
        let count = product.columns ?? 0
        func joined(_ name: String, _ from: String) -> String {
            "float \(name) = 0; UNROLL for (int w = 0; w < \(warps); ++w) \(name) += \(from)[w];"
        }
        let column = "(column * \(gates) + %)"
        var sums = (0..<gates).map { gate in
            joined(
                "sum\(gate)",
                "(folds + half * \(lotFloats) + (own * \(tileSums) + (q * \(gates) + \(gate)) * \(rows) + m) * \(warps))"
            )
                + (factor.map { " sum\(gate) *= \($0(column.replacing("%", with: "\(gate)")));" } ?? "")
        }
        sums += product.rowSums.indices.map { joined("sum\(gates + $0)", "(rowSums + (\($0 * rows) + m) * \(warps))") }
        let names = (0..<product.sums).map { "sum\($0)" }
        let read = finish.read(["0", "m", "column"])
        return [
            "OVERLAP_WAIT;", "KEEP_LOOP for (int lot = 0; ; ++lot) {", "const int half = lot % 2;",
            "barrier_wait(\(barrier(.known, "half")), lot / 2 % 2);", "const int all = counts[half];",
            "KEEP_LOOP for (int first = 0; first < \(max(32, results)); first += 32) {",
            "const int place = first + lane < all % \(Self.last) * \(results) ? first + lane : -1;",
            "const int own = place < 0 ? 0 : place / \(results), inside = place < 0 ? 0 : place % \(results);",
            "const int q = inside / \(rows), m = inside % \(rows);",
            "\(integer) column = place < 0 ? 0 : numbers[half * \(together) + own] * \(width / gates) + q;",
            "const bool isThere = place >= 0 && column < \(count / gates);", "if (!isThere) column = 0;",
        ] + finish.declarations + [
            // Reads are under way while the last sums are made; threads without a result read one that is there.
            read,
            "if (first == 0 && all % \(Self.last) > 0) barrier_wait(\(barrier(.summed, "half")), lot / 2 % 2);",
        ] + sums + [
            "if (isThere) { \(finish.finish(["0", "m", "column"], names)) }", "}",
            "WARP_BARRIER; if (lane == 0) barrier_arrive(\(barrier(.read, "half")));",
            "if (all >= \(Self.last)) break;", "}",
        ]
    }
}
