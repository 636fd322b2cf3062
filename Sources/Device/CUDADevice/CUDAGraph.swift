import CCUDADriver
import DeviceAPI

/// Launches captured as one CUDA graph. It is captured at the first run, and its nodes are updated when slots move.
final class CUDAGraph: DeviceGraph {
    let slotCount: Int
    private let device: CUDADevice
    private let launches: [Launch]
    private let stream: HearthCUStream
    private var executable: HearthCUGraphExec?
    /// The slots that `executable` was captured with.
    private var bound: [UnsafeMutableRawPointer] = []
    /// 8-byte arguments of all launches, and for each launch pointers to its own; the driver copies them at capture.
    private let values: UnsafeMutableBufferPointer<UInt64>
    private let pointers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>
    private let first: [Int]

    init(_ device: CUDADevice, _ launches: [Launch], slotCount: Int) throws(DeviceError) {
        let limits = device.limits.blocks
        for (index, launch) in launches.enumerated() {
            guard case .grid(let grid) = launch.spread else {
                throw .badLaunch(launch: index, reason: "is no grid of blocks, which is all that a GPU runs")
            }
            for case .slot(let slot, _) in launch.operands where !(0..<slotCount).contains(slot) {
                throw .badLaunch(launch: index, reason: "refers to slot \(slot) of \(slotCount)")
            }
            guard grid.blocks.min() > 0, grid.threads > 0, Int(grid.threads) <= limits?.threads ?? 0,
                grid.blocks.y <= 65535, grid.blocks.z <= 65535
            else {
                throw .badLaunch(
                    launch: index, reason: "has a grid of \(grid.blocks) blocks of \(grid.threads) threads")
            }
            guard Int(grid.sharedBytes) <= limits?.sharedBytes ?? 0 else {
                throw .badLaunch(launch: index, reason: "asks for \(grid.sharedBytes) bytes of shared memory")
            }
            if grid.sharedBytes > 48 << 10 {
                // More than 48 KiB must be asked for (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES).
                let function = HearthCUFunction(launch.kernel.handle)
                try device.driver.check(
                    device.driver.call.cuFuncSetAttribute(function, 8, grid.sharedBytes), "reserving shared memory")
            }
        }
        var first: [Int] = []
        var count = 0
        for launch in launches {
            first.append(count)
            count += launch.operands.count + launch.dimensions.count
        }
        self.device = device
        self.launches = launches
        self.slotCount = slotCount
        self.first = first
        values = .allocate(capacity: max(count, 1))
        values.initialize(repeating: 0)
        pointers = .allocate(capacity: max(count, 1))
        for index in pointers.indices {
            pointers.initializeElement(at: index, to: UnsafeMutableRawPointer(values.baseAddress.map { $0 + index }))
        }
        var stream: HearthCUStream?
        let code = device.driver.call.cuStreamCreate(&stream, 1)
        guard code == 0, let stream else {
            values.deallocate()
            pointers.deallocate()
            throw .failed(operation: "making a stream", reason: device.driver.text(code))
        }
        self.stream = stream
    }

    deinit {
        try? device.enter()
        if let executable { _ = device.driver.call.cuGraphExecDestroy(executable) }
        _ = device.driver.call.cuStreamDestroy(stream)
        values.deallocate()
        pointers.deallocate()
    }

    func run(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        try launch(slots, on: stream)
        try device.driver.check(device.driver.call.cuStreamSynchronize(stream), "running the model")
    }

    /// Starts a run on a stream and returns.
    func launch(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, on stream: HearthCUStream
    ) throws(DeviceError) {
        try device.enter()
        try bind(slots)
        guard let executable else { return }
        try device.driver.check(device.driver.call.cuGraphLaunch(executable, stream), "starting the model")
    }

    func runProfiled(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) -> [UInt64] {
        try device.enter()
        try fill(slots)
        var events = [try CUDAEvent(device)]
        try events[0].record(on: stream)
        for index in launches.indices {
            try start(index, on: stream)
            let event = try CUDAEvent(device)
            try event.record(on: stream)
            events.append(event)
        }
        try device.driver.check(device.driver.call.cuStreamSynchronize(stream), "running the model")
        return launches.indices.map { events[$0 + 1].nanoseconds(since: events[$0]) }
    }

    func time(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, samples: Int, inner: Int
    ) throws(DeviceError) -> [UInt64] {
        try device.enter()
        try bind(slots)
        var times: [UInt64] = []
        for _ in 0..<samples {
            let (start, end) = (try CUDAEvent(device), try CUDAEvent(device))
            try start.record(on: stream)
            for _ in 0..<inner {
                guard let executable else { continue }
                try device.driver.check(device.driver.call.cuGraphLaunch(executable, stream), "starting the model")
            }
            try end.record(on: stream)
            try end.synchronize()
            times.append(end.nanoseconds(since: start))
        }
        return times
    }

    /// Captures the launches for these slots, unless they are those of the last run.
    private func bind(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        if executable != nil || launches.isEmpty, bound.elementsEqual(slots) { return }
        try fill(slots)
        let call = device.driver.call
        // Thread-local mode: other threads may allocate meanwhile.
        try device.driver.check(call.cuStreamBeginCapture(stream, 1), "capturing the model")
        var graph: HearthCUGraph?
        do throws(DeviceError) {
            for index in launches.indices { try start(index, on: stream) }
        } catch {
            _ = call.cuStreamEndCapture(stream, &graph)
            if let graph { _ = call.cuGraphDestroy(graph) }
            throw error
        }
        try device.driver.check(call.cuStreamEndCapture(stream, &graph), "capturing the model")
        defer { if let graph { _ = call.cuGraphDestroy(graph) } }
        if let executable {
            var result = HearthCUUpdateResult()
            if call.cuGraphExecUpdate(executable, graph, &result) == 0 {
                bound = Array(slots)
                return
            }
            _ = call.cuGraphExecDestroy(executable)
            self.executable = nil
        }
        var made: HearthCUGraphExec?
        let code = call.cuGraphInstantiate(&made, graph, 0)
        if code == HEARTH_CU_OUT_OF_MEMORY { throw .outOfMemory(byteCount: 0) }
        try device.driver.check(code, "preparing the model's graph")
        executable = made
        bound = Array(slots)
    }

    /// Writes the arguments of all launches.
    private func fill(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        guard slots.count == slotCount else { throw .wrongSlotCount(expected: slotCount, found: slots.count) }
        for (index, launch) in launches.enumerated() {
            var place = first[index]
            for operand in launch.operands {
                let address =
                    switch operand {
                    case .fixed(let address): address
                    case .slot(let slot, let byteOffset): slots[slot] + byteOffset
                    }
                values[place] = UInt64(UInt(bitPattern: address))
                place += 1
            }
            for value in launch.dimensions {
                values[place] = UInt64(bitPattern: value)
                place += 1
            }
        }
    }

    private func start(_ index: Int, on stream: HearthCUStream) throws(DeviceError) {
        let launch = launches[index]
        guard case .grid(let grid) = launch.spread else { return }
        var attribute = HearthCULaunchAttribute()
        attribute.id = Int32(HEARTH_CU_LAUNCH_PROGRAMMATIC_SERIALIZATION)
        attribute.value.flag = 1
        let code = withUnsafeMutablePointer(to: &attribute) { attribute in
            var config = HearthCULaunchConfig(
                grid_x: UInt32(grid.blocks.x), grid_y: UInt32(grid.blocks.y), grid_z: UInt32(grid.blocks.z),
                block_x: UInt32(grid.threads), block_y: 1, block_z: 1, shared_bytes: UInt32(grid.sharedBytes),
                stream: stream, attributes: attribute, attribute_count: grid.overlapsPredecessor && index > 0 ? 1 : 0)
            return device.driver.call.cuLaunchKernelEx(
                &config, HearthCUFunction(launch.kernel.handle), pointers.baseAddress.map { $0 + first[index] }, nil)
        }
        guard code == 0 else {
            throw .failed(
                operation: "launching kernel '\(launch.kernel.name)' (launch \(index))",
                reason: device.driver.text(code))
        }
    }
}
