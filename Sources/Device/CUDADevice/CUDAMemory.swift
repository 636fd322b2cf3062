import CCUDADriver
import DeviceAPI

/// The GPU's memory, from the device's stream-ordered pool, which keeps what it once had.
final class CUDAMemory: DeviceMemory {
    private let driver: CUDADriver
    // Safety: opaque handles; the driver orders what threads do with them.
    nonisolated(unsafe) private let context: HearthCUContext
    nonisolated(unsafe) private let stream: HearthCUStream

    init(_ driver: CUDADriver, _ context: HearthCUContext, _ device: HearthCUDevice) throws(DeviceError) {
        self.driver = driver
        self.context = context
        try driver.check(driver.call.cuCtxSetCurrent(context), "selecting the GPU")
        var stream: HearthCUStream?
        try driver.check(driver.call.cuStreamCreate(&stream, 1), "making a stream")
        guard let stream else { throw .failed(operation: "making a stream", reason: "there is none") }
        self.stream = stream
        var pool: HearthCUMemoryPool?
        try driver.check(driver.call.cuDeviceGetDefaultMemPool(&pool, device), "asking for the memory pool")
        var threshold = UInt64.max
        try driver.check(
            driver.call.cuMemPoolSetAttribute(pool, Int32(HEARTH_CU_POOL_RELEASE_THRESHOLD), &threshold),
            "keeping the memory pool")
    }

    deinit { _ = driver.call.cuStreamDestroy(stream) }

    /// At least one byte of memory, ready for every stream.
    func allocate(_ byteCount: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
        guard byteCount >= 0 else { throw .outOfMemory(byteCount: byteCount) }
        var address: HearthCUPointer = 0
        let code = driver.call.cuMemAllocAsync(&address, max(byteCount, 1), stream)
        if code == HEARTH_CU_OUT_OF_MEMORY {
            var (free, total) = (0, 0)
            let isTold = driver.call.cuMemGetInfo(&free, &total) == 0
            throw .outOfMemory(byteCount: byteCount, free: isTold ? free : nil)
        }
        try driver.check(code, "allocating \(byteCount) bytes")
        try driver.check(driver.call.cuStreamSynchronize(stream), "allocating \(byteCount) bytes")
        guard let pointer = UnsafeMutableRawPointer(bitPattern: UInt(address)) else {
            throw .outOfMemory(byteCount: byteCount)
        }
        return pointer
    }

    func release(_ address: UnsafeMutableRawPointer, byteCount: Int) {
        // Work of any stream may still read it; buffers end with their session, so waiting costs nothing that matters.
        _ = driver.call.cuCtxSetCurrent(context)
        _ = driver.call.cuCtxSynchronize()
        _ = driver.call.cuMemFreeAsync(HearthCUPointer(UInt(bitPattern: address)), stream)
    }
}

/// Memory of the host that the GPU reads and writes.
final class CUDAHostMemory: DeviceMemory {
    /// Whose memory it is.
    enum Owner {
        /// The driver's, pinned: it is freed.
        case driver
        /// The process's own, registered: its registration ends.
        case process
    }

    private let driver: CUDADriver
    // Safety: an opaque handle that every thread may make current.
    nonisolated(unsafe) private let context: HearthCUContext
    private let owner: Owner

    init(_ driver: CUDADriver, _ context: HearthCUContext, of owner: Owner) {
        self.driver = driver
        self.context = context
        self.owner = owner
    }

    func release(_ address: UnsafeMutableRawPointer, byteCount: Int) {
        _ = driver.call.cuCtxSetCurrent(context)
        switch owner {
        case .driver:
            // Frees once what uses it has ended.
            _ = driver.call.cuMemFreeHost(address)
        case .process:
            // Copies of any stream may still use it.
            _ = driver.call.cuCtxSynchronize()
            _ = driver.call.cuMemHostUnregister(address)
        }
    }
}
