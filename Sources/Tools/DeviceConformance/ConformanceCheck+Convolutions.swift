import Base
import DeviceAPI
import ElementTypes
import GraphIR
import KernelJudge

/// A convolution on operands image, filter, result, bias, residual, factor and workspace.
private struct ConvolutionCase {
    var element: ElementType
    var result: ElementType?
    /// Images, channels, filters.
    var sizes: [Int]
    /// Height and width; of volumes depth, height and width, and what follows three by three.
    var extents: [Int]
    var window = [3, 3]
    var stride = [1, 1]
    var padding = [1, 1]
    var dilation = [1, 1]
    var bias: ElementType?
    var hasResidual = false
    var hasFactor = false
    var isRectified = false

    var convolution: ImageConvolution {
        var results: [Int] = []
        for axis in extents.indices {
            let inside: Int = extents[axis] + 2 * padding[axis]
            let reach: Int = (window[axis] - 1) * dilation[axis] + 1
            results.append((inside - reach) / stride[axis] + 1)
        }
        return ImageConvolution(
            element: element, resultElement: result ?? element, images: sizes[0], channels: sizes[1],
            filters: sizes[2], extents: extents, window: window, stride: stride, padding: padding, dilation: dilation,
            resultExtents: results, image: .init(0), filter: .init(1), result: .init(2),
            bias: bias == nil ? nil : .init(3), biasElement: bias ?? .f32, residual: hasResidual ? .init(4) : nil,
            factor: hasFactor ? .init(5) : nil, isRectified: isRectified, workspace: 6, workspaceBytes: 32 << 20)
    }

    static let all: [ConvolutionCase] = [ElementType.f16, .bf16, .f32].flatMap { element in
        [
            ConvolutionCase(element: element, sizes: [2, 16, 24], extents: [9, 7]),
            ConvolutionCase(
                element: element, sizes: [1, 8, 16], extents: [8, 8], window: [1, 1], stride: [2, 2], padding: [0, 0]),
            ConvolutionCase(element: element, sizes: [2, 8, 8], extents: [11, 13], stride: [2, 1], padding: [1, 0]),
            ConvolutionCase(element: element, sizes: [1, 32, 40], extents: [14, 14], bias: .f32, isRectified: true),
            ConvolutionCase(
                element: element, sizes: [2, 64, 32], extents: [14, 14], window: [1, 1], padding: [0, 0], bias: element,
                hasResidual: true, isRectified: true),
            ConvolutionCase(element: element, sizes: [1, 16, 16], extents: [10, 9], bias: .f32, hasResidual: true),
            ConvolutionCase(
                element: element, sizes: [2, 64, 64], extents: [12, 12], bias: .f32, hasFactor: true, isRectified: true),
            ConvolutionCase(
                element: element, sizes: [2, 8, 24], extents: [4, 5, 6], window: [3, 3, 3], stride: [1, 1, 1],
                padding: [1, 1, 1], dilation: [1, 1, 1], bias: .f32, isRectified: true),
            ConvolutionCase(
                element: element, sizes: [1, 16, 32], extents: [5, 7, 8], window: [2, 3, 1], stride: [1, 2, 1],
                padding: [0, 1, 0], dilation: [2, 1, 1]),
        ]
    }
}

extension ConformanceCheck {
    /// Convolutions by libraries of the vendor.
    static let libraryConvolutions: [ConformanceCheck] = [
        .init("convolutions by a library are those of the images, where there is one") { bench in
            let device = bench.device
            let isThere = device.libraries.contains { $0.name == LibraryCall.convolutionLibrary }
            if !isThere || device.limits.blocks == nil { return }
            try await bench.withKernel(try line(8, factor: 1, added: 0)) { kernel in
                for (number, one) in ConvolutionCase.all.enumerated() {
                    let convolution = one.convolution
                    let stored = convolution.resultElement
                    let types: [ElementType] = [
                        one.element, one.element, stored, convolution.biasElement, stored, .f32,
                    ]
                    var random = SeededRandom(seed: UInt64(number + 1))
                    // Small whole numbers: sums are exact in f32, and so are products of them.
                    let contents = types.enumerated().map { operand, type in
                        (0..<max(1, convolution.byteCount(of: operand) / type.byteCount)).map { _ in
                            Double(random.index(below: 5)) - 2
                        }
                    }
                    let bytes = zip(contents, types).map { elementBytes($0, $1) }
                    let found = try kernel.result(of: .convolution(convolution), bytes + [[]])
                    try check(
                        convolution, contents, elementValues(found, convolution.resultElement),
                        "case \(number), \(one.element) \(LibraryCall.convolution(convolution).sizes)")
                }
            }
        }
    ]

    private static func check(
        _ one: ImageConvolution, _ contents: [[Double]], _ results: [Double], _ what: String
    ) throws {
        let rounding = one.resultElement == .f32 ? 0 : one.resultElement == .f16 ? 0x1p-10 : 0x1p-7
        for (index, found) in results.enumerated() {
            let f = index % one.filters
            let taps = one.window.reduce(1, *)
            var sum = 0.0
            for tap in 0..<taps {
                guard let pixel = one.source(ofPixel: index / one.filters, tap: tap) else { continue }
                let (from, by): (Int, Int) = (pixel * one.channels, (f * taps + tap) * one.channels)
                for c in 0..<one.channels { sum += contents[0][from + c] * contents[1][by + c] }
            }
            if one.factor != nil { sum *= contents[5][f] }
            if one.bias != nil { sum += contents[3][f] }
            if one.residual != nil { sum += contents[4][index] }
            if one.isRectified { sum = max(0, sum) }
            try require(abs(found - sum) <= rounding * abs(sum), "\(what): element \(index) is \(found), not \(sum)")
        }
    }
}
