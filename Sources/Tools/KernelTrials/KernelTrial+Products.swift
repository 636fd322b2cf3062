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

    private static let convolutionLibrary = [(1, 0), (1, 1), (1, 2), (0, 0), (0, 1)].map {
        Schedule(["algorithm": 9, "fusion": $0.0, "proposal": $0.1])
    }

    /// Convolutions of ResNet-50 at one image and at 32, in every form that there is.
    static let everyConvolution: [KernelTrial] = [1, 32].flatMap { images in
        [
            (56, 64, 64, 3, 1), (56, 64, 256, 1, 1), (56, 128, 128, 3, 2), (56, 256, 512, 1, 2), (28, 128, 128, 3, 1),
            (14, 256, 256, 3, 1), (14, 1024, 256, 1, 1), (7, 512, 512, 3, 1),
        ].map { side, channels, outputs, window, stride in
            let few = [
                matrix(8, 4), matrix(8, 4, 4), matrix(9, 4, 2), matrix(9, 4, 8), matrix(12, 4), matrix(12, 4, 4),
                matrix(16, 6, 4), matrix(16, 6, 8),
            ]
            let many = [matrix(10, 4), matrix(12, 4), matrix(13, 4), matrix(13, 6), matrix(14, 3), matrix(14, 4)]
            return product(
                "image layer \(images)x\(side)x\(channels)-\(outputs) w\(window) s\(stride)",
                TrialShapes.convolution(images, side, channels, outputs, window: window, stride: stride, .f16), .f16,
                (images == 1 ? few : many) + convolutionLibrary + (window * stride == 1 ? [library[0]] : []),
                isTimed: true)
        }
    }

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
                    [triton(0, 3), triton(2, 3), triton(6, 3, 2)] + convolutionLibrary))
        }
        return trials
    }()

    /// Layers of BERT-large at 128 and 4096 rows, of ViT-B/16 at 197, of Whisper-large at 1500 and of Llama-3.1-8B at 512, in every
    /// form that there is: with a map after the sums, and (`linear`) with nothing but a row that is added.
    static let everyForm: [KernelTrial] = {
        let bert = [(1024, 3072), (1024, 1024), (1024, 4096), (4096, 1024)]
        let vit = [(768, 2304), (3072, 768)]
        let whisper = [(1280, 3840), (5120, 1280)]
        let llama = [(4096, 6144), (4096, 4096), (4096, 28672), (14336, 4096)]
        func shapes(_ table: [(Int, [(Int, Int)])]) -> [(Int, Int, Int)] {
            table.flatMap { rows, layers in layers.map { (rows, $0.0, $0.1) } }
        }
        let mapped = shapes([(128, bert), (197, vit), (512, llama), (4096, [bert[2]])])
        let linear = shapes([(128, [bert[0]]), (512, llama), (1500, whisper), (4096, bert)])
        func forms(_ m: Int, _ k: Int) -> [Schedule] {
            (m <= 256 ? fewRowsForms(depth: k) : manyRowsForms) + library
        }
        return mapped.map { m, k, n in
            product(
                "layer \(m)x\(k)x\(n)", TrialShapes.product(m, k, n, .bf16), .bf16, forms(m, k), isTimed: true)
        }
            + linear.map { m, k, n in
                product(
                    "linear layer \(m)x\(k)x\(n)", TrialShapes.linear(m, k, n, .bf16), .bf16, forms(m, k),
                    isTimed: true)
            }
    }()

    private static func fewRowsForms(depth: Int) -> [Schedule] {
        let parts = depth >= 3072 ? 4 : 1
        return [
            matrix(8, 4, parts), matrix(9, 4, parts), matrix(12, 4, parts), matrix(13, 4, parts), matrix(16, 6, parts),
            matrix(16, 4, 2 * parts), triton(0, 4, parts), triton(7, 4),
        ]
    }

    private static let manyRowsForms: [Schedule] = [
        matrix(10, 4), matrix(12, 4), matrix(13, 4), matrix(13, 6), matrix(14, 3), matrix(14, 4), matrix(15, 4),
        triton(3, 4), triton(9, 4),
    ]
}
