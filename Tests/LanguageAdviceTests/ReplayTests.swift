import Foundation
import JSON
import KernelIR
import KernelSwarm
import LanguageAdvice
import Synchronization
import Testing

/// The mind from a recorded file to verdicts, without a network.
@Suite struct ReplayTests {
    /// The larger all values, the faster; 3 rows are wrong.
    private actor Sums: CandidateEvaluator {
        private var best: [Int: Double] = [:]

        func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
            batch.map { candidate in
                if candidate.schedule.values["rows"] == 3 { return .refused(reason: "wrongOutput") }
                let seconds = 5 / Double(candidate.schedule.values.values.reduce(0, +))
                let isWin = seconds < best[candidate.region] ?? .infinity
                if isWin { best[candidate.region] = seconds }
                return .timed(seconds: seconds, isWin: isWin)
            }
        }
    }

    private static let header = #"{"format":"hearth-language","version":1,"endpoint":"http://x","model":"m"}"#

    private static func file(_ answers: [(kernel: String, answer: String?)]) -> String {
        let lines = answers.map { kernel, answer in
            let value: JSONValue =
                answer.map { ["kernel": .string(kernel), "answer": .string($0)] }
                ?? ["kernel": .string(kernel), "failure": "no connection: x"]
            return value.text
        }
        return ([header] + lines).joined(separator: "\n") + "\n"
    }

    private static func regions() -> [SearchRegion] {
        [("a", 0.75), ("b", 0.25)].map { key, weight in
            SearchRegion(
                key: key,
                choices: [
                    Choice("rows", [1, 2, 3, 4, 5, 8]), Choice("unroll", [1, 2, 3, 4]),
                    Choice("grain", [1, 2, 3, 4, 5]),
                ],
                weight: weight,
                brief: RegionBrief(
                    region: "region.\(key)", kernel: "text of \(key)", key: key, dialect: "C", machine: "m"))
        }
    }

    private static func search(
        _ transport: any ChatTransport, record: LanguageRecord? = nil, limit: Int = 24, trials: Int = 150
    ) async -> (swarm: Swarm, reports: [LanguageReport]) {
        let reports = Reports()
        let advisor = LanguageAdvisor(transport, record: record, limit: limit, clock: { 0 }) { report in
            reports.list.withLock { $0.append(report) }
        }
        var swarm = Swarm(
            regions: regions(), roster: AgentRoster.standard.withLanguage,
            budget: SearchBudget(trials: trials, patience: 150), seed: 7)
        _ = await swarm.run(Sums(), batchSize: 4, clock: { 0 }, advisor: advisor)
        return (swarm, reports.list.withLock { $0 })
    }

    private final class Reports: Sendable {
        let list = Mutex<[LanguageReport]>([])
    }

    /// Good answers are tried and win; all that is wrong with the others costs nothing but the question.
    @Test(arguments: [
        ("I cannot say.", ["the answer holds no JSON object {\"schedules\": [...]}"]), ("", ["the answer is empty"]),
        (
            "{\"schedules\": [{\"rows\": 9}, {\"frob\": 1}]}",
            [
                "schedule 1: 9 is no value of 'rows', which takes 1, 2, 3, 4, 5, 8",
                "schedule 2: there is no choice 'frob'",
            ]
        ),
        (
            "```\n{\"schedules\": [{\"rows\": 8, \"unroll\": 4, \"grain\": 5}]}\n```",
            ["schedule 1: it was tried before"]
        ),
    ])
    func recordedAnswersAreSearched(_ second: String, _ faults: [String]) async throws {
        let text = Self.file([
            ("a", "Sure!\n```json\n{\"schedules\": [{\"rows\": 8, \"unroll\": 4, \"grain\": 5}, {\"rows\": 3}]}\n```"),
            ("a", second), ("b", "{\"schedules\": [{\"rows\": 8, \"unroll\": 2, \"grain\": 5}]}"),
        ])
        let (swarm, reports) = await Self.search(try RecordedAnswers(text, path: "r.jsonl"))
        let own = swarm.trials.filter { $0.candidate.agent == "language" }
        #expect(Set(own.map(\.candidate.region)) == [0, 1])
        #expect(own.first?.candidate.schedule == Schedule(["rows": 8, "unroll": 4, "grain": 5]))
        #expect(own.contains { $0.verdict == .refused(reason: "wrongOutput") })
        #expect(swarm.views[0].champion?.schedule == Schedule(["rows": 8, "unroll": 4, "grain": 5]))
        let first = reports.filter { $0.region == "region.a" }
        try #require(first.count == 3, "\(reports)")
        #expect(first[0].schedules == 2 && first[0].faults.isEmpty)
        #expect(first[1].schedules == 0 && first[1].faults == faults)
        // Each kernel has its own answers; where they end, the mind is silent there and elsewhere not.
        #expect(first[2].failure == .notRecorded(region: "region.a"))
        #expect(reports.contains { $0.region == "region.b" && $0.schedules == 1 })
        #expect(reports.map(\.request) == Array(1...reports.count))
    }

    @Test func theSameRecordGivesTheSameSearch() async throws {
        let text = Self.file([
            ("a", "{\"schedules\": [{\"rows\": 8}, {\"grain\": 5}]}"), ("b", "{\"rows\": 8}"), ("a", "nothing"),
        ])
        let first = await Self.search(try RecordedAnswers(text, path: "r")).swarm.trials
        #expect(first == (await Self.search(try RecordedAnswers(text, path: "r")).swarm.trials))
        #expect(first != (await Self.search(try RecordedAnswers(Self.header, path: "r")).swarm.trials))
    }

    /// After a failure nothing more is asked, and the search goes on.
    @Test func aFailureSilencesTheMind() async throws {
        let text = Self.file([("a", nil), ("a", "{\"rows\": 8}"), ("b", "{\"rows\": 8}")])
        let (swarm, reports) = await Self.search(try RecordedAnswers(text, path: "r"))
        #expect(reports.count == 1 && reports[0].failure?.description == "no connection: x")
        #expect(swarm.spent > 20 && !swarm.trials.contains { $0.candidate.agent.hasSuffix("language") })
    }

    @Test func requestsAreCounted() async throws {
        let answers = [String](repeating: "no", count: 20).flatMap { [("a", Optional($0)), ("b", Optional($0))] }
        let (_, reports) = await Self.search(
            try RecordedAnswers(Self.file(answers.map { (kernel: $0.0, answer: $0.1) }), path: "r"), limit: 3)
        #expect(reports.map(\.request) == [1, 2, 3])
    }

    /// What is written is what a replay reads: the same answers, the same search.
    @Test func whatIsRecordedIsReplayed() async throws {
        struct Oracle: ChatTransport {
            let name = "an oracle"
            func answer(_ messages: [ChatMessage], region: String, key: String) async -> Result<String, ChatFault> {
                // Depends on what it was told, and on the sixth question it fails.
                let length = messages[1].content.utf8.count
                if messages[1].content.split(separator: "\n").count > 60 { return .failure(.status(429, message: "")) }
                return .success(
                    "{\"schedules\": [{\"rows\": \([2, 8, 9][length % 3]), \"grain\": \([2, 5][length % 2])}]}")
            }
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let endpoint = try LanguageEndpoint(url: "http://localhost/v1", model: "m")
        let record = try LanguageRecord(path: "\(folder)/r.jsonl", endpoint: endpoint)
        let live = await Self.search(Oracle(), record: record)
        #expect(!live.reports.isEmpty && live.swarm.trials.contains { $0.candidate.agent.hasSuffix("language") })
        let text = try String(contentsOfFile: record.path, encoding: .utf8)
        let replayed = await Self.search(try RecordedAnswers(text, path: record.path))
        #expect(replayed.swarm.trials == live.swarm.trials)
        // The file says all of it, and is its owner's alone.
        let lines = try text.split(separator: "\n").map { try #require(try JSONReader().read(String($0)).objectValue) }
        #expect(lines.count == live.reports.count + 1)
        #expect(lines[0].members.map(\.name) == ["format", "version", "endpoint", "model"])
        let names = ["request", "region", "kernel", "messages", "answer", "schedules", "faults", "seconds"]
        #expect(lines[1].members.map(\.name) == names)
        let mode = try FileManager.default.attributesOfItem(atPath: record.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: EndpointError.self) { try LanguageRecord(path: record.path, endpoint: endpoint) }
    }

    @Test(arguments: [
        ("", "r is empty"), ("{", "r, line 1: "), ("7", "r, line 1: it is no JSON object"),
        ("{}", "r, line 1: it is no record of questions to a language model"),
        (#"{"format":"hearth-language","version":2}"#, "r, line 1: it is of another version than 1"),
        (header + "\n{}", "r, line 2: it lacks 'kernel'"),
        (header + "\n{\"kernel\":\"a\"}", "r, line 2: it has neither 'answer' nor 'failure'"),
    ])
    func otherFilesAreRefused(_ text: String, _ reason: String) {
        let error = #expect(throws: EndpointError.self) { try RecordedAnswers(text, path: "r") }
        #expect(error?.description.hasPrefix(reason) == true, "\(error?.description ?? "")")
    }
}
