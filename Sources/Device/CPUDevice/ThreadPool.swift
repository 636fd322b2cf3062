import CThreadPool
import DeviceAPI

/// Owner of a C thread pool.
package final class ThreadPool: Sendable {
    // Safety: the C pool takes calls from any thread; it is freed only when nobody refers to this object any more.
    nonisolated(unsafe) let handle: OpaquePointer

    /// Threads, the caller of a run included.
    package var threads: Int { Int(hearth_pool_threads(handle)) }

    /// A pool of `threads` threads (nil: one per core, or `HEARTH_THREADS`), each worker bound to a CPU if `pinned`.
    package init(threads: Int? = nil, pinned: Bool = false) throws(DeviceError) {
        if let threads, threads < 1 { throw .unsupported("\(threads) threads") }
        let flags = pinned ? UInt32(HEARTH_POOL_PIN) : 0
        guard let handle = hearth_pool_create(Int32(clamping: threads ?? 0), flags) else {
            throw .outOfMemory(byteCount: 0)
        }
        self.handle = handle
    }

    deinit { hearth_pool_destroy(handle) }
}
