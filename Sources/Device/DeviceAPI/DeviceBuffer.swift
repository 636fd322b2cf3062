/// Where a buffer came from and goes back to.
package protocol DeviceMemory: AnyObject, Sendable {
    /// Takes back memory that this object handed out.
    func release(_ address: UnsafeMutableRawPointer, byteCount: Int)
}

/// Memory of a device, aligned to its `alignment`, given back when the value ends.
///
/// `address` is a device address: only kernels, and copies of the device's queue, may follow it, unless the device's
/// limits say that it shares memory with the host.
package struct DeviceBuffer: ~Copyable {
    /// First byte.
    package let address: UnsafeMutableRawPointer
    /// Size in bytes.
    package let byteCount: Int
    private let memory: any DeviceMemory

    /// Wraps memory that `memory` takes back.
    package init(address: UnsafeMutableRawPointer, byteCount: Int, memory: any DeviceMemory) {
        self.address = address
        self.byteCount = byteCount
        self.memory = memory
    }

    deinit { memory.release(address, byteCount: byteCount) }
}

// Safety: the buffer is an exclusive handle; what is behind the address is ordered by the queue that works on it.
extension DeviceBuffer: @unchecked Sendable {}
