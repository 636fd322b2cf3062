import Testing

@testable import ElementTypes

@Suite struct ImageConvolutionTests {
    static let convolution = ImageConvolution(
        element: .f16, resultElement: .f16, images: 2, channels: 16, filters: 24, extents: [9, 8],
        window: [3, 1],
        stride: [2, 1], padding: [1, 0], dilation: [1, 1], resultExtents: [5, 8], image: .init(0, offset: 8),
        filter: .init(1), result: .init(2), bias: .init(3), residual: .init(4), factor: .init(6), isRectified: true,
        workspace: 5,
        workspaceBytes: 64, proposal: 1)

    @Test func integersAreTheConvolution() {
        #expect(ImageConvolution(integers: Self.convolution.integers) == Self.convolution)
        var without = Self.convolution
        (without.bias, without.residual, without.factor, without.isRectified) = (nil, nil, nil, false)
        #expect(LibraryCall(integers: without.integers) == .convolution(without))
        var volumes = Self.convolution
        volumes.extents = [4, 9, 8]
        (volumes.window, volumes.stride, volumes.padding) = ([3, 3, 1], [1, 2, 1], [1, 1, 0])
        (volumes.dilation, volumes.resultExtents) = ([1, 1, 1], [4, 5, 8])
        #expect(LibraryCall(integers: volumes.integers) == .convolution(volumes))
        #expect(volumes.fault(operands: 7) == nil && volumes.byteCount(of: 0) == 2 * (8 + 2 * 4 * 9 * 8 * 16))
        let product = MatrixProductTests.product
        #expect(LibraryCall(integers: product.integers) == .product(product))
        #expect(LibraryCall(integers: []) == nil && LibraryCall(integers: [Int](repeating: 99, count: 32)) == nil)
    }

    @Test func bytesOfOperands() {
        let expected = [
            2 * (8 + 2 * 9 * 8 * 16), 2 * 24 * 3 * 16, 2 * 2 * 5 * 8 * 24, 4 * 24, 2 * 2 * 5 * 8 * 24, 64, 4 * 24,
        ]
        #expect((0..<7).map { Self.convolution.byteCount(of: $0) } == expected)
        #expect((0..<2).map { Self.convolution.paddingAfter($0) } == [1, 0])
    }

    /// What may not be handed to a library is named: integers by place, as `integers` has them.
    @Test(arguments: [
        (0, 0), (1, 3), (3, 0), (4, 1 << 30), (7, 0), (8, 0), (10, 0), (12, -1), (14, 0), (16, 3), (16, 7), (18, 7),
        (19, -1), (20, 9), (29, 7), (30, -1), (31, -1), (32, 7), (33, -1),
    ])
    func faults(_ place: Int, _ number: Int) throws {
        #expect(Self.convolution.fault(operands: 7) == nil)
        #expect(Self.convolution.fault(operands: 6) != nil)
        var integers = Self.convolution.integers
        integers[place] = number
        let convolution = try #require(ImageConvolution(integers: integers))
        #expect(convolution.fault(operands: 7) != nil, "\(integers)")
    }

    /// Sizes whose products no integer holds are faults too, never a trap.
    @Test func hugeSizesAreFaults() throws {
        var convolution = Self.convolution
        let most = (1 << 24) - 1
        (convolution.images, convolution.extents, convolution.channels) = (most, [9, most], most)
        (convolution.window, convolution.resultExtents) = ([3, 1], [5, most])
        #expect(convolution.fault(operands: 7) == "has sizes that no convolution has")
        (convolution.images, convolution.extents, convolution.channels) = (1, [9, 8], 1 << 20)
        (convolution.window, convolution.resultExtents) = ([3, 1], [5, 8])
        #expect(convolution.fault(operands: 7) == nil && convolution.byteCount(of: 1) == 2 * 24 * 3 << 20)
    }
}
