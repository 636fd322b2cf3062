import CCUDADriver
import DeviceAPI
import ElementTypes

/// Launches captured as one CUDA graph: at the first run, for its slots. When slots move, the nodes that use them get new
/// arguments.
final class CUDAGraph: DeviceGraph {
    let slotCount: Int
    private let device: CUDADevice
    private let launches: [Launch]
    private let stream: HearthCUStream
    private let arguments: CUDAArguments
    /// What the vendor's library computes, by launch.
    private let calls: [Int: any CUDALibraryCall]
    /// One word of each launch in host memory that the GPU writes to when a kernel fails.
    private let codes: DeviceBuffer
    private var executable: HearthCUGraphExec?
    private var captured: HearthCUGraph?
    /// Nodes of `captured` by launch; nil where the driver did not say which one it is.
    private var nodes: [HearthCUGraphNode?] = []
    /// The slots that `executable` holds.
    private var bound: [UnsafeMutableRawPointer] = []
    private typealias Kept = (
        executable: HearthCUGraphExec?, captured: HearthCUGraph?, nodes: [HearthCUGraphNode?],
        bound: [UnsafeMutableRawPointer]
    )
    /// Earlier captures for other slots, latest last, where a library's calls take slots.
    private var others: [Kept] = []
    private static let mostOthers = 7

    init(_ device: CUDADevice, _ launches: [Launch], slotCount: Int) throws(DeviceError) {
        try Launch.checkGrids(launches, slotCount: slotCount, within: device.limits.blocks, takesCalls: true)
        // More than 48 KiB, with what the kernel declares itself, must be asked for: the most of all launches of a kernel
        // (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES).
        var most: [UnsafeRawPointer: (launch: Int, bytes: Int32)] = [:]
        for (index, launch) in launches.enumerated() {
            guard case .grid(let grid) = launch.spread, grid.sharedBytes > most[launch.kernel.handle]?.bytes ?? 0 else {
                continue
            }
            most[launch.kernel.handle] = (index, grid.sharedBytes)
        }
        for (handle, wanted) in most {
            let code = device.driver.call.cuFuncSetAttribute(HearthCUFunction(handle), 8, wanted.bytes)
            try Self.check(
                code, device, launches[wanted.launch], wanted.launch,
                "reserving \(wanted.bytes) bytes of shared memory for")
        }
        var calls: [Int: any CUDALibraryCall] = [:]
        for (index, launch) in launches.enumerated() {
            switch launch.call {
            case .product(let product)?: calls[index] = try CUDAProduct(product)
            case .convolution(let convolution)?:
                try device.enter()
                calls[index] = try CUDAConvolution(convolution, try device.convolutions())
            case nil: break
            }
        }
        self.calls = calls
        self.device = device
        self.launches = launches
        self.slotCount = slotCount
        codes = try device.allocateHost(4 * launches.count)
        codes.address.initializeMemory(as: UInt8.self, repeating: 0, count: codes.byteCount)
        stream = try device.makeStream()
        arguments = CUDAArguments(launches, codes: codes.address)
    }

    deinit {
        device.context.visit { call in
            // What still runs uses the arguments and the words for codes.
            _ = call.cuCtxSynchronize()
            discard()
            for kept in others { Self.end(kept, device) }
            _ = call.cuStreamDestroy(stream)
        }
    }

    func run(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        try launch(slots, on: stream)
        try device.wait(for: stream)
        try throwFailure()
    }

    /// Starts a run on a stream and returns.
    func launch(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, on stream: HearthCUStream?
    ) throws(DeviceError) {
        try device.enter()
        try bind(slots)
        guard let executable else { return }
        try device.driver.check(device.driver.call.cuGraphLaunch(executable, stream), "starting the model")
    }

    /// Throws what a kernel reported in a run that has ended, once.
    func throwFailure() throws(DeviceError) {
        let words = UnsafeBufferPointer(
            start: codes.address.assumingMemoryBound(to: Int32.self), count: launches.count)
        guard let failure = Launch.failure(launches, codes: words) else { return }
        codes.address.initializeMemory(as: UInt8.self, repeating: 0, count: codes.byteCount)
        throw failure
    }

    func runProfiled(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) -> [UInt64] {
        try device.enter()
        try fill(slots)
        var events = [try CUDAEvent(device.context)]
        try events[0].record(on: stream)
        for index in launches.indices {
            try start(index, on: stream)
            let event = try CUDAEvent(device.context)
            try event.record(on: stream)
            events.append(event)
        }
        try device.wait(for: stream)
        try throwFailure()
        return try launches.indices.map { index throws(DeviceError) in try events[index + 1].since(events[index]) }
    }

    func time(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, samples: Int, inner: Int
    ) throws(DeviceError) -> [UInt64] {
        try device.enter()
        try bind(slots)
        var times: [UInt64] = []
        for _ in 0..<samples {
            let (start, end) = (try CUDAEvent(device.context), try CUDAEvent(device.context))
            try start.record(on: stream)
            for _ in 0..<inner {
                guard let executable else { continue }
                try device.driver.check(device.driver.call.cuGraphLaunch(executable, stream), "starting the model")
            }
            try end.record(on: stream)
            try device.wait(for: stream)
            times.append(try end.since(start))
        }
        try throwFailure()
        return times
    }

    // MARK: Capture

    /// Makes the executable graph one for these slots.
    private func bind(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        if executable != nil || launches.isEmpty, bound.elementsEqual(slots), bound.count == slotCount { return }
        try fill(slots)
        // The nodes of a library's call are its own: what it was captured with stays. Callers come back to few places.
        if executable != nil, launches.indices.contains(where: { launches[$0].call != nil && isMoved($0, slots) }) {
            others.append((executable, captured, nodes, bound))
            (executable, captured, nodes, bound) = (nil, nil, [], [])
            if let place = others.firstIndex(where: { $0.bound.elementsEqual(slots) }) {
                (executable, captured, nodes, bound) = others.remove(at: place)
                return
            }
            if others.count > Self.mostOthers { Self.end(others.removeFirst(), device) }
            try capture()
        } else if executable == nil || !patch(slots) {
            try capture()
        }
        bound = Array(slots)
    }

    /// Whether a launch takes a slot that is elsewhere than in `bound`.
    private func isMoved(_ index: Int, _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) -> Bool {
        guard bound.count == slots.count else { return true }
        return launches[index].operands.contains { operand in
            if case .slot(let slot, _) = operand { bound[slot] != slots[slot] } else { false }
        }
    }

    /// Gives the nodes whose slots have moved their new arguments; false where the driver refuses.
    private func patch(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) -> Bool {
        guard bound.count == slots.count else { return false }
        for (index, launch) in launches.enumerated() {
            guard isMoved(index, slots), let grid = launch.grid else { continue }
            guard let node = nodes[index] else { return false }
            var parameters = HearthCUKernelNodeParameters()
            parameters.function = HearthCUFunction(launch.kernel.handle)
            (parameters.grid_x, parameters.grid_y, parameters.grid_z) = (
                UInt32(grid.blocks.x), UInt32(grid.blocks.y), UInt32(grid.blocks.z)
            )
            (parameters.block_x, parameters.block_y, parameters.block_z) = (UInt32(grid.threads), 1, 1)
            parameters.shared_bytes = UInt32(grid.sharedBytes)
            parameters.parameters = arguments.of(index)
            if device.driver.call.cuGraphExecKernelNodeSetParams(executable, node, &parameters) != 0 { return false }
        }
        return true
    }

    /// Captures the launches with the arguments that were filled in. A library may have to load its kernels, which some drivers
    /// refuse during a capture: then its calls are made once, to memory of their own, before another attempt.
    private func capture() throws(DeviceError) {
        do throws(DeviceError) { return try captureNow() } catch {
            if calls.isEmpty { throw error }
        }
        for (index, call) in calls.sorted(by: { $0.key < $1.key }) {
            let memory = try device.allocate(call.resultByteCount)
            try call.start(on: stream, elsewhere: memory.address) { arguments.address(index, operand: $0) }
            try device.wait(for: stream)
        }
        try captureNow()
    }

    private func captureNow() throws(DeviceError) {
        discard()
        let call = device.driver.call
        var found: [HearthCUGraphNode?] = []
        // Thread-local mode: other threads may allocate meanwhile.
        try device.driver.check(call.cuStreamBeginCapture(stream, 1), "capturing the model")
        var graph: HearthCUGraph?
        do throws(DeviceError) {
            for index in launches.indices {
                try start(index, on: stream)
                found.append(launches[index].grid == nil ? nil : lastNode())
            }
        } catch {
            _ = call.cuStreamEndCapture(stream, &graph)
            if let graph { _ = call.cuGraphDestroy(graph) }
            throw error
        }
        try device.driver.check(call.cuStreamEndCapture(stream, &graph), "capturing the model")
        captured = graph
        nodes = found
        var made: HearthCUGraphExec?
        let code = call.cuGraphInstantiate(&made, graph, 0)
        if code != 0 { discard() }
        try device.driver.checkPresence(code, "preparing the model's graph")
        try device.driver.check(code, "preparing the model's graph")
        executable = made
    }

    /// The node that the stream's capture ends with.
    private func lastNode() -> HearthCUGraphNode? {
        var (status, id, count) = (Int32(0), UInt64(0), 0)
        var graph: HearthCUGraph?
        var last: UnsafePointer<HearthCUGraphNode?>?
        guard device.driver.call.cuStreamGetCaptureInfo(stream, &status, &id, &graph, &last, &count) == 0, count == 1
        else { return nil }
        return last?[0]
    }

    private func discard() {
        Self.end((executable, captured, nodes, bound), device)
        (executable, captured, nodes, bound) = (nil, nil, [], [])
    }

    private static func end(_ kept: Kept, _ device: CUDADevice) {
        if let executable = kept.executable { _ = device.driver.call.cuGraphExecDestroy(executable) }
        if let captured = kept.captured { _ = device.driver.call.cuGraphDestroy(captured) }
    }

    private func fill(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        guard slots.count == slotCount else { throw .wrongSlotCount(expected: slotCount, found: slots.count) }
        arguments.fill(launches, slots)
    }

    private func start(_ index: Int, on stream: HearthCUStream) throws(DeviceError) {
        let launch = launches[index]
        if let call = calls[index] {
            try call.start(on: stream, elsewhere: nil) { arguments.address(index, operand: $0) }
        }
        guard let grid = launch.grid else { return }
        var attribute = HearthCULaunchAttribute()
        attribute.id = Int32(HEARTH_CU_LAUNCH_PROGRAMMATIC_SERIALIZATION)
        attribute.value.flag = 1
        let code = withUnsafeMutablePointer(to: &attribute) { attribute in
            var config = HearthCULaunchConfig(
                grid_x: UInt32(grid.blocks.x), grid_y: UInt32(grid.blocks.y), grid_z: UInt32(grid.blocks.z),
                block_x: UInt32(grid.threads), block_y: 1, block_z: 1, shared_bytes: UInt32(grid.sharedBytes),
                stream: stream, attributes: attribute, attribute_count: Launch.overlaps(launches, index) ? 1 : 0)
            return device.driver.call.cuLaunchKernelEx(
                &config, HearthCUFunction(launch.kernel.handle), arguments.of(index), nil)
        }
        try Self.check(code, device, launch, index, "launching")
    }

    /// Throws what a code other than 0 says of a launch: that the GPU cannot take it, or that it takes none any more.
    private static func check(
        _ code: HearthCUResult, _ device: CUDADevice, _ launch: Launch, _ index: Int, _ operation: String
    ) throws(DeviceError) {
        let name = "kernel '\(launch.kernel.name)'"
        try device.driver.checkPresence(code, "\(operation) \(name)")
        if code == HEARTH_CU_INVALID_VALUE || code == HEARTH_CU_OUT_OF_RESOURCES {
            throw .badLaunch(launch: index, reason: "\(operation) \(name) gives \(device.driver.text(code))")
        }
        guard code == 0 else {
            throw .failed(operation: "\(operation) \(name) (launch \(index))", reason: device.driver.text(code))
        }
    }
}

extension Launch {
    /// What the vendor's library computes before.
    fileprivate var call: LibraryCall? {
        if case .grid(let grid) = spread { grid.call } else { nil }
    }

    /// The grid, where there is something to do.
    fileprivate var grid: Grid? {
        if case .grid(let grid) = spread, grid.blocks.min() > 0 { grid } else { nil }
    }
}

/// The arguments of all launches as the driver takes them: pointers to 8-byte values, which it copies when it reads them.
///
/// After the last argument of every launch stand two null addresses: kernels that Triton made take them as scratch memory that
/// they do not use. The driver reads as many arguments as a kernel has, so that they are nothing to others.
private final class CUDAArguments {
    private static let scratch = 2
    private let values: UnsafeMutableBufferPointer<UInt64>
    private let pointers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>
    /// Where a launch's arguments begin.
    private let first: [Int]

    init(_ launches: [Launch], codes: UnsafeMutableRawPointer) {
        var first: [Int] = []
        var count = 0
        for launch in launches {
            first.append(count)
            count += launch.operands.count + launch.dimensions.count + 1 + Self.scratch
        }
        self.first = first
        values = .allocate(capacity: max(count, 1))
        values.initialize(repeating: 0)
        pointers = .allocate(capacity: max(count, 1))
        for index in pointers.indices {
            pointers.initializeElement(at: index, to: UnsafeMutableRawPointer(values.baseAddress.map { $0 + index }))
        }
        for (index, launch) in launches.enumerated() {
            for (number, value) in launch.dimensions.enumerated() {
                values[first[index] + launch.operands.count + number] = UInt64(bitPattern: value)
            }
            let word = UInt(bitPattern: codes + 4 * index)
            values[first[index] + launch.operands.count + launch.dimensions.count] = UInt64(word)
        }
    }

    deinit {
        values.deallocate()
        pointers.deallocate()
    }

    func of(_ launch: Int) -> UnsafeMutablePointer<UnsafeMutableRawPointer?>? {
        pointers.baseAddress.map { $0 + first[launch] }
    }

    /// The address of an operand as it was last written.
    func address(_ launch: Int, operand: Int) -> UInt64 { values[first[launch] + operand] }

    /// Writes the addresses of all operands.
    func fill(_ launches: [Launch], _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) {
        for (index, launch) in launches.enumerated() {
            for (number, operand) in launch.operands.enumerated() {
                let address =
                    switch operand {
                    case .fixed(let address): address
                    case .slot(let slot, let byteOffset): slots[slot] + byteOffset
                    }
                values[first[index] + number] = UInt64(UInt(bitPattern: address))
            }
        }
    }
}
