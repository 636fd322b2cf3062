/// Which tile, stages and cluster a product by specialised warps starts from: the least time that a model of the kernel says, fitted to
/// sweeps on an H200 (`hearth trials --only special --time`; Benchmarks/results). Times are in µs.
struct SIMTSpecialisedDefault {
    /// Place in `SIMTSpecialisedWriter.tiles`.
    let tile: Int
    let stages: Int
    let cluster: Int

    /// For a product that `SIMTSpecialisedWriter.applies` to.
    init(_ product: SIMTProduct, isMasked: Bool) {
        let target = product.target
        let (rows, columns) = (product.rows ?? 0, product.columns ?? 0)
        let table = SIMTSpecialisedWriter.tiles
        let usable = table.indices.filter { Self.stages(table[$0], target) > 1 }
        // Where two are alike the first is taken.
        let best = usable.min {
            Self.time(table[$0], product, isMasked, rows, columns)
                < Self.time(table[$1], product, isMasked, rows, columns)
        }
        tile = best ?? 0
        stages = max(2, Self.stages(table[tile], target))
        cluster = (rows + table[tile].rows - 1) / table[tile].rows % 2 == 0 && !isMasked ? 2 : 1
    }

    /// As many stages, up to eight, as fit: beside a second block where a processor has registers for one.
    static func stages(_ tile: SIMTSpecialisedWriter.Tile, _ target: SIMTTarget) -> Int {
        let counts = [8, 7, 6, 5, 4, 3, 2]
        let isAlone = tile.groups > 1
        return counts.first {
            isAlone
                ? SIMTSpecialisedWriter.sharedBytes(tile, stages: $0) <= target.sharedBytes
                : SIMTSpecialisedWriter.residents(tile, stages: $0, target) > 1
        } ?? 1
    }

    private static func time(
        _ tile: SIMTSpecialisedWriter.Tile, _ product: SIMTProduct, _ isMasked: Bool, _ rows: Int, _ columns: Int
    ) -> Double {
        let tiles =
            (product.batches ?? 1) * ((rows + tile.rows - 1) / tile.rows)
            * ((columns + tile.columns - 1) / tile.columns)
        let turns = Double(((product.depth ?? 0) + SIMTSpecialisedWriter.slice - 1) / SIMTSpecialisedWriter.slice)
        let residents = tile.groups > 1 ? 1 : 2
        let processors = max(1, product.target.multiprocessors)
        let rounds = Double((tiles + processors * residents - 1) / (processors * residents))
        // Narrow tiles read shared memory more often for the same products.
        let rate: Double =
            switch tile.columns {
            case 192...: 1
            case 160..<192: 0.97
            case 128..<160: 0.83
            case 96..<128: 0.7
            default: 0.6
            }
        // 4096 operations a clock at 1.755 GHz, of which three quarters are reached.
        let multiplying = turns * Double(tile.rows * tile.columns) / 32 / 1755 / 0.75 / rate
        // Runs with masks are fetched no faster than this.
        let fetching = isMasked ? turns * 0.65 * Double(tile.rows) / 64 : 0
        let each = max(multiplying * Double(residents), fetching)
        let finishing = 4 * Double(tile.columns) / 256
        let groups = tile.takesTurns ? (rounds / 2).rounded(.up) : rounds
        return tile.takesTurns || residents > 1
            ? max(rounds * each + finishing, groups * (each / Double(residents) + finishing))
            : rounds * (each + finishing)
    }
}
