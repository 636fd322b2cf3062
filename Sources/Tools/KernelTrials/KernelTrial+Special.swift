import ElementTypes
import KernelIR

/// Products by specialised warps: odd sizes, and layers of models with many rows.
extension KernelTrial {
    private static func special(_ span: Int, _ depths: Int, _ cluster: Int, _ stay: Int) -> Schedule {
        Schedule(["algorithm": 6, "span": span, "depths": depths, "cluster": cluster, "stay": stay])
    }

    static let oddSpecial: [KernelTrial] = {
        let schedules = (0..<13).flatMap { span in
            [special(span, 3, 1, 0), special(span, 2, 2, 1), special(span, 3, 4, 1)]
        }
        var trials: [KernelTrial] = []
        for (m, k, n) in [(70, 136, 90), (129, 328, 257), (700, 520, 800)] {
            for hasPrologue in [false, true] {
                trials.append(
                    product(
                        "special product \(m)x\(k)x\(n)\(hasPrologue ? " gated" : "")",
                        TrialShapes.product(m, k, n, .bf16, hasPrologue: hasPrologue), .bf16, schedules))
            }
        }
        for (side, channels, outputs, window, stride) in [(9, 16, 80, 3, 1), (14, 64, 96, 3, 2)] {
            trials.append(
                product(
                    "special convolution \(side) \(channels)-\(outputs) w\(window) s\(stride)",
                    TrialShapes.convolution(2, side, channels, outputs, window: window, stride: stride, .f16), .f16,
                    schedules))
        }
        return trials
    }()

    private static let manyRows: [Schedule] = [1, 2, 4].flatMap { cluster in
        [(0, 4), (1, 5), (2, 6), (3, 5), (4, 5), (5, 6), (6, 7), (7, 8), (8, 8), (9, 3), (10, 4), (11, 5), (12, 6)].map
        {
            special($0.0, $0.1, cluster, 1)
        }
    }

    /// Layers of Llama-3.1-8B at 512 rows, of BERT-large at 8 × 512, of Whisper's encoder, and of ResNet-50 at 32 images.
    static let special: [KernelTrial] =
        [
            (512, 4096, 6144), (512, 4096, 4096), (512, 4096, 28672), (512, 14336, 4096), (4096, 1024, 3072),
            (4096, 1024, 1024), (4096, 1024, 4096), (4096, 4096, 1024), (1500, 1280, 1280), (1500, 1280, 5120),
            (1500, 5120, 1280),
        ].map { m, k, n in
            product("special \(m)x\(k)x\(n)", TrialShapes.product(m, k, n, .bf16), .bf16, manyRows, isTimed: true)
        }
        + [
            (32, 56, 64, 64, 3), (32, 28, 128, 128, 3), (32, 14, 256, 256, 3), (32, 7, 512, 512, 3),
            (32, 56, 64, 256, 1),
            (32, 14, 1024, 256, 1),
        ].map { images, side, channels, outputs, window in
            product(
                "special convolution \(images)x\(side)x\(channels)-\(outputs) w\(window)",
                TrialShapes.convolution(images, side, channels, outputs, window: window, stride: 1, .f16), .f16,
                [Schedule(["algorithm": 3, "tile": 13, "stages": 4, "parts": 1])]
                    + [
                        special(0, 4, 2, 1), special(2, 6, 1, 1), special(2, 6, 2, 1), special(3, 4, 2, 1),
                        special(5, 6, 2, 1),
                        special(7, 8, 1, 1), special(7, 8, 2, 1), special(10, 4, 1, 1), special(10, 4, 2, 1),
                        special(12, 6, 1, 1), special(12, 6, 2, 1),
                    ], isTimed: true)
        }
}
