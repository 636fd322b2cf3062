import CCUDADriver
import DeviceAPI

/// The GPU's memory, from a stream-ordered pool of our own, which keeps what it once had until it ends: the device's default pool is
/// for others in the process, and what is left in ours is theirs when the GPU is let go.
final class CUDAMemory: DeviceMemory {
    private let context: CUDAContext
    // Safety: opaque handles; the driver orders what threads do with them.
    nonisolated(unsafe) private let stream: HearthCUStream
    nonisolated(unsafe) private let pool: HearthCUMemoryPool

    init(_ context: CUDAContext) throws(DeviceError) {
        let driver = context.driver
        try context.enter()
        var hasPools: Int32 = 0
        _ = driver.call.cuDeviceGetAttribute(&hasPools, Int32(HEARTH_CU_MEMORY_POOLS), context.gpu)
        guard hasPools != 0 else {
            throw .unavailable(
                device: "cuda:\(context.gpu)",
                reason: "it has no memory pools, which some virtual GPUs are set up without")
        }
        var properties = HearthCUMemoryPoolProperties()
        properties.allocation = Int32(HEARTH_CU_ALLOCATION_PINNED)
        properties.location = Int32(HEARTH_CU_LOCATION_DEVICE)
        properties.gpu = context.gpu
        var pool: HearthCUMemoryPool?
        try driver.check(driver.call.cuMemPoolCreate(&pool, &properties), "making a memory pool")
        guard let pool else { throw .failed(operation: "making a memory pool", reason: "there is none") }
        var stream: HearthCUStream?
        var threshold = UInt64.max
        do throws(DeviceError) {
            let attribute = Int32(HEARTH_CU_POOL_RELEASE_THRESHOLD)
            try driver.check(driver.call.cuMemPoolSetAttribute(pool, attribute, &threshold), "keeping the memory pool")
            try driver.check(driver.call.cuStreamCreate(&stream, 1), "making a stream")
            guard stream != nil else { throw .failed(operation: "making a stream", reason: "there is none") }
        } catch {
            _ = driver.call.cuMemPoolDestroy(pool)
            throw error
        }
        guard let stream else { preconditionFailure("a stream was made") }
        self.context = context
        self.stream = stream
        self.pool = pool
    }

    deinit {
        context.visit { call in
            // What was given back is free once the stream has come there.
            _ = call.cuStreamSynchronize(stream)
            _ = call.cuStreamDestroy(stream)
            _ = call.cuMemPoolDestroy(pool)
        }
    }

    /// At least one byte of memory, ready for every stream.
    func allocate(_ byteCount: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
        guard byteCount >= 0 else { throw .outOfMemory(byteCount: byteCount) }
        let driver = context.driver
        var address: HearthCUPointer = 0
        let code = driver.call.cuMemAllocFromPoolAsync(&address, max(byteCount, 1), pool, stream)
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
        context.visit { call in
            _ = call.cuCtxSynchronize()
            _ = call.cuMemFreeAsync(HearthCUPointer(UInt(bitPattern: address)), stream)
        }
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

    private let context: CUDAContext
    private let owner: Owner

    init(_ context: CUDAContext, of owner: Owner) {
        self.context = context
        self.owner = owner
    }

    func release(_ address: UnsafeMutableRawPointer, byteCount: Int) {
        context.visit { call in
            switch owner {
            case .driver:
                // Frees once what uses it has ended.
                _ = call.cuMemFreeHost(address)
            case .process:
                // Copies of any stream may still use it.
                _ = call.cuCtxSynchronize()
                _ = call.cuMemHostUnregister(address)
            }
        }
    }
}
