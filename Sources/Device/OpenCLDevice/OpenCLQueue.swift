import COpenCL
import DeviceAPI

/// A command queue in order; copies wait until they are done.
final class OpenCLQueue: DeviceQueue {
    private let device: OpenCLDevice
    let queue: HearthCLQueue
    /// Graphs that were started since the last wait.
    private var started: [OpenCLGraph] = []

    init(_ device: OpenCLDevice) throws(DeviceError) {
        self.device = device
        queue = try device.makeCommandQueue()
    }

    deinit { _ = device.library.call.clReleaseCommandQueue(queue) }

    func copy(_ source: UnsafeRawBufferPointer, to buffer: borrowing DeviceBuffer, at offset: Int) throws(DeviceError) {
        guard offset >= 0, source.count <= buffer.byteCount - offset else {
            throw .outOfBounds(offset: offset, byteCount: source.count, bufferBytes: buffer.byteCount)
        }
        try copy(source.baseAddress, to: buffer.address + offset, source.count)
    }

    func copy(
        _ buffer: borrowing DeviceBuffer, at offset: Int, to destination: UnsafeMutableRawBufferPointer
    ) throws(DeviceError) {
        guard offset >= 0, destination.count <= buffer.byteCount - offset else {
            throw .outOfBounds(offset: offset, byteCount: destination.count, bufferBytes: buffer.byteCount)
        }
        try copy(UnsafeRawPointer(buffer.address + offset), to: destination.baseAddress, destination.count)
    }

    func copy(
        from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, _ byteCount: Int
    ) throws(DeviceError) {
        try copy(source, to: destination, byteCount)
    }

    private func copy(
        _ source: UnsafeRawPointer?, to destination: UnsafeMutableRawPointer?, _ count: Int
    ) throws(DeviceError) {
        if count == 0 { return }
        let call = device.library.call
        try device.library.check(
            call.clEnqueueSVMMemcpy(queue, 1, destination, source, count, 0, nil, nil), "copying \(count) bytes")
    }

    func fill(_ buffer: borrowing DeviceBuffer, with byte: UInt8) throws(DeviceError) {
        if buffer.byteCount == 0 { return }
        var pattern = byte
        try device.library.check(
            device.library.call.clEnqueueSVMMemFill(
                queue, buffer.address, &pattern, 1, buffer.byteCount, 0, nil, nil), "filling memory")
    }

    func run(_ graph: any DeviceGraph, _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        guard let graph = graph as? OpenCLGraph else { throw .unsupported("graphs of another device") }
        _ = try graph.start(slots, on: queue, profiled: false)
        if !started.contains(where: { $0 === graph }) { started.append(graph) }
    }

    func record() throws(DeviceError) -> any DeviceEvent {
        var event: HearthCLEvent?
        try device.library.check(
            device.library.call.clEnqueueMarkerWithWaitList(queue, 0, nil, &event), "marking a point of the queue")
        guard let event else { throw .failed(operation: "marking a point of the queue", reason: "there is none") }
        return OpenCLEvent(device, event)
    }

    func synchronize() throws(DeviceError) {
        let started = self.started
        self.started = []
        try device.library.check(device.library.call.clFinish(queue), "waiting for the device")
        for graph in started { try graph.throwFailure() }
    }
}

/// A finished or coming point of a queue.
final class OpenCLEvent: DeviceEvent, @unchecked Sendable {
    // Safety: an opaque handle that OpenCL lets every thread use.
    private let device: OpenCLDevice
    private let event: HearthCLEvent

    init(_ device: OpenCLDevice, _ event: HearthCLEvent) {
        self.device = device
        self.event = event
    }

    deinit { _ = device.library.call.clReleaseEvent(event) }

    func since(_ earlier: any DeviceEvent) throws(DeviceError) -> UInt64 {
        guard let earlier = earlier as? OpenCLEvent else { throw .unsupported("events of another device") }
        guard let first = earlier.times?.end, let last = times?.end else {
            throw .failed(operation: "reading the time of an event", reason: "the driver does not say it")
        }
        return last > first ? last - first : 0
    }

    /// Start and end in nanoseconds of the device's clock; waits until they are known.
    var times: (start: UInt64, end: UInt64)? {
        let call = device.library.call
        var waited: HearthCLEvent? = event
        var (start, end) = (UInt64(0), UInt64(0))
        guard call.clWaitForEvents(1, &waited) == 0,
            call.clGetEventProfilingInfo(event, UInt32(HEARTH_CL_PROFILING_START), 8, &start, nil) == 0,
            call.clGetEventProfilingInfo(event, UInt32(HEARTH_CL_PROFILING_END), 8, &end, nil) == 0
        else { return nil }
        return (start, end)
    }
}

extension OpenCLDevice {
    /// A queue whose events tell their times.
    func makeCommandQueue() throws(DeviceError) -> HearthCLQueue {
        var code: HearthCLCode = 0
        let properties = [UInt64(HEARTH_CL_QUEUE_PROPERTIES), UInt64(HEARTH_CL_QUEUE_PROFILING), 0]
        guard let queue = library.call.clCreateCommandQueueWithProperties(context, device, properties, &code) else {
            throw .failed(operation: "making a queue", reason: "OpenCL error \(code)")
        }
        return queue
    }
}
