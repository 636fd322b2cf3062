import ElementTypes
import KernelWorker
import Testing

@Suite struct WorkerMessageTests {
    static let call = WorkerCall(
        library: 3, symbol: "kernel", arguments: [.parameter(0), .packed(1), .shared(byteCount: 9), .library],
        packings: [.init(symbol: "pack", sources: [1, 2], byteCount: 64)],
        parameters: [
            .init(role: .input, byteCount: 8, elementBytes: 4), .init(role: .state, byteCount: 16, elementBytes: 2),
        ], dimensions: [7, -1], workspaceBytes: 128, parts: 0,
        grid: .init(blocks: 7, threads: 64, sharedBytes: 9, overlaps: true, counters: 2, call: .product(product)))
    private static let product = MatrixProduct(
        element: .bf16, resultElement: .f32, rows: 3, columns: 5, depth: 7, batches: 2,
        left: .init(operand: 0, offset: 8, line: 7, batch: 21), right: .init(operand: 1, line: 1, step: 5),
        result: .init(operand: 2, line: 6, batch: 18), bias: .init(operand: 3, offset: 4), workspace: 4,
        workspaceBytes: 64, proposal: 2)
    // Its number stays behind.
    static let file = WorkerFile(descriptor: -1, byteCount: 99)
    static let requests: [WorkerRequest] = [
        .load(library: 1, path: "/a/ü.so"), .forget,
        .check(
            CheckJob(
                call: call, inputs: file, sets: [[0, -1], [64, -1]], outputs: file,
                runs: [.init(set: 1, endsAtGuard: true, poison: 0xCD)])),
        .time(
            TimeJob(
                candidate: call, incumbent: call, inputs: file, sets: [[0, 8]], seed: .max, groups: 5,
                sampleNanoseconds: 1000, callLimit: 7, constantCopies: 2, outputs: file)),
        .fold(
            FoldJob(
                library: 2, symbol: "pack", file: file,
                operands: [
                    .read(.parameter(1), .init(pagesAt: 4096, byteCount: 100)), .library,
                    .scratch(.shared(2), byteCount: 7), .written(.packed(0), .init(pagesAt: 8192, byteCount: 5000)),
                ], dimensions: [3], workspaceBytes: 64, spread: .threads)),
        .fold(
            FoldJob(
                library: 2, symbol: "", file: file, operands: [], dimensions: [], workspaceBytes: 0, spread: .gang)),
    ]
    static let replies: [WorkerReply] = [
        .ready(
            threads: 2,
            Sandbox(parts: [.files, .memory], asked: [.files, .memory, .calls], landlock: 7, memoryBytes: 1 << 30)),
        .done, .refused(.missingSymbol, detail: "kernel"),
        .checked([
            RunReport(
                code: 0, extraThreads: 0, damaged: nil, changedInput: nil, changedState: .arithmeticMode, nanoseconds: 5
            ),
            RunReport(
                code: -1, extraThreads: 2, damaged: .init(buffer: .workspace, offset: -4), changedInput: 3,
                nanoseconds: 6),
        ]),
        .timed(TimeReport(calls: 9, samples: [1, 2, 3, 4], totalNanoseconds: 10, extraThreads: 0, changedInput: 1)),
        .fault(FaultReport(signal: 11, zone: .guardPage, buffer: .packed(2), offset: 77)),
    ]

    /// What an earlier worker answers, and a later one with counts behind it.
    private static let timed = TimeReport(
        calls: 9, samples: [1, 2, 3, 4], totalNanoseconds: 10, extraThreads: 0, changedInput: nil)
    private static func frame(_ counts: [Int]) -> [UInt8] {
        var writer = WireWriter()
        for number in counts { writer.put(number) }
        return Array(WorkerReply.timed(timed).frame(sequence: 7).dropFirst(4)) + writer.bytes
    }

    @Test func countsRoundTrip() throws {
        var counted = Self.timed
        counted.counters = CounterReport(calls: 9, counts: [.instructions: 1 << 40, .pageFaults: 0, .l1Misses: 5])
        let frame = Array(WorkerReply.timed(counted).frame(sequence: 7).dropFirst(4))
        #expect(try WorkerReply.read(frame).reply == .timed(counted))
        #expect(frame == Self.frame([9, 3, 0, 1 << 40, 3, 5, 7, 0]))
        // A message of an earlier version ends before the counts; cut anywhere else it is damaged.
        let plain = Self.frame([])
        #expect(try WorkerReply.read(plain).reply == .timed(Self.timed))
        for length in 0..<frame.count where length != plain.count {
            #expect(throws: WireError.self) { try WorkerReply.read(Array(frame.prefix(length))) }
        }
        for place in frame.indices {
            var damaged = frame
            damaged[place] ^= 0xFF
            _ = try? WorkerReply.read(damaged)
        }
    }

    @Test(arguments: [
        // No calls, no counts, below 0, unknown, twice, out of order, too few, too many.
        [0, 1, 0, 5], [-1, 1, 0, 5], [9, 0], [9, 1, 0, -1], [9, 1, 8, 5], [9, 1, -1, 5], [9, 2, 0, 5, 0, 5],
        [9, 2, 1, 5, 0, 5], [9, 2, 0, 5], [9, 1, 0, 5, 1, 5], [9, -1], [9, .max, 0, 5], [9],
    ])
    func wrongCountsAreRefused(_ counts: [Int]) {
        #expect(throws: WireError.self) { try WorkerReply.read(Self.frame(counts)) }
    }

    @Test(arguments: requests) func requestsRoundTrip(request: WorkerRequest) throws {
        let frame = request.frame(sequence: 0x1234_5678_9ABC)
        #expect(WorkerFrame.length(Array(frame.prefix(4))) == frame.count - 4)
        let (sequence, read) = try WorkerRequest.read(Array(frame.dropFirst(4)))
        #expect(sequence == 0x1234_5678_9ABC)
        #expect(read == request)
    }

    @Test(arguments: [0, 1, 64, 4032, 4033, 4096, 4097, 10_000])
    func slotsEndWithTheirPages(byteCount: Int) {
        let slot = FoldJob.Slot(pagesAt: 12288, byteCount: byteCount)
        let end = 12288 + FoldJob.Slot.pageBytes(byteCount)
        #expect(slot.start == 12288 && slot.offset % 64 == 0 && end % 4096 == 0)
        #expect(slot.offset >= 12288 && (0..<64).contains(end - slot.offset - byteCount))
    }

    @Test(arguments: replies) func repliesRoundTrip(reply: WorkerReply) throws {
        let (sequence, read) = try WorkerReply.read(Array(reply.frame(sequence: 7).dropFirst(4)))
        #expect(sequence == 7)
        #expect(read == reply)
    }

    /// Whatever a candidate might write into the pipe is an error, never a crash.
    @Test(arguments: replies) func damagedRepliesAreErrors(reply: WorkerReply) {
        let frame = Array(reply.frame(sequence: 7).dropFirst(4))
        for length in 0..<frame.count {
            #expect(throws: WireError.self) { try WorkerReply.read(Array(frame.prefix(length))) }
        }
        #expect(throws: WireError.self) { try WorkerReply.read(frame + [0]) }
        for place in frame.indices {
            var damaged = frame
            damaged[place] ^= 0xFF
            _ = try? WorkerReply.read(damaged)
        }
        #expect(WorkerFrame.length([0xFF, 0xFF, 0xFF, 0xFF]) == nil)
        #expect(WorkerFrame.length([0, 0, 0, 0]) == nil)
    }
}
