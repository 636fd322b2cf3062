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
