import ElementTypes
import KernelIR

extension KernelTrial {
    private static func triton(_ tile: Int, _ stages: Int, _ parts: Int = 1) -> Schedule {
        Schedule(["algorithm": 4, "tritonTile": tile, "tritonStages": stages, "parts": parts])
    }

    private static func matrix(_ tile: Int, _ stages: Int, _ parts: Int = 1) -> Schedule {
        Schedule(["algorithm": 3, "tile": tile, "stages": stages, "parts": parts])
    }

    private static let library = [0, 1, 2, 3].map { Schedule(["algorithm": 5, "proposal": $0]) }

    /// Odd shapes in Triton, and by a vendor's library.
    static let oddTriton: [KernelTrial] = {
        var trials: [KernelTrial] = []
        for element in [ElementType.bf16, .f16] {
            for (m, k, n) in [(16, 520, 136), (70, 136, 90), (129, 328, 257)] {
                for hasPrologue in [false, true] {
                    trials.append(
                        product(
                            "triton \(m)x\(k)x\(n) \(element)\(hasPrologue ? " gated" : "")",
                            TrialShapes.product(m, k, n, element, hasPrologue: hasPrologue), element,
                            (0..<14).map { triton($0, $0 == 5 || $0 == 9 ? 2 : 3) } + [
                                triton(0, 3, 2), triton(3, 3, 4),
                            ] + library))
                }
            }
        }
        trials.append(
            product(
                "triton of activations", TrialShapes.product(65, 72, 130, .bf16, isConstant: false), .bf16,
                [triton(0, 3), triton(4, 2, 2)] + library))
        for (side, channels, outputs, window, stride) in [(9, 16, 40, 3, 1), (14, 64, 96, 3, 2)] {
            trials.append(
                product(
                    "triton convolution \(side) \(channels)-\(outputs) w\(window) s\(stride)",
                    TrialShapes.convolution(2, side, channels, outputs, window: window, stride: stride, .f16), .f16,
                    [triton(0, 3), triton(2, 3), triton(6, 3, 2)]))
        }
        return trials
    }()

    /// Layers of BERT-large and ViT-B/16 at 128, 197, 512 and 4096 rows, and of Llama-3.1-8B at 512, in every form that there is.
    static let everyForm: [KernelTrial] = {
        let bert = [(1024, 3072), (1024, 1024), (1024, 4096), (4096, 1024)]
        let vit = [(768, 2304), (768, 768), (768, 3072), (3072, 768)]
        let llama = [(4096, 6144), (4096, 4096), (4096, 28672), (14336, 4096)]
        let shapes =
            [(128, bert), (512, bert), (4096, bert), (197, vit), (4096, vit), (512, llama)]
            .flatMap { rows, layers in layers.map { (rows, $0.0, $0.1) } }
        return shapes.map { m, k, n in
            product(
                "layer \(m)x\(k)x\(n)", TrialShapes.product(m, k, n, .bf16), .bf16,
                (m <= 256 ? fewRowsForms(depth: k) : manyRowsForms) + library, isTimed: true)
        }
    }()

    private static func fewRowsForms(depth: Int) -> [Schedule] {
        let deep = depth >= 3072
        return [
            matrix(5, 4, deep ? 4 : 1), matrix(4, 4, deep ? 4 : 1), matrix(2, 4, deep ? 4 : 2), matrix(1, 3, 1),
            triton(0, 4), triton(0, 4, 2), triton(0, 5, 4), triton(6, 4), triton(6, 4, 2), triton(7, 4),
            triton(7, 4, 2), triton(10, 4), triton(13, 4), triton(13, 5, 2), triton(1, 4), triton(2, 4, 2),
        ]
    }

    private static let manyRowsForms: [Schedule] =
        [matrix(0, 3), matrix(1, 3), matrix(3, 3), matrix(7, 3)]
        + [
            triton(0, 4), triton(1, 4), triton(2, 4), triton(3, 3), triton(3, 4), triton(4, 4), triton(5, 3),
            triton(5, 4),
            triton(8, 3), triton(9, 3), triton(9, 4), triton(3, 4, 2),
        ]
}
