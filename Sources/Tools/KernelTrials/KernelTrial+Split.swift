import ElementTypes
import KernelIR

/// Products and convolutions of f32 on matrix units, in parts.
extension KernelTrial {
    private static func split(_ tile: Int, _ stages: Int, _ parts: Int = 1) -> Schedule {
        Schedule(["algorithm": 15, "tile": tile, "stages": stages, "parts": parts])
    }

    /// All tiles, with all that fits of them under way.
    private static let tiles: [Schedule] = [
        split(0, 3), split(0, 4), split(0, 2), split(1, 3), split(1, 4), split(2, 3), split(2, 4), split(3, 3),
        split(3, 4), split(4, 4), split(5, 4), split(17, 3), split(17, 4), split(18, 4),
    ]
    private static func rounded(_ tile: Int, _ stages: Int, _ parts: Int = 1) -> Schedule {
        Schedule(["algorithm": 16, "tile": tile, "stages": stages, "parts": parts])
    }
    private static let roundedTiles: [Schedule] =
        (0..<7).flatMap { tile in [2, 3, 4].map { rounded(tile, $0) } } + [rounded(2, 3, 2), rounded(2, 3, 4)]
    private static let libraries: [Schedule] = [0, 1, 2].flatMap { proposal in
        [Schedule(["algorithm": 5, "proposal": proposal])]
    }
    private static let convolutionLibraries: [Schedule] = [0, 1, 2].flatMap { proposal in
        [0, 1].map { Schedule(["algorithm": 9, "proposal": proposal, "fusion": $0]) }
    }

    /// Multiply-adds, and a vendor's library.
    private static let others: [Schedule] =
        [Schedule(["algorithm": 1, "threadTile": 8, "parts": 1])]
        + [0, 1, 2].map { Schedule(["algorithm": 5, "proposal": $0]) }

    /// Odd shapes: all operands, all tiles, sums that blocks share.
    static let oddSplits: [KernelTrial] =
        [(16, 520, 130), (70, 136, 90), (129, 328, 257), (65, 77, 40)].flatMap { m, k, n in
            [false, true].map { hasPrologue in
                product(
                    "f32 product \(m)x\(k)x\(n)\(hasPrologue ? " gated" : "")",
                    TrialShapes.product(m, k, n, .f32, hasPrologue: hasPrologue), .f32,
                    tiles + [split(6, 3), split(2, 3, 2), split(2, 2, 4), split(0, 3, 16)])
            }
        } + [
            product(
                "f32 product of activations", TrialShapes.product(65, 72, 130, .f32, isConstant: false), .f32,
                [split(2, 3), split(1, 3, 2)]),
            product(
                "f32 product turned", TrialShapes.linear(70, 77, 136, .f32, isTurned: true), .f32,
                tiles + [split(6, 3), split(2, 3, 2)]),
        ]
        + [(9, 16, 40, 3, 1), (14, 64, 96, 3, 2), (7, 8, 33, 1, 1), (12, 3, 24, 5, 2)].map {
            side, channels, outputs, window, stride in
            product(
                "f32 convolution \(side) \(channels)-\(outputs) w\(window) s\(stride)",
                TrialShapes.convolution(2, side, channels, outputs, window: window, stride: stride, .f32), .f32,
                [split(0, 3), split(2, 3), split(2, 3, 2), split(5, 4), split(6, 3, 4)])
        }

    /// Large products, and convolutions in two and in three dimensions.
    static let splits: [KernelTrial] =
        [(1024, 1024, 1024), (2048, 2048, 2048), (4096, 4096, 4096), (8192, 1024, 8192)].map { m, k, n in
            product(
                "f32 layer \(m)x\(k)x\(n)", TrialShapes.linear(m, k, n, .f32), .f32,
                tiles + (m == 1024 ? [split(0, 3, 2), split(0, 3, 4), split(2, 3, 2), split(2, 3, 4)] : []) + others,
                isTimed: true)
        }
        + [(4096, 4096, 4096), (8192, 2048, 1024)].map { m, k, n in
            product(
                "f32 layer turned \(m)x\(k)x\(n)", TrialShapes.linear(m, k, n, .f32, isTurned: true), .f32,
                tiles + others, isTimed: true)
        }
        + [(64, 56, 64, 64), (32, 14, 256, 256), (1, 14, 256, 256)].map { images, side, channels, outputs in
            product(
                "f32 windows \(images)x\(side)x\(channels)-\(outputs)",
                TrialShapes.convolution(images, side, channels, outputs, window: 3, stride: 1, .f32), .f32,
                tiles + [split(2, 3, 2), split(2, 3, 4)] + others, isTimed: true)
        } + [
            product(
                "f32 volumes 8x16x64x64x32-64", TrialShapes.volumes(8, 16, 64, 32, 64, .f32), .f32, tiles + others,
                isTimed: true)
        ]

    /// Odd shapes, and the layers of `splits`, by factors that may be rounded to TF32.
    static let roundings: [KernelTrial] =
        [(16, 520, 130), (70, 136, 90), (129, 328, 257)].flatMap { m, k, n in
            [false, true].map { hasPrologue in
                rounding(
                    "tf32 product \(m)x\(k)x\(n)\(hasPrologue ? " gated" : "")",
                    relaxed(TrialShapes.product(m, k, n, .f32, hasPrologue: hasPrologue)),
                    [0, 1, 2, 3, 4, 5, 6].map { rounded($0, 3) } + [rounded(2, 3, 2)] + libraries)
            }
        }
        + [(9, 16, 40, 3, 1), (14, 64, 96, 3, 2), (12, 3, 24, 5, 2)].map { side, channels, outputs, window, stride in
            rounding(
                "tf32 convolution \(side) \(channels)-\(outputs) w\(window) s\(stride)",
                relaxed(TrialShapes.convolution(2, side, channels, outputs, window: window, stride: stride, .f32)),
                [rounded(0, 3), rounded(2, 3), rounded(2, 3, 2), rounded(5, 4)] + convolutionLibraries)
        }
        + [(1024, 1024, 1024), (4096, 4096, 4096), (8192, 1024, 8192)].map { m, k, n in
            rounding(
                "tf32 layer \(m)x\(k)x\(n)", relaxed(TrialShapes.linear(m, k, n, .f32)),
                roundedTiles + libraries, isTimed: true)
        }
        + [(64, 56, 64, 64), (32, 14, 256, 256), (1, 14, 256, 256)].map { images, side, channels, outputs in
            rounding(
                "tf32 windows \(images)x\(side)x\(channels)-\(outputs)",
                relaxed(TrialShapes.convolution(images, side, channels, outputs, window: 3, stride: 1, .f32)),
                roundedTiles + convolutionLibraries, isTimed: true)
        } + [
            rounding(
                "tf32 volumes 8x16x64x64x32-64", relaxed(TrialShapes.volumes(8, 16, 64, 32, 64, .f32)),
                roundedTiles, isTimed: true)
        ]

    private static func rounding(
        _ name: String, _ kernel: Kernel, _ schedules: [Schedule], isTimed: Bool = false
    ) -> KernelTrial {
        KernelTrial(name, kernel, plain: Schedule(["algorithm": 0]), schedules, tolerance: 0x1p-9, isTimed: isTimed)
    }

    /// The kernel with factors that may be rounded.
    private static func relaxed(_ kernel: Kernel) -> Kernel {
        guard case .contraction(var body) = kernel.body else { return kernel }
        var kernel = kernel
        body.factors = .tf32
        kernel.body = .contraction(body)
        return kernel
    }
}
