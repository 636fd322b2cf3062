import DeviceAPI
import Dispatch
import Glibc
import Synchronization

/// Memory of a device that several threads fill.
final class SharedBuffer: Sendable {
    /// The memory.
    let buffer: DeviceBuffer

    /// Takes memory over.
    init(_ buffer: consuming DeviceBuffer) { self.buffer = buffer }
}

/// The way of large host memory to a device that does not share it.
///
/// A copy from ordinary memory waits for the driver, which moves it through pinned memory of its own on one thread. Here several
/// threads fill pinned memory, two pieces each, while the device fetches what was filled before.
enum Upload {
    /// What one thread fills at a time.
    private static let piece = 4 << 20
    /// Below this a plain copy is as fast.
    private static let threshold = 64 << 20

    /// Copies `source` to the start of `target`; returns when it is there. `threads` nil is half of the machine's, eight at most.
    static func copy(
        _ source: UnsafeRawBufferPointer, to target: SharedBuffer, _ device: any Device, threads: Int? = nil
    ) throws(DeviceError) {
        let threads = threads ?? min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
        guard source.count >= threshold, threads > 1 else {
            let queue = try device.makeQueue()
            try queue.copy(source, to: target.buffer, at: 0)
            return try queue.synchronize()
        }
        let pieces = (source.count + piece - 1) / piece
        let failure = Mutex<DeviceError?>(nil)
        // Safety: read by all threads, which end before this function does.
        nonisolated(unsafe) let source = source
        DispatchQueue.concurrentPerform(iterations: threads) { first in
            do throws(DeviceError) {
                let lanes = [try Lane(device), try Lane(device)]
                for (turn, number) in stride(from: first, to: pieces, by: threads).enumerated() {
                    if failure.withLock({ $0 != nil }) { return }
                    let start = number * piece
                    let part = UnsafeRawBufferPointer(rebasing: source[start..<min(start + piece, source.count)])
                    try lanes[turn % 2].send(part, to: target, at: start)
                }
                for lane in lanes { try lane.queue.synchronize() }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// A queue and the pinned memory that it reads.
    private final class Lane {
        let queue: any DeviceQueue
        private let staging: DeviceBuffer

        init(_ device: any Device) throws(DeviceError) {
            queue = try device.makeQueue()
            staging = try device.allocateHost(piece)
        }

        deinit { try? queue.synchronize() }

        /// Starts a piece on its way once the one before has arrived.
        func send(_ part: UnsafeRawBufferPointer, to target: SharedBuffer, at offset: Int) throws(DeviceError) {
            try queue.synchronize()
            UnsafeMutableRawBufferPointer(start: staging.address, count: piece).copyMemory(from: part)
            try queue.copy(
                UnsafeRawBufferPointer(start: staging.address, count: part.count), to: target.buffer, at: offset)
        }
    }
}
