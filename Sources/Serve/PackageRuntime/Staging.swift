import DeviceAPI
import ElementTypes

/// Where inputs and outputs lie on a device that does not share the host's memory, and pinned memory of the host through
/// which they travel: all inputs in one copy, all outputs in another.
final class Staging {
    private struct Place {
        var offset: Int
        var byteCount: Int
    }

    /// The slots of a run: addresses of inputs, then outputs, on the device.
    let slots: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
    private let onDevice: DeviceBuffer
    private let onHost: DeviceBuffer
    private let inputs: [Place]
    private let outputs: [Place]
    /// Bytes of all inputs; outputs follow.
    private let inputBytes: Int

    init(
        _ device: any Device, inputs: [TensorDescription], outputs: [TensorDescription]
    ) throws(RuntimeError) {
        var end = 0
        func place(_ type: TensorDescription) throws(RuntimeError) -> Place {
            let (sum, overflow) = end.addingReportingOverflow(type.byteCount ?? .max)
            guard !overflow, sum <= .max - 256 else { throw .sizeOverflow(what: "the memory of inputs and outputs") }
            defer { end = (sum + 255) / 256 * 256 }
            return Place(offset: end, byteCount: sum - end)
        }
        var places: [Place] = []
        for type in inputs { places.append(try place(type)) }
        self.inputs = places
        inputBytes = end
        places = []
        for type in outputs { places.append(try place(type)) }
        self.outputs = places
        do {
            onDevice = try device.allocate(end)
            onHost = try device.allocateHost(end)
        } catch {
            throw .device(error)
        }
        slots = .allocate(capacity: inputs.count + outputs.count)
        for (index, place) in (self.inputs + self.outputs).enumerated() {
            slots.initializeElement(at: index, to: onDevice.address + place.offset)
        }
    }

    deinit { slots.deallocate() }

    /// Starts the way of the inputs to the device.
    func send(_ addresses: UnsafeBufferPointer<UnsafeRawPointer>, _ queue: any DeviceQueue) throws(DeviceError) {
        for (place, address) in zip(inputs, addresses) {
            (onHost.address + place.offset).copyMemory(from: address, byteCount: place.byteCount)
        }
        try queue.copy(UnsafeRawBufferPointer(start: onHost.address, count: inputBytes), to: onDevice, at: 0)
    }

    /// Starts the way of the outputs to the host.
    func fetch(_ queue: any DeviceQueue) throws(DeviceError) {
        let target = UnsafeMutableRawBufferPointer(
            start: onHost.address + inputBytes, count: onHost.byteCount - inputBytes)
        try queue.copy(onDevice, at: inputBytes, to: target)
    }

    /// Hands out the outputs once the queue has been waited for.
    func deliver(_ addresses: UnsafeBufferPointer<UnsafeMutableRawPointer>) {
        for (place, address) in zip(outputs, addresses) {
            address.copyMemory(from: onHost.address + place.offset, byteCount: place.byteCount)
        }
    }
}
