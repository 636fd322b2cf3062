import DeviceAPI
import Glibc
import KernelWorker

/// Memory of a device between fences. Contents and fences are looked at after every run; a device has no unmapped pages to
/// put around it.
struct FencedBuffer: ~Copyable {
    private static let fence = 4096
    private static let fenceByte: UInt8 = 0xA5
    /// What it is to the kernel.
    let name: WorkerBuffer
    /// Bytes between the fences.
    let byteCount: Int
    private let buffer: DeviceBuffer

    init(_ name: WorkerBuffer, byteCount: Int, _ device: any Device, _ queue: any DeviceQueue) throws(RequestError) {
        do throws(DeviceError) {
            let buffer = try device.allocate(byteCount + 2 * Self.fence)
            try queue.fill(buffer, with: Self.fenceByte)
            self.buffer = buffer
            self.name = name
            self.byteCount = byteCount
        } catch { throw RequestError(.noMemory, "\(name): \(error)") }
    }

    /// Where the kernel finds it.
    var data: UnsafeMutableRawPointer { buffer.address + Self.fence }

    /// Replaces the contents. What is copied must stay until the queue was waited for.
    func write(_ bytes: UnsafeRawBufferPointer, _ queue: any DeviceQueue) throws(DeviceError) {
        try queue.copy(bytes, to: buffer, at: Self.fence)
    }

    /// The contents, and the offset of the first damaged byte of a fence.
    func read(_ queue: any DeviceQueue) throws(DeviceError) -> (contents: [UInt8], damage: Int?) {
        var all = [UInt8](repeating: 0, count: buffer.byteCount)
        try all.withUnsafeMutableBytesTyped { bytes throws(DeviceError) in
            try queue.copy(buffer, at: 0, to: bytes)
            try queue.synchronize()
        }
        let before = all[..<Self.fence].firstIndex { $0 != Self.fenceByte }
        let after = all[(Self.fence + byteCount)...].firstIndex { $0 != Self.fenceByte }
        return (Array(all[Self.fence..<Self.fence + byteCount]), (before ?? after).map { $0 - Self.fence })
    }
}

extension Array {
    /// `withUnsafeMutableBytes` for errors of one type.
    mutating func withUnsafeMutableBytesTyped<Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let result = withUnsafeMutableBytes { bytes -> Result<Void, Failure> in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
