/// A file that both processes map, and where the buffers' contents lie in it.
package struct WorkerFile: Hashable, Sendable {
    /// The file's number in the process that holds this. It travels beside the message, which has only its size: the worker can
    /// open nothing of its parent's.
    package var descriptor: Int32
    package var byteCount: Int

    /// Makes a reference.
    package init(descriptor: Int32, byteCount: Int) {
        self.descriptor = descriptor
        self.byteCount = byteCount
    }

    func write(to writer: inout WireWriter) { writer.put(byteCount) }

    init(from reader: inout WireReader) throws(WireError) {
        descriptor = -1
        byteCount = try reader.integer()
    }
}

/// Runs of a kernel on guarded, poisoned buffers.
package struct CheckJob: Hashable, Sendable {
    /// One run.
    package struct Run: Hashable, Sendable {
        /// Which set of inputs.
        package var set: Int
        /// Buffers end at an unmapped page; else they begin behind one.
        package var endsAtGuard: Bool
        /// Byte that fills outputs and workspace before.
        package var poison: UInt8

        /// Makes a run.
        package init(set: Int, endsAtGuard: Bool, poison: UInt8) {
            self.set = set
            self.endsAtGuard = endsAtGuard
            self.poison = poison
        }
    }

    package var call: WorkerCall
    package var inputs: WorkerFile
    /// For each set the offsets of the parameters in `inputs`; -1 for outputs.
    package var sets: [[Int]]
    /// Receives the written parameters of run 0, of run 1 …, each at the next multiple of 64.
    package var outputs: WorkerFile
    package var runs: [Run]

    /// Makes a job.
    package init(call: WorkerCall, inputs: WorkerFile, sets: [[Int]], outputs: WorkerFile, runs: [Run]) {
        self.call = call
        self.inputs = inputs
        self.sets = sets
        self.outputs = outputs
        self.runs = runs
    }
}

/// Interleaved timing of a candidate and what it is to beat, ABBA after ABBA.
package struct TimeJob: Hashable, Sendable {
    package var candidate: WorkerCall
    /// The same parameters.
    package var incumbent: WorkerCall
    package var inputs: WorkerFile
    /// Two sets of the same sizes: inputs are mixtures of both, never the same twice.
    package var sets: [[Int]]
    package var seed: UInt64
    /// Number of ABBA groups.
    package var groups: Int
    /// Nanoseconds that a sample should take at least; calls are repeated to reach it.
    package var sampleNanoseconds: Int
    /// Most calls of a sample.
    package var callLimit: Int
    /// Copies of constants and packed operands that successive calls take in turn, so that they come from memory.
    package var constantCopies: Int
    /// Receives, after the last sample of one group, inputs and outputs as the candidate left them: all parameters but
    /// constants, each at the next multiple of 64.
    package var outputs: WorkerFile

    /// Makes a job.
    package init(
        candidate: WorkerCall, incumbent: WorkerCall, inputs: WorkerFile, sets: [[Int]], seed: UInt64, groups: Int,
        sampleNanoseconds: Int, callLimit: Int, constantCopies: Int, outputs: WorkerFile
    ) {
        self.candidate = candidate
        self.incumbent = incumbent
        self.inputs = inputs
        self.sets = sets
        self.seed = seed
        self.groups = groups
        self.sampleNanoseconds = sampleNanoseconds
        self.callLimit = callLimit
        self.constantCopies = constantCopies
        self.outputs = outputs
    }
}

/// What the parent asks.
package enum WorkerRequest: Hashable, Sendable {
    case load(library: Int, path: String)
    /// Lets go of all libraries and of what they keep.
    case forget
    case check(CheckJob)
    case time(TimeJob)
    /// Answered like a check of one run.
    case fold(FoldJob)

    /// Files that travel with it, in order.
    package var files: [WorkerFile] {
        get {
            switch self {
            case .load, .forget: []
            case .check(let job): [job.inputs, job.outputs]
            case .time(let job): [job.inputs, job.outputs]
            case .fold(let job): [job.file]
            }
        }
        set {
            precondition(newValue.count == files.count, "as many files as before")
            switch self {
            case .load, .forget: break
            case .check(var job):
                (job.inputs, job.outputs) = (newValue[0], newValue[1])
                self = .check(job)
            case .time(var job):
                (job.inputs, job.outputs) = (newValue[0], newValue[1])
                self = .time(job)
            case .fold(var job):
                job.file = newValue[0]
                self = .fold(job)
            }
        }
    }
}

/// What the worker answers; exactly one reply to each request, and one `ready` at the start.
package enum WorkerReply: Hashable, Sendable {
    case ready(threads: Int, Sandbox)
    case done
    /// The request could not be carried out; the worker goes on.
    case refused(WorkerRefusal, detail: String)
    case checked([RunReport])
    case timed(TimeReport)
    /// The candidate crashed; the worker has ended.
    case fault(FaultReport)
}

/// Why a request could not be carried out.
package enum WorkerRefusal: Int, Hashable, Sendable, CaseIterable {
    /// The library does not load.
    case notLoaded
    /// The library has no such function.
    case missingSymbol
    /// A shared file cannot be mapped, or memory is short.
    case noMemory
    /// A packing function returned a code.
    case packingFailed
    /// A timed call returned a code.
    case kernelFailed
    /// A packing function wrote around its buffers.
    case packingDamagedFence
    /// The request itself makes no sense.
    case badRequest
}

/// What one run did.
package struct RunReport: Hashable, Sendable {
    /// What the kernel returned.
    package var code: Int
    /// Threads and children that there are now and were not before.
    package var extraThreads: Int
    /// First buffer with a damaged fence, and the damaged byte's offset from its start.
    package var damaged: Damage?
    /// First input whose contents changed.
    package var changedInput: Int?
    /// What it changed of the process that it ran in.
    package var changedState: ProcessState?
    /// Time of the run.
    package var nanoseconds: Int

    /// Where a fence is damaged.
    package struct Damage: Hashable, Sendable {
        package var buffer: WorkerBuffer
        package var offset: Int

        /// Makes it.
        package init(buffer: WorkerBuffer, offset: Int) {
            self.buffer = buffer
            self.offset = offset
        }
    }

    /// Makes a report.
    package init(
        code: Int, extraThreads: Int, damaged: Damage?, changedInput: Int?, changedState: ProcessState? = nil,
        nanoseconds: Int
    ) {
        self.code = code
        self.extraThreads = extraThreads
        self.damaged = damaged
        self.changedInput = changedInput
        self.changedState = changedState
        self.nanoseconds = nanoseconds
    }
}

/// What a timing found.
package struct TimeReport: Hashable, Sendable {
    /// Calls of a sample.
    package var calls: Int
    /// Nanoseconds of all calls of a sample: candidate, incumbent, incumbent, candidate of group 0, and so on.
    package var samples: [Int]
    /// From the start of the request to its end, by the worker's clock.
    package var totalNanoseconds: Int
    /// Threads and children that there are now and were not before.
    package var extraThreads: Int
    /// First input whose contents are not what the runner made them.
    package var changedInput: Int?
    /// What the candidate changed of the process that it ran in.
    package var changedState: ProcessState?
    /// What was counted of further calls of the candidate, after the last sample; nil where nothing can be counted.
    package var counters: CounterReport?

    /// Makes a report.
    package init(
        calls: Int, samples: [Int], totalNanoseconds: Int, extraThreads: Int, changedInput: Int?,
        changedState: ProcessState? = nil, counters: CounterReport? = nil
    ) {
        self.calls = calls
        self.samples = samples
        self.totalNanoseconds = totalNanoseconds
        self.extraThreads = extraThreads
        self.changedInput = changedInput
        self.changedState = changedState
        self.counters = counters
    }
}

/// Where a candidate crashed.
package struct FaultReport: Hashable, Sendable {
    /// What the address was to the candidate.
    package enum Zone: Int, Hashable, Sendable, CaseIterable {
        case elsewhere, guardPage, readOnly
    }

    package var signal: Int
    package var zone: Zone
    package var buffer: WorkerBuffer?
    /// Bytes from the buffer's start; the number of the system call where that was refused (SIGSYS).
    package var offset: Int

    /// Makes a report.
    package init(signal: Int, zone: Zone, buffer: WorkerBuffer?, offset: Int) {
        self.signal = signal
        self.zone = zone
        self.buffer = buffer
        self.offset = offset
    }
}
