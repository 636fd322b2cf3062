import Base
import DeviceAPI
import ElementTypes
import GraphIR
import KernelJudge

/// A convolution on operands image, filter, result, bias, residual, factor and workspace.
private struct ConvolutionCase {
    var element: ElementType
    var result: ElementType?
    /// Images, height, width, channels, filters.
    var sizes: [Int]
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
        for axis in 0..<2 {
            let inside: Int = sizes[axis + 1] + 2 * padding[axis]
            let reach: Int = (window[axis] - 1) * dilation[axis] + 1
            results.append((inside - reach) / stride[axis] + 1)
        }
        return ImageConvolution(
            element: element, resultElement: result ?? element, images: sizes[0], height: sizes[1], width: sizes[2],
            channels: sizes[3], filters: sizes[4], window: window, stride: stride, padding: padding, dilation: dilation,
            resultExtents: results, image: .init(0), filter: .init(1), result: .init(2),
            bias: bias == nil ? nil : .init(3), biasElement: bias ?? .f32, residual: hasResidual ? .init(4) : nil,
            factor: hasFactor ? .init(5) : nil, isRectified: isRectified, workspace: 6, workspaceBytes: 32 << 20)
    }

    static let all: [ConvolutionCase] = [ElementType.f16, .bf16].flatMap { element in
        [
            ConvolutionCase(element: element, sizes: [2, 9, 7, 16, 24]),
            ConvolutionCase(
                element: element, sizes: [1, 8, 8, 8, 16], window: [1, 1], stride: [2, 2], padding: [0, 0]),
            ConvolutionCase(element: element, sizes: [2, 11, 13, 8, 8], stride: [2, 1], padding: [1, 0]),
            ConvolutionCase(element: element, sizes: [1, 14, 14, 32, 40], bias: .f32, isRectified: true),
            ConvolutionCase(
                element: element, sizes: [2, 14, 14, 64, 32], window: [1, 1], padding: [0, 0], bias: element,
                hasResidual: true, isRectified: true),
            ConvolutionCase(element: element, sizes: [1, 10, 9, 16, 16], bias: .f32, hasResidual: true),
            ConvolutionCase(
                element: element, sizes: [2, 12, 12, 64, 64], bias: .f32, hasFactor: true, isRectified: true),
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
            let pixel: Int = index / one.filters
            let x = pixel % one.resultExtents[1]
            let line: Int = pixel / one.resultExtents[1]
            let (y, image) = (line % one.resultExtents[0], line / one.resultExtents[0])
            var sum = 0.0
            for ky in 0..<one.window[0] {
                for kx in 0..<one.window[1] {
                    let row = y * one.stride[0] + ky * one.dilation[0] - one.padding[0]
                    let column = x * one.stride[1] + kx * one.dilation[1] - one.padding[1]
                    guard (0..<one.height).contains(row), (0..<one.width).contains(column) else { continue }
                    let from: Int = ((image * one.height + row) * one.width + column) * one.channels
                    let by: Int = ((f * one.window[0] + ky) * one.window[1] + kx) * one.channels
                    for c in 0..<one.channels { sum += contents[0][from + c] * contents[1][by + c] }
                }
            }
            if one.factor != nil { sum *= contents[5][f] }
            if one.bias != nil { sum += contents[3][f] }
            if one.residual != nil { sum += contents[4][index] }
            if one.isRectified { sum = max(0, sum) }
            try require(abs(found - sum) <= rounding * abs(sum), "\(what): element \(index) is \(found), not \(sum)")
        }
    }
}
