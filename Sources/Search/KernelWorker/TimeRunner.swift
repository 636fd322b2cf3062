internal import CKernelHarness
internal import Glibc

/// Carries out a `TimeJob`. Both sides work on the same buffers; before every call an element of every input changes, and
/// before every sample all contents do, so that nothing computed before can be handed out again.
final class TimeRunner {
    private let pool: OpaquePointer
    private let job: TimeJob
    private let counters: EventCounters
    private let inputs: SharedMapping
    private let outputs: SharedMapping
    private var parameters: [Pages] = []
    private let workspace: Pages
    private let gangArea: Pages
    private var keep: [Pages] = []
    private var mutations: [HearthMutation] = []
    private var random: UInt64

    init(pool: OpaquePointer, job: TimeJob, counters: EventCounters) throws(RequestError) {
        let (inputs, outputs) = try job.mapped()
        self.pool = pool
        self.job = job
        self.counters = counters
        self.inputs = inputs
        self.outputs = outputs
        random = job.seed
        let threads = Int(hearth_pool_threads(pool))
        let stride = max(job.candidate.workspaceStride, job.incumbent.workspaceStride)
        workspace = try Pages(stride * threads)
        gangArea = try Pages(Int(HEARTH_GANG_AREA_BYTES))
        for (index, parameter) in job.candidate.parameters.enumerated() {
            let pages = try Pages(parameter.byteCount)
            if parameter.role == .constant { memcpy(pages.data, inputs.base + job.sets[0][index], parameter.byteCount) }
            parameters.append(pages)
            guard parameter.role == .input, parameter.elementBytes > 0, parameter.byteCount >= parameter.elementBytes
            else { continue }
            mutations.append(
                HearthMutation(
                    contents: pages.data.assumingMemoryBound(to: CChar.self),
                    source: (inputs.base + job.sets[1][index]).assumingMemoryBound(to: CChar.self),
                    count: Int64(parameter.byteCount / parameter.elementBytes),
                    element_bytes: Int32(parameter.elementBytes)))
        }
    }

    func perform(candidate: LoadedLibrary, incumbent: LoadedLibrary) throws(RequestError) -> TimeReport {
        let start = hearth_nanoseconds()
        let ours = try side(job.candidate, candidate)
        let theirs = try side(job.incumbent, incumbent)
        // Both are warmed alike; the pool's threads exist after this, so that more of them are the candidate's.
        _ = try sample(theirs, calls: 1)
        _ = try sample(ours, calls: 1)
        let threads = hearth_harness_threads()
        let state = hearth_harness_state()
        var calls = 1
        while calls < job.callLimit {
            let time = max(1, max(try quickest(theirs, calls: calls), try quickest(ours, calls: calls)))
            if time >= job.sampleNanoseconds { break }
            // Growth by at most ten, as the first samples may be slow for other reasons.
            calls = min(job.callLimit, calls * min(10, max(2, job.sampleNanoseconds / time + 1)))
        }
        var samples: [Int] = []
        var changed: Int?
        let inspected = Int(nextRandom() % UInt64(job.groups))
        for group in 0..<job.groups {
            samples.append(try sample(ours, calls: calls))
            samples.append(try sample(theirs, calls: calls))
            samples.append(try sample(theirs, calls: calls))
            samples.append(try sample(ours, calls: calls))
            if group == inspected {
                changed = firstChangedInput(calls: calls)
                try copyOut()
            }
        }
        let counted = try count(ours, calls: calls)
        let extraThreads = hearth_harness_threads() - threads
        return TimeReport(
            calls: calls, samples: samples, totalNanoseconds: Int(hearth_nanoseconds() - start),
            extraThreads: Int(extraThreads), changedInput: changed,
            changedState: hearth_harness_state().change(since: state), counters: counted)
    }

    /// The least of three samples: one that was interrupted would say that a single call is long enough, and what hands out results of
    /// the call before would not be found out.
    private func quickest(_ side: Side, calls: Int) throws(RequestError) -> Int {
        var least = Int.max
        for _ in 0..<3 {
            least = min(least, try sample(side, calls: calls))
            // What takes long is not asked again and again.
            if least >= 10 * job.sampleNanoseconds { break }
        }
        return least
    }

    /// Runs of one side over its copies of the constants.
    private func side(_ call: WorkerCall, _ library: LoadedLibrary) throws(RequestError) -> Side {
        let function = try library.function(call.symbol)
        var prepared: [PreparedRun] = []
        for copy in 0..<job.constantCopies {
            var packed: [Pages] = []
            for packing in call.packings {
                let pages = try Pages(packing.byteCount)
                let operands = packing.operands({ parameters[$0].data }, pages.data)
                let code = try pack(library, packing, operands, call)
                if code != 0 { throw RequestError(.packingFailed, "\(packing.symbol) returned \(code)") }
                packed.append(pages)
            }
            keep += packed
            var operands: [UnsafeMutableRawPointer] = []
            for argument in call.arguments {
                switch argument {
                case .packed(let index): operands.append(packed[index].data)
                case .library: operands.append(oneDNN)
                case .shared(let byteCount):
                    let pages = try Pages(byteCount)
                    keep.append(pages)
                    operands.append(pages.data)
                case .parameter(let index):
                    if copy == 0 || call.parameters[index].role != .constant {
                        operands.append(parameters[index].data)
                    } else {
                        let pages = try Pages(call.parameters[index].byteCount)
                        memcpy(pages.data, parameters[index].data, call.parameters[index].byteCount)
                        keep.append(pages)
                        operands.append(pages.data)
                    }
                }
            }
            prepared.append(
                PreparedRun(
                    function, operands: operands, call: call, parts: call.parts,
                    gangArea: call.parts == 0 ? gangArea.data : nil, workspace: workspace.data,
                    workspaceStride: max(job.candidate.workspaceStride, job.incumbent.workspaceStride)))
        }
        return Side(prepared)
    }

    /// The mixture under way: element `shift` of set 0 stands first, and set 1 follows where set 0 ends.
    private var shifts: [UInt64] = []
    private var mutationSeed: UInt64 = 0

    /// Calls as in a sample, once for each group of counters; their times are of no use.
    private func count(_ side: Side, calls: Int) throws(RequestError) -> CounterReport? {
        var counts: [EventCounter: Int] = [:]
        for group in counters.groups {
            let before = group.read()
            _ = try sample(side, calls: calls, counting: group)
            counts.merge(EventCounters.counts(before, group.read())) { first, _ in first }
        }
        return CounterReport(calls: calls, counts: counts)
    }

    private func sample(
        _ side: Side, calls: Int, counting group: EventCounters.Group? = nil
    ) throws(RequestError) -> Int {
        shifts = job.candidate.parameters.map { _ in nextRandom() }
        mutationSeed = nextRandom()
        for (index, parameter) in job.candidate.parameters.enumerated() {
            switch parameter.role {
            case .constant: break
            case .output: memset(parameters[index].data, 0xCD, parameter.byteCount)
            case .state: memcpy(parameters[index].data, inputs.base + job.sets[0][index], parameter.byteCount)
            case .input: mix(index, into: parameters[index].data)
            }
        }
        var code: Int32 = 0
        group?.start()
        let time = hearth_harness_time(
            pool, side.runs, Int32(side.count), Int64(calls), mutations, Int32(mutations.count), mutationSeed, &code)
        group?.stop()
        if time < 0 { throw RequestError(.kernelFailed, String(code)) }
        return Int(time)
    }

    private func mix(_ index: Int, into destination: UnsafeMutableRawPointer) {
        let parameter = job.candidate.parameters[index]
        let count = parameter.byteCount / max(1, parameter.elementBytes)
        guard count > 0 else { return }
        let skipped = Int(shifts[index] % UInt64(count)) * parameter.elementBytes
        memcpy(destination, inputs.base + job.sets[0][index] + skipped, parameter.byteCount - skipped)
        memcpy(destination + parameter.byteCount - skipped, inputs.base + job.sets[1][index], skipped)
    }

    /// Makes the last sample's inputs once more and compares.
    private func firstChangedInput(calls: Int) -> Int? {
        let shadows = parameters.indices.map { index -> UnsafeMutableRawPointer? in
            let parameter = job.candidate.parameters[index]
            guard parameter.role == .input else { return nil }
            let shadow = UnsafeMutableRawPointer.allocate(byteCount: max(1, parameter.byteCount), alignment: 64)
            mix(index, into: shadow)
            return shadow
        }
        defer { for shadow in shadows { shadow?.deallocate() } }
        var replayed: [HearthMutation] = []
        for (index, shadow) in shadows.enumerated() {
            let contents = parameters[index].data.assumingMemoryBound(to: CChar.self)
            guard let shadow, var mutation = mutations.first(where: { $0.contents == contents }) else { continue }
            mutation.contents = shadow.assumingMemoryBound(to: CChar.self)
            replayed.append(mutation)
        }
        for call in 0..<calls { hearth_harness_mutate(replayed, Int32(replayed.count), mutationSeed, Int64(call)) }
        return parameters.indices.first { index in
            let parameter = job.candidate.parameters[index]
            if parameter.role == .constant {
                return memcmp(parameters[index].data, inputs.base + job.sets[0][index], parameter.byteCount) != 0
            }
            return shadows[index].map { memcmp(parameters[index].data, $0, parameter.byteCount) != 0 } ?? false
        }
    }

    private func copyOut() throws(RequestError) {
        var offset = 0
        for (index, parameter) in job.candidate.parameters.enumerated() where parameter.role != .constant {
            guard offset + parameter.byteCount <= outputs.byteCount else {
                throw RequestError(.badRequest, "the outputs' file is too short")
            }
            memcpy(outputs.base + offset, parameters[index].data, parameter.byteCount)
            offset += (parameter.byteCount + 63) / 64 * 64
        }
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

/// The runs that successive calls of one side take in turn.
private final class Side {
    let runs: UnsafeMutablePointer<HearthRun>
    let count: Int
    private let prepared: [PreparedRun]

    init(_ prepared: [PreparedRun]) {
        self.prepared = prepared
        count = prepared.count
        runs = .allocate(capacity: prepared.count)
        for (index, run) in prepared.enumerated() { (runs + index).initialize(to: run.run.pointee) }
    }

    deinit { runs.deallocate() }
}

/// Plain memory as the runtime gives it: page-aligned, large buffers with large pages.
private final class Pages {
    let data: UnsafeMutableRawPointer

    init(_ byteCount: Int) throws(RequestError) {
        let hugePage = 2 << 20
        let alignment = byteCount >= 2 * hugePage ? hugePage : 4096
        let padded = (max(1, byteCount) + alignment - 1) / alignment * alignment
        var address: UnsafeMutableRawPointer?
        guard posix_memalign(&address, alignment, padded) == 0, let address else {
            throw RequestError(.noMemory, "no \(byteCount) bytes")
        }
        if alignment == hugePage { madvise(address, padded, Int32(MADV_HUGEPAGE)) }
        memset(address, 0, padded)
        data = address
    }

    deinit { free(data) }
}
