/// Frames: length of the rest (4 bytes, little-endian), sequence number (8), tag (1), payload.
package enum WorkerFrame {
    /// Bytes of the length.
    package static let prefixBytes = 4
    /// Most bytes of a frame; more is damage.
    package static let limit = 1 << 24

    /// A frame with its length.
    static func make(sequence: UInt64, tag: UInt8, payload: [UInt8]) -> [UInt8] {
        let length = UInt32(payload.count + 9)
        var bytes: [UInt8] = []
        withUnsafeBytes(of: length.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: sequence.littleEndian) { bytes += $0 }
        bytes.append(tag)
        return bytes + payload
    }

    /// The length that a prefix states, or nil when it is absurd.
    package static func length(_ prefix: [UInt8]) -> Int? {
        let length = prefix.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        return (9...limit).contains(length) ? length : nil
    }

    /// Sequence number, tag and payload of a frame without its length.
    static func split(_ frame: [UInt8]) throws(WireError) -> (sequence: UInt64, tag: UInt8, payload: WireReader) {
        guard frame.count >= 9 else { throw WireError(offset: frame.count, expected: "a tag") }
        var reader = WireReader(Array(frame.prefix(8)))
        return (try reader.bits(), frame[8], WireReader(Array(frame.dropFirst(9))))
    }
}

extension WorkerRequest {
    /// The request as a frame.
    package func frame(sequence: UInt64) -> [UInt8] {
        var writer = WireWriter()
        let tag: UInt8
        switch self {
        case .load(let library, let path):
            tag = 1
            writer.put(library)
            writer.put(path)
        case .forget: tag = 2
        case .check(let job):
            tag = 3
            job.call.write(to: &writer)
            job.inputs.write(to: &writer)
            writer.put(job.sets) { $0.put($1) { $0.put($1) } }
            job.outputs.write(to: &writer)
            writer.put(job.runs) { writer, run in
                writer.put(run.set)
                writer.put(run.endsAtGuard ? 1 : 0)
                writer.put(Int(run.poison))
            }
        case .time(let job):
            tag = 4
            job.candidate.write(to: &writer)
            job.incumbent.write(to: &writer)
            job.inputs.write(to: &writer)
            writer.put(job.sets) { $0.put($1) { $0.put($1) } }
            writer.put(job.seed)
            writer.put(job.groups)
            writer.put(job.sampleNanoseconds)
            writer.put(job.callLimit)
            writer.put(job.constantCopies)
            job.outputs.write(to: &writer)
        case .fold(let job):
            tag = 5
            job.write(to: &writer)
        }
        return WorkerFrame.make(sequence: sequence, tag: tag, payload: writer.bytes)
    }

    /// Reads a frame without its length.
    package static func read(_ frame: [UInt8]) throws(WireError) -> (sequence: UInt64, request: WorkerRequest) {
        var (sequence, tag, reader) = try WorkerFrame.split(frame)
        let request: WorkerRequest
        switch tag {
        case 1: request = .load(library: try reader.integer(), path: try reader.text())
        case 2: request = .forget
        case 3:
            request = .check(
                CheckJob(
                    call: try WorkerCall(from: &reader), inputs: try WorkerFile(from: &reader),
                    sets: try reader.sets(), outputs: try WorkerFile(from: &reader),
                    runs: try reader.list { (reader) throws(WireError) in
                        CheckJob.Run(
                            set: try reader.integer(), endsAtGuard: try reader.integer() != 0,
                            poison: UInt8(truncatingIfNeeded: try reader.integer()))
                    }))
        case 4:
            request = .time(
                TimeJob(
                    candidate: try WorkerCall(from: &reader), incumbent: try WorkerCall(from: &reader),
                    inputs: try WorkerFile(from: &reader), sets: try reader.sets(), seed: try reader.bits(),
                    groups: try reader.integer(), sampleNanoseconds: try reader.integer(),
                    callLimit: try reader.integer(), constantCopies: try reader.integer(),
                    outputs: try WorkerFile(from: &reader)))
        case 5: request = .fold(try FoldJob(from: &reader))
        // A tag is a byte from outside.
        default: throw WireError(offset: 8, expected: "a known tag")
        }
        try reader.finish()
        return (sequence, request)
    }
}

extension WorkerReply {
    /// Tag of a fault, which the fault handler writes.
    static let faultTag: UInt8 = 6

    /// The reply as a frame.
    package func frame(sequence: UInt64) -> [UInt8] {
        var writer = WireWriter()
        let tag: UInt8
        switch self {
        case .ready(let threads, let sandbox):
            tag = 1
            writer.put(threads)
            sandbox.write(to: &writer)
        case .done: tag = 2
        case .refused(let reason, let detail):
            tag = 3
            writer.put(reason.rawValue)
            writer.put(detail)
        case .checked(let runs):
            tag = 4
            writer.put(runs) { writer, run in
                writer.put(run.code)
                writer.put(run.extraThreads)
                writer.put(run.damaged?.buffer.code ?? -1)
                writer.put(run.damaged?.offset ?? 0)
                writer.put(run.changedInput ?? -1)
                writer.put(run.changedState?.rawValue ?? 0)
                writer.put(run.nanoseconds)
            }
        case .timed(let report):
            tag = 5
            writer.put(report.calls)
            writer.put(report.samples) { $0.put($1) }
            writer.put(report.totalNanoseconds)
            writer.put(report.extraThreads)
            writer.put(report.changedInput ?? -1)
            writer.put(report.changedState?.rawValue ?? 0)
            report.counters?.write(to: &writer)
        case .fault(let fault):
            tag = Self.faultTag
            writer.put(fault.signal)
            writer.put(fault.zone.rawValue)
            writer.put(fault.buffer?.code ?? -1)
            writer.put(fault.offset)
        }
        return WorkerFrame.make(sequence: sequence, tag: tag, payload: writer.bytes)
    }

    /// Reads a frame without its length.
    package static func read(_ frame: [UInt8]) throws(WireError) -> (sequence: UInt64, reply: WorkerReply) {
        var (sequence, tag, reader) = try WorkerFrame.split(frame)
        let reply: WorkerReply
        switch tag {
        case 1: reply = .ready(threads: try reader.integer(), try Sandbox(from: &reader))
        case 2: reply = .done
        case 3:
            guard let reason = WorkerRefusal(rawValue: try reader.integer()) else {
                throw WireError(offset: 9, expected: "a known reason")
            }
            reply = .refused(reason, detail: try reader.text())
        case 4:
            reply = .checked(
                try reader.list { (reader) throws(WireError) in
                    let code = try reader.integer()
                    let extraThreads = try reader.integer()
                    let buffer = WorkerBuffer(code: try reader.integer())
                    let offset = try reader.integer()
                    let changed = try reader.integer()
                    let state = try reader.integer()
                    return RunReport(
                        code: code, extraThreads: extraThreads,
                        damaged: buffer.map { RunReport.Damage(buffer: $0, offset: offset) },
                        changedInput: changed < 0 ? nil : changed, changedState: ProcessState(rawValue: state),
                        nanoseconds: try reader.integer())
                })
        case 5:
            let calls = try reader.integer()
            let samples = try reader.list { (reader) throws(WireError) in try reader.integer() }
            let total = try reader.integer()
            let threads = try reader.integer()
            let changed = try reader.integer()
            let state = try reader.integer()
            reply = .timed(
                TimeReport(
                    calls: calls, samples: samples, totalNanoseconds: total, extraThreads: threads,
                    changedInput: changed < 0 ? nil : changed, changedState: ProcessState(rawValue: state),
                    counters: reader.isAtEnd ? nil : try CounterReport(from: &reader)))
        case faultTag:
            let signal = try reader.integer()
            guard let zone = FaultReport.Zone(rawValue: try reader.integer()) else {
                throw WireError(offset: 17, expected: "a zone")
            }
            reply = .fault(
                FaultReport(
                    signal: signal, zone: zone, buffer: WorkerBuffer(code: try reader.integer()),
                    offset: try reader.integer()))
        // A tag is a byte from outside.
        default: throw WireError(offset: 8, expected: "a known tag")
        }
        try reader.finish()
        return (sequence, reply)
    }
}

extension WireReader {
    fileprivate mutating func sets() throws(WireError) -> [[Int]] {
        try list { (reader) throws(WireError) in try reader.list { (reader) throws(WireError) in try reader.integer() }
        }
    }
}
