import CHearth
import DeviceAPI
import ElementTypes
import ModelPackage
import PackageRuntime
import Synchronization

/// What a `HearthSession` points to: a session, the addresses of its runs, and memory for results where the caller has none.
final class SessionHandle: @unchecked Sendable {
    // Safety: all stored values but the package change under `lock` only.
    private let lock = Mutex(())
    let package: PackageHandle
    private let session: Session
    /// Bytes and alignments of inputs, then outputs, as bound; empty while nothing is.
    private var sizes: [(bytes: Int, alignment: Int)] = []
    /// Values that inputs must have which stand for dimensions.
    private var values: [Int: Int] = [:]
    /// Addresses of the last run, inputs before outputs: what was checked once is not checked again.
    private var addresses: [UnsafeMutableRawPointer] = []
    private var extents: [UnsafeMutablePointer<Int64>] = []
    private var results: Results?

    private var inputCount: Int { package.inputs.count }

    init(_ package: PackageHandle) throws(InterfaceError) {
        self.package = package
        let device = package.package.device
        let selection = device.selection()
        defer { device.select(selection) }
        do { session = try Session(package.package) } catch { throw .runtime(error) }
        if package.symbols.isEmpty { noteBinding() }
    }

    deinit { for block in extents { block.deallocate() } }

    /// Binds inputs of these types, and fills in what results they give.
    func bind(
        _ inputs: UnsafePointer<HearthTensor>?, _ count: Int32, _ outputs: UnsafeMutablePointer<HearthTensor>?
    ) throws(InterfaceError) {
        try locked { () throws(InterfaceError) in
            guard count == 0 || inputs != nil else { throw .missing("inputs") }
            var types: [TensorDescription] = []
            var values: [Int: Int] = [:]
            for index in 0..<max(0, Int(count)) {
                guard let tensor = inputs?[index] else { continue }
                let port = index < inputCount ? package.inputs[index] : nil
                types.append(try Self.type(of: tensor, name: port.map { String(cString: $0.name) } ?? "input \(index)"))
                if let port, port.value_symbol >= 0 { values[index] = Int(tensor.value) }
            }
            let before = sizes.isEmpty ? nil : session.outputs
            let isSame = !sizes.isEmpty && types == session.inputs && values == self.values
            if !isSame {
                sizes = []
                do throws(RuntimeError) { try session.bind(types, values: values) } catch { throw .runtime(error) }
                self.values = values
                if before != session.outputs { results = nil }
                noteBinding()
            }
            guard let outputs else { return }
            for (index, type) in session.outputs.enumerated() {
                outputs[index] = HearthTensor(
                    type: type.element.code, rank: Int32(type.shape.count), extents: extents[index], strides: nil,
                    value: 0)
            }
        }
    }

    /// Runs; where `outputs` is nil, into memory of the session.
    func run(
        _ inputs: UnsafePointer<UnsafeRawPointer?>?, _ outputs: UnsafePointer<UnsafeMutableRawPointer?>?,
        flags: UInt32, stream: UnsafeMutableRawPointer?
    ) throws(InterfaceError) {
        try locked { () throws(InterfaceError) in
            let onDevice = try accept(inputs, outputs, flags)
            try withAddresses { (inputs, outputs) throws(RuntimeError) in
                guard onDevice else { return try session.run(inputs: Self.read(inputs), outputs: outputs) }
                guard flags & UInt32(HEARTH_IN_STREAM) != 0 else {
                    return try session.runOnDevice(inputs: inputs, outputs: outputs)
                }
                try session.start(inputs: inputs, outputs: outputs, stream: stream)
                if flags & UInt32(HEARTH_NO_WAIT) == 0 { try session.wait() }
            }
        }
    }

    /// The device's nanoseconds of `samples` times `inner` runs.
    func time(
        _ inputs: UnsafePointer<UnsafeRawPointer?>?, _ outputs: UnsafePointer<UnsafeMutableRawPointer?>?,
        flags: UInt32, samples: Int32, inner: Int32, _ nanoseconds: UnsafeMutablePointer<UInt64>?
    ) throws(InterfaceError) {
        guard let nanoseconds else { throw .missing("nanoseconds") }
        guard samples > 0, inner > 0 else { throw .badNumber("samples and inner should be at least 1") }
        try locked { () throws(InterfaceError) in
            let onDevice = try accept(inputs, outputs, flags)
            try withAddresses { (inputs, outputs) throws(RuntimeError) in
                let times =
                    onDevice
                    ? try session.timeOnDevice(
                        inputs: inputs, outputs: outputs, samples: Int(samples), inner: Int(inner))
                    : try session.time(
                        inputs: Self.read(inputs), outputs: outputs, samples: Int(samples), inner: Int(inner))
                nanoseconds.update(from: times, count: times.count)
            }
        }
    }

    /// Addresses of the session's own memory for results.
    func results(_ flags: UInt32, _ addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) throws(InterfaceError) {
        guard let addresses else { throw .missing("addresses") }
        try locked { () throws(InterfaceError) in
            for (index, address) in try ownResults(onDevice: isOnDevice(flags)).enumerated() {
                addresses[index] = address
            }
        }
    }

    /// Lends host memory to the session; keeps why it was refused for `hearth_error`.
    func importHost(_ memory: UnsafeRawBufferPointer, isReadOnly: Bool) throws(InterfaceError) -> Bool {
        var isTaken = false
        try inSession { session throws(RuntimeError) in
            isTaken = session.importHost(memory, isReadOnly: isReadOnly)
            if !isTaken { hearth_keep_error(session.hostTraffic.refusal ?? "the device works in the host's memory") }
        }
        return isTaken
    }

    /// Takes lent memory back.
    func endImport(_ address: UnsafeRawPointer) throws(InterfaceError) {
        try inSession { session throws(RuntimeError) in session.endImport(address) }
    }

    /// How inputs and results travelled.
    func traffic() throws(InterfaceError) -> HostTraffic {
        var traffic = HostTraffic()
        try inSession { session throws(RuntimeError) in traffic = session.hostTraffic }
        return traffic
    }

    /// Waits for runs in a caller's stream.
    func wait() throws(InterfaceError) { try inSession { session throws(RuntimeError) in try session.wait() } }

    /// Puts the state back.
    func reset() throws(InterfaceError) { try inSession { session throws(RuntimeError) in try session.reset() } }

    /// Sets the seed of random numbers.
    func seed(_ seed: Int64) throws(InterfaceError) {
        var draws = false
        try inSession { session throws(RuntimeError) in draws = try session.seed(seed) }
        if !draws { throw .badNumber("the model draws no random numbers") }
    }

    /// Copies a state.
    func copyState(_ name: String, to bytes: UnsafeMutableRawBufferPointer) throws(InterfaceError) {
        var isThere = false
        try inSession { session throws(RuntimeError) in isThere = try session.copyState(name, to: bytes) }
        if !isThere { throw .badNumber("the model has no state '\(name)' that a run reads or changes") }
    }

    private func inSession(_ body: (Session) throws(RuntimeError) -> Void) throws(InterfaceError) {
        try locked { () throws(InterfaceError) in
            do throws(RuntimeError) { try body(session) } catch { throw .runtime(error) }
        }
    }

    private func locked(_ body: () throws(InterfaceError) -> Void) throws(InterfaceError) {
        try lock.withLock { _ throws(InterfaceError) in
            let device = package.package.device
            let selection = device.selection()
            defer { device.select(selection) }
            try body()
        }
    }
}

// MARK: - Addresses

extension SessionHandle {
    /// Memory for results, of the host or of the device.
    private final class Results {
        let addresses: [UnsafeMutableRawPointer]
        let isOnDevice: Bool
        private let buffer: DeviceBuffer

        init(_ device: any Device, _ types: [TensorDescription], onDevice: Bool) throws(DeviceError) {
            var (offsets, end) = ([Int](), 0)
            for type in types {
                offsets.append(end)
                end += ((type.byteCount ?? 0) + 255) / 256 * 256
            }
            buffer = onDevice ? try device.allocate(end) : try device.allocateHost(end)
            let base = buffer.address
            addresses = offsets.map { base + $0 }
            isOnDevice = onDevice
        }
    }

    /// Remembers what is bound now.
    private func noteBinding() {
        sizes = (session.inputs + session.outputs).map { ($0.byteCount ?? 0, $0.element.byteCount) }
        addresses = []
        for block in extents { block.deallocate() }
        extents = session.outputs.map { type in
            let block = UnsafeMutablePointer<Int64>.allocate(capacity: max(type.shape.count, 1))
            for (axis, extent) in type.shape.enumerated() { (block + axis).initialize(to: Int64(extent)) }
            return block
        }
    }

    private func isOnDevice(_ flags: UInt32) -> Bool {
        flags & UInt32(HEARTH_ON_DEVICE) != 0 && package.description.in_host_memory == 0
    }

    private func ownResults(onDevice: Bool) throws(InterfaceError) -> [UnsafeMutableRawPointer] {
        if sizes.isEmpty { throw .runtime(.notBound) }
        if let results, results.isOnDevice == onDevice { return results.addresses }
        do {
            let made = try Results(package.package.device, session.outputs, onDevice: onDevice)
            results = made
            return made.addresses
        } catch { throw .device(error) }
    }

    /// Takes the addresses of a run after all checks that they need; returns whether they are of the device.
    private func accept(
        _ inputs: UnsafePointer<UnsafeRawPointer?>?, _ outputs: UnsafePointer<UnsafeMutableRawPointer?>?,
        _ flags: UInt32
    ) throws(InterfaceError) -> Bool {
        if sizes.isEmpty, inputCount + package.outputs.count > 0 { throw .runtime(.notBound) }
        guard inputCount == 0 || inputs != nil else { throw .missing("inputs") }
        let onDevice = isOnDevice(flags)
        if flags & UInt32(HEARTH_IN_STREAM | HEARTH_NO_WAIT) != 0, !onDevice {
            throw .badNumber("a run in a stream takes memory of a device with streams")
        }
        let own = outputs == nil ? try ownResults(onDevice: onDevice) : []
        var isKnown = addresses.count == sizes.count
        for index in sizes.indices {
            // What has no elements may be nowhere; kernels do not follow its address.
            let nowhere = sizes[index].bytes == 0 ? UnsafeMutableRawPointer(bitPattern: 64) : nil
            let given =
                index < inputCount
                ? UnsafeMutableRawPointer(mutating: inputs?[index])
                : outputs.map { $0[index - inputCount] } ?? own[index - inputCount]
            guard let address = given ?? nowhere else { throw .badTensor(name: name(index), reason: "is at NULL") }
            if isKnown, addresses[index] == address { continue }
            if isKnown {
                isKnown = false
                addresses.removeLast(addresses.count - index)
            }
            if addresses.count > index { addresses.removeAll(keepingCapacity: true) }
            // Kernels of a device with memory of its own read and write runs of 16 bytes.
            let alignment = onDevice ? max(16, sizes[index].alignment) : sizes[index].alignment
            guard UInt(bitPattern: address) % UInt(alignment) == 0 else {
                addresses = []
                throw .badTensor(
                    name: name(index),
                    reason: onDevice
                        ? "is not aligned to 16 bytes, as memory of a GPU must be"
                        : "is not aligned to its elements of \(alignment) bytes")
            }
            addresses.append(address)
        }
        if !isKnown { try checkOverlaps() }
        if !onDevice { try checkValues() }
        return onDevice
    }

    /// Outputs must be apart from each other and from inputs.
    private func checkOverlaps() throws(InterfaceError) {
        for output in inputCount..<max(sizes.count, inputCount) where sizes[output].bytes > 0 {
            let (first, end) = (addresses[output], addresses[output] + sizes[output].bytes)
            for other in 0..<output where sizes[other].bytes > 0 {
                if addresses[other] < end, first < addresses[other] + sizes[other].bytes {
                    addresses = []
                    throw .badTensor(name: name(output), reason: "overlaps '\(name(other))' in memory")
                }
            }
        }
    }

    /// Inputs whose values are dimensions must still be what was bound, since results are as large as those say.
    private func checkValues() throws(InterfaceError) {
        for (input, bound) in values {
            let found = Session.integer(at: addresses[input], session.inputs[input].element)
            if found != bound {
                throw .badTensor(name: name(input), reason: "is \(found), but \(bound) was bound; bind again")
            }
        }
    }

    private func name(_ index: Int) -> String {
        String(cString: index < inputCount ? package.inputs[index].name : package.outputs[index - inputCount].name)
    }

    private func withAddresses(
        _ body: (
            UnsafeBufferPointer<UnsafeMutableRawPointer>, UnsafeBufferPointer<UnsafeMutableRawPointer>
        ) throws(RuntimeError) -> Void
    ) throws(InterfaceError) {
        let count = inputCount
        do {
            try addresses.withUnsafeBufferPointer { all throws(RuntimeError) in
                try body(
                    UnsafeBufferPointer(rebasing: all.prefix(count)),
                    UnsafeBufferPointer(rebasing: all.dropFirst(count)))
            }
        } catch { throw .runtime(error) }
    }

    /// The same addresses, to read from.
    private static func read(
        _ addresses: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) -> UnsafeBufferPointer<UnsafeRawPointer> {
        // Safety: both kinds of pointers are one address.
        UnsafeBufferPointer(
            start: UnsafeRawPointer(addresses.baseAddress)?.assumingMemoryBound(to: UnsafeRawPointer.self),
            count: addresses.count)
    }

    private static func type(of tensor: HearthTensor, name: String) throws(InterfaceError) -> TensorDescription {
        guard let element = ElementType(code: tensor.type) else {
            throw .badTensor(name: name, reason: "has an unknown element type, number \(tensor.type)")
        }
        guard tensor.rank == 0 || tensor.rank > 0 && tensor.rank <= 64 && tensor.extents != nil else {
            throw .badTensor(name: name, reason: "has \(tensor.rank) axes without extents")
        }
        let shape = (0..<Int(tensor.rank)).map { Int(tensor.extents[$0]) }
        if shape.contains(where: { $0 < 0 }) { throw .badTensor(name: name, reason: "has a negative extent: \(shape)") }
        if let strides = tensor.strides, !shape.contains(0) {
            var expected = 1
            for axis in shape.indices.reversed() where shape[axis] > 1 {
                guard strides[axis] == expected else {
                    throw .badTensor(name: name, reason: "is not contiguous; make a contiguous copy of it")
                }
                expected = expected.multipliedReportingOverflow(by: shape[axis]).partialValue
            }
        }
        return TensorDescription(element, shape)
    }
}
