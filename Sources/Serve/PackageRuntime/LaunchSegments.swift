import DeviceAPI

/// The captured launches of a plan: one list, or where the plan has loops, one for each loop and for what lies between. A loop's list runs
/// for as long as its condition holds, a byte that the host reads before each turn.
final class LaunchSegments {
    /// Launches that run once, or as the turns of a loop.
    private struct Segment {
        var graph: any DeviceGraph
        /// Places in the plan.
        var launches: Range<Int>
        /// Where the device keeps the byte that says whether there is another turn; nil outside loops.
        var condition: UnsafeMutableRawPointer?
    }

    /// The byte on its way to a host whose memory the device does not share.
    private final class Answer {
        let onDevice: DeviceBuffer
        let onHost: DeviceBuffer

        init(_ device: any Device) throws(DeviceError) {
            onDevice = try device.allocate(1)
            onHost = try device.allocateHost(1)
        }
    }

    private let device: any Device
    private var segments: [Segment] = []
    private let launchCount: Int
    private let answer: Answer?
    private let queue: any DeviceQueue

    /// Captures launches; loops are ranges of them with the addresses of their conditions, in order. `queue` is the session's own.
    init(
        _ device: any Device, _ launches: [DeviceAPI.Launch],
        loops: [(launches: Range<Int>, condition: UnsafeMutableRawPointer)], slotCount: Int, workspaceBytes: Int,
        queue: any DeviceQueue
    ) throws(DeviceError) {
        self.device = device
        self.queue = queue
        launchCount = launches.count
        answer = loops.isEmpty || device.limits.readsHostMemory ? nil : try Answer(device)
        func add(_ range: Range<Int>, _ condition: UnsafeMutableRawPointer?) throws(DeviceError) {
            let graph = try device.makeGraph(
                Array(launches[range]), slotCount: slotCount, workspaceBytes: workspaceBytes)
            segments.append(Segment(graph: graph, launches: range, condition: condition))
        }
        var start = 0
        for loop in loops {
            if start < loop.launches.lowerBound { try add(start..<loop.launches.lowerBound, nil) }
            try add(loop.launches, loop.condition)
            start = loop.launches.upperBound
        }
        if start < launches.count || segments.isEmpty { try add(start..<launches.count, nil) }
    }

    /// Runs everything and returns when it is done; on a device that shares the host's memory.
    func run(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        try each { (segment) throws(DeviceError) in try segment.graph.run(slots) }
    }

    /// Starts everything in the order of a queue, and where there are loops, waits for each condition.
    func start(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, on queue: any DeviceQueue
    ) throws(DeviceError) {
        try each(asking: queue) { (segment) throws(DeviceError) in try queue.run(segment.graph, slots) }
    }

    /// As `run`; returns nanoseconds from start to end of each launch of the plan, of all turns together.
    func runProfiled(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) -> [UInt64] {
        if segments.count == 1, segments[0].condition == nil { return try segments[0].graph.runProfiled(slots) }
        var times = [UInt64](repeating: 0, count: launchCount)
        try each(asking: queue) { (segment) throws(DeviceError) in
            let found = try segment.graph.runProfiled(slots)
            for (launch, time) in zip(segment.launches, found) { times[launch] += time }
        }
        return times
    }

    /// Runs everything `samples × inner` times; returns nanoseconds for each sample. Loops are timed by the host's clock.
    func time(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, samples: Int, inner: Int
    ) throws(DeviceError) -> [UInt64] {
        if segments.count == 1, segments[0].condition == nil {
            return try segments[0].graph.time(slots, samples: samples, inner: inner)
        }
        var times: [UInt64] = []
        let clock = ContinuousClock()
        for _ in 0..<samples {
            let start = clock.now
            for _ in 0..<inner {
                if device.limits.readsHostMemory {
                    try run(slots)
                } else {
                    try self.start(slots, on: queue)
                    try queue.synchronize()
                }
            }
            let duration = (clock.now - start).components
            times.append(UInt64(duration.seconds) * 1_000_000_000 + UInt64(duration.attoseconds / 1_000_000_000))
        }
        return times
    }

    /// Does something for every segment, and for a loop's as often as there are turns. A kernel that fails is named by its place in the plan.
    private func each(
        asking queue: (any DeviceQueue)? = nil, _ body: (Segment) throws(DeviceError) -> Void
    ) throws(DeviceError) {
        for segment in segments {
            do throws(DeviceError) {
                guard let condition = segment.condition else {
                    try body(segment)
                    continue
                }
                while try holds(condition, queue ?? self.queue) { try body(segment) }
            } catch {
                guard case .kernelFailed(let index, let name, let code) = error else { throw error }
                throw .kernelFailed(launch: index + segment.launches.lowerBound, kernel: name, code: code)
            }
        }
    }

    private func holds(_ condition: UnsafeMutableRawPointer, _ queue: any DeviceQueue) throws(DeviceError) -> Bool {
        guard let answer else { return condition.load(as: UInt8.self) != 0 }
        try queue.copy(from: condition, to: answer.onDevice.address, 1)
        try queue.copy(
            answer.onDevice, at: 0, to: UnsafeMutableRawBufferPointer(start: answer.onHost.address, count: 1))
        try queue.synchronize()
        return answer.onHost.address.load(as: UInt8.self) != 0
    }
}
