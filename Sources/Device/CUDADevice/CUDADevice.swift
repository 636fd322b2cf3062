import CCUDADriver
import DeviceAPI
import ElementTypes
import Synchronization

/// One NVIDIA GPU. Kernels are cubins; launches are captured as one CUDA graph.
package final class CUDADevice: Device {
    /// What the GPU can do.
    package let limits: DeviceLimits
    let driver: CUDADriver
    let context: CUDAContext
    let memory: CUDAMemory
    private let pinned: CUDAHostMemory
    private let imported: CUDAHostMemory
    /// Whether pages without the right to write can be registered.
    private let importsReadOnly: Bool
    private let convolutionHandle = Mutex<CUDAConvolutionHandle?>(nil)

    /// Whether NVIDIA's driver is on this machine, working or not.
    package static var isInstalled: Bool { hearth_cuda_is_there() != 0 }

    /// Number of GPUs, or why none can be used.
    package static func count() throws(DeviceError) -> Int {
        let driver = try CUDADriver.shared.get()
        var count: Int32 = 0
        try driver.check(driver.call.cuDeviceGetCount(&count), "counting GPUs")
        return Int(count)
    }

    /// The GPU of a number, 0 first.
    package init(ordinal: Int = 0) throws(DeviceError) {
        let driver = try CUDADriver.shared.get()
        let count = try Self.count()
        guard (0..<count).contains(ordinal) else {
            throw .unavailable(device: "cuda:\(ordinal)", reason: "this machine has \(count) GPUs")
        }
        self.driver = driver
        var before: HearthCUContext?
        _ = driver.call.cuCtxGetCurrent(&before)
        // Other libraries in this process find the GPU that they chose.
        defer { _ = driver.call.cuCtxSetCurrent(before) }
        let context = try CUDAContext(driver, ordinal: ordinal)
        self.context = context
        limits = try Self.limits(driver, context.gpu)
        pinned = CUDAHostMemory(context, of: .driver)
        imported = CUDAHostMemory(context, of: .process)
        var readOnly: Int32 = 0
        _ = driver.call.cuDeviceGetAttribute(&readOnly, Int32(HEARTH_CU_READ_ONLY_HOST_REGISTRATION), context.gpu)
        importsReadOnly = readOnly != 0
        memory = try CUDAMemory(context)
    }

    deinit {
        // What cuDNN holds belongs to the context.
        convolutionHandle.withLock { handle in
            guard handle != nil else { return }
            context.visit { _ in handle = nil }
        }
    }

    /// Driver, free memory, and what NVML reads where it is there.
    package var telemetry: DeviceTelemetry? {
        var telemetry = DeviceTelemetry(driver: driver.name)
        guard (try? enter()) != nil else { return telemetry }
        var (free, total) = (0, 0)
        if driver.call.cuMemGetInfo(&free, &total) == 0 { telemetry.freeBytes = free }
        var bus = [CChar](repeating: 0, count: 64)
        var reading = HearthNVMLReading()
        guard driver.call.cuDeviceGetPCIBusId(&bus, 64, context.gpu) == 0, hearth_read_nvml(bus, &reading) == 0 else {
            return telemetry
        }
        func known<Number: BinaryInteger>(_ value: Number) -> Int? { value < 0 ? nil : Int(value) }
        telemetry.watts = known(reading.power_milliwatts).map { Double($0) / 1000 }
        telemetry.joules = known(reading.energy_millijoules).map { Double($0) / 1000 }
        telemetry.temperature = known(reading.temperature)
        telemetry.clock = known(reading.sm_clock_mhz)
        telemetry.memoryClock = known(reading.memory_clock_mhz)
        return telemetry
    }

    /// cuBLASLt and cuDNN, where the loader finds them (or at `HEARTH_CUBLASLT` and `HEARTH_CUDNN`).
    package var libraries: [DeviceLimits.Library] {
        var found: [DeviceLimits.Library] = []
        if let products = try? CUDAProductLibrary.shared.get() {
            found.append(.init(name: CUDAProductLibrary.name, version: products.version))
        }
        if let convolutions = try? CUDAConvolutionLibrary.shared.get() {
            found.append(.init(name: CUDAConvolutionLibrary.name, version: convolutions.version))
        }
        return found
    }

    /// The GPU's handle of cuDNN, made the first time that it is asked for; the GPU must be the calling thread's.
    func convolutions() throws(DeviceError) -> CUDAConvolutionHandle {
        try convolutionHandle.withLock { handle throws(DeviceError) in
            if let handle { return handle }
            let made = try CUDAConvolutionHandle()
            handle = made
            return made
        }
    }

    /// Makes the GPU the calling thread's.
    func enter() throws(DeviceError) { try context.enter() }

    /// The thread's current context.
    package func selection() -> UnsafeMutableRawPointer? {
        var current: HearthCUContext?
        _ = driver.call.cuCtxGetCurrent(&current)
        return current.map { UnsafeMutableRawPointer($0) }
    }

    /// Makes a context the thread's current one, or none.
    package func select(_ selection: UnsafeMutableRawPointer?) {
        _ = driver.call.cuCtxSetCurrent(selection.map { HearthCUContext($0) })
    }

    /// A stream that waits for no other.
    func makeStream() throws(DeviceError) -> HearthCUStream {
        var stream: HearthCUStream?
        try driver.check(driver.call.cuStreamCreate(&stream, 1), "making a stream")
        guard let stream else { throw .failed(operation: "making a stream", reason: "there is none") }
        return stream
    }

    /// Waits for a stream's work.
    func wait(for stream: HearthCUStream?) throws(DeviceError) {
        try driver.check(driver.call.cuStreamSynchronize(stream), "running on the GPU")
    }

    /// Memory of the GPU from its stream-ordered pool.
    package func allocate(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer {
        try enter()
        return DeviceBuffer(address: try memory.allocate(byteCount), byteCount: byteCount, memory: memory)
    }

    /// Pinned memory of the host, at one address for both.
    package func allocateHost(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer {
        guard byteCount >= 0 else { throw .outOfMemory(byteCount: byteCount) }
        try enter()
        var address: UnsafeMutableRawPointer?
        // CU_MEMHOSTALLOC_PORTABLE and CU_MEMHOSTALLOC_DEVICEMAP.
        let code = driver.call.cuMemHostAlloc(&address, max(byteCount, 1), 3)
        if code != HEARTH_CU_OUT_OF_MEMORY { try driver.check(code, "allocating \(byteCount) bytes of pinned memory") }
        guard code == 0, let address else { throw .outOfMemory(byteCount: byteCount) }
        return DeviceBuffer(address: address, byteCount: byteCount, memory: pinned)
    }

    /// Registers pages of the host, which are pinned until the value ends. The driver refuses what is registered already, in part or
    /// as a whole.
    package func importHost(_ memory: UnsafeRawBufferPointer, isReadOnly: Bool) throws(DeviceError) -> DeviceBuffer {
        guard limits.importsHostMemory else { throw .unsupported("memory that the host has already") }
        guard let base = memory.baseAddress, !memory.isEmpty else {
            throw .notImported(byteCount: 0, reason: "there is nothing to import")
        }
        try enter()
        var flags = UInt32(HEARTH_CU_REGISTER_PORTABLE)
        // Where the flag is not known, pages that may be written are still registered, and others refused.
        if isReadOnly, importsReadOnly { flags |= UInt32(HEARTH_CU_REGISTER_READ_ONLY) }
        // Safety: the driver pins the pages and writes nothing.
        let address = UnsafeMutableRawPointer(mutating: base)
        let code = driver.call.cuMemHostRegister(address, memory.count, flags)
        guard code == 0 else { throw .notImported(byteCount: memory.count, reason: driver.text(code)) }
        return DeviceBuffer(address: address, byteCount: memory.count, memory: imported)
    }

    /// Loads a cubin.
    package func loadProgram(path: String) throws(DeviceError) -> any DeviceProgram {
        try enter()
        return try CUDAProgram(self, path: path)
    }

    /// Loads a cubin from bytes.
    package func loadProgram(bytes: [UInt8], name: String) throws(DeviceError) -> any DeviceProgram {
        try enter()
        return try CUDAProgram(self, bytes: bytes, name: name)
    }

    /// A queue: one stream.
    package func makeQueue() throws(DeviceError) -> any DeviceQueue {
        try enter()
        return try CUDAQueue(self)
    }

    /// A queue over a CUstream of the same context, which is also PyTorch's.
    package func makeQueue(on stream: UnsafeMutableRawPointer?) throws(DeviceError) -> any DeviceQueue {
        CUDAQueue(self, over: stream)
    }

    /// Captures launches; all of them must be grids. A GPU's threads get no workspace.
    package func makeGraph(
        _ launches: [Launch], slotCount: Int, workspaceBytes: Int
    ) throws(DeviceError) -> any DeviceGraph {
        guard workspaceBytes == 0 else { throw .unsupported("a workspace for each thread") }
        try enter()
        return try CUDAGraph(self, launches, slotCount: slotCount)
    }

    private static func limits(
        _ driver: CUDADriver, _ device: HearthCUDevice
    ) throws(DeviceError) -> DeviceLimits {
        func attribute(_ number: Int) throws(DeviceError) -> Int {
            var value: Int32 = 0
            try driver.check(driver.call.cuDeviceGetAttribute(&value, Int32(number), device), "asking the GPU")
            return Int(value)
        }
        var name = [CChar](repeating: 0, count: 128)
        try driver.check(driver.call.cuDeviceGetName(&name, 128, device), "asking the GPU its name")
        var bytes = 0
        try driver.check(driver.call.cuDeviceTotalMem(&bytes, device), "asking the GPU its memory")
        let (major, minor) = (try attribute(HEARTH_CU_MAJOR), try attribute(HEARTH_CU_MINOR))
        let threads = try attribute(HEARTH_CU_MAX_THREADS_PER_BLOCK)
        let multiprocessors = try attribute(HEARTH_CU_MULTIPROCESSORS)
        let instructions = CUDAArchitecture.accepted(major: major, minor: minor)
        let imports = try attribute(HEARTH_CU_HOST_REGISTRATION) != 0
        var limits = DeviceLimits(
            name: device == 0 ? "cuda" : "cuda:\(device)", kind: .cuda, vendor: "NVIDIA",
            model: String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self),
            features: [], cores: multiprocessors, threads: multiprocessors,
            blocks: .init(
                architecture: instructions[0], accepts: instructions, warp: try attribute(HEARTH_CU_WARP_SIZE),
                threads: threads,
                sharedBytes: try attribute(HEARTH_CU_SHARED_PER_BLOCK_OPT_IN)),
            caches: .init(
                l1Data: try attribute(HEARTH_CU_SHARED_PER_MULTIPROCESSOR), l2: try attribute(HEARTH_CU_L2_BYTES),
                l3: 0,
                l3SharedBy: 0),
            memoryBytes: bytes, vectorBytes: 16,
            elementTypes: elementTypes,
            dialects: [.cudaCPlusPlus, .triton], readsHostMemory: false, capturesGraphs: true, alignment: 256)
        limits.importsHostMemory = imports
        return limits
    }
}
