import CThreadPool
import DeviceAPI

/// A queue whose operations are done when they return.
final class CPUQueue: DeviceQueue {
    func copy(_ source: UnsafeRawBufferPointer, to buffer: borrowing DeviceBuffer, at offset: Int) throws(DeviceError) {
        try check(offset, source.count, buffer.byteCount)
        if let base = source.baseAddress { (buffer.address + offset).copyMemory(from: base, byteCount: source.count) }
    }

    func copy(_ buffer: borrowing DeviceBuffer, at offset: Int, to destination: UnsafeMutableRawBufferPointer)
        throws(DeviceError)
    {
        try check(offset, destination.count, buffer.byteCount)
        destination.baseAddress?.copyMemory(from: buffer.address + offset, byteCount: destination.count)
    }

    func copy(from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, _ byteCount: Int) {
        destination.copyMemory(from: source, byteCount: byteCount)
    }

    func fill(_ buffer: borrowing DeviceBuffer, with byte: UInt8) {
        buffer.address.initializeMemory(as: UInt8.self, repeating: byte, count: buffer.byteCount)
    }

    func run(_ graph: any DeviceGraph, _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        try graph.run(slots)
    }

    func record() -> any DeviceEvent { CPUEvent() }

    func synchronize() {}

    private func check(_ offset: Int, _ byteCount: Int, _ bufferBytes: Int) throws(DeviceError) {
        guard offset >= 0, offset <= bufferBytes, byteCount <= bufferBytes - offset else {
            throw .outOfBounds(offset: offset, byteCount: byteCount, bufferBytes: bufferBytes)
        }
    }
}

/// A moment: what a processor was asked for is done when it returns.
private final class CPUEvent: DeviceEvent {
    private let nanoseconds = hearth_nanoseconds()

    func since(_ earlier: any DeviceEvent) throws(DeviceError) -> UInt64 {
        guard let earlier = earlier as? CPUEvent else { throw .unsupported("events of another device") }
        return nanoseconds &- earlier.nanoseconds
    }
}
