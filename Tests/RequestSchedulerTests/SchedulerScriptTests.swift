import RequestScheduler
import Testing

/// Scripts: a line is a time in nanoseconds and what happens then; what the scheduler says is compared as text.
///
/// - `T submit N key=K rows=R client=C priority=P deadline=D alone bytes=B` (what is left out is as `ScheduledCall` has it)
/// - `T next`, `T cancel N`, `T expire`, `T finish`, `T close`
@Suite struct SchedulerScriptTests {
    struct Script: Sendable, CustomTestStringConvertible {
        var name: String
        var policy: BatchPolicy
        var lines: String
        var expected: [String]
        var testDescription: String { name }
    }

    static let scripts: [Script] = [
        Script(
            name: "nothing waits", policy: BatchPolicy(), lines: "0 next", expected: ["idle"]),
        Script(
            name: "without a delay what waits runs at once", policy: BatchPolicy(),
            lines: "0 submit 1\n0 submit 2\n5 next\n5 next", expected: ["run 1 2 (2)", "idle"]),
        Script(
            name: "no more rows than the maximum", policy: BatchPolicy(maximumRows: 4),
            lines: "0 submit 1 rows=3\n0 submit 2 rows=3\n0 submit 3\n1 next\n1 next",
            expected: ["run 1 3 (4)", "run 2 (3)"]),
        Script(
            name: "more rows than the maximum run alone", policy: BatchPolicy(maximumRows: 4),
            lines: "0 submit 1 rows=9\n0 submit 2\n1 next\n1 next", expected: ["run 1 (9)", "run 2 (1)"]),
        Script(
            name: "only equal keys share a batch", policy: BatchPolicy(),
            lines: "0 submit 1 key=7\n0 submit 2 key=8\n0 submit 3 key=7\n1 next\n1 next",
            expected: ["run 1 3 (2)", "run 2 (1)"]),
        Script(
            name: "calls that may not share run alone", policy: BatchPolicy(),
            lines: "0 submit 1 alone\n0 submit 2 alone\n0 submit 3\n1 next\n1 next\n1 next",
            expected: ["run 1 (1)", "run 2 (1)", "run 3 (1)"]),
        Script(
            name: "a delay waits for company", policy: BatchPolicy(delay: 100),
            lines: "10 submit 1\n20 next\n60 submit 2\n60 next\n110 next",
            expected: ["wait 110", "wait 110", "run 1 2 (2)"]),
        Script(
            name: "a full batch does not wait", policy: BatchPolicy(maximumRows: 2, delay: 100),
            lines: "10 submit 1\n20 submit 2\n20 next", expected: ["run 1 2 (2)"]),
        Script(
            name: "a full batch of another key goes before one that waits",
            policy: BatchPolicy(maximumRows: 2, delay: 100),
            lines: "10 submit 1 key=1\n20 submit 2 key=2\n21 submit 3 key=2\n22 next\n22 next",
            expected: ["run 2 3 (2)", "wait 110"]),
        Script(
            name: "preferred sizes run at once",
            policy: BatchPolicy(maximumRows: 8, preferredRows: [2, 4], delay: 100),
            lines: "0 submit 1\n0 next\n1 submit 2\n1 submit 3\n1 next\n1 next",
            expected: ["wait 100", "run 1 2 (2)", "wait 101"]),
        Script(
            name: "the largest preferred size", policy: BatchPolicy(maximumRows: 8, preferredRows: [2, 4], delay: 100),
            lines: "0 submit 1\n0 submit 2\n0 submit 3\n0 submit 4\n0 submit 5\n1 next\n1 next",
            expected: ["run 1 2 3 4 (4)", "wait 100"]),
        Script(
            name: "a deadline shortens the delay", policy: BatchPolicy(delay: 100),
            lines: "0 submit 1 deadline=50\n0 next\n49 next", expected: ["wait 49", "run 1 (1)"]),
        Script(
            name: "the urgent first", policy: BatchPolicy(maximumRows: 1),
            lines: "0 submit 1 priority=3\n0 submit 2 priority=1\n0 submit 3 priority=2\n1 next\n1 next\n1 next",
            expected: ["run 2 (1)", "run 3 (1)", "run 1 (1)"]),
        Script(
            name: "who waits becomes urgent", policy: BatchPolicy(maximumRows: 1, ageing: 10),
            lines: "0 submit 1 priority=3\n30 submit 2 priority=0\n30 next", expected: ["run 1 (1)"]),
        Script(
            name: "clients take turns", policy: BatchPolicy(maximumRows: 1),
            lines: """
                0 submit 1 client=1
                0 submit 2 client=1
                0 submit 3 client=1
                0 submit 4 client=2
                0 submit 5 client=2
                1 next
                1 next
                1 next
                1 next
                1 next
                """, expected: ["run 1 (1)", "run 4 (1)", "run 2 (1)", "run 5 (1)", "run 3 (1)"]),
        Script(
            name: "a client of many rows waits for its turn", policy: BatchPolicy(maximumRows: 8),
            lines: """
                0 submit 1 client=1 rows=8
                0 submit 2 client=1 rows=8
                0 submit 3 client=2 rows=4 key=1
                0 submit 4 client=2 rows=4 key=1
                1 next
                1 next
                1 next
                """, expected: ["run 1 (8)", "run 3 4 (8)", "run 2 (8)"]),
        Script(
            name: "cancelled", policy: BatchPolicy(),
            lines: "0 submit 1\n0 submit 2\n0 cancel 1\n0 cancel 9\n1 next\n1 cancel 2",
            expected: ["gone", "unknown", "run 2 (1)", "unknown"]),
        Script(
            name: "expired calls are named and never run", policy: BatchPolicy(),
            lines: "0 submit 1 deadline=5\n0 submit 2\n6 next\n6 next\n6 expire\n6 expire",
            expected: ["run 2 (1)", "idle", "expired 1", "expired"]),
        Script(
            name: "too late to be taken", policy: BatchPolicy(), lines: "9 submit 1 deadline=9", expected: ["expired"]),
        Script(
            name: "a full queue", policy: BatchPolicy(queueLimit: 2), lines: "0 submit 1\n0 submit 2\n0 submit 3",
            expected: ["queue full at 2, again after 1000000"]),
        Script(
            name: "a queue full of bytes takes one call of any size", policy: BatchPolicy(queueByteLimit: 10),
            lines: "0 submit 1 bytes=50\n0 submit 2 bytes=1\n1 next\n1 submit 3 bytes=6\n1 submit 4 bytes=5",
            expected: ["bytes full at 10, again after 1000000", "run 1 (1)", "bytes full at 10, again after 1000000"]),
        Script(
            name: "a client's own limit", policy: BatchPolicy(clientLimit: 1),
            lines: "0 submit 1 client=1\n0 submit 2 client=1\n0 submit 3 client=2\n1 next",
            expected: ["client full at 1, again after 1000000", "run 1 3 (2)"]),
        Script(
            name: "when to try again follows the batches' time", policy: BatchPolicy(maximumRows: 1, queueLimit: 2),
            lines: """
                0 submit 1
                0 next
                5000000 finish
                5000000 submit 2
                5000000 submit 3
                5000000 submit 4
                """, expected: ["run 1 (1)", "queue full at 2, again after 15000000"]),
        Script(
            name: "closed: what waits runs without delay, and nothing is taken", policy: BatchPolicy(delay: 100),
            lines: "0 submit 1\n1 next\n2 close\n2 submit 2\n2 next\n2 next",
            expected: ["wait 100", "closed", "run 1 (1)", "idle"]),
    ]

    @Test(arguments: scripts) func says(_ script: Script) throws {
        #expect(try Self.run(script.lines, script.policy) == script.expected)
    }

    private static func run(_ lines: String, _ policy: BatchPolicy) throws -> [String] {
        var scheduler = RequestScheduler(policy: policy)
        var said: [String] = []
        var batches: [Batch] = []
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ")
            let now = try #require(UInt64(words[0]))
            switch words[1] {
            case "submit":
                let call = try call(words.dropFirst(2))
                do throws(Refusal) {
                    try scheduler.submit(call, now: now)
                } catch {
                    said.append(text(error))
                }
            case "next":
                let step = scheduler.next(now: now)
                if case .run(let batch) = step { batches.append(batch) }
                said.append(text(step))
            case "cancel": said.append(scheduler.cancel(CallID(UInt64(words[2]) ?? 0)) ? "gone" : "unknown")
            case "expire":
                said.append((["expired"] + scheduler.expire(now: now).map { "\($0.number)" }).joined(separator: " "))
            case "finish": scheduler.finished(batches.removeFirst(), now: now)
            case "close": scheduler.close()
            default: Issue.record("no such line: \(line)")
            }
        }
        return said
    }

    private static func call(_ words: ArraySlice<Substring>) throws -> ScheduledCall {
        var call = ScheduledCall(id: CallID(try #require(words.first.flatMap { UInt64($0) })))
        for word in words.dropFirst() {
            let parts = word.split(separator: "=")
            let value = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
            switch parts[0] {
            case "key": call.key = value
            case "rows": call.rows = value
            case "client": call.client = value
            case "priority": call.priority = value
            case "deadline": call.deadline = UInt64(value)
            case "bytes": call.byteCount = value
            case "alone": call.isBatchable = false
            default: Issue.record("no such word: \(word)")
            }
        }
        return call
    }

    private static func text(_ step: Step) -> String {
        switch step {
        case .run(let batch): "run \(batch.calls.map { "\($0.id.number)" }.joined(separator: " ")) (\(batch.rows))"
        case .waitUntil(let time): "wait \(time)"
        case .idle: "idle"
        }
    }

    private static func text(_ refusal: Refusal) -> String {
        switch refusal {
        case .queueFull(let limit, let time): "queue full at \(limit), again after \(time)"
        case .bytesFull(let limit, let time): "bytes full at \(limit), again after \(time)"
        case .clientFull(let limit, let time): "client full at \(limit), again after \(time)"
        case .expired: "expired"
        case .closed: "closed"
        }
    }

    @Test func policiesThatMakeNoSenseAreNamed() {
        let cases: [(BatchPolicy, String)] = [
            (BatchPolicy(maximumRows: 0), "the maximum batch size is 0, and should be 1 at least"),
            (BatchPolicy(queueLimit: 0), "the queue's limit is 0, and should be 1 at least"),
            (
                BatchPolicy(maximumRows: 4, preferredRows: [2, 8]),
                "preferred batch sizes [2, 8] should ascend, from 1 to the maximum batch size of 4"
            ),
        ]
        for (policy, message) in cases {
            #expect(throws: BatchPolicyError.self) { try policy.check() }
            do { try policy.check() } catch { #expect("\(error)" == message) }
        }
        #expect(throws: Never.self) { try BatchPolicy(maximumRows: 8, preferredRows: [2, 8]).check() }
    }
}
