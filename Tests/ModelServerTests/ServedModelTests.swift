import CPUDevice
import ElementTypes
import Foundation
import InferenceProtocol
import ModelServer
import PackageRuntime
import RequestScheduler
import Synchronization
import TestSupport
import Testing

/// Calls of a model: what they give, how they share batches, and how they end.
@Suite struct ServedModelTests {
    /// Ends of calls, in the order in which they came.
    private final class Ends: Sendable {
        private let ends = Mutex<[(Int, Result<CallResult, ServeError>)]>([])

        func end(_ number: Int) -> CallEnd {
            { result in self.ends.withLock { $0.append((number, result)) } }
        }

        var all: [Int: Result<CallResult, ServeError>] {
            ends.withLock { ends in Dictionary(ends, uniquingKeysWith: { a, _ in a }) }
        }

        var count: Int { ends.withLock { $0.count } }
    }

    private static func withModel(
        policy: BatchPolicy = BatchPolicy(), maximum: Int = 1000, workers: Int = 1,
        write: (String) throws -> Void = { try HandWritten.writeRows(to: $0) },
        _ body: (ServedModel) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "hearth-\(UUID().uuidString).hearth").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(path)
        let package = try LoadedPackage(path: path, device: CPUDevice(threads: 1))
        try await body(ServedModel(package, name: "m", version: "1", policy: policy, workers: workers))
    }

    private static func call(_ first: Float, rows: Int = 1) throws -> InferenceCall {
        let memory = try TensorMemory(TensorDescription(.f32, [rows, 4]))
        for index in 0..<rows * 4 {
            memory.bytes.storeBytes(of: first + Float(index), toByteOffset: index * 4, as: Float.self)
        }
        return InferenceCall([CallTensor(memory)], destinations: [nil])
    }

    private static func expected(_ first: Float, rows: Int = 1) -> [Float] {
        (0..<rows * 4).map { first + Float($0) + 1 }
    }

    private static func values(_ result: Result<CallResult, ServeError>?) throws -> [Float] {
        let tensor = try #require(try result?.get().outputs.first)
        return Array(tensor.bytes.bindMemory(to: Float.self))
    }

    @Test func callsThatWaitShareABatch() async throws {
        try await Self.withModel(policy: BatchPolicy(maximumRows: 8)) { model in
            let ends = Ends()
            // Before the threads start, so that they wait together.
            for number in 0..<5 {
                try model.submit(try Self.call(Float(number * 100), rows: 1 + number % 2), end: ends.end(number))
            }
            try await model.start()
            await model.drain()
            for number in 0..<5 {
                let result = ends.all[number]
                #expect(try Self.values(result) == Self.expected(Float(number * 100), rows: 1 + number % 2))
                #expect(try result?.get().batchRows == 7)
            }
            let statistics = model.statistics
            #expect(statistics.rows == 7 && statistics.success.count == 5 && statistics.compute.count == 1)
            #expect(statistics.batches.map(\.rows) == [7] && statistics.latencies.counts.reduce(0, +) == 5)
        }
    }

    @Test func oneCallsFaultIsNotAnothers() async throws {
        try await Self.withModel { model in
            let ends = Ends()
            for number in 0..<4 {
                try model.submit(try Self.call(number == 2 ? -50 : Float(number)), end: ends.end(number))
            }
            try await model.start()
            await model.drain()
            for number in [0, 1, 3] { #expect(try Self.values(ends.all[number]) == Self.expected(Float(number))) }
            guard case .failure(let error)? = ends.all[2] else {
                Issue.record("the faulty call was answered")
                return
            }
            #expect(error.status == 400)
            #expect(model.statistics.fail.count == 1 && model.statistics.success.count == 3)
        }
    }

    @Test func outputsAreWrittenWhereTheyAreWanted() async throws {
        try await Self.withModel { model in
            let ends = Ends()
            let places = try (0..<3).map { _ in try TensorMemory(TensorDescription(.f32, [1, 4])) }
            for (number, place) in places.enumerated() {
                var call = try Self.call(Float(number))
                call.destinations = [CallTensor(place)]
                try model.submit(call, end: ends.end(number))
            }
            try await model.start()
            await model.drain()
            for (number, place) in places.enumerated() {
                #expect(Array(place.bytes.bindMemory(to: Float.self)) == Self.expected(Float(number)))
                #expect(try ends.all[number]?.get().outputs.first?.address == place.address)
            }
        }
    }

    @Test func cancelledAndExpiredCallsDoNotRun() async throws {
        try await Self.withModel { model in
            let ends = Ends()
            let first = try model.submit(try Self.call(0), end: ends.end(0)).id
            var late = try Self.call(1)
            late.deadline = MonotonicTime.now + 1_000_000
            try model.submit(late, end: ends.end(1))
            try model.submit(try Self.call(2), end: ends.end(2))
            model.cancel(first)
            #expect(throws: ServeError.cancelled) { try ends.all[0]?.get() }
            while MonotonicTime.now < late.deadline ?? 0 { await Task.yield() }
            try await model.start()
            await model.drain()
            while ends.count < 3 { await Task.yield() }
            #expect(throws: ServeError.expired) { try ends.all[1]?.get() }
            #expect(try Self.values(ends.all[2]) == Self.expected(2))
            #expect(model.statistics.rows == 1 && model.statistics.cancelled == 1)
        }
    }

    @Test func fullQueuesAndClosedModelsRefuse() async throws {
        try await Self.withModel(policy: BatchPolicy(queueLimit: 1)) { model in
            let ends = Ends()
            try model.submit(try Self.call(0), end: ends.end(0))
            let error = #expect(throws: ServeError.self) { try model.submit(try Self.call(1), end: ends.end(1)) }
            #expect(error?.status == 429 && error?.retryAfter != nil)
            try await model.start()
            await model.drain()
            #expect(try Self.values(ends.all[0]) == Self.expected(0))
            #expect(throws: ServeError.refused(.closed)) { try model.submit(try Self.call(2), end: ends.end(2)) }
            #expect(ends.all[1] == nil && ends.all[2] == nil)
        }
    }

    @Test func wrongInputsAreRefusedBeforeTheyWait() async throws {
        try await Self.withModel { model in
            let memory = try TensorMemory(TensorDescription(.f32, [1, 5]))
            let error = #expect(throws: ServeError.self) {
                try model.submit(InferenceCall([CallTensor(memory)], destinations: [nil])) { _ in }
            }
            #expect(error?.status == 400)
            #expect(error?.description == "input 'x' should be f32[s0, 4], but is f32[1, 5]")
        }
    }

    @Test func batchesStayBelowTheModelsMaximum() async throws {
        try await Self.withModel(write: { try HandWritten.writeRows(to: $0, maximum: 3) }) { model in
            #expect(model.batchLimit == 3)
            let ends = Ends()
            for number in 0..<7 { try model.submit(try Self.call(Float(number)), end: ends.end(number)) }
            try await model.start()
            await model.drain()
            for number in 0..<7 { #expect(try Self.values(ends.all[number]) == Self.expected(Float(number))) }
            #expect(model.statistics.batches.map(\.rows) == [1, 3])
        }
    }

    /// A model with a state: each call finds it as the package has it, and none shares a batch.
    @Test func statesBeginAnewWithEachCall() async throws {
        try await Self.withModel(write: { try HandWritten.write(to: $0) }) { model in
            #expect(model.batchLimit == 1)
            let ends = Ends()
            for number in 0..<3 {
                var call = try Self.call(1)
                call.destinations = [nil, nil]
                try model.submit(call, end: ends.end(number))
            }
            try await model.start()
            await model.drain()
            for number in 0..<3 {
                let sum = try #require(try ends.all[number]?.get().outputs[1])
                #expect(Array(sum.bytes.bindMemory(to: Float.self)) == [101, 4, 9, 16])
            }
        }
    }

    /// Short batches run on the thread of a caller that lets them: one turn for all that wait, and none where it is taken.
    @Test func callersTakeTurns() async throws {
        try await Self.withModel(policy: BatchPolicy(maximumRows: 2)) { model in
            try await model.start()
            let ends = Ends()
            var turns: [Bool] = []
            for number in 0..<5 {
                turns.append(
                    try model.submit(try Self.call(Float(number)), mayRun: true, end: ends.end(number)).isCallersTurn)
            }
            #expect(turns == [true, false, false, false, false])
            #expect(model.takeTurn() && ends.count == 2)
            #expect(model.takeTurn() && ends.count == 4)
            #expect(!model.takeTurn() && ends.count == 5)
            for number in 0..<5 { #expect(try Self.values(ends.all[number]) == Self.expected(Float(number))) }
            // The next that comes is asked again; what is cancelled meanwhile leaves an empty turn.
            let next = try model.submit(try Self.call(9), mayRun: true, end: ends.end(9))
            #expect(next.isCallersTurn)
            model.cancel(next.id)
            #expect(!model.takeTurn())
            // A turn that is not taken is no one's loss: the model's own threads run what is left when it is drained.
            #expect(try model.submit(try Self.call(7), mayRun: true, end: ends.end(7)).isCallersTurn)
            await model.drain()
            #expect(try Self.values(ends.all[7]) == Self.expected(7))
        }
    }

    /// Many callers and threads at once: every answer is the one asked for.
    @Test(arguments: [UInt64(0), 50_000]) func manyCallersEachGetTheirOwn(_ delay: UInt64) async throws {
        try await Self.withModel(policy: BatchPolicy(maximumRows: 16, delay: delay), workers: 2) { model in
            try await model.start()
            await withTaskGroup(of: Int.self) { group in
                for caller in 0..<16 {
                    group.addTask {
                        var wrong = 0
                        for round in 0..<50 {
                            let (first, rows) = (Float(caller * 1000 + round), 1 + (caller + round) % 3)
                            let result: Result<CallResult, ServeError> = await withCheckedContinuation { continuation in
                                do {
                                    // Every third caller runs batches itself.
                                    let call = try Self.call(first, rows: rows)
                                    let submission = try model.submit(call, mayRun: caller % 3 == 0) {
                                        continuation.resume(returning: $0)
                                    }
                                    if submission.isCallersTurn { while model.takeTurn() {} }
                                } catch {
                                    continuation.resume(returning: .failure(.cancelled))
                                }
                            }
                            if (try? Self.values(result)) != Self.expected(first, rows: rows) { wrong += 1 }
                        }
                        return wrong
                    }
                }
                for await wrong in group { #expect(wrong == 0) }
            }
            await model.drain()
            #expect(model.statistics.success.count == 800)
        }
    }
}
