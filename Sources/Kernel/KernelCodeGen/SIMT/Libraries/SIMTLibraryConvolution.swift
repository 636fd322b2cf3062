import ElementTypes
import KernelIR

/// A contraction that is a convolution of images which a vendor's library can compute: channels side by side, sizes that are known,
/// one group. What the library does not do itself is done afterwards by a map over its result.
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
            product.batches == 1, case .contraction(let body) = product.kernel.body, body.rows.count == 3,
            body.columns.count == 1, [0, 2].contains(body.taps.count), let rows = product.rows,
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
            let (y, x) = (shape.resultExtents[0], shape.resultExtents[1])
            result = Self.place(
                store.parameter, store.index,
                zip(body.rows + body.columns, [y * x * columns, x * columns, columns, 1]).map { ($0, $1) },
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
        if product.element == .f32 { return shape.window != [1, 1] && min(shape.channels, columns) >= 32 }
        let tiles = (rows + 63) / 64 * ((columns + 63) / 64)
        return isDirect && shape.window != [1, 1] && shape.channels >= 64 && columns >= 64
            && tiles > product.target.multiprocessors
    }

    /// Whether a window is more than one element, or steps over some: else it is a product, for which there are other libraries.
    var isWindow: Bool { shape.window != [1, 1] || shape.stride != [1, 1] }

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
        let (depth, width) = (shape.channels, shape.window[1])
        let taps = zip(body.taps, [width * depth, depth]).map { ($0, $1) }
        return place(
            parameter, index, [(body.columns[0], shape.window[0] * width * depth)] + taps + [(body.depth, 1)],
            product.element)
    }

    /// Reads sizes from the index and the masks of the image's loads.
    private static func shape(_ product: SIMTProduct, _ body: ContractionKernel) -> ImageConvolution? {
        guard let (parameter, index, mask) = body.left.plainLoad,
            product.kernel.parameters[parameter].element == product.element,
            let count = product.kernel.parameters[parameter].count.constantValue,
            let channels = body.depth.extent.constantValue, channels % 8 == 0,
            index.linearCoefficient(of: body.depth.variable) == 1,
            let images = body.rows[0].extent.constantValue, let filters = body.columns[0].extent.constantValue
        else { return nil }
        let taps = body.taps
        let known = body.rows + taps + [body.depth]
        guard index.variables.allSatisfy({ variable in known.contains { $0.variable == variable } }) else { return nil }
        func step(_ axis: LoopAxis?, in expression: IntegerExpression) -> Int? {
            guard let axis, axis.extent != 1 else { return 0 }
            return expression.linearCoefficient(of: axis.variable)?.constantValue
        }
        var window = [1, 1]
        var results = [1, 1]
        var (stride, dilation, padding) = ([Int?](repeating: nil, count: 2), [Int?](repeating: nil, count: 2), [0, 0])
        var extents = [Int?](repeating: nil, count: 2)
        for axis in 0..<2 {
            guard let result = body.rows[axis + 1].extent.constantValue else { return nil }
            results[axis] = result
            if !taps.isEmpty {
                guard let extent = taps[axis].extent.constantValue else { return nil }
                window[axis] = extent
            }
        }
        // Masks: `position ≥ 0` and `extent − 1 − position ≥ 0` with `position = stride · result + dilation · tap − padding`.
        var uppers: [(axis: Int, constant: Int)] = []
        for condition in mask where !product.ranges.isNonNegative(condition) {
            let along = (0..<2).first { axis in
                let own = [body.rows[axis + 1].variable] + (taps.isEmpty ? [] : [taps[axis].variable])
                return condition.variables.allSatisfy { own.contains($0) }
            }
            guard let axis = along, let a = step(body.rows[axis + 1], in: condition),
                let b = step(taps.isEmpty ? nil : taps[axis], in: condition), a != 0 || b != 0, a * b >= 0
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
        let (byColumn, byRow) = (step(body.rows[2], in: index), step(body.rows[1], in: index))
        let (byTapX, byTapY) = (
            step(taps.isEmpty ? nil : taps[1], in: index), step(taps.isEmpty ? nil : taps[0], in: index)
        )
        guard let byColumn, let byRow, let byTapX, let byTapY else { return nil }
        // Along the inner axis, steps are channels.
        guard byColumn % channels == 0, byTapX % channels == 0 else { return nil }
        let strideX = byColumn == 0 ? stride[1] ?? 1 : byColumn / channels
        let dilationX = byTapX == 0 ? dilation[1] ?? 1 : byTapX / channels
        // Along the outer one they are lines, whose length a mask says, or the steps do where both axes have equal ones.
        let line: Int
        if let width = extents[1] {
            line = width * channels
        } else if byRow != 0 {
            line = byRow / (stride[0] ?? strideX)
        } else if byTapY != 0 {
            line = byTapY / (dilation[0] ?? dilationX)
        } else {
            return nil
        }
        guard line > 0, line % channels == 0, byRow % line == 0, byTapY % line == 0 else { return nil }
        let strideY = byRow == 0 ? stride[0] ?? 1 : byRow / line
        let dilationY = byTapY == 0 ? dilation[0] ?? 1 : byTapY / line
        let height = extents[0] ?? count / (images * line)
        let offset = index.constant + padding[0] * line + padding[1] * channels
        let made = ImageConvolution(
            element: product.element, resultElement: product.element, images: images, height: height,
            width: line / channels, channels: channels, filters: filters, window: window, stride: [strideY, strideX],
            padding: padding, dilation: [dilationY, dilationX], resultExtents: results,
            image: .init(parameter, offset: offset), filter: .init(parameter), result: .init(parameter),
            workspace: parameter, workspaceBytes: 0)
        // What the masks said must be what the steps say, and what they did not say must not be needed.
        let strides = [strideY, strideX]
        let dilations = [dilationY, dilationX]
        guard offset >= 0, offset * product.element.byteCount % 16 == 0, padding.allSatisfy({ $0 >= 0 }),
            (0..<2).allSatisfy({ stride[$0] ?? strides[$0] == strides[$0] }),
            (0..<2).allSatisfy({ dilation[$0] ?? dilations[$0] == dilations[$0] }),
            (0..<2).allSatisfy({ extents[$0] != nil || made.paddingAfter($0) == 0 }),
            images == 1 || step(body.rows[0], in: index) == height * line, made.fault(operands: parameter + 1) == nil,
            offset + images * height * line <= count
        else { return nil }
        return made
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
