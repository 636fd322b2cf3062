import DeviceAPI
import ElementTypes

/// Where inputs and outputs lie on a device that does not share the host's memory, and pinned memory of the host through
/// which they travel: all inputs in one copy, all outputs in another, but for large ones in memory that the caller has lent.
final class Staging {
    private struct Place {
        var offset: Int
        var byteCount: Int
    }

    /// The slots of a run: addresses of inputs, then outputs, on the device.
    let slots: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
    private let device: any Device
    private let onDevice: DeviceBuffer
    private let onHost: DeviceBuffer
    private let inputs: [Place]
    private let outputs: [Place]
    /// Outputs of the last `fetch` that need no delivery.
    private var direct: [Int] = []
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
        self.device = device
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
    func send(
        _ addresses: UnsafeBufferPointer<UnsafeRawPointer>, _ queue: any DeviceQueue, _ imports: inout HostImports
    ) throws(DeviceError) {
        var first = 0
        func flush(to end: Int) throws(DeviceError) {
            if first < end {
                try queue.copy(
                    UnsafeRawBufferPointer(start: onHost.address + first, count: end - first), to: onDevice, at: first)
            }
        }
        for (place, address) in zip(inputs, addresses) {
            guard imports.takes(address, place.byteCount, writing: false, device) else {
                (onHost.address + place.offset).copyMemory(from: address, byteCount: place.byteCount)
                continue
            }
            try flush(to: place.offset)
            try queue.copy(
                UnsafeRawBufferPointer(start: address, count: place.byteCount), to: onDevice, at: place.offset)
            first = place.offset + place.byteCount
        }
        try flush(to: inputBytes)
    }

    /// Starts the way of the outputs to the host.
    func fetch(
        _ addresses: UnsafeBufferPointer<UnsafeMutableRawPointer>, _ queue: any DeviceQueue,
        _ imports: inout HostImports
    ) throws(DeviceError) {
        var first = inputBytes
        func flush(to end: Int) throws(DeviceError) {
            if first < end {
                let target = UnsafeMutableRawBufferPointer(start: onHost.address + first, count: end - first)
                try queue.copy(onDevice, at: first, to: target)
            }
        }
        direct = []
        for (index, (place, address)) in zip(outputs, addresses).enumerated() {
            guard imports.takes(address, place.byteCount, writing: true, device) else { continue }
            try flush(to: place.offset)
            try queue.copy(
                onDevice, at: place.offset, to: UnsafeMutableRawBufferPointer(start: address, count: place.byteCount))
            first = place.offset + place.byteCount
            direct.append(index)
        }
        try flush(to: onHost.byteCount)
    }

    /// Hands out the outputs once the queue has been waited for.
    func deliver(_ addresses: UnsafeBufferPointer<UnsafeMutableRawPointer>) {
        for (index, (place, address)) in zip(outputs, addresses).enumerated() where !direct.contains(index) {
            address.copyMemory(from: onHost.address + place.offset, byteCount: place.byteCount)
        }
    }
}
