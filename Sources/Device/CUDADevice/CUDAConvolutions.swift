import CCUDADriver
import DeviceAPI
import ElementTypes
import Glibc
import Synchronization

/// NVIDIA's library of convolutions, opened once in a process, the first time that something asks for it.
final class CUDAConvolutionLibrary: Sendable {
    // Functions that may be called from any thread; what they work on is one thread's at a time.
    let call: HearthCudnn
    /// As DeviceLimits names it.
    static let name = LibraryCall.convolutionLibrary

    /// The library, or why there is none.
    static let shared: Result<CUDAConvolutionLibrary, DeviceError> = Result { () throws(DeviceError) in
        try CUDAConvolutionLibrary()
    }

    private init() throws(DeviceError) {
        var table = HearthCudnn()
        var text = [CChar](repeating: 0, count: 512)
        let code = hearth_open_cudnn(&table, getenv("HEARTH_CUDNN"), &text, text.count)
        guard code == 0 else {
            let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw .unsupported("convolutions by \(Self.name): \(reason)")
        }
        call = table
    }

    /// Such as `9.24.0`.
    var version: String {
        let number = call.cudnnGetVersion()
        return "\(number / 10000).\(number % 10000 / 100).\(number % 100)"
    }

    /// Throws what a status other than 0 (cudnnStatus_t) means, for the convolution of these sizes or for all.
    func check(
        _ status: Int32, _ operation: @autoclosure () -> String, _ sizes: @autoclosure () -> String? = nil
    ) throws(DeviceError) {
        guard status != 0 else { return }
        let meaning = call.cudnnGetErrorString(status).map { String(cString: $0) } ?? "?"
        throw .libraryFailed(
            .init(
                library: Self.name, sizes: sizes(), reason: "\(operation()) gives status \(status), \(meaning)"))
    }
}

/// A GPU's handle of the library, which one thread uses at a time.
final class CUDAConvolutionHandle: @unchecked Sendable {
    // Safety: the handle and the plans are used inside of `withHandle` only.
    let library: CUDAConvolutionLibrary
    private let lock = Mutex(())
    private var handle: HearthDnnHandle?
    /// Making a plan takes the library tens of milliseconds, so equal convolutions share one.
    private var plans: [ImageConvolution: CUDNNPlan] = [:]

    /// Makes a handle for the calling thread's GPU; takes a tenth of a second and some of its memory.
    init() throws(DeviceError) {
        library = try CUDAConvolutionLibrary.shared.get()
        try library.check(library.call.cudnnCreate(&handle), "starting the library of convolutions")
    }

    deinit {
        plans = [:]
        if let handle { _ = library.call.cudnnDestroy(handle) }
    }

    /// The plan of a convolution, whatever its operands are.
    fileprivate func plan(_ convolution: ImageConvolution) throws(DeviceError) -> CUDNNPlan {
        let nowhere = ImageConvolution.Place(0)
        var key = convolution
        (key.image, key.filter, key.result, key.workspace) = (nowhere, nowhere, nowhere, 0)
        if key.bias != nil { key.bias = nowhere }
        if key.residual != nil { key.residual = nowhere }
        if key.factor != nil { key.factor = nowhere }
        return try withHandle { handle throws(DeviceError) in
            if let known = plans[key] { return known }
            let made = try CUDNNPlan(convolution, library, handle)
            plans[key] = made
            return made
        }
    }

    func withHandle<Result>(_ body: (HearthDnnHandle?) throws(DeviceError) -> Result) throws(DeviceError) -> Result {
        try lock.withLock { _ throws(DeviceError) in try body(handle) }
    }
}

/// One of the library's objects, with attributes that are set before it is finished.
private final class CUDNNObject {
    let library: CUDAConvolutionLibrary
    let object: HearthDnnObject?

    init(_ library: CUDAConvolutionLibrary, _ type: Int) throws(DeviceError) {
        self.library = library
        var made: HearthDnnObject?
        try library.check(library.call.cudnnBackendCreateDescriptor(Int32(type), &made), "describing a convolution")
        object = made
    }

    deinit { if let object { _ = library.call.cudnnBackendDestroyDescriptor(object) } }

    func status<Value>(_ name: Int, _ type: Int, _ values: [Value]) -> Int32 {
        values.withUnsafeBytes {
            library.call.cudnnBackendSetAttribute(object, Int32(name), Int32(type), Int64(values.count), $0.baseAddress)
        }
    }

    func set<Value>(_ name: Int, _ type: Int, _ values: [Value]) throws(DeviceError) {
        try library.check(status(name, type, values), "describing a convolution")
    }

    func set(_ name: Int, integers: [Int]) throws(DeviceError) {
        try set(name, HEARTH_DNN_TYPE_INT64, integers.map { Int64($0) })
    }

    func set(_ name: Int, objects: [CUDNNObject]) throws(DeviceError) {
        try set(name, HEARTH_DNN_TYPE_OBJECT, objects.map(\.object))
    }

    /// Ends the description; the status is 0 where the library accepts it.
    func finishStatus() -> Int32 { library.call.cudnnBackendFinalize(object) }

    func finished() throws(DeviceError) -> CUDNNObject {
        try library.check(finishStatus(), "describing a convolution")
        return self
    }
}

/// Numbers of a convolution's tensors.
private enum CUDNNTensor: Int { case image = 1, filter, result, bias, residual, sums, biased, added, factor, scaled }

/// A convolution that the library has agreed to compute.
final class CUDAConvolution: CUDALibraryCall {
    private let owner: CUDAConvolutionHandle
    private let convolution: ImageConvolution
    private let plan: CUDNNPlan

    init(_ convolution: ImageConvolution, _ owner: CUDAConvolutionHandle) throws(DeviceError) {
        self.owner = owner
        self.convolution = convolution
        plan = try owner.plan(convolution)
    }

    /// Bytes of the operand that takes the result.
    var resultByteCount: Int { convolution.byteCount(of: convolution.result.operand) }

    /// Starts the convolution on a stream; `address` gives that of an operand, and `elsewhere` takes the place of the one that takes
    /// the result.
    func start(
        on stream: HearthCUStream, elsewhere: UnsafeMutableRawPointer?, _ address: (_ operand: Int) -> UInt64
    ) throws(DeviceError) {
        var numbers: [Int] = []
        var pointers: [UnsafeMutableRawPointer?] = []
        func add(_ tensor: CUDNNTensor, _ place: ImageConvolution.Place?, _ element: ElementType) {
            guard let place else { return }
            let base = UnsafeMutableRawPointer(bitPattern: UInt(address(place.operand)))
            numbers.append(tensor.rawValue)
            pointers.append(
                (tensor == .result ? elsewhere ?? base : base).map { $0 + place.offset * element.byteCount })
        }
        add(.image, convolution.image, convolution.element)
        add(.filter, convolution.filter, convolution.element)
        add(.result, convolution.result, convolution.resultElement)
        add(.bias, convolution.bias, convolution.biasElement)
        add(.residual, convolution.residual, convolution.resultElement)
        add(.factor, convolution.factor, .f32)
        let workspace = UnsafeMutableRawPointer(bitPattern: UInt(address(convolution.workspace)))
        try owner.withHandle { handle throws(DeviceError) in
            let library = owner.library
            try library.check(
                library.call.cudnnSetStream(handle, UnsafeMutableRawPointer(stream)), "starting a convolution")
            let pack = try CUDNNObject(library, HEARTH_DNN_VARIANT_PACK)
            try pack.set(HEARTH_DNN_PACK_IDS, integers: numbers)
            try pack.set(HEARTH_DNN_PACK_POINTERS, HEARTH_DNN_TYPE_POINTER, pointers)
            try pack.set(HEARTH_DNN_PACK_WORKSPACE, HEARTH_DNN_TYPE_POINTER, [workspace])
            _ = try pack.finished()
            try library.check(
                library.call.cudnnBackendExecute(handle, plan.plan.object, pack.object),
                "starting the convolution", LibraryCall.convolution(convolution).sizes)
        }
    }

}

/// How the library computes a convolution.
private final class CUDNNPlan {
    let plan: CUDNNObject
    /// Everything that the plan refers to.
    private let parts: [CUDNNObject]

    init(
        _ convolution: ImageConvolution, _ library: CUDAConvolutionLibrary, _ handle: HearthDnnHandle?
    ) throws(DeviceError) {
        (plan, parts) = try Self.plan(convolution, library, handle)
    }

    private static func plan(
        _ convolution: ImageConvolution, _ library: CUDAConvolutionLibrary, _ handle: HearthDnnHandle?
    ) throws(DeviceError) -> (plan: CUDNNObject, parts: [CUDNNObject]) {
        let c = convolution
        func type(_ element: ElementType) -> Int32 {
            Int32(element == .f32 ? HEARTH_DNN_F32 : element == .f16 ? HEARTH_DNN_F16 : HEARTH_DNN_BF16)
        }
        let single = [Int32(HEARTH_DNN_F32)]
        // Extents in the library's order: images (or filters), channels, then the axes; channels lie side by side.
        func tensor(_ number: CUDNNTensor, _ extents: [Int], _ element: ElementType, isVirtual: Bool = false)
            throws(DeviceError) -> CUDNNObject
        {
            let made = try CUDNNObject(library, HEARTH_DNN_TENSOR)
            try made.set(HEARTH_DNN_TENSOR_TYPE, HEARTH_DNN_TYPE_DATA_TYPE, [type(element)])
            try made.set(HEARTH_DNN_TENSOR_EXTENTS, integers: extents)
            // From the inner axis outwards, the last step being that of images.
            let steps = extents[2...].reversed().reduce(into: [extents[1]]) { $0.insert($0[0] * $1, at: 0) }
            try made.set(HEARTH_DNN_TENSOR_STRIDES, integers: [steps[0], 1] + steps[1...])
            try made.set(HEARTH_DNN_TENSOR_ALIGNMENT, integers: [16])
            try made.set(HEARTH_DNN_TENSOR_ID, integers: [number.rawValue])
            if isVirtual { try made.set(HEARTH_DNN_TENSOR_IS_VIRTUAL, HEARTH_DNN_TYPE_BOOLEAN, [true]) }
            return try made.finished()
        }
        let extents = [c.images, c.filters] + c.resultExtents
        let one = [1, c.filters] + c.extents.map { _ in 1 }
        let result = try tensor(.result, extents, c.resultElement)
        let image = try tensor(.image, [c.images, c.channels] + c.extents, c.element)
        let filter = try tensor(.filter, [c.filters, c.channels] + c.window, c.element)
        var parts = [result, image, filter]
        var steps: [(mode: Int, other: CUDNNObject?)] = []
        if c.factor != nil { steps.append((HEARTH_DNN_MULTIPLY, try tensor(.factor, one, .f32))) }
        if c.bias != nil { steps.append((HEARTH_DNN_ADD, try tensor(.bias, one, c.biasElement))) }
        if c.residual != nil { steps.append((HEARTH_DNN_ADD, try tensor(.residual, extents, c.resultElement))) }
        if c.isRectified { steps.append((HEARTH_DNN_RELU, nil)) }
        let between: [CUDNNTensor] = [.sums, .biased, .added, .scaled]
        var current = steps.isEmpty ? result : try tensor(between[0], extents, .f32, isVirtual: true)

        let description = try CUDNNObject(library, HEARTH_DNN_CONVOLUTION)
        try description.set(HEARTH_DNN_CONVOLUTION_TYPE, HEARTH_DNN_TYPE_DATA_TYPE, single)
        try description.set(
            HEARTH_DNN_CONVOLUTION_MODE, HEARTH_DNN_TYPE_CONVOLUTION_MODE, [Int32(HEARTH_DNN_CROSS_CORRELATION)])
        try description.set(HEARTH_DNN_CONVOLUTION_AXES, integers: [c.extents.count])
        try description.set(HEARTH_DNN_CONVOLUTION_DILATIONS, integers: c.dilation)
        try description.set(HEARTH_DNN_CONVOLUTION_STRIDES, integers: c.stride)
        try description.set(HEARTH_DNN_CONVOLUTION_PADDING_BEFORE, integers: c.padding)
        try description.set(
            HEARTH_DNN_CONVOLUTION_PADDING_AFTER, integers: c.extents.indices.map { c.paddingAfter($0) })
        parts += [current, try description.finished()]

        let forward = try CUDNNObject(library, HEARTH_DNN_CONVOLUTION_FORWARD)
        try forward.set(HEARTH_DNN_FORWARD_CONVOLUTION, objects: [description])
        try forward.set(HEARTH_DNN_FORWARD_IMAGE, objects: [image])
        try forward.set(HEARTH_DNN_FORWARD_FILTER, objects: [filter])
        try forward.set(HEARTH_DNN_FORWARD_RESULT, objects: [current])
        try forward.set(HEARTH_DNN_FORWARD_ALPHA, HEARTH_DNN_TYPE_FLOAT, [Float(1)])
        try forward.set(HEARTH_DNN_FORWARD_BETA, HEARTH_DNN_TYPE_FLOAT, [Float(0)])
        var operations = [try forward.finished()]
        for (number, step) in steps.enumerated() {
            let mode = try CUDNNObject(library, HEARTH_DNN_POINTWISE)
            try mode.set(HEARTH_DNN_POINTWISE_MODE, HEARTH_DNN_TYPE_POINTWISE_MODE, [Int32(step.mode)])
            try mode.set(HEARTH_DNN_POINTWISE_PRECISION, HEARTH_DNN_TYPE_DATA_TYPE, single)
            if step.mode == HEARTH_DNN_RELU {
                // Newer versions need not know this; a NaN stays one then too.
                _ = mode.status(HEARTH_DNN_POINTWISE_NAN, HEARTH_DNN_TYPE_NAN_PROPAGATION, [Int32(1)])
            }
            _ = try mode.finished()
            let isLast = number == steps.count - 1
            let next = isLast ? result : try tensor(between[number + 1], extents, .f32, isVirtual: true)
            let operation = try CUDNNObject(library, HEARTH_DNN_POINTWISE_OPERATION)
            try operation.set(HEARTH_DNN_OPERATION_POINTWISE, objects: [mode])
            try operation.set(HEARTH_DNN_OPERATION_X, objects: [current])
            if let other = step.other {
                try operation.set(HEARTH_DNN_OPERATION_B, objects: [other])
                parts.append(other)
            }
            try operation.set(HEARTH_DNN_OPERATION_Y, objects: [next])
            operations.append(try operation.finished())
            parts += [mode, next]
            current = next
        }
        let graph = try CUDNNObject(library, HEARTH_DNN_GRAPH)
        try graph.set(HEARTH_DNN_GRAPH_HANDLE, HEARTH_DNN_TYPE_HANDLE, [handle])
        try graph.set(HEARTH_DNN_GRAPH_OPERATIONS, objects: operations)
        parts += operations + [try graph.finished()]
        let (plan, configuration) = try chosen(c, graph, library, handle)
        return (plan, parts + [configuration])
    }

    /// The plan of the wanted proposal among those that the library can make and whose workspace is there.
    private static func chosen(
        _ convolution: ImageConvolution, _ graph: CUDNNObject, _ library: CUDAConvolutionLibrary,
        _ handle: HearthDnnHandle?
    ) throws(DeviceError) -> (plan: CUDNNObject, configuration: CUDNNObject) {
        var found: (CUDNNObject, CUDNNObject)?
        var count = 0
        for mode in [HEARTH_DNN_HEURISTICS_A, HEARTH_DNN_HEURISTICS_FALLBACK] where found == nil {
            let heuristics = try CUDNNObject(library, HEARTH_DNN_HEURISTICS)
            try heuristics.set(HEARTH_DNN_HEURISTICS_GRAPH, objects: [graph])
            try heuristics.set(HEARTH_DNN_HEURISTICS_MODE, HEARTH_DNN_TYPE_HEURISTIC_MODE, [Int32(mode)])
            if heuristics.finishStatus() != 0 { continue }
            // More than a few are not asked for: each plan may be compiled by the library.
            let configurations = try (0..<12).map { _ throws(DeviceError) in
                try CUDNNObject(library, HEARTH_DNN_ENGINE_CONFIGURATION)
            }
            var objects = configurations.map(\.object)
            var given: Int64 = 0
            let status = library.call.cudnnBackendGetAttribute(
                heuristics.object, Int32(HEARTH_DNN_HEURISTICS_RESULTS), Int32(HEARTH_DNN_TYPE_OBJECT),
                Int64(objects.count), &given, &objects)
            if status != 0 { continue }
            for configuration in configurations.prefix(Int(max(0, given))) {
                let plan = try CUDNNObject(library, HEARTH_DNN_PLAN)
                try plan.set(HEARTH_DNN_PLAN_HANDLE, HEARTH_DNN_TYPE_HANDLE, [handle])
                try plan.set(HEARTH_DNN_PLAN_CONFIGURATION, objects: [configuration])
                if plan.finishStatus() != 0 { continue }
                var (bytes, one) = (Int64(0), Int64(0))
                let isKnown = library.call.cudnnBackendGetAttribute(
                    plan.object, Int32(HEARTH_DNN_PLAN_WORKSPACE), Int32(HEARTH_DNN_TYPE_INT64), 1, &one, &bytes)
                guard isKnown == 0, bytes <= convolution.workspaceBytes else { continue }
                found = (plan, configuration)
                count += 1
                if count > convolution.proposal { break }
            }
        }
        guard let found else {
            throw .libraryFailed(
                .init(
                    library: CUDAConvolutionLibrary.name, sizes: LibraryCall.convolution(convolution).sizes,
                    reason: "it has no way to compute the convolution"))
        }
        return found
    }
}
