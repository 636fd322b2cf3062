import Base
import COneDNN
import CProcessor
import CThreadPool
import DeviceAPI
import Glibc

/// The processor that this program runs on. Kernels are C functions in shared objects; a pool of threads runs them.
package final class CPUDevice: Device {
    /// What the processor can do.
    package let limits: DeviceLimits
    let pool: ThreadPool

    /// The processor with a pool of `threads` threads (default: one per core, or `HEARTH_THREADS`). With `measured`,
    /// memory and arithmetic rates are measured, which takes about half a second.
    package init(threads: Int? = nil, pinned: Bool = false, measured: Bool = false) throws(DeviceError) {
        pool = try ThreadPool(threads: threads, pinned: pinned)
        var limits = Self.detectLimits(threads: pool.threads)
        if measured { limits.rates = try Self.measureRates(limits, pool) }
        self.limits = limits
    }

    init(pool: ThreadPool, limits: DeviceLimits) {
        self.pool = pool
        self.limits = limits
    }

    /// The device that all users in a process share, so that there is one pool.
    package static let shared: Result<CPUDevice, DeviceError> = Result { () throws(DeviceError) in try CPUDevice() }

    /// Memory aligned to 64 bytes; large buffers to 2 MiB, so that the system can use large pages.
    package func allocate(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer {
        let hugePage = 2 << 20
        let alignment = byteCount >= 2 * hugePage ? hugePage : limits.alignment
        let (padded, overflow) = max(byteCount, 1).addingReportingOverflow(alignment - 1)
        var address: UnsafeMutableRawPointer?
        guard byteCount >= 0, !overflow, posix_memalign(&address, alignment, padded / alignment * alignment) == 0,
            let address
        else { throw .outOfMemory(byteCount: byteCount) }
        if alignment == hugePage { madvise(address, padded / alignment * alignment, Int32(MADV_HUGEPAGE)) }
        return DeviceBuffer(address: address, byteCount: byteCount, memory: HostMemory.shared)
    }

    /// Loads a shared object.
    package func loadProgram(path: String) throws(DeviceError) -> any DeviceProgram {
        try SharedObject(path: path, name: path)
    }

    /// Loads a shared object from bytes, through an anonymous file.
    package func loadProgram(bytes: [UInt8], name: String) throws(DeviceError) -> any DeviceProgram {
        let file = hearth_anonymous_file("hearth-kernels")
        guard file >= 0 else { throw .programNotLoaded(name: name, reason: String(cString: strerror(errno))) }
        let written = bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let count = write(file, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
                if count <= 0 { break }
                offset += count
            }
            return offset
        }
        guard written == bytes.count else {
            let reason = String(cString: strerror(errno))
            close(file)
            throw .programNotLoaded(name: name, reason: reason)
        }
        return try SharedObject(anonymousFile: file, name: name)
    }

    /// oneDNN's table, where it was found.
    package func library(named name: String) -> UnsafeMutableRawPointer? {
        name == "oneDNN" ? UnsafeMutableRawPointer(mutating: hearth_onednn()) : nil
    }

    /// A queue that does everything at once.
    package func makeQueue() -> any DeviceQueue { CPUQueue() }

    /// Captures launches into one list for the pool.
    package func makeGraph(_ launches: [Launch], slotCount: Int, workspaceBytes: Int) throws(DeviceError)
        -> any DeviceGraph
    {
        try CPUGraph(device: self, launches: launches, slotCount: slotCount, workspaceBytes: workspaceBytes)
    }
}

/// The heap.
private final class HostMemory: DeviceMemory {
    static let shared = HostMemory()
    func release(_ address: UnsafeMutableRawPointer, byteCount: Int) { free(address) }
}
