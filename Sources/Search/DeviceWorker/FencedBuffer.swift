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

    /// Whether the contents are what lies at `expected`, and the offset of the first damaged byte of a fence.
    func compare(
        with expected: UnsafeRawPointer, _ queue: any DeviceQueue
    ) throws(DeviceError) -> (isSame: Bool, damage: Int?) {
        var damage: Int?
        for start in [Self.fence + byteCount, 0] {
            var fence = [UInt8](repeating: 0, count: Self.fence)
            try fence.withUnsafeMutableBytesTyped { bytes throws(DeviceError) in
                try queue.copy(buffer, at: start, to: bytes)
                try queue.synchronize()
            }
            if let place = fence.firstIndex(where: { $0 != Self.fenceByte }) { damage = start + place - Self.fence }
        }
        return (try queue.holds(buffer, at: Self.fence, byteCount, of: expected), damage)
    }
}

extension DeviceQueue {
    /// Whether `byteCount` bytes of a buffer from `offset` on are those at `expected`. Looks at some megabytes at a time: weights are
    /// large, and memory that was never used costs more than what is copied into it.
    func holds(
        _ buffer: borrowing DeviceBuffer, at offset: Int, _ byteCount: Int, of expected: UnsafeRawPointer
    ) throws(DeviceError) -> Bool {
        let most = 4 << 20
        var piece = [UInt8](repeating: 0, count: min(most, byteCount))
        var start = 0
        while start < byteCount {
            let count = min(most, byteCount - start)
            var isSame = false
            // Safety: the piece is as long as it says, and `expected` as long as the caller does.
            try piece.withUnsafeMutableBytesTyped { bytes throws(DeviceError) in
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                try copy(buffer, at: offset + start, to: part)
                try synchronize()
                isSame = part.baseAddress.map { memcmp($0, expected + start, count) == 0 } ?? true
            }
            if !isSame { return false }
            start += count
        }
        return true
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
