import ElementTypes
import KernelIR

/// A contraction that is a convolution of lines, images or volumes which a vendor's library can compute: channels side by side, sizes that
/// are known, one group. What the library does not do itself is done afterwards by a map over its result.
struct SIMTLibraryConvolution {
    private let product: SIMTProduct
    private let epilogue: SIMTLibraryEpilogue
    private let affine: SIMTLibraryAffine?
    /// Sizes and the image's place; everything else is filled in by `emit`.
    private let shape: ImageConvolution
    /// Where the filters lie as the library wants them; nil where they are packed.
    private let filter: ImageConvolution.Place?
    /// Where the result may lie as the library stores it.
    private let result: ImageConvolution.Place?

    /// Fails where there is no library or the contraction is of another form.
    init?(_ product: SIMTProduct) {
        guard product.target.hasConvolutionLibrary, product.isReal,
            [.f16, .bf16].contains(product.element) || product.factors == .tf32,
            product.batches == 1, case .contraction(let body) = product.kernel.body,
            (2...4).contains(body.rows.count), body.columns.count == 1,
            body.taps.isEmpty || body.taps.count == body.rows.count - 1, let rows = product.rows,
            let columns = product.columns, rows > 0, columns > 0,
            let shape = Self.shape(product, body),
            product.target.takes(LibraryCall.convolutionLibrary, LibraryCall.convolution(shape).sizes),
            product.stores.allSatisfy({ $0.combine == nil })
        else { return nil }
        self.product = product
        self.shape = shape
        affine = SIMTLibraryAffine(product)
        epilogue = SIMTLibraryEpilogue(product: product, sizes: (1, rows, columns))
        filter = Self.filter(product, body, shape)
        if filter == nil,
            product.rightForm != .packed || product.packedDepth != product.depth
                || product.rightBatches != 1
        {
            return nil
        }
        if let store = body.stores.first {
            let axes = body.rows.dropFirst().count
            let steps = shape.resultExtents.suffix(axes).reversed().reduce(into: [columns]) {
                $0.insert($0[0] * $1, at: 0)
            }
            result = Self.place(
                store.parameter, store.index, zip(body.rows + body.columns, steps + [1]).map { ($0, $1) },
                product.element)
        } else {
            result = nil
        }
    }

    /// Whether the library can do all that follows the sums.
    var isDirect: Bool { result != nil && (epilogue.direct != nil || affine != nil) }

    /// Whether it is the default: windows of many results and channels, all by the library (measured on an H200: 14 to 21 µs a layer of
    /// ResNet-50 at 32 images, where kernels of this project take 30 to 60; with windows of one element both take as long). Of TF32 the
    /// library takes 0.4 to 0.65 of the time for 1 to 64 images (Benchmarks/results/2026-11-23-f32-units.md).
    var isDefault: Bool {
        let (rows, columns) = (product.rows ?? 0, product.columns ?? 0)
        if product.element == .f32 { return hasTaps && min(shape.channels, columns) >= 32 }
        let tiles = (rows + 63) / 64 * ((columns + 63) / 64)
        return isDirect && hasTaps && shape.channels >= 64 && columns >= 64
            && tiles > product.target.multiprocessors
    }

    /// Whether a window is more than one element, or steps over some: else it is a product, for which there are other libraries.
    var isWindow: Bool { hasTaps || shape.stride.contains { $0 != 1 } }

    /// Whether a window is more than one element.
    private var hasTaps: Bool { shape.window.contains { $0 != 1 } }

    /// An operand's place where its elements lie with these distances along axes, aligned as the library wants it.
    private static func place(
        _ parameter: Int, _ index: IntegerExpression, _ steps: [(axis: LoopAxis, step: Int)], _ element: ElementType
    ) -> ImageConvolution.Place? {
        let moving = steps.filter { $0.axis.extent != 1 }
        guard index.variables.allSatisfy({ variable in moving.contains { $0.axis.variable == variable } }),
            moving.allSatisfy({ index.linearCoefficient(of: $0.axis.variable)?.constantValue == $0.step }),
            index.constant >= 0, index.constant * element.byteCount % 16 == 0
        else { return nil }
        return .init(parameter, offset: index.constant)
    }

    private static func filter(
        _ product: SIMTProduct, _ body: ContractionKernel, _ shape: ImageConvolution
    ) -> ImageConvolution.Place? {
        guard let (parameter, index, mask) = body.right.plainLoad, mask.isEmpty,
            product.kernel.parameters[parameter].element == product.element
        else { return nil }
        let steps = shape.window.suffix(body.taps.count).reversed().reduce(into: [shape.channels]) {
            $0.insert($0[0] * $1, at: 0)
        }
        return place(
            parameter, index, zip(body.columns + body.taps + [body.depth], steps + [1]).map { ($0, $1) },
            product.element)
    }

    /// Reads sizes from the index and the masks of the image's loads.
    private static func shape(_ product: SIMTProduct, _ body: ContractionKernel) -> ImageConvolution? {
        guard let (parameter, index, mask) = body.left.plainLoad,
            product.kernel.parameters[parameter].element == product.element,
            let count = product.kernel.parameters[parameter].count.constantValue,
            let channels = body.depth.extent.constantValue,
            channels * product.element.byteCount % 16 == 0,
            index.linearCoefficient(of: body.depth.variable) == 1,
            let images = body.rows[0].extent.constantValue, let filters = body.columns[0].extent.constantValue
        else { return nil }
        let axes = body.rows.dropFirst().indices
        let taps: [LoopAxis?] = body.taps.isEmpty ? axes.map { _ in nil } : body.taps
        let places = Array(body.rows.dropFirst())
        let known = body.rows + body.taps + [body.depth]
        guard index.variables.allSatisfy({ variable in known.contains { $0.variable == variable } }) else { return nil }
        func step(_ axis: LoopAxis?, in expression: IntegerExpression) -> Int? {
            guard let axis, axis.extent != 1 else { return 0 }
            return expression.linearCoefficient(of: axis.variable)?.constantValue
        }
        var (window, results): ([Int], [Int]) = ([], [])
        for (place, tap) in zip(places, taps) {
            guard let result = place.extent.constantValue, let extent = (tap?.extent ?? 1).constantValue else {
                return nil
            }
            results.append(result)
            window.append(extent)
        }
        guard let mask = Mask(mask, places, taps, product.ranges, step) else { return nil }
        // Along the inner axis, steps are channels; along others lines, whose length a mask says, or the steps do where axes have equal ones.
        var (pitch, stride, dilation, extents) = (channels, [Int](), [Int](), [Int]())
        for axis in places.indices.reversed() {
            guard let by = step(places[axis], in: index), let byTap = step(taps[axis], in: index) else { return nil }
            if axis < places.count - 1 {
                let line: Int
                if let extent = mask.extents[axis + 1] {
                    line = extent * pitch
                } else if by != 0 {
                    line = by / (mask.stride[axis] ?? stride[0])
                } else if byTap != 0 {
                    line = byTap / (mask.dilation[axis] ?? dilation[0])
                } else {
                    return nil
                }
                guard line > 0, line % pitch == 0 else { return nil }
                extents.insert(line / pitch, at: 0)
                pitch = line
            }
            guard by % pitch == 0, byTap % pitch == 0 else { return nil }
            stride.insert(by == 0 ? mask.stride[axis] ?? 1 : by / pitch, at: 0)
            dilation.insert(byTap == 0 ? mask.dilation[axis] ?? 1 : byTap / pitch, at: 0)
        }
        extents.insert(mask.extents[0] ?? count / (images * pitch), at: 0)
        var (offset, line) = (index.constant, channels)
        for (extent, padding) in zip(extents, mask.padding).reversed() {
            offset += padding * line
            line *= extent
        }
        var made = ImageConvolution(
            element: product.element, resultElement: product.element, images: images, channels: channels,
            filters: filters, extents: extents, window: window, stride: stride, padding: mask.padding,
            dilation: dilation, resultExtents: results, image: .init(parameter, offset: offset),
            filter: .init(parameter), result: .init(parameter), workspace: parameter, workspaceBytes: 0)
        if places.count == 1 {
            // A line is an image of one line.
            for field in [\ImageConvolution.extents, \.window, \.stride, \.dilation, \.resultExtents] {
                made[keyPath: field].insert(1, at: 0)
            }
            made.padding.insert(0, at: 0)
        }
        // What the masks said must be what the steps say, and what they did not say must not be needed.
        guard offset >= 0, offset * product.element.byteCount % 16 == 0, mask.padding.allSatisfy({ $0 >= 0 }),
            made.fault(operands: parameter + 1) == nil,
            places.indices.allSatisfy({ axis in
                mask.stride[axis] ?? stride[axis] == stride[axis]
                    && mask.dilation[axis] ?? dilation[axis] == dilation[axis]
                    && (mask.extents[axis] != nil || made.paddingAfter(axis + made.extents.count - places.count) == 0)
            }),
            images == 1 || step(body.rows[0], in: index) == line, offset + images * line <= count
        else { return nil }
        return made
    }

    /// What masks say of each axis: `position ≥ 0` and `extent − 1 − position ≥ 0` with `position = stride · result + dilation · tap − padding`.
    private struct Mask {
        var stride: [Int?]
        var dilation: [Int?]
        var extents: [Int?]
        var padding: [Int]

        /// Nil where a condition is of another form.
        init?(
            _ mask: [IntegerExpression], _ places: [LoopAxis], _ taps: [LoopAxis?], _ ranges: VariableRanges,
            _ step: (_ axis: LoopAxis?, _ expression: IntegerExpression) -> Int?
        ) {
            let none = [Int?](repeating: nil, count: places.count)
            (stride, dilation, extents, padding) = (none, none, none, places.map { _ in 0 })
            var uppers: [(axis: Int, constant: Int)] = []
            for condition in mask where !ranges.isNonNegative(condition) {
                let along = places.indices.first { axis in
                    let own = [places[axis].variable] + (taps[axis].map { [$0.variable] } ?? [])
                    return condition.variables.allSatisfy { own.contains($0) }
                }
                guard let axis = along, let a = step(places[axis], condition), let b = step(taps[axis], condition),
                    a != 0 || b != 0, a * b >= 0
                else { return nil }
                if a != 0 { stride[axis] = abs(a) }
                if b != 0 { dilation[axis] = abs(b) }
                if a > 0 || b > 0 {
                    padding[axis] = -condition.constant
                } else {
                    uppers.append((axis, condition.constant))
                }
            }
            for (axis, constant) in uppers { extents[axis] = constant + 1 - padding[axis] }
        }
    }

    /// The call of the library, and the map after it; with `isFused` the library does all of it.
    func emit(symbol: String, proposal: Int, isFused: Bool) throws(EmissionError) -> EmittedKernel {
        let kernel = product.kernel
        var parameters = kernel.parameters
        var arguments: [EmittedKernel.Argument] = kernel.parameters.indices.map { .parameter($0) }
        func add(_ argument: EmittedKernel.Argument, _ element: ElementType, _ count: Int) -> Int {
            arguments.append(argument)
            parameters.append(
                KernelParameter(element: element, count: IntegerExpression(count), access: .read, isConstant: false))
            return parameters.count - 1
        }
        var call = shape
        let direct = isFused && result != nil ? epilogue.direct : nil
        let affine = isFused && result != nil && direct == nil ? self.affine : nil
        let vectors = affine?.packings(product, symbol) ?? []
        if let direct, let result {
            call.resultElement = direct.element
            call.result = result
            call.bias = direct.bias.map { .init($0.operand, offset: $0.offset) }
            call.biasElement = direct.bias?.element ?? .f32
            call.residual = direct.residual.map { .init($0, offset: result.offset) }
            call.isRectified = direct.isRectified
        } else if let affine, let result {
            let first = filter == nil ? 1 : 0
            let places = vectors.indices.map { ImageConvolution.Place(add(.packed(first + $0), .f32, shape.filters)) }
            call.resultElement = affine.element
            call.result = result
            (call.factor, call.bias, call.biasElement) = (places[0], places[1], .f32)
            call.isRectified = affine.isRectified
        } else {
            call.resultElement = epilogue.scratchElement
            let bytes = call.resultCount * call.resultElement.byteCount
            call.result = .init(
                add(.shared(bytes: IntegerExpression(bytes)), call.resultElement, call.resultCount))
        }
        let packing = filter == nil ? product.packing(symbol) : nil
        call.filter = filter ?? .init(add(.packed(0), product.element, packing?.packing.count ?? 0))
        call.workspaceBytes = SIMTLibraryEpilogue.workspaceBytes
        call.workspace = add(.shared(bytes: IntegerExpression(call.workspaceBytes)), .u8, call.workspaceBytes)
        call.proposal = proposal
        if let fault = call.fault(operands: parameters.count) {
            throw EmissionError(kernel: kernel.name, reason: "the convolution \(fault)")
        }
        let isWhole = direct != nil || affine != nil
        var emitted = try epilogue.emit(
            .convolution(call), scratch: isWhole ? nil : call.result.operand, parameters, arguments, packing, symbol)
        emitted.packings += vectors.map(\.packing)
        emitted.packingSource += vectors.map(\.source).joined()
        return emitted
    }
}
