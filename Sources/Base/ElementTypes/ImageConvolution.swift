/// A convolution of images as a vendor's library computes it, on operands of a launch:
/// `result[i, y, x, f] = Σ image[i, y·s + ky·d − p, x·s + kx·d − p, c] × filter[f, ky, kx, c]`, times `factor[f]`, plus `bias[f]`, plus
/// `residual[i, y, x, f]`, and the larger of that and 0, with factors of one type and sums in f32. All lie contiguously in that order.
package struct ImageConvolution: Hashable, Sendable {
    /// An operand of the launch, from an element on.
    package struct Place: Hashable, Sendable {
        package var operand: Int
        package var offset: Int

        /// Makes a place.
        package init(_ operand: Int, offset: Int = 0) {
            self.operand = operand
            self.offset = offset
        }
    }

    /// f16, bf16 or f32: the type of image and filter. The library may round factors of f32 to TF32.
    package var element: ElementType
    /// f32, or `element`; also the type of the residual.
    package var resultElement: ElementType
    package var images: Int
    package var height: Int
    package var width: Int
    package var channels: Int
    package var filters: Int
    /// By axis, y then x: extent of the window, steps, zeros before the image, distance of the window's elements, extent of the result.
    package var window: [Int]
    package var stride: [Int]
    package var padding: [Int]
    package var dilation: [Int]
    package var resultExtents: [Int]
    package var image: Place
    package var filter: Place
    package var result: Place
    /// One f32 or `element` for each filter.
    package var bias: Place?
    package var biasElement: ElementType
    package var residual: Place?
    /// One f32 for each filter, by which its sums are multiplied first.
    package var factor: Place?
    /// Whether numbers below 0 become 0.
    package var isRectified: Bool
    /// Number of the operand that the library may use as it likes, and its size.
    package var workspace: Int
    package var workspaceBytes: Int
    /// Which of the library's ways, best first by its own reckoning; the last one where it has fewer.
    package var proposal: Int

    /// Makes a convolution.
    package init(
        element: ElementType, resultElement: ElementType, images: Int, height: Int, width: Int, channels: Int,
        filters: Int, window: [Int], stride: [Int], padding: [Int], dilation: [Int], resultExtents: [Int], image: Place,
        filter: Place, result: Place, bias: Place? = nil, biasElement: ElementType = .f32, residual: Place? = nil,
        factor: Place? = nil, isRectified: Bool = false, workspace: Int, workspaceBytes: Int, proposal: Int = 0
    ) {
        self.element = element
        self.resultElement = resultElement
        self.images = images
        self.height = height
        self.width = width
        self.channels = channels
        self.filters = filters
        self.window = window
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.resultExtents = resultExtents
        self.image = image
        self.filter = filter
        self.result = result
        self.bias = bias
        self.biasElement = biasElement
        self.residual = residual
        self.factor = factor
        self.isRectified = isRectified
        self.workspace = workspace
        self.workspaceBytes = workspaceBytes
        self.proposal = proposal
    }

    /// Zeros after the image along an axis; what windows do not reach needs none.
    package func paddingAfter(_ axis: Int) -> Int {
        let extent = axis == 0 ? height : width
        let reach = (resultExtents[axis] - 1) * stride[axis] + (window[axis] - 1) * dilation[axis] + 1
        return max(0, reach - extent - padding[axis])
    }

    /// What is wrong with it as a call of a launch of so many operands; nil where nothing is.
    package func fault(operands: Int) -> String? {
        let places = [image, filter, result] + [bias, residual, factor].compactMap { $0 }
        if let number = (places.map(\.operand) + [workspace]).first(where: { !(0..<operands).contains($0) }) {
            return "refers to operand \(number) of \(operands)"
        }
        if ![.f16, .bf16, .f32].contains(element) || ![.f32, element].contains(resultElement)
            || ![.f32, element].contains(biasElement)
        {
            return "is of \(element.rawValue) and \(biasElement.rawValue) to \(resultElement.rawValue)"
        }
        let most = 1 << 24
        let extents = [images, height, width, channels, filters] + window + stride + dilation + resultExtents
        guard [window, stride, padding, dilation, resultExtents].allSatisfy({ $0.count == 2 }),
            extents.allSatisfy({ (1..<most).contains($0) }), padding.allSatisfy({ (0..<most).contains($0) }),
            places.allSatisfy({ (0..<most << 12).contains($0.offset) }), (0..<most << 8).contains(workspaceBytes),
            (0..<1024).contains(proposal)
        else { return "has sizes that no convolution has" }
        // Sizes below are multiplied without a further look.
        let counts = [
            [images, height, width, channels], [filters, window[0], window[1], channels],
            [images, resultExtents[0], resultExtents[1], filters],
        ]
        if counts.contains(where: { !LibraryCall.isCount($0) }) { return "has sizes that no convolution has" }
        for axis in 0..<2 {
            let inside = (axis == 0 ? height : width) + padding[axis] + paddingAfter(axis)
            let reach = (window[axis] - 1) * dilation[axis] + 1
            // A window that lies wholly beside the image is nobody's wish.
            if inside < reach || max(padding[axis], paddingAfter(axis)) >= reach
                || (inside - reach) / stride[axis] + 1 != resultExtents[axis]
            {
                return "has results that its windows do not give"
            }
        }
        return nil
    }

    /// Elements of the result.
    package var resultCount: Int { images * resultExtents[0] * resultExtents[1] * filters }

    /// Bytes that an operand must have at least; 0 for one that takes no part.
    package func byteCount(of operand: Int) -> Int {
        func bytes(_ place: Place?, _ count: Int, _ type: ElementType) -> Int {
            guard let place, place.operand == operand else { return 0 }
            return (place.offset + count) * type.byteCount
        }
        return [
            bytes(image, images * height * width * channels, element),
            bytes(filter, filters * window[0] * window[1] * channels, element),
            bytes(result, resultCount, resultElement), bytes(bias, filters, biasElement),
            bytes(residual, resultCount, resultElement), bytes(factor, filters, .f32),
            workspace == operand ? workspaceBytes : 0,
        ].max() ?? 0
    }

    // MARK: As integers

    /// The convolution as integers, for files and wires; `init(integers:)` reads them.
    package var integers: [Int] {
        let types = ElementType.allCases
        func place(_ place: Place?) -> [Int] { [place?.operand ?? -1, place?.offset ?? 0] }
        let first =
            [element, resultElement, biasElement].map { types.firstIndex(of: $0) ?? 0 }
            + [images, height, width, channels, filters]
        return first + window + stride + padding + dilation + resultExtents + place(image) + place(filter)
            + place(result) + place(bias) + place(residual)
            + [isRectified ? 1 : 0, workspace, workspaceBytes, proposal] + place(factor)
    }

    /// Reads `integers`; nil where they are none.
    package init?(integers: [Int]) {
        let types = ElementType.allCases
        guard [32, 34].contains(integers.count), integers[..<3].allSatisfy({ types.indices.contains($0) }) else {
            return nil
        }
        func pair(_ from: Int) -> [Int] { [integers[from], integers[from + 1]] }
        func place(_ from: Int) -> Place { Place(integers[from], offset: integers[from + 1]) }
        self.init(
            element: types[integers[0]], resultElement: types[integers[1]], images: integers[3], height: integers[4],
            width: integers[5], channels: integers[6], filters: integers[7], window: pair(8), stride: pair(10),
            padding: pair(12), dilation: pair(14), resultExtents: pair(16), image: place(18), filter: place(20),
            result: place(22), bias: integers[24] < 0 ? nil : place(24), biasElement: types[integers[2]],
            residual: integers[26] < 0 ? nil : place(26),
            factor: integers.count < 34 || integers[32] < 0 ? nil : place(32),
            isRectified: integers[28] != 0, workspace: integers[29],
            workspaceBytes: integers[30], proposal: integers[31])
    }
}
