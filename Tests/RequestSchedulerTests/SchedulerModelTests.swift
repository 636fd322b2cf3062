import Base
import RequestScheduler
import Testing

/// Random histories, held against what must always be so.
@Suite struct SchedulerModelTests {
    /// What a history of calls left behind.
    private struct History {
        var scheduler: RequestScheduler
        var random: SeededRandom
        var now: UInt64 = 0
        var waiting: [CallID: ScheduledCall] = [:]
        var ended: [CallID: Int] = [:]
        var batches: [Batch] = []
        var order: [[Int]: UInt64] = [:]
        var accepted = 0

        init(_ policy: BatchPolicy, seed: UInt64) {
            scheduler = RequestScheduler(policy: policy)
            random = SeededRandom(seed: seed)
        }

        mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

        mutating func step() {
            now += UInt64(draw(40))
            switch draw(10) {
            case 0...4: submit()
            case 5, 6: next()
            case 7:
                if let id = waiting.keys.min(by: { $0.number < $1.number }) {
                    let isGone = scheduler.cancel(id)
                    #expect(isGone)
                    end(id)
                }
            case 8: for id in scheduler.expire(now: now) { expire(id) }
            default:
                if !batches.isEmpty { scheduler.finished(batches.removeFirst(), now: now) }
            }
            #expect(scheduler.waiting == waiting.count)
            #expect(scheduler.waitingBytes == waiting.values.reduce(0) { $0 + $1.byteCount })
            #expect(scheduler.running == batches.count)
            #expect(scheduler.nextDeadline == waiting.values.compactMap(\.deadline).min())
        }

        mutating func submit() {
            let id = CallID(UInt64(accepted + ended.count * 1000 + 1))
            guard waiting[id] == nil, ended[id] == nil else { return }
            let call = ScheduledCall(
                id: id, key: draw(3), rows: 1 + draw(5), isBatchable: draw(5) > 0, byteCount: draw(100),
                client: draw(3),
                priority: draw(4), deadline: draw(4) == 0 ? now + UInt64(draw(100)) : nil)
            do throws(Refusal) {
                try scheduler.submit(call, now: now)
                waiting[id] = call
                accepted += 1
            } catch {
                switch error {
                case .expired: #expect((call.deadline ?? .max) <= now)
                case .queueFull: #expect(waiting.count >= scheduler.policy.queueLimit)
                case .bytesFull: #expect(scheduler.waitingBytes + call.byteCount > scheduler.policy.queueByteLimit)
                case .clientFull:
                    #expect(
                        waiting.values.count { $0.client == call.client } >= scheduler.policy.clientLimit)
                case .closed: Issue.record("nobody closed it")
                }
            }
        }

        mutating func next() {
            switch scheduler.next(now: now) {
            case .idle:
                #expect(waiting.values.allSatisfy { ($0.deadline ?? .max) <= now }, "idle while calls wait")
            case .waitUntil(let time): #expect(time > now && time <= now + scheduler.policy.delay)
            case .run(let batch):
                #expect(!batch.calls.isEmpty && batch.rows == batch.calls.reduce(0) { $0 + $1.rows })
                #expect(batch.calls.count == 1 || batch.rows <= scheduler.policy.maximumRows)
                #expect(batch.calls.allSatisfy { $0.key == batch.calls[0].key })
                #expect(batch.calls.count == 1 || batch.calls.allSatisfy(\.isBatchable))
                for call in batch.calls {
                    #expect(waiting[call.id] == call, "what runs is what waited")
                    #expect((call.deadline ?? .max) > now, "nothing runs too late")
                    // Of one client, key, priority and size, who came first goes first.
                    let place = [call.client, call.key, call.priority, call.rows, call.isBatchable ? 1 : 0]
                    #expect(order[place] ?? 0 < call.id.number)
                    order[place] = call.id.number
                    end(call.id)
                }
                batches.append(batch)
            }
        }

        mutating func expire(_ id: CallID) {
            #expect((waiting[id]?.deadline ?? .max) <= now)
            end(id)
        }

        mutating func end(_ id: CallID) {
            #expect(waiting.removeValue(forKey: id) != nil)
            ended[id, default: 0] += 1
        }
    }

    @Test(arguments: 0..<8) func everyHistoryKeepsTheRules(_ kind: Int) {
        for seed in 0..<250 {
            let policy = BatchPolicy(
                maximumRows: [1, 4, 8][kind % 3], preferredRows: kind == 5 ? [2, 4] : [],
                delay: kind % 2 == 0 ? 0 : 60, queueLimit: kind == 7 ? 3 : 1000,
                queueByteLimit: kind == 6 ? 200 : 1 << 20,
                clientLimit: kind == 4 ? 2 : 1000, ageing: 50)
            var history = History(policy, seed: UInt64(seed * 8 + kind))
            for _ in 0..<60 { history.step() }
            // All that still wait are handed out, in bounded steps.
            history.scheduler.close()
            for _ in 0..<200 where !history.waiting.isEmpty {
                history.now += 10
                for id in history.scheduler.expire(now: history.now) { history.expire(id) }
                history.next()
            }
            #expect(history.waiting.isEmpty)
            #expect(history.ended.count == history.accepted && history.ended.values.allSatisfy { $0 == 1 })
        }
    }

    @Test func aFloodDoesNotKeepOthersOut() throws {
        var scheduler = RequestScheduler(policy: BatchPolicy(maximumRows: 1, queueLimit: 10_000, clientLimit: 10_000))
        for number in 0..<1000 { try scheduler.submit(ScheduledCall(id: CallID(UInt64(number)), client: 1), now: 0) }
        for number in 1000..<1010 { try scheduler.submit(ScheduledCall(id: CallID(UInt64(number)), client: 2), now: 0) }
        var served: [Int] = []
        for _ in 0..<20 {
            guard case .run(let batch) = scheduler.next(now: 1) else {
                Issue.record("nothing runs")
                return
            }
            served += batch.calls.map(\.client)
        }
        #expect(served.count { $0 == 2 } == 10, "the second client has every second place")
    }

    @Test func nobodyStarves() throws {
        let policy = BatchPolicy(maximumRows: 1, priorityLevels: 4, ageing: 1000)
        var scheduler = RequestScheduler(policy: policy)
        try scheduler.submit(ScheduledCall(id: CallID(0), client: 1, priority: 3), now: 0)
        var number: UInt64 = 1
        // Urgent calls come as fast as they are served.
        for now in stride(from: UInt64(0), to: 10_000, by: 100) {
            try scheduler.submit(ScheduledCall(id: CallID(number), client: 2, priority: 0), now: now)
            number += 1
            guard case .run(let batch) = scheduler.next(now: now) else {
                Issue.record("nothing runs")
                return
            }
            if batch.calls[0].id == CallID(0) {
                #expect(now <= 3000, "three levels of ageing")
                return
            }
        }
        Issue.record("the call of low priority was never served")
    }

    @Test func whatIsKnownOfClientsIsBounded() throws {
        var scheduler = RequestScheduler(policy: BatchPolicy(maximumRows: 1))
        // One call always waits, so that the queue is never empty.
        try scheduler.submit(ScheduledCall(id: CallID(0), client: -1, priority: 3), now: 0)
        for number in 1..<5000 {
            try scheduler.submit(ScheduledCall(id: CallID(UInt64(number)), client: number), now: 0)
            guard case .run = scheduler.next(now: 0) else {
                Issue.record("nothing runs")
                return
            }
        }
        #expect(scheduler.knownClients < 1000)
    }
}
