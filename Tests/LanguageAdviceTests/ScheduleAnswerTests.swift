import KernelIR
import KernelSwarm
import LanguageAdvice
import Testing

/// What a model's text comes to.
@Suite struct ScheduleAnswerTests {
    static let region = SearchRegion(
        key: "k",
        choices: [
            Choice("rows", [4, 2, 8]), Choice("algorithm", [0, 1]).named([0: "direct", 1: "winograd"]),
            Choice("unroll", [1, 2]).only(where: "algorithm", is: [0]),
        ], weight: 1,
        brief: RegionBrief(region: "region.0", kernel: "kernel text", key: "abc", dialect: "C", machine: "a machine"))

    /// A region whose default took 2 ms, and one of whose schedules was refused.
    static func view(_ facts: [String: Double] = [:]) async -> RegionView {
        struct Verdicts: CandidateEvaluator {
            let facts: [String: Double]
            func profile(of candidate: Candidate) async -> TrialProfile? { TrialProfile(facts) }
            func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
                batch.map { candidate in
                    candidate.schedule.values["rows"] == 4
                        ? .timed(seconds: 0.002, isWin: true) : .refused(reason: "wrongOutput: 3 of 4\nare off")
                }
            }
        }
        var swarm = Swarm(
            regions: [region], roster: AgentRoster(agents: 1), budget: SearchBudget(trials: 1), seed: 1)
        _ = await swarm.run(Verdicts(facts: facts), batchSize: 1, clock: { 0 })
        return swarm.views[0]
    }

    private static let good = #"{"schedules": [{"rows": 8}, {"rows": 2, "unroll": 2}]}"#

    /// However it is wrapped, it is the same answer.
    @Test(arguments: [
        good, " \n\(good)\n", "```json\n\(good)\n```", "```\n\(good)\n```", "```\(good)```",
        "Here you are: \(good). Good luck!", "<think>{\"schedules\": [{\"rows\": 4}]} no…</think>\n\(good)",
        "I tried \"rows\" first. Then:\n```json\n\(good)\n```\nand {that} is it.",
        #"[{"rows": 8}, {"rows": 2, "unroll": 2}]"#, #"{"schedules": [{"rows": "8"}, {"rows": 2, "unroll": 2}]}"#,
    ])
    func wrappingsAreTakenOff(_ text: String) async {
        let answer = ScheduleAnswer(text, await Self.view())
        #expect(answer.points == [[2, 0, 0], [1, 0, 1]] && answer.faults.isEmpty, "\(answer.faults)")
    }

    @Test(arguments: [
        ("", "the answer is empty"), (" \n", "the answer is empty"), ("<think>hm</think>", "the answer is empty"),
        ("I would use larger tiles.", "the answer holds no JSON object {\"schedules\": [...]}"),
        (#"{"schedules": [{"rows": 8}"#, "the answer holds no JSON object {\"schedules\": [...]}"),
        (#"{"answer": 42}"#, "the answer holds no JSON object {\"schedules\": [...]}"),
        ("[1, 2]", "the answer holds no JSON object {\"schedules\": [...]}"),
        (String(repeating: "[", count: 100_000), "the answer holds no JSON object {\"schedules\": [...]}"),
        (#"{"schedules": []}"#, "the answer names no schedule"),
        (#"{"schedules": [8]}"#, "schedule 1: an integer, where an object with choices should stand"),
        (#"{"schedules": null}"#, "schedule 1: null, where an object with choices should stand"),
        (#"{"schedules": [{}]}"#, "schedule 1: it names no choice"),
        (#"{"schedules": [{"rows": 8, "frob": 1}]}"#, "schedule 1: there is no choice 'frob'"),
        (#"{"schedules": [{"rows": 3}]}"#, "schedule 1: 3 is no value of 'rows', which takes 4, 2, 8"),
        (#"{"schedules": [{"rows": 8.0}]}"#, "schedule 1: 8.0 is no value of 'rows', which takes 4, 2, 8"),
        (#"{"schedules": [{"rows": true}]}"#, "schedule 1: true is no value of 'rows', which takes 4, 2, 8"),
        (#"{"schedules": [{"rows": [8]}]}"#, "schedule 1: [8] is no value of 'rows', which takes 4, 2, 8"),
        (
            #"{"schedules": [{"rows": 9223372036854775807}]}"#,
            "schedule 1: 9223372036854775807 is no value of 'rows', which takes 4, 2, 8"
        ),
        (#"{"schedules": [{"rows": 4}]}"#, "schedule 1: it was tried before"),
    ])
    func whatIsOfNoUseIsSaid(_ text: String, _ fault: String) async {
        let answer = ScheduleAnswer(text, await Self.view())
        #expect(answer.points.isEmpty && answer.faults == [fault], "\(answer.faults)")
    }

    /// One bad schedule does not cost the others; what means nothing beside another choice is the same schedule.
    @Test func theRestIsKept() async {
        let text = """
            {"schedules": [{"rows": 3}, {"algorithm": "winograd"}, {"algorithm": 1, "unroll": 2}, {"rows": 8}, {"rows": 8}]}
            """
        let answer = ScheduleAnswer(text, await Self.view())
        #expect(answer.points == [[0, 1, 0], [2, 0, 0]])
        #expect(
            answer.faults == [
                "schedule 1: 3 is no value of 'rows', which takes 4, 2, 8",
                "schedule 3: the same as another of this answer", "schedule 5: the same as another of this answer",
            ])
    }

    @Test func longAnswersEnd() async {
        let list = (0..<500).map { "{\"rows\": \($0 + 100)}" }.joined(separator: ",")
        let answer = ScheduleAnswer("{\"schedules\": [\(list)]}", await Self.view())
        #expect(answer.points.isEmpty && answer.faults.count == 8 && answer.faults.last == "and 57 more")
    }

    /// The model is told all that it needs, and nothing that could steer a terminal or another section.
    @Test func thePromptTellsWhatIsKnown() async {
        let messages = SchedulePrompt.messages(await Self.view(), remarks: ["schedule 1: there is no choice 'frob'"])
        #expect(messages.map(\.role) == ["system", "user"])
        let text = messages[1].content
        for part in [
            "# Machine\na machine\n", "# Kernel, generated in C\nkernel text\n", "rows (tiling): 4, 2, 8\n",
            "algorithm (strategy): 0 (direct), 1 (winograd)\n",
            "unroll (pipelining): 1, 2; means something only where algorithm is 0\n", "default schedule: 2.00 ms\n",
            "best so far: 2.00 ms by algorithm=0 rows=4 unroll=1\n", "schedule 1: there is no choice 'frob'\n",
        ] { #expect(text.contains(part), "\(part)\n\(text)") }
        #expect(!text.contains("counted of"))
    }

    /// What the processor counted is told as numbers, and in words what follows.
    @Test func thePromptTellsWhatWasCounted() async {
        let view = await Self.view([
            "instructions_per_cycle": 0.5, "l1_misses_per_1000": 1, "branch_misses_per_1000": 0,
            "tlb_misses_per_1000": 9,
        ])
        let text = SchedulePrompt.messages(view, remarks: [])[1].content
        #expect(text.contains("instructions_per_cycle 0.50, l1_misses_per_1000 1,"), "\(text)")
        #expect(
            text.contains(
                """
                counted of the best so far: many of its reads miss the table of pages, so it strides over memory; \
                choices of tiling matter

                """), "\(text)")
        let waiting = await Self.view([
            "instructions_per_cycle": 0.5, "l1_misses_per_1000": 1, "branch_misses_per_1000": 0,
        ])
        #expect(
            SchedulePrompt.messages(waiting, remarks: [])[1].content.contains(
                "choices of vectors, pipelining matter; more of it may help\n"))
    }
}
