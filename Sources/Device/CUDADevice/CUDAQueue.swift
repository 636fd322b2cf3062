import CCUDADriver
import DeviceAPI

/// A stream. Copies from pageable host memory return when the memory may be used again.
final class CUDAQueue: DeviceQueue {
    let device: CUDADevice
    /// Nil is the driver's default stream.
    let stream: HearthCUStream?
    /// Whether the stream ends with the queue.
    private let isOwn: Bool
    /// Graphs that were started since the last wait.
    private var started: [CUDAGraph] = []

    init(_ device: CUDADevice) throws(DeviceError) {
        self.device = device
        stream = try device.makeStream()
        isOwn = true
    }

    /// A queue over a stream of someone else.
    init(_ device: CUDADevice, over stream: UnsafeMutableRawPointer?) {
        self.device = device
        self.stream = stream.map { HearthCUStream($0) }
        isOwn = false
    }

    deinit {
        if isOwn { device.context.visit { _ = $0.cuStreamDestroy(stream) } }
    }

    func copy(_ source: UnsafeRawBufferPointer, to buffer: borrowing DeviceBuffer, at offset: Int) throws(DeviceError) {
        try check(offset, source.count, buffer)
        if source.isEmpty { return }
        try device.enter()
        let address = HearthCUPointer(UInt(bitPattern: buffer.address + offset))
        try device.driver.check(
            device.driver.call.cuMemcpyHtoDAsync(address, source.baseAddress, source.count, stream),
            "copying \(source.count) bytes to the GPU")
    }

    func copy(
        _ buffer: borrowing DeviceBuffer, at offset: Int, to destination: UnsafeMutableRawBufferPointer
    ) throws(DeviceError) {
        try check(offset, destination.count, buffer)
        if destination.isEmpty { return }
        try device.enter()
        let address = HearthCUPointer(UInt(bitPattern: buffer.address + offset))
        try device.driver.check(
            device.driver.call.cuMemcpyDtoHAsync(destination.baseAddress, address, destination.count, stream),
            "copying \(destination.count) bytes from the GPU")
    }

    func copy(
        from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, _ byteCount: Int
    ) throws(DeviceError) {
        if byteCount == 0 { return }
        try device.enter()
        try device.driver.check(
            device.driver.call.cuMemcpyDtoDAsync(
                HearthCUPointer(UInt(bitPattern: destination)), HearthCUPointer(UInt(bitPattern: source)), byteCount,
                stream), "copying \(byteCount) bytes on the GPU")
    }

    func fill(_ buffer: borrowing DeviceBuffer, with byte: UInt8) throws(DeviceError) {
        if buffer.byteCount == 0 { return }
        try device.enter()
        let address = HearthCUPointer(UInt(bitPattern: buffer.address))
        try device.driver.check(
            device.driver.call.cuMemsetD8Async(address, byte, buffer.byteCount, stream), "filling memory of the GPU")
    }

    func run(_ graph: any DeviceGraph, _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        guard let graph = graph as? CUDAGraph else { throw .unsupported("graphs of another device") }
        try graph.launch(slots, on: stream)
        if !started.contains(where: { $0 === graph }) { started.append(graph) }
    }

    func record() throws(DeviceError) -> any DeviceEvent {
        try device.enter()
        let event = try CUDAEvent(device.context)
        try event.record(on: stream)
        return event
    }

    func synchronize() throws(DeviceError) {
        try device.enter()
        let started = self.started
        self.started = []
        try device.wait(for: stream)
        for graph in started { try graph.throwFailure() }
    }

    private func check(_ offset: Int, _ count: Int, _ buffer: borrowing DeviceBuffer) throws(DeviceError) {
        guard offset >= 0, count <= buffer.byteCount - offset else {
            throw .outOfBounds(offset: offset, byteCount: count, bufferBytes: buffer.byteCount)
        }
    }
}

/// A point in a stream.
final class CUDAEvent: DeviceEvent, @unchecked Sendable {
    // Safety: an opaque handle; the driver orders what threads do with it.
    private let context: CUDAContext
    private let event: HearthCUEvent

    /// An event of the GPU that is the calling thread's.
    init(_ context: CUDAContext) throws(DeviceError) {
        self.context = context
        var event: HearthCUEvent?
        try context.driver.check(context.driver.call.cuEventCreate(&event, 0), "making an event")
        guard let event else { throw .failed(operation: "making an event", reason: "there is none") }
        self.event = event
    }

    deinit {
        context.visit { _ = $0.cuEventDestroy(event) }
    }

    func record(on stream: HearthCUStream?) throws(DeviceError) {
        try context.driver.check(context.driver.call.cuEventRecord(event, stream), "marking a point of the stream")
    }

    /// The resolution is half a microsecond. The driver counts milliseconds in 24 bits, so the two events should not be far apart.
    func since(_ earlier: any DeviceEvent) throws(DeviceError) -> UInt64 {
        guard let earlier = earlier as? CUDAEvent else { throw .unsupported("events of another device") }
        let (driver, call) = (context.driver, context.driver.call)
        try context.enter()
        try driver.check(call.cuEventSynchronize(event), "waiting for the GPU")
        var milliseconds: Float = 0
        try driver.check(
            call.cuEventElapsedTime(&milliseconds, earlier.event, event), "reading the time between two events")
        return UInt64(max(0, Double(milliseconds)) * 1e6)
    }
}
