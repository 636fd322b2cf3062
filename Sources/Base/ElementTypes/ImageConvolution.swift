/// A convolution of images, or of volumes, as a vendor's library computes it, on operands of a launch:
/// `result[i, y, x, f] = Σ image[i, y·s + ky·d − p, x·s + kx·d − p, c] × filter[f, ky, kx, c]`, times `factor[f]`, plus `bias[f]`, plus
/// `residual[i, y, x, f]`, and the larger of that and 0, with factors of one type and sums in f32. All lie contiguously in that order; volumes
/// have an axis z before y.
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
    package var channels: Int
    package var filters: Int
    /// By axis, y then x, or z, y and x: extent of an image.
    package var extents: [Int]
    /// By axis as well: extent of the window, steps, zeros before the image, distance of the window's elements, extent of the result.
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
        element: ElementType, resultElement: ElementType, images: Int, channels: Int, filters: Int,
        extents: [Int], window: [Int], stride: [Int], padding: [Int], dilation: [Int], resultExtents: [Int],
        image: Place,
        filter: Place, result: Place, bias: Place? = nil, biasElement: ElementType = .f32, residual: Place? = nil,
        factor: Place? = nil, isRectified: Bool = false, workspace: Int, workspaceBytes: Int, proposal: Int = 0
    ) {
        self.element = element
        self.resultElement = resultElement
        self.images = images
        self.channels = channels
        self.filters = filters
        self.extents = extents
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
        let reach = (resultExtents[axis] - 1) * stride[axis] + (window[axis] - 1) * dilation[axis] + 1
        return max(0, reach - extents[axis] - padding[axis])
    }

    /// The pixel of the images, counted through all of them, that an element of the window meets for a pixel of the results; nil where it lies
    /// beside its image.
    package func source(ofPixel pixel: Int, tap: Int) -> Int? {
        var (pixel, tap, line, place) = (pixel, tap, 1, 0)
        for axis in extents.indices.reversed() {
            let (result, inWindow) = (pixel % resultExtents[axis], tap % window[axis])
            let at = result * stride[axis] + inWindow * dilation[axis] - padding[axis]
            guard (0..<extents[axis]).contains(at) else { return nil }
            place += at * line
            (pixel, tap, line) = (pixel / resultExtents[axis], tap / window[axis], line * extents[axis])
        }
        return pixel * line + place
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
        let counts = [images, channels, filters] + extents + window + stride + dilation + resultExtents
        guard (2...3).contains(extents.count),
            [window, stride, padding, dilation, resultExtents].allSatisfy({ $0.count == extents.count }),
            counts.allSatisfy({ (1..<most).contains($0) }), padding.allSatisfy({ (0..<most).contains($0) }),
            places.allSatisfy({ (0..<most << 12).contains($0.offset) }), (0..<most << 8).contains(workspaceBytes),
            (0..<1024).contains(proposal)
        else { return "has sizes that no convolution has" }
        // Sizes below are multiplied without a further look.
        let tensors = [
            [images, channels] + extents, [filters, channels] + window, [images, filters] + resultExtents,
        ]
        if tensors.contains(where: { !LibraryCall.isCount($0) }) { return "has sizes that no convolution has" }
        for axis in extents.indices {
            let inside = extents[axis] + padding[axis] + paddingAfter(axis)
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
    package var resultCount: Int { resultExtents.reduce(images * filters, *) }

    /// Bytes that an operand must have at least; 0 for one that takes no part.
    package func byteCount(of operand: Int) -> Int {
        func bytes(_ place: Place?, _ count: Int, _ type: ElementType) -> Int {
            guard let place, place.operand == operand else { return 0 }
            return (place.offset + count) * type.byteCount
        }
        return [
            bytes(image, extents.reduce(images * channels, *), element),
            bytes(filter, window.reduce(filters * channels, *), element),
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
            [element, resultElement, biasElement].map { types.firstIndex(of: $0) ?? 0 } + [images] + extents
            + [channels, filters]
        return first + window + stride + padding + dilation + resultExtents + place(image) + place(filter)
            + place(result) + place(bias) + place(residual)
            + [isRectified ? 1 : 0, workspace, workspaceBytes, proposal] + place(factor)
    }

    /// Reads `integers`; nil where they are none. Their number says how many axes there are; packages of before have no factor.
    package init?(integers: [Int]) {
        let types = ElementType.allCases
        let axes = integers.count == 40 ? 3 : 2
        guard [32, 34, 40].contains(integers.count), integers[..<3].allSatisfy({ types.indices.contains($0) }) else {
            return nil
        }
        var rest = integers[3...]
        func next() -> Int { rest.removeFirst() }
        func each() -> [Int] { (0..<axes).map { _ in next() } }
        func place() -> Place? {
            let place = Place(next(), offset: next())
            return place.operand < 0 ? nil : place
        }
        let images = next()
        let extents = each()
        let (channels, filters) = (next(), next())
        let (window, stride, padding, dilation, resultExtents) = (each(), each(), each(), each(), each())
        guard let image = place(), let filter = place(), let result = place() else { return nil }
        let (bias, residual) = (place(), place())
        let (isRectified, workspace, workspaceBytes, proposal) = (next() != 0, next(), next(), next())
        self.init(
            element: types[integers[0]], resultElement: types[integers[1]], images: images, channels: channels,
            filters: filters, extents: extents, window: window, stride: stride, padding: padding, dilation: dilation,
            resultExtents: resultExtents, image: image, filter: filter, result: result, bias: bias,
            biasElement: types[integers[2]], residual: residual, factor: rest.isEmpty ? nil : place(),
            isRectified: isRectified, workspace: workspace, workspaceBytes: workspaceBytes, proposal: proposal)
    }
}
