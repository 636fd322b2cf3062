import JSON
import KernelIR
import KernelSwarm
import LanguageAdvice
import Synchronization
import Testing

/// Texts of kernels that a model writes.
@Suite struct SourceAnswerTests {
    @Test(arguments: [
        ("", [], 0), ("no code", [], 0), ("```\nint a;\n```", [], 0), ("```json\n{}\n```", [], 0),
        ("```python\nx\n```", [], 0),
        ("```c\nint a;\n```", ["int a;\n"], 0), ("Here:\n``` C \nint a;\n```\nthere", ["int a;\n"], 0),
        ("```c\r\nint a;\r\nint b;\r\n```", ["int a;\nint b;\n"], 0),
        ("<think>```c\nno\n```</think>```c\nyes\n```", ["yes\n"], 0),
        ("```json\n{}\n```\n```c\n1\n```\n```c\n2\n```\n```c\n3\n```", ["1\n", "2\n"], 1),
        // A fence without an end is all that follows.
        ("```c\nint a;", ["int a;"], 0), ("```c", [], 0),
    ])
    func textsStandInFences(_ answer: String, _ texts: [String], _ left: Int) {
        let found = SourceAnswer.texts(answer)
        #expect(found.texts == texts && found.left == left)
    }

    /// Takes what does not say no.
    private final class Desk: KernelSources {
        let taken = Mutex<[String]>([])

        func source(_ key: String, _ schedule: Schedule) -> String? { "the text of \(key) under \(schedule)\n" }

        func take(
            _ source: String, for key: String, _ schedule: Schedule, by author: String
        ) -> Result<(choice: String, value: Int), SourceRefused> {
            if source.contains("no") { return .failure(SourceRefused(reason: "it says no")) }
            return taken.withLock {
                $0.append("\(key) \(schedule) \(author): \(source)")
                return .success(("text", $0.count))
            }
        }
    }

    private struct Said: ChatTransport {
        let text: String
        var name: String { "somebody" }

        func answer(_ messages: [ChatMessage], region: String, key: String) async -> Result<String, ChatFault> {
            .success(text)
        }
    }

    private static func view() async -> RegionView {
        var region = ScheduleAnswerTests.region
        var text = Choice("text", [0, 1, 2])
        text.isAdvised = true
        region.choices.append(text)
        struct Verdicts: CandidateEvaluator {
            func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
                batch.map { _ in .timed(seconds: 0.002, isWin: true) }
            }
        }
        var swarm = Swarm(
            regions: [region], roster: AgentRoster(agents: 1), budget: SearchBudget(trials: 1), seed: 1)
        _ = await swarm.run(Verdicts(), batchSize: 1, clock: { 0 })
        return swarm.views[0]
    }

    private static func advice(
        _ answer: String, _ desk: Desk?
    ) async -> (points: [Point]?, report: LanguageReport?) {
        let holder = Holder()
        let advisor = LanguageAdvisor(Said(text: answer), record: nil, limit: 1, sources: desk, clock: { 0 }) { told in
            holder.report.withLock { $0 = told }
        }
        let points = await advisor.advise(AdviceQuestion(region: 0, view: await view()))
        return (points, holder.report.withLock { $0 })
    }

    private final class Holder: Sendable {
        let report = Mutex<LanguageReport?>(nil)
    }

    @Test func textsBecomePoints() async {
        let desk = Desk()
        let answer = "{\"schedules\": [{\"rows\": 8, \"text\": 1}, {\"rows\": 2}]}\n```c\nyes\n```\n```c\nno\n```"
        let (points, report) = await Self.advice(answer, desk)
        #expect(points == [[1, 0, 0, 0], [0, 0, 0, 1]])
        #expect(report?.schedules == 2 && report?.texts == 1)
        #expect(report?.faults == ["schedule 1: there is no choice 'text'", "text 2: it says no"])
        #expect(desk.taken.withLock { $0 } == ["abc algorithm=0 rows=4 unroll=1 somebody: yes\n"])
    }

    /// An answer of texts alone lacks nothing; without a place for them, code is no answer.
    @Test func schedulesMayBeMissing() async {
        let (points, report) = await Self.advice("```c\nyes\n```", Desk())
        #expect(points == [[0, 0, 0, 1]] && report?.faults == [])
        let (none, told) = await Self.advice("```c\nyes\n```", nil)
        #expect(none == [] && told?.texts == nil)
        #expect(told?.faults == ["the answer holds no JSON object {\"schedules\": [...]}"])
    }

    /// The text that is to be beaten is shown, only where others are taken, and the table of choices has no row for them.
    @Test func theBestIsShown() async {
        let view = await Self.view()
        let plain = SchedulePrompt.messages(view, remarks: [])
        let asking = SchedulePrompt.messages(view, remarks: [], source: "int x;\n")
        #expect(!plain.map(\.content).joined().contains("```c"))
        #expect(
            asking[0].content.contains("```c")
                && asking[1].content.contains("# The text of the best so far\n```c\nint x;\n```"))
        #expect(asking.allSatisfy { !$0.content.contains("text (") && !$0.content.contains("text: 0") })
    }
}
