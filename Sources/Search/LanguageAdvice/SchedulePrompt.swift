internal import Base
internal import KernelIR
package import KernelSwarm

/// What a language model is told and asked: a pure function of what the search knows of a region.
package enum SchedulePrompt {
    /// Most schedules of an answer.
    package static let most = 8
    /// Most characters of a kernel's text: the middle of longer ones is left out.
    private static let kernelLimit = 16_000
    private static let shownTrials = 24
    private static let shownRefusals = 8

    /// Most texts of an answer.
    package static let mostTexts = 2
    /// Most bytes of a kernel's text that is shown: nobody writes another for a part of one.
    package static let longestSource = 32_000

    /// The messages of a question. `remarks` say what could not be used of the last answer about this region. Where `source` is the text of the
    /// best schedule so far, other texts are asked for too.
    package static func messages(_ view: RegionView, remarks: [String], source: String? = nil) -> [ChatMessage] {
        [
            ChatMessage(role: "system", content: instructions + (source == nil ? "" : "\n\n" + aboutTexts)),
            ChatMessage(role: "user", content: question(view, remarks, source)),
        ]
    }

    private static let instructions = """
        You tune the schedule of one compute kernel. A generator writes the code; you choose values of its choices. \
        Every schedule that you propose is compiled, checked against the exact results and timed on the machine, and you may be \
        told what came of it. Wrong or slow schedules do no harm but cost a trial.

        Answer with one JSON object and nothing else:
        {"schedules": [{"choice": value, …}, …]}
        At most \(most) schedules, the most promising first, each different from those that were tried. Use the names of the \
        choices and the values of the table only. A choice that you do not name keeps its value of the best schedule so far.
        """

    private static let aboutTexts = """
        You may also write the kernel yourself, in the language of the text below, where you see how no choice would make it faster: at most \(mostTexts) texts, \
        each whole, in a code fence of its own that begins with ```c and stands after the JSON object (which may then be left out). \
        A text takes the place of the one that you are shown: it defines the same functions with the same parameters, is called with the same \
        buffers, workspace and parts, and packs constants into as many bytes. It is judged against the exact results on many inputs, as schedules \
        are. Types and functions that the shown text uses without defining them may be used; everything else is static or inside of functions. \
        Not allowed: directives but pragmas of loops (clang loop, GCC unroll, unroll), literals of text or characters, backslashes, assembly, \
        headers, variables that outlive a call, threads, clocks, and calls of anything but C's mathematics. In C, vectors are GCC's and clang's \
        vector types. On a device the kernel keeps its first line up to the brace, which begins with KERNEL; helpers begin \
        with FORCE, and their names with candidate_.
        """

    private static func question(_ view: RegionView, _ remarks: [String], _ source: String?) -> String {
        var text = ""
        if let brief = view.region.brief {
            text += "# Machine\n\(brief.machine)\n\n# Kernel, generated in \(brief.dialect)\n\(cut(brief.kernel))\n\n"
        }
        let choices = view.space.choices.filter { !$0.isAdvised }
        text += "# Choices, the default value first\n" + choices.map { line($0) }.joined() + "\n"
        text += "# Times of one call\n"
        if let seconds = view.defaultSeconds { text += "default schedule: \(TextFormat.time(seconds * 1e9))\n" }
        if view.region.floorSeconds > 0 {
            text += "no kernel can be faster than \(TextFormat.time(view.region.floorSeconds * 1e9)) here\n"
        }
        if let best = view.champion {
            text += "best so far: \(TextFormat.time(best.seconds * 1e9)) by \(best.schedule)\n"
            text += hints(view.profile(of: view.space.point(best.schedule)))
        } else {
            text += "nothing was correct so far\n"
        }
        text += "\n# Trials, the last \(shownTrials) at most\n"
        for observation in view.observations.suffix(shownTrials) {
            let came = observation.seconds.map { TextFormat.time($0 * 1e9) } ?? "refused"
            text += "\(came): \(view.space.schedule(observation.point))\(facts(observation.profile))\n"
        }
        for observation in view.advised.suffix(shownTrials) {
            let came = observation.seconds.map { TextFormat.time($0 * 1e9) } ?? "refused"
            text += "\(came): a text of yours, \(view.space.schedule(observation.point))\(facts(observation.profile))\n"
        }
        if !view.refusals.isEmpty {
            text += "\n# Why schedules were refused, the last \(shownRefusals) at most\n"
            for refusal in view.refusals.suffix(shownRefusals) {
                text += "\(refusal.schedule): \(refusal.reason.oneLine(200))\n"
            }
        }
        if let source { text += "\n# The text of the best so far\n```c\n\(source)```\n" }
        if !remarks.isEmpty {
            text += "\n# What could not be used of your last answer\n" + remarks.map { "\($0)\n" }.joined()
        }
        return text
    }

    /// A choice: `rows (tiling): 4, 2, 8; means something only where algorithm is 0`.
    private static func line(_ choice: Choice) -> String {
        let values = choice.values.map { value in
            choice.words[value].map { "\(value) (\($0))" } ?? "\(value)"
        }
        let speciality = Speciality(choice: choice.name).map { " (\($0.rawValue))" } ?? ""
        var line = "\(choice.name)\(speciality): \(values.joined(separator: ", "))"
        if let condition = choice.condition {
            let allowed = condition.values.sorted().map { "\($0)" }.joined(separator: " or ")
            line += "; means something only where \(condition.name) is \(allowed)"
        }
        return line + "\n"
    }

    /// What else is known of a trial: ` [registers 64, occupancy 0.25]`.
    private static func facts(_ profile: TrialProfile?) -> String {
        let parts = TrialProfile.Fact.allCases.compactMap { fact in
            profile?[fact].map { "\(fact.rawValue) \(TextFormat.fixed($0, $0 < 10 && $0 != $0.rounded() ? 2 : 0))" }
        }
        return parts.isEmpty ? "" : " [\(parts.joined(separator: ", "))]"
    }

    /// What counters of the processor say of the best schedule, and which choices that hangs on, in words.
    private static func hints(_ profile: TrialProfile?) -> String {
        (profile?.hints ?? []).map { hint in
            let kinds = Speciality.allCases.filter { hint.matters.contains($0) }.map(\.rawValue)
            let more = hint.more.isEmpty ? "" : "; more of it may help"
            return
                "counted of the best so far: \(hint.words); choices of \(kinds.joined(separator: ", ")) matter\(more)\n"
        }.joined()
    }

    private static func cut(_ text: String) -> String {
        guard text.count > kernelLimit else { return text }
        return "\(text.prefix(kernelLimit / 2))\n… (\(text.count - kernelLimit) characters left out) …\n"
            + "\(text.suffix(kernelLimit / 2))"
    }
}
