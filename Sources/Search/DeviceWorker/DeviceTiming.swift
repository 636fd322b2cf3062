import DeviceAPI
import Glibc
import KernelWorker

/// Carries out a `TimeJob` on a device: calls are nodes of captured graphs, timed by the device's own events. Both sides work on
/// the same buffers; before every sample all contents change.
final class DeviceTiming {
    /// Calls of one side as a graph that is run again and again.
    private struct Side {
        var graph: any DeviceGraph
        /// Calls of a run of the graph.
        var calls: Int
    }

    /// Most calls of a graph.
    private static let graphCalls = 16
    private let device: any Device
    private let queue: any DeviceQueue
    private let job: TimeJob
    private let inputs: SharedMapping
    private let outputs: SharedMapping
    private var parameters: [Held] = []
    /// Both sets of inputs and the first of states, by their parameter: samples are mixed on the device, as copies from the host would take
    /// longer than most kernels.
    private var sources: [Int: [Held]] = [:]
    private var keep: [Held] = []
    /// What is written before every sample, twice as large as the cache that all blocks share, so that both sides begin with nothing of theirs
    /// in it; nil where no size is known.
    private var cold: Held?
    private var random: UInt64
    private var shifts: [UInt64] = []

    private final class Held {
        let buffer: DeviceBuffer
        init(_ buffer: consuming DeviceBuffer) { self.buffer = buffer }
    }

    init(_ device: any Device, _ queue: any DeviceQueue, _ job: TimeJob) throws {
        let (inputs, outputs) = try job.mapped()
        self.device = device
        self.queue = queue
        self.job = job
        self.inputs = inputs
        self.outputs = outputs
        random = job.seed
        for (index, parameter) in job.candidate.parameters.enumerated() {
            let held = Held(try device.allocate(parameter.byteCount))
            if parameter.role == .constant { try write(inputs.base + job.sets[0][index], parameter.byteCount, held) }
            parameters.append(held)
            guard parameter.role == .input || parameter.role == .state else { continue }
            for set in job.sets {
                let source = Held(try device.allocate(parameter.byteCount))
                try write(inputs.base + set[index], parameter.byteCount, source)
                sources[index, default: []].append(source)
            }
        }
    }

    func perform(candidate: DeviceCandidate, incumbent: DeviceCandidate) throws -> TimeReport {
        let start = nanoseconds()
        try makeCold()
        let ours = try side(job.candidate, candidate)
        let theirs = try side(job.incumbent, incumbent)
        _ = try sample(theirs, runs: 1)
        _ = try sample(ours, runs: 1)
        var runs = 1
        while runs * ours.calls < job.callLimit {
            let time = max(1, try sample(theirs, runs: runs), try sample(ours, runs: runs))
            if time >= job.sampleNanoseconds { break }
            runs = max(1, min(job.callLimit / ours.calls, runs * min(10, max(2, job.sampleNanoseconds / time + 1))))
        }
        var samples: [Int] = []
        var changed: Int?
        let inspected = Int(nextRandom() % UInt64(job.groups))
        for group in 0..<job.groups {
            samples.append(try sample(ours, runs: runs))
            samples.append(try sample(theirs, runs: runs))
            samples.append(try sample(theirs, runs: runs))
            samples.append(try sample(ours, runs: runs))
            if group == inspected { changed = try copyOut() }
        }
        return TimeReport(
            calls: runs * ours.calls, samples: samples, totalNanoseconds: nanoseconds() - start, extraThreads: 0,
            changedInput: changed)
    }

    /// The calls of one side over its copies of the constants.
    private func side(_ call: WorkerCall, _ candidate: DeviceCandidate) throws -> Side {
        let kernel = try candidate.kernel(call.symbol)
        let counters = Held(try device.allocate(4 * (call.grid?.counters ?? 0)))
        try queue.fill(counters.buffer, with: 0)
        keep.append(counters)
        var packings: [UnsafeMutableRawBufferPointer] = []
        defer { for bytes in packings { bytes.deallocate() } }
        for packing in call.packings { packings.append(try candidate.packed(packing, call, job.sets[0], inputs)) }
        var copies: [Launch] = []
        for copy in 0..<job.constantCopies {
            var operands: [UnsafeMutableRawPointer] = []
            for argument in call.arguments {
                switch argument {
                case .library: throw RequestError(.badRequest, "a device calls no library of the host")
                case .packed(let index):
                    operands.append(try hold(packings[index].baseAddress, call.packings[index].byteCount))
                case .shared(let byteCount): operands.append(try hold(nil, byteCount))
                case .parameter(let index):
                    if copy == 0 || call.parameters[index].role != .constant {
                        operands.append(parameters[index].buffer.address)
                    } else {
                        operands.append(
                            try hold(inputs.base + job.sets[0][index], call.parameters[index].byteCount))
                    }
                }
            }
            if call.grid?.counters ?? 0 > 0 { operands.append(counters.buffer.address) }
            copies.append(try call.launch(kernel, operands))
        }
        try queue.synchronize()
        let calls = min(job.callLimit, max(copies.count, Self.graphCalls))
        return Side(graph: try device.makeGraph((0..<calls).map { copies[$0 % copies.count] }), calls: calls)
    }

    /// Prepares what begins samples cold, where writing it takes no time worth speaking of: not on drivers that run on a processor.
    private func makeCold() throws {
        let (byteCount, probeBytes) = (2 * min(device.limits.caches.l2, 256 << 20), 4 << 20)
        guard byteCount > 0 else { return }
        let probe = Held(try device.allocate(probeBytes))
        var took = 0
        for byte in [UInt8(0), 1] {
            let start = nanoseconds()
            try queue.fill(probe.buffer, with: byte)
            try queue.synchronize()
            took = nanoseconds() - start
        }
        if took * max(1, byteCount / probeBytes) < 1_000_000 { cold = Held(try device.allocate(byteCount)) }
    }

    /// Memory that lives as long as the timing, with these contents or none.
    private func hold(_ source: UnsafeMutableRawPointer?, _ byteCount: Int) throws -> UnsafeMutableRawPointer {
        let held = Held(try device.allocate(byteCount))
        if let source { try write(source, byteCount, held) }
        keep.append(held)
        return held.buffer.address
    }

    private func write(_ source: UnsafeMutableRawPointer, _ byteCount: Int, _ held: Held) throws {
        try queue.copy(UnsafeRawBufferPointer(start: source, count: byteCount), to: held.buffer, at: 0)
        try queue.synchronize()
    }

    /// Nanoseconds of `runs` runs of a side's graph over new contents.
    private func sample(_ side: Side, runs: Int) throws -> Int {
        shifts = job.candidate.parameters.map { _ in nextRandom() }
        for (index, parameter) in job.candidate.parameters.enumerated() {
            switch parameter.role {
            case .constant: break
            case .output: try queue.fill(parameters[index].buffer, with: 0xCD)
            case .state: try mix(index, skipped: 0)
            case .input: try mix(index, skipped: skipped(index))
            }
        }
        if let cold { try queue.fill(cold.buffer, with: UInt8(truncatingIfNeeded: random)) }
        try queue.synchronize()
        let times = try side.graph.time(UnsafeBufferPointer(start: nil, count: 0), samples: 1, inner: runs)
        return Int(times[0])
    }

    /// Bytes of set 0 that a sample's mixture of an input leaves out: whole elements.
    private func skipped(_ index: Int) -> Int {
        let parameter = job.candidate.parameters[index]
        let count = parameter.byteCount / max(1, parameter.elementBytes)
        return count > 0 ? Int(shifts[index] % UInt64(count)) * parameter.elementBytes : 0
    }

    /// Set 0 but for its first bytes, and behind it as many of set 1.
    private func mix(_ index: Int, skipped: Int) throws {
        guard let source = sources[index] else { return }
        let (target, rest) = (parameters[index].buffer.address, job.candidate.parameters[index].byteCount - skipped)
        if rest > 0 { try queue.copy(from: source[0].buffer.address + skipped, to: target, rest) }
        if skipped > 0 { try queue.copy(from: source[1].buffer.address, to: target + rest, skipped) }
    }

    /// What `mix` makes of an input for this sample, on the host.
    private func mixed(_ index: Int) -> [UInt8] {
        let parameter = job.candidate.parameters[index]
        guard parameter.byteCount > 0 else { return [] }
        let skipped = skipped(index)
        let first = UnsafeRawBufferPointer(
            start: inputs.base + job.sets[0][index] + skipped, count: parameter.byteCount - skipped)
        return Array(first) + Array(UnsafeRawBufferPointer(start: inputs.base + job.sets[1][index], count: skipped))
    }

    /// Hands inputs and outputs to the parent as the last sample left them; returns the first input that has changed.
    private func copyOut() throws -> Int? {
        var offset = 0
        var changed: Int?
        for (index, parameter) in job.candidate.parameters.enumerated() {
            if parameter.role == .constant {
                let isSame = try queue.holds(
                    parameters[index].buffer, at: 0, parameter.byteCount, of: inputs.base + job.sets[0][index])
                if !isSame { changed = changed ?? index }
                continue
            }
            var contents = [UInt8](repeating: 0, count: parameter.byteCount)
            try contents.withUnsafeMutableBytes {
                try queue.copy(parameters[index].buffer, at: 0, to: $0)
                try queue.synchronize()
            }
            if parameter.role == .input, contents != mixed(index) { changed = changed ?? index }
            guard offset + parameter.byteCount <= outputs.byteCount else {
                throw RequestError(.badRequest, "the outputs' file is too short")
            }
            contents.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: outputs.base + offset, count: parameter.byteCount)
                    .copyMemory(from: $0)
            }
            offset += (parameter.byteCount + 63) / 64 * 64
        }
        return changed
    }

    /// SplitMix64.
    private func nextRandom() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
