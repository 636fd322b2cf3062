import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Where products on matrix units start from, on a device of 132 processors.
@Suite struct MatrixDefaultTests {
    /// Rows, columns and summed elements; whether they are windows; then the tile by its rows and columns, stages and parts.
    private typealias Row = (
        rows: Int, columns: Int, depth: Int, isWindow: Bool, tile: (Int, Int), stages: Int, parts: Int
    )

    private static let rows: [Row] = [
        // BERT-large at one sentence: out of its heads, queries with keys and values, up and down.
        (128, 1024, 1024, false, (64, 64), 8, 2), (128, 3072, 1024, false, (64, 64), 6, 2),
        (128, 4096, 1024, false, (64, 64), 6, 2), (128, 1024, 4096, false, (64, 64), 4, 8),
        // ViT-B/16: out of its heads, and down.
        (197, 768, 768, false, (64, 64), 6, 2), (197, 768, 3072, false, (64, 64), 6, 4),
        // Sums too short to be split, and no matter how long where there is work enough.
        (196, 1024, 256, false, (64, 64), 6, 1), (512, 4096, 4096, false, (128, 128), 6, 1),
        // MobileNetV2: little work has narrow tiles, all slices at once, and is split late.
        (196, 384, 64, false, (64, 32), 4, 1), (49, 960, 160, false, (64, 32), 8, 1),
        (49, 160, 960, false, (64, 32), 8, 4),
        (3136, 16, 96, false, (64, 64), 6, 1),
        // ResNet-50: few rows and columns with long sums have small tiles; windows are split further.
        (196, 256, 1024, false, (16, 64), 4, 8), (784, 128, 1152, true, (64, 64), 6, 8),
        (128, 1024, 1024, true, (64, 64), 6, 8),
    ]

    @Test(arguments: rows.indices) func startsFrom(_ number: Int) {
        let row = Self.rows[number]
        let start = SIMTMatrixDefault(
            rows: row.rows, columns: row.columns, depth: row.depth, batches: 1, isCountable: true,
            isWindow: row.isWindow, CubinTarget.target("sm_90a"))
        let tile = SIMTMatrixWriter.tiles[start.tile]
        #expect(tile.rows == row.tile.0 && tile.columns == row.tile.1)
        #expect(start.stages == row.stages)
        #expect(start.parts == row.parts)
    }

    /// Factors that may be rounded are where sums are long; short ones are limited by memory, and stay in three parts.
    @Test(arguments: [(64, 15), (127, 15), (128, 16), (512, 16)]) func shortSumsAreNotRounded(_ depth: Int, _ form: Int)
    {
        let product = Product(images: 4096, channels: depth, outputs: 256, factors: .tf32)
        let choices = SIMTEmitter(CubinTarget.target("sm_90a")).choices(product.kernel)
        #expect(choices.first { $0.name == "algorithm" }?.values.first { [15, 16].contains($0) } == form)
    }

    /// Sizes that are known at run time are not split.
    @Test func whatIsNotCountedIsNotSplit() {
        let start = SIMTMatrixDefault(
            rows: 128, columns: 1024, depth: 4096, batches: 1, isCountable: false, isWindow: false,
            CubinTarget.target("sm_90a"))
        #expect(start.parts == 1)
    }
}
