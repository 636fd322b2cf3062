/// Which tile, stages and parts a product on matrix units starts from.
struct SIMTMatrixDefault {
    /// Place in `SIMTMatrixWriter.tiles`.
    let tile: Int
    /// Slices of both operands in shared memory.
    let stages: Int
    /// Blocks that share the sums of a tile.
    let parts: Int

    private init(_ choice: (tile: Int, stages: Int, parts: Int)) { (tile, stages, parts) = choice }

    /// For `batches` products of `rows` × `columns` over `depth` elements; parts are 1 where sizes are not known.
    ///
    /// The numbers are those of sweeps on an H200 over layers of BERT, ViT, Llama, Whisper and ResNet-50: 190 to 260 blocks of
    /// 64 × 64 are the best while there is not work for more, then the largest tile of which there are 90 at least. How far sums are split, but
    /// for those over windows (`isWindow`), is what the search of a whole BERT-large found
    /// (`Benchmarks/results/2026-11-22-h200-ninth.md`): joining costs as much as 200 to 600 summed elements take, less where blocks are few.
    init(
        rows: Int, columns: Int, depth: Int, batches: Int, isCountable: Bool, isWindow: Bool,
        _ target: SIMTTarget
    ) {
        guard target.hasGroupUnits, rows > 32 else {
            self = Self.ofWarps(rows, columns, depth, batches, isCountable, target)
            return
        }
        func blocks(_ place: Int) -> Int { Self.blocks(SIMTMatrixWriter.tiles[place], rows, columns, batches) }
        let (square, few) = (SIMTMatrixWriter.place(64, 64), 2 * target.multiprocessors)
        guard blocks(square) <= few else {
            let large = [(128, 256), (128, 128), (128, 64)].first { tile in
                columns >= tile.1 && blocks(SIMTMatrixWriter.place(tile.0, tile.1)) >= target.multiprocessors * 2 / 3
            }
            let tile = large.map { SIMTMatrixWriter.place($0.0, $0.1) } ?? square
            self.init((tile, Self.stages(tile, resident: 1, target), 1))
            return
        }
        if isCountable, !isWindow, columns > 16, rows * columns * depth * batches <= Self.littleWork {
            self = Self.ofLittleWork(depth)
            return
        }
        func parts(_ isWorthIt: (_ parts: Int) -> Bool) -> Int {
            var parts = 1
            while isCountable, parts < 8, blocks(square) * parts * 2 <= few, isWorthIt(parts * 2) { parts *= 2 }
            return parts
        }
        let most = parts { depth / $0 >= 128 }
        let narrow = 6
        if most == 8, blocks(square) * most <= target.multiprocessors, blocks(narrow) * most > target.multiprocessors {
            self.init((narrow, 4, most))
        } else if isWindow {
            self.init((square, Self.stages(square, resident: 2, target), most))
        } else {
            let parts = parts { depth / $0 >= Self.leastDepth($0, blocks: blocks(square) * $0, target) }
            let formed = blocks(square) * parts
            // Three blocks a processor: 8.3 µs for 10.0 with two (128 × 1024 × 4096, H200); presumably clusters of eight find no place.
            let isCrowded = parts == 8 && formed > target.multiprocessors
            // Alone on its processor, with eight slices and more to read, a block has use for eight stages.
            let isAlone = 2 * formed <= target.multiprocessors && depth / parts >= 8 * SIMTMatrixWriter.slice
            let stages = isCrowded ? 4 : isAlone && Self.fits(square, 8, resident: 1, target) ? 8 : nil
            self.init((square, stages ?? Self.stages(square, resident: 2, target), parts))
        }
    }

    /// Products of so many multiplications and fewer take as long as their longest chain of steps, not as their work.
    private static let littleWork = 1 << 25

    /// More and narrower blocks with all their slices under way at once, and sums split late: what searches of MobileNetV2 at one image found
    /// for nearly all of its products, in 0.55 to 0.9 of the time of squares each (`Benchmarks/results/2026-11-23-h200-twelfth.md`).
    private static func ofLittleWork(_ depth: Int) -> Self {
        Self((SIMTMatrixWriter.place(64, 32), depth <= 2 * SIMTMatrixWriter.slice ? 4 : 8, depth >= 576 ? 4 : 1))
    }

    /// Summed elements that are worth a part of their own, one of so many, where so many blocks result.
    private static func leastDepth(_ parts: Int, blocks: Int, _ target: SIMTTarget) -> Int {
        if 2 * blocks <= target.multiprocessors { return 128 }
        return parts == 2 ? 192 : parts == 4 ? 448 : 512
    }

    /// Whether a processor holds so many blocks of a tile with so many stages.
    private static func fits(_ tile: Int, _ stages: Int, resident: Int, _ target: SIMTTarget) -> Bool {
        (SIMTMatrixWriter.sharedBytes(SIMTMatrixWriter.tiles[tile], stages: stages) + 2048) * resident
            <= target.sharedBytes
    }

    /// As many stages, up to six, as leave room for so many blocks on a processor.
    private static func stages(_ tile: Int, resident: Int, _ target: SIMTTarget) -> Int {
        [6, 5, 4].first { fits(tile, $0, resident: resident, target) } ?? 3
    }

    /// Few rows, or warps alone. Small tiles where large ones would leave processors without work; 64 × 64 was the best
    /// elsewhere (measured, H200).
    private static func ofWarps(
        _ rows: Int, _ columns: Int, _ depth: Int, _ batches: Int, _ isCountable: Bool, _ target: SIMTTarget
    ) -> Self {
        let table = SIMTMatrixWriter.tiles
        let narrow = rows <= 16 ? 6 : rows <= 32 ? 4 : 2
        let isSmall = rows > 32 && blocks(table[2], rows, columns, batches) < target.multiprocessors
        let tile = isSmall ? 5 : narrow
        let formed = blocks(table[tile], rows, columns, batches)
        var parts = 1
        while isCountable, parts < 8, formed * parts * 2 <= target.multiprocessors * 4, depth / (parts * 2) >= 128 {
            parts *= 2
        }
        // What parts do not share keeps more slices under way: 14.4 µs for 15.4 (4 × 11008 × 2048 in two parts, H200).
        let isWide = rows <= 16 && parts <= 2 && depth / parts >= 1024 && fits(narrow, 5, resident: 2, target)
        return Self((tile, isWide ? 5 : 3, parts))
    }

    private static func blocks(_ tile: SIMTMatrixWriter.Tile, _ rows: Int, _ columns: Int, _ batches: Int) -> Int {
        ((rows + tile.rows - 1) / tile.rows) * ((columns + tile.columns - 1) / tile.columns) * batches
    }
}
