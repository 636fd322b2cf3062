import ElementTypes
import KernelIR

/// Windows over few channels, and the convolutions of ResNet-50.
extension KernelTrial {
    private static func window(_ tileRows: Int, _ warpTiles: Int) -> Schedule {
        Schedule(["algorithm": 11, "tileRows": tileRows, "warpTiles": warpTiles])
    }

    private static func special(_ span: Int, _ depths: Int, _ cluster: Int) -> Schedule {
        Schedule(["algorithm": 6, "span": span, "depths": depths, "cluster": cluster, "stay": 1])
    }

    /// Odd sides, one to five channels in both orders, steps of one to three.
    static let oddWindows: [KernelTrial] =
        [
            (3, 32, 3, 64, 7, 2, true), (2, 32, 3, 64, 7, 2, false), (1, 17, 3, 24, 5, 2, false),
            (1, 14, 3, 18, 3, 1, false), (3, 13, 1, 33, 5, 3, true), (1, 18, 5, 20, 3, 2, true),
            (2, 15, 4, 130, 5, 1, false),
        ].map { images, side, channels, outputs, window, stride, isPlanar in
            product(
                "window \(images)x\(side)x\(channels)-\(outputs) w\(window) s\(stride)\(isPlanar ? " planar" : "")",
                TrialShapes.convolution(
                    images, side, channels, outputs, window: window, stride: stride, .f16, isPlanar: isPlanar), .f16,
                [Self.window(1, 1), Self.window(3, 2), Self.window(4, 4)])
        }

    /// First layers of ResNet-50 at 32 images and one, and of MobileNetV2.
    static let firstLayers: [KernelTrial] =
        [(32, 64, 7, true), (32, 64, 7, false), (1, 64, 7, true), (1, 32, 3, true)].map {
            images, outputs, window, isPlanar in
            product(
                "first layer \(images)x224x3-\(outputs) w\(window) s2\(isPlanar ? " planar" : "")",
                TrialShapes.convolution(
                    images, 224, 3, outputs, window: window, stride: 2, .f16, isPlanar: isPlanar), .f16,
                images == 1
                    ? [Self.window(1, 1), Self.window(2, 1), Self.window(2, 2)]
                    : [
                        Self.window(14, 2), Self.window(8, 2), Self.window(4, 2), Self.window(7, 2), Self.window(2, 2),
                        Self.window(16, 2),
                        Self.window(8, 1), Self.window(8, 4), Self.window(16, 4),
                    ], isTimed: true)
        }

    /// All other convolutions of ResNet-50 at 32 images: by default, by tiles of specialised warps, and by a vendor's library.
    static let residualNetwork: [KernelTrial] =
        [
            (56, 64, 64, 1, 1), (56, 64, 64, 3, 1), (56, 64, 256, 1, 1), (56, 256, 64, 1, 1), (56, 256, 128, 1, 1),
            (56, 128, 128, 3, 2), (56, 256, 512, 1, 2), (28, 128, 512, 1, 1), (28, 512, 128, 1, 1),
            (28, 128, 128, 3, 1), (28, 512, 256, 1, 1), (28, 256, 256, 3, 2), (28, 512, 1024, 1, 2),
            (14, 256, 1024, 1, 1), (14, 1024, 256, 1, 1), (14, 256, 256, 3, 1), (14, 1024, 512, 1, 1),
            (14, 512, 512, 3, 2), (14, 1024, 2048, 1, 2), (7, 512, 2048, 1, 1), (7, 2048, 512, 1, 1),
            (7, 512, 512, 3, 1),
        ].map { side, channels, outputs, window, stride in
            let library = [(1, 0), (1, 1), (1, 2), (0, 0)].map {
                Schedule(["algorithm": 9, "fusion": $0.0, "proposal": $0.1])
            }
            let tiles =
                outputs == 64
                ? [special(12, 6, 1), special(12, 6, 2)]
                : [special(2, 6, 1), special(7, 8, 1), special(10, 4, 1), special(11, 5, 1)]
            return product(
                "resnet w\(window) s\(stride) \(side)x\(channels)-\(outputs)",
                TrialShapes.convolution(32, side, channels, outputs, window: window, stride: stride, .f16), .f16,
                [Schedule()] + tiles + library, isTimed: true)
        }
}

extension KernelTrial {
    /// Windows of single channels: odd sides, then layers of ConvNeXt and MobileNetV2.
    static let slidingWindows: [KernelTrial] =
        [
            (2, 13, 24, 3, 1, ElementType.f16, false), (1, 17, 6, 5, 2, .f32, false), (1, 12, 8, 7, 1, .bf16, false),
            (4, 56, 96, 7, 1, .f16, true), (1, 112, 32, 3, 1, .f16, true), (1, 56, 144, 3, 1, .f16, true),
            (1, 14, 384, 3, 1, .f16, true), (1, 7, 960, 3, 1, .f16, true), (8, 56, 96, 7, 1, .f32, true),
            (32, 28, 192, 3, 2, .f16, true),
        ].map { images, side, channels, window, stride, element, isTimed in
            let sizes =
                element == .f32
                ? [(1, 1), (2, 1), (4, 1), (8, 1), (4, 2), (4, 4)]
                : [(1, 2), (2, 2), (4, 2), (8, 2), (2, 4), (4, 4), (2, 8), (1, 8), (1, 4)]
            let fitting = sizes.filter { channels % $0.1 == 0 && $0.1 * ($0.0 + window) <= 80 }
            return KernelTrial(
                "depthwise \(images)x\(side)x\(channels) w\(window) s\(stride) \(element)",
                TrialShapes.depthwise(images, side, channels, window: window, stride: stride, element),
                plain: Schedule(["algorithm": 0]),
                fitting.map { Schedule(["algorithm": 14, "slideRun": $0.0, "slideWidth": $0.1]) }
                    + [Schedule(["algorithm": 0, "team": 0])],
                tolerance: element == .f32 ? 1e-5 : element == .f16 ? 0x1p-9 : 0x1p-7, isTimed: isTimed)
        }
}

extension TrialShapes {
    /// A convolution of every channel by itself, channels last, with a bias and a maximum with 0.
    static func depthwise(
        _ images: Int, _ side: Int, _ channels: Int, window: Int, stride: Int, _ element: ElementType
    ) -> Kernel {
        let pad = window / 2
        let result = (side + 2 * pad - window) / stride + 1
        let (i, y, x, c) = (axis(0, images), axis(1, result), axis(2, result), axis(3, channels))
        let (n, ky, kx, d) = (axis(4, 1), axis(5, window), axis(6, window), axis(7, 1))
        let row = at(y) * stride + at(ky) - pad
        let column = at(x) * stride + at(kx) - pad
        let limit = IntegerExpression(side - 1)
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let bias = epilogue.emit(.load(parameter: 2, index: at(c), mask: []))
        let zero = epilogue.emit(.real(bits: 0, .f32))
        let value = epilogue.emit(.apply(.maximum, [epilogue.emit(.apply(.add, [sum, bias])), zero]))
        let body = ContractionKernel(
            batch: [c], rows: [i, y, x], columns: [n], taps: [ky, kx], depth: d,
            left: load(
                0, ((at(i) * side + row) * side + column) * channels + at(c) + at(d),
                [row, limit - row, column, limit - column]),
            right: load(1, ((at(c) + at(n)) * window + at(ky)) * window + at(kx) + at(d)), operandElement: element,
            epilogue: epilogue,
            stores: [
                Store(
                    parameter: 3,
                    index: ((at(i) * result + at(y)) * result + at(x)) * channels + at(c) + at(n), value: value)
            ])
        return kernel(
            [
                parameter(element, images * side * side * channels),
                parameter(element, channels * window * window, constant: true), parameter(.f32, channels),
                parameter(element, images * result * result * channels, .write),
            ], .contraction(body))
    }
}
