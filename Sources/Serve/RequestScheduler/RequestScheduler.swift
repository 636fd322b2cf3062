/// Forms batches of one model's calls: a state machine without clock, threads or memory of its own. Times are nanoseconds of any clock
/// that does not run backwards.
///
/// Calls are served in the order of priority, which rises as they wait; among equals by start-time fair queueing over clients (Goyal, Vin,
/// Cheng: Start-time Fair Queuing, SIGCOMM 1996), where a row costs one; then by arrival. A batch is the first call and those after it of
/// the same key.
package struct RequestScheduler: Sendable {
    private struct Waiting {
        var call: ScheduledCall
        var arrival: UInt64
        var number: UInt64
        /// Fair queueing's start tag, in rows.
        var tag: UInt64
    }

    private struct Client {
        /// Finish tag of the call that came last.
        var finish: UInt64 = 0
        var waiting = 0
    }

    /// How batches form. May change while calls wait; calls that wait stay, even above a lower limit.
    package var policy: BatchPolicy
    /// In the order of arrival.
    private var queue: [Waiting] = []
    private var clients: [Int: Client] = [:]
    /// Fair queueing's virtual time: the start tag of the call served last.
    private var virtualTime: UInt64 = 0
    private var lastNumber: UInt64 = 0
    private var isClosed = false
    /// Nanoseconds of a batch, averaged over about the last eight; 0 while none has ended.
    private var batchTime: UInt64 = 0
    /// Bytes of the calls that wait.
    package private(set) var waitingBytes = 0
    /// Batches handed out and not finished.
    package private(set) var running = 0

    /// A scheduler for which nothing waits.
    package init(policy: BatchPolicy) { self.policy = policy }

    /// Calls that wait.
    package var waiting: Int { queue.count }

    /// Clients of whom something is known.
    package var knownClients: Int { clients.count }

    /// The earliest deadline of those that wait.
    package var nextDeadline: UInt64? { queue.lazy.compactMap(\.call.deadline).min() }

    /// Puts a call in the queue.
    package mutating func submit(_ call: ScheduledCall, now: UInt64) throws(Refusal) {
        precondition(call.rows > 0, "a call has rows")
        if isClosed { throw .closed }
        if let deadline = call.deadline, deadline <= now { throw .expired }
        if queue.count >= policy.queueLimit { throw .queueFull(limit: policy.queueLimit, retryAfter: retryAfter) }
        if !queue.isEmpty, call.byteCount > policy.queueByteLimit - waitingBytes {
            throw .bytesFull(limit: policy.queueByteLimit, retryAfter: retryAfter)
        }
        var client = clients[call.client] ?? Client()
        if client.waiting >= policy.clientLimit {
            throw .clientFull(limit: policy.clientLimit, retryAfter: retryAfter)
        }
        lastNumber += 1
        let tag = max(virtualTime, client.finish)
        client.finish = tag + UInt64(call.rows)
        client.waiting += 1
        clients[call.client] = client
        waitingBytes += call.byteCount
        queue.append(Waiting(call: call, arrival: now, number: lastNumber, tag: tag))
    }

    /// Takes a call out of the queue; false where it does not wait.
    package mutating func cancel(_ id: CallID) -> Bool {
        guard let index = queue.firstIndex(where: { $0.call.id == id }) else { return false }
        leave(queue.remove(at: index).call)
        return true
    }

    /// Takes calls out of the queue whose deadline has passed, in the order of arrival.
    package mutating func expire(now: UInt64) -> [CallID] {
        guard let next = nextDeadline, next <= now else { return [] }
        var expired: [ScheduledCall] = []
        queue.removeAll { waiting in
            guard let deadline = waiting.call.deadline, deadline <= now else { return false }
            expired.append(waiting.call)
            return true
        }
        for call in expired { leave(call) }
        return expired.map(\.id)
    }

    /// Takes no more calls; those that wait are still handed out, and wait for no company.
    package mutating func close() { isClosed = true }

    /// What a worker that is free should do. Calls whose deadline has passed are not handed out; `expire` names them.
    package mutating func next(now: UInt64) -> Step {
        var soonest: UInt64?
        // Without a delay the first call's batch runs; with one, other keys' batches may be ready before it.
        for group in groups(now) {
            switch readiness(of: group, now) {
            case .ready(let chosen):
                return .run(hand(out: chosen, now))
            case .at(let time): soonest = min(soonest ?? time, time)
            }
        }
        return soonest.map { .waitUntil($0) } ?? .idle
    }

    /// A batch has been computed.
    package mutating func finished(_ batch: Batch, now: UInt64) {
        running -= 1
        let time = now >= batch.formed ? now - batch.formed : 0
        batchTime = batchTime == 0 ? time : (7 * batchTime + time) / 8
    }

    // MARK: - Order

    /// Where a call stands: lower is earlier.
    private func rank(_ waiting: Waiting, _ now: UInt64) -> (UInt64, UInt64, UInt64) {
        let waited = now >= waiting.arrival ? now - waiting.arrival : 0
        let level = UInt64(min(max(waiting.call.priority, 0), policy.priorityLevels - 1))
        let gained = waited / policy.ageing
        return (level > gained ? level - gained : 0, waiting.tag, waiting.number)
    }

    /// Places in the queue that may share a batch, each in the order of service; groups in the order of their first. Only the first group
    /// where nothing waits for company.
    private func groups(_ now: UInt64) -> [[Int]] {
        var ranked: [(rank: (UInt64, UInt64, UInt64), index: Int)] = []
        for (index, waiting) in queue.enumerated() {
            if let deadline = waiting.call.deadline, deadline <= now { continue }
            ranked.append((rank(waiting, now), index))
        }
        if policy.delay == 0 || isClosed {
            guard let head = ranked.min(by: { $0.rank < $1.rank }) else { return [] }
            let first = queue[head.index].call
            if !first.isBatchable || first.rows >= policy.maximumRows { return [[head.index]] }
            ranked.removeAll { !queue[$0.index].call.isBatchable || queue[$0.index].call.key != first.key }
            ranked.sort { $0.rank < $1.rank }
            return [ranked.map(\.index)]
        }
        ranked.sort { $0.rank < $1.rank }
        var groups: [[Int]] = []
        var places: [Int: Int] = [:]
        for (_, index) in ranked {
            let call = queue[index].call
            if !call.isBatchable {
                groups.append([index])
            } else if let place = places[call.key] {
                groups[place].append(index)
            } else {
                places[call.key] = groups.count
                groups.append([index])
            }
        }
        return groups
    }

    private enum Readiness {
        /// These run now.
        case ready([Int])
        /// They are asked again then.
        case at(UInt64)
    }

    /// As many calls of a group as fit into a batch of so many rows; the first always.
    private func fill(_ group: [Int], rows limit: Int) -> (chosen: [Int], rows: Int) {
        var chosen: [Int] = []
        var rows = 0
        for index in group where chosen.isEmpty || queue[index].call.rows <= limit - rows {
            chosen.append(index)
            rows += queue[index].call.rows
            if rows >= limit { break }
        }
        return (chosen, rows)
    }

    private func readiness(of group: [Int], _ now: UInt64) -> Readiness {
        let (chosen, rows) = fill(group, rows: policy.maximumRows)
        let isAlone = !queue[chosen[0]].call.isBatchable
        if isAlone || isClosed || policy.delay == 0 || rows >= policy.maximumRows { return .ready(chosen) }
        // The largest preferred size that those who wait make up.
        if let preferred = policy.preferredRows.last(where: { $0 <= rows }) {
            let (some, count) = fill(group, rows: preferred)
            if count == preferred { return .ready(some) }
        }
        let oldest = chosen.map { queue[$0].arrival }.min() ?? now
        var time = oldest + policy.delay
        for index in chosen {
            // Begun a little before it is too late.
            if let deadline = queue[index].call.deadline { time = min(time, deadline - min(deadline, batchTime + 1)) }
        }
        return time <= now ? .ready(chosen) : .at(time)
    }

    private mutating func hand(out places: [Int], _ now: UInt64) -> Batch {
        var batch = Batch(number: 0, calls: [], rows: 0, formed: now)
        for place in places {
            let waiting = queue[place]
            batch.calls.append(waiting.call)
            batch.rows += waiting.call.rows
            virtualTime = max(virtualTime, waiting.tag)
        }
        for place in places.sorted(by: >) { queue.remove(at: place) }
        for call in batch.calls { leave(call) }
        lastNumber += 1
        batch.number = lastNumber
        running += 1
        return batch
    }

    // MARK: - Accounts

    private mutating func leave(_ call: ScheduledCall) {
        waitingBytes -= call.byteCount
        clients[call.client]?.waiting -= 1
        // Where nobody waits, nobody is ahead of anybody.
        if queue.isEmpty {
            clients.removeAll(keepingCapacity: clients.count <= 64)
            virtualTime = 0
        } else if clients.count > 2 * queue.count + 256 {
            // What is known of clients has the size of the queue: of those who wait for nothing, what they had is forgotten.
            clients = clients.filter { $0.value.waiting > 0 }
        }
    }

    /// Estimates when there will be room again, from a millisecond to a minute.
    private var retryAfter: UInt64 {
        let rows = queue.reduce(0) { $0 + $1.call.rows }
        let batches = UInt64(rows / policy.maximumRows + 1)
        let (time, overflow) = max(batchTime, 1).multipliedReportingOverflow(by: batches)
        return overflow ? 60_000_000_000 : min(max(time, 1_000_000), 60_000_000_000)
    }
}
