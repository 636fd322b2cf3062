import ElementTypes
import ModelPackage
import PackageRuntime
import Processes
import RequestScheduler

/// A version of a model that takes calls: a scheduler, and what runs the batches that it puts together.
///
/// A batch is run by a thread of the model's, or, where batches are short, by the thread that submitted a call: being woken costs a thread
/// tens of microseconds, and so does waking the next.
package final class ServedModel: Sendable {
    /// Name in addresses.
    package let name: String
    /// Version in addresses, such as `1`.
    package let version: String
    /// What runs.
    package let loaded: LoadedPackage
    /// Rows of the largest batch that calls are put together to; 1 where the model's rows are not independent.
    package let batchLimit: Int

    /// Batches of at most so many nanoseconds may be run by threads that have other work too.
    package static let shortBatch: UInt64 = 10_000_000

    private let state: Monitor<State>
    /// A second monitor on deadlines, so that calls are told in time while all workers compute.
    private let deadlines: Monitor<UInt64?>

    private struct State {
        var scheduler: RequestScheduler
        var calls: [CallID: PendingCall] = [:]
        var statistics = ModelStatistics()
        /// Numbers of shapes that may share a batch.
        var keys: [[Int]: Int] = [:]
        var lastKey = 0
        var lastCall: UInt64 = 0
        var isClosed = false
        /// Threads that have not ended, and those that have not begun.
        var threads: Int
        var unstarted: Int
        var whenStarted: (@Sendable () -> Void)?
        /// What nobody runs a batch with just now.
        var free: [ModelWorker] = []
        /// Nanoseconds of a batch, averaged over about the last eight.
        var batchTime: UInt64 = 0
        /// Whether a thread that submitted a call is to run what waits.
        var isTurnTaken = false
        var whenStopped: [@Sendable () -> Void] = []
    }

    /// A model that takes calls after `start`.
    package init(
        _ loaded: LoadedPackage, name: String, version: String, policy: BatchPolicy, workers: Int = 1
    ) {
        (self.name, self.version, self.loaded) = (name, version, loaded)
        var policy = policy
        let interface = loaded.interface
        let most = interface.independentRows.map { interface.symbols[$0].symbol.maximum ?? Int.max } ?? 1
        policy.maximumRows = min(policy.maximumRows, most)
        policy.preferredRows = policy.preferredRows.filter { $0 <= most }
        batchLimit = policy.maximumRows
        state = Monitor(State(scheduler: RequestScheduler(policy: policy), threads: workers, unstarted: workers))
        deadlines = Monitor(nil)
    }

    /// Warms a session of each worker up, and begins to take calls. Throws what the first run threw, other than faults of made-up inputs.
    package func start() async throws(RuntimeError) {
        let count = state.withLock { $0.threads }
        let failure = await onOwnThread { self.warmUp(count) }
        if let failure { throw failure }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            state.withLock { $0.whenStarted = { continuation.resume() } }
            for _ in 0..<count { Task.detached { await onOwnThread { self.work() } } }
        }
        Task.detached { await onOwnThread { self.watchDeadlines() } }
    }

    private func warmUp(_ count: Int) -> RuntimeError? {
        for _ in 0..<count {
            let worker = ModelWorker(loaded)
            do throws(RuntimeError) {
                try worker.warmUp()
                let start = MonotonicTime.now
                try worker.warmUp()
                let time = MonotonicTime.now - start
                state.withLock { $0.batchTime = time }
            } catch {
                if !error.isFaultOfInputs { return error }
            }
            state.withLock { $0.free.append(worker) }
        }
        return nil
    }

    /// What `submit` gives.
    package struct Submission: Sendable {
        /// The call, to cancel it.
        package var id: CallID
        /// Whether the caller is to call `takeTurn` soon.
        package var isCallersTurn: Bool
    }

    /// Puts a call in the queue; `end` is called once when it has ended. Throws, and does not call `end`, where it is not taken. A caller that
    /// `mayRun` batches itself must call `takeTurn` where it is told so.
    @discardableResult
    package func submit(
        _ call: InferenceCall, mayRun: Bool = false, end: @escaping CallEnd
    ) throws(ServeError) -> Submission {
        let interface = loaded.interface
        let symbols: [Int]
        do throws(RuntimeError) {
            symbols = try interface.bind(call.inputs.map(\.type)) { input in
                Session.integer(at: call.inputs[input].address, call.inputs[input].type.element)
            }
        } catch {
            failed()
            throw .model(error)
        }
        let now = MonotonicTime.now
        let rows = interface.independentRows.map { symbols[$0] } ?? 1
        let bytes = call.inputs.reduce(0) { $0 + $1.byteCount }
        var earliest: UInt64?
        let submission = try state.withLock { state throws(ServeError) -> Submission in
            var shape = symbols
            if let index = interface.independentRows { shape[index] = 0 }
            // Clients choose the shapes: what is kept of them has a bound. A number that is forgotten is not used again.
            if state.keys.count > 4096 { state.keys = [:] }
            if state.keys[shape] == nil { state.lastKey += 1 }
            let key = state.keys[shape] ?? state.lastKey
            state.keys[shape] = key
            state.lastCall += 1
            let id = CallID(state.lastCall)
            do throws(Refusal) {
                try state.scheduler.submit(
                    ScheduledCall(
                        id: id, key: key, rows: max(rows, 1),
                        isBatchable: interface.independentRows != nil && rows > 0, byteCount: bytes,
                        client: call.client, priority: call.priority, deadline: call.deadline),
                    now: now)
            } catch {
                state.statistics.fail.add(0)
                throw .refused(error)
            }
            state.calls[id] = PendingCall(call: call, symbols: symbols, submitted: now, end: end)
            earliest = call.deadline == nil ? nil : state.scheduler.nextDeadline
            // Who waits for company would keep the caller's thread from nothing, but has to be asked again at a certain time.
            let isShort = state.batchTime <= Self.shortBatch && state.scheduler.policy.delay == 0
            if state.isTurnTaken { return Submission(id: id, isCallersTurn: false) }
            state.isTurnTaken = mayRun && isShort && !state.free.isEmpty
            if !state.isTurnTaken { self.state.signal() }
            return Submission(id: id, isCallersTurn: state.isTurnTaken)
        }
        if earliest != nil {
            deadlines.withLock { $0 = earliest }
            deadlines.signal()
        }
        return submission
    }

    /// Runs a batch of what waits, for a caller whose turn it is; true where it is still the caller's turn: to be called again soon, after
    /// what else its thread has to do.
    package func takeTurn() -> Bool {
        let work = state.withLock { state -> Work? in
            if case .done(let work) = nextWork(&state) { return work }
            return nil
        }
        if let work { run(work) }
        return state.withLock { state in
            if work != nil, state.scheduler.waiting > 0, !state.free.isEmpty, !state.isClosed { return true }
            // Nobody can have come in between: who submits looks at this under the same lock.
            state.isTurnTaken = false
            if state.scheduler.waiting > 0 { self.state.signal() }
            return false
        }
    }

    /// Takes a call out of the queue, whose client has gone; one that is being computed is computed to its end.
    package func cancel(_ id: CallID) {
        let pending = state.withLock { state -> PendingCall? in
            guard state.scheduler.cancel(id) else { return nil }
            state.statistics.cancelled += 1
            return state.calls.removeValue(forKey: id)
        }
        pending?.end(.failure(.cancelled))
    }

    /// What it did so far.
    package var statistics: ModelStatistics { state.withLock { $0.statistics } }

    /// Calls that wait, and batches that run.
    package var load: (waiting: Int, running: Int) {
        state.withLock { ($0.scheduler.waiting, $0.scheduler.running) }
    }

    /// Counts a request that failed before it could be submitted.
    package func failed() { state.withLock { $0.statistics.fail.add(0) } }

    /// Takes no more calls, and returns when those that wait have been answered and the threads have ended.
    package func drain() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state -> Bool in
                if !state.isClosed {
                    state.isClosed = true
                    state.scheduler.close()
                }
                if state.threads == 0 { return true }
                state.whenStopped.append { continuation.resume() }
                return false
            }
            state.broadcast()
            deadlines.withLock { $0 = 0 }
            deadlines.signal()
            if isOver { continuation.resume() }
        }
    }

    // MARK: - Threads

    private struct Work {
        var worker: ModelWorker
        var batch: Batch
        var calls: [PendingCall]
    }

    private func work() {
        var isFirst = true
        while let work = state.wait(until: { state in
            if isFirst {
                isFirst = false
                state.unstarted -= 1
                if state.unstarted == 0 { state.whenStarted?() }
            }
            return self.nextWork(&state)
        }) { run(work) }
        let last = state.withLock { state -> [@Sendable () -> Void] in
            state.threads -= 1
            return state.threads == 0 ? state.whenStopped : []
        }
        // Its thread ends when nothing is left to watch.
        deadlines.withLock { $0 = 0 }
        deadlines.signal()
        for end in last { end() }
    }

    /// A batch and what to run it with; nil where there will be none any more.
    private func nextWork(_ state: inout State) -> Wish<Work?> {
        guard let worker = state.free.last else { return .wait(nil) }
        switch state.scheduler.next(now: MonotonicTime.now) {
        case .run(let batch):
            state.free.removeLast()
            let calls = batch.calls.compactMap { state.calls.removeValue(forKey: $0.id) }
            return .done(Work(worker: worker, batch: batch, calls: calls))
        case .waitUntil(let time): return .wait(time)
        case .idle: return state.isClosed ? .done(nil) : .wait(nil)
        }
    }

    private func run(_ work: Work) {
        let start = MonotonicTime.now
        var results: [Result<[CallTensor], ServeError>] = []
        let (calls, worker) = (work.calls, work.worker)
        do throws(RuntimeError) {
            if calls.count == 1 {
                results = [.success(try worker.run(calls[0].call.inputs, destinations: calls[0].call.destinations))]
            } else {
                let index = loaded.interface.independentRows ?? 0
                results = try worker.run(calls.map(\.call), rows: calls.map { $0.symbols[index] }).map { .success($0) }
            }
        } catch {
            // One request's fault is not another's: each runs alone.
            results = calls.map { pending in
                if calls.count == 1 { return .failure(.model(error)) }
                do throws(RuntimeError) {
                    return .success(try worker.run(pending.call.inputs, destinations: pending.call.destinations))
                } catch {
                    return .failure(.model(error))
                }
            }
        }
        let end = MonotonicTime.now
        state.withLock { state in
            state.free.append(worker)
            state.batchTime = (7 * state.batchTime + (end - start)) / 8
            state.scheduler.finished(work.batch, now: end)
            state.statistics.add(batchRows: work.batch.rows, end - start)
            for (pending, result) in zip(calls, results) {
                let latency = end - pending.submitted
                switch result {
                case .success:
                    state.statistics.rows += UInt64(
                        loaded.interface.independentRows.map { pending.symbols[$0] } ?? 1)
                    state.statistics.success.add(latency)
                    state.statistics.queue.add(start - pending.submitted)
                    state.statistics.latencies.add(latency)
                    state.statistics.waits.add(start - pending.submitted)
                case .failure: state.statistics.fail.add(latency)
                }
            }
            state.statistics.lastInference = WallClock.milliseconds
            if state.isClosed || state.scheduler.waiting > 0 && !state.isTurnTaken { self.state.broadcast() }
        }
        for (pending, result) in zip(calls, results) {
            pending.end(
                result.map {
                    CallResult(
                        outputs: $0, queued: start - pending.submitted, computed: end - start,
                        batchRows: work.batch.rows)
                })
        }
    }

    /// Ends calls whose deadline has passed.
    private func watchDeadlines() {
        while true {
            deadlines.wait { next -> Wish<Void> in
                guard let time = next else { return .wait(nil) }
                if time > MonotonicTime.now { return .wait(time) }
                next = nil
                return .done(())
            }
            let (expired, isOver) = state.withLock { state -> ([PendingCall], Bool) in
                let calls = state.scheduler.expire(now: MonotonicTime.now).compactMap {
                    state.calls.removeValue(forKey: $0)
                }
                for _ in calls { state.statistics.fail.add(0) }
                let next = state.scheduler.nextDeadline
                if let next { deadlines.withLock { $0 = min($0 ?? next, next) } }
                return (calls, state.isClosed && state.calls.isEmpty)
            }
            for call in expired { call.end(.failure(.expired)) }
            if isOver { return }
        }
    }
}
