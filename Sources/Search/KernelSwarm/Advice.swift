package import KernelIR

/// What somebody outside of the search must be told of a region's kernel. The swarm passes it on and reads none of it.
package struct RegionBrief: Hashable, Sendable {
    /// Name in reports: `region.0`.
    package var region: String
    /// The kernel as text, and the hash that stands for it.
    package var kernel: String
    package var key: String
    /// What it is generated in: `C`, `CUDA C++`, `OpenCL C`.
    package var dialect: String
    /// What it runs on, in words.
    package var machine: String

    /// Makes a brief.
    package init(region: String, kernel: String, key: String, dialect: String, machine: String) {
        self.region = region
        self.kernel = kernel
        self.key = key
        self.dialect = dialect
        self.machine = machine
    }
}

/// A question of the search about one of its regions.
package struct AdviceQuestion: Sendable {
    /// Index of the region in the search.
    package let region: Int
    /// What is known of it: its choices, every verdict so far, the best.
    package let view: RegionView

    /// Makes a question.
    package init(region: Int, view: RegionView) {
        self.region = region
        self.view = view
    }
}

/// Somebody outside of the search who may be asked what to try, such as a language model. A search that is given the same verdicts
/// and the same advice proposes the same candidates.
package protocol ScheduleAdvisor: Sendable {
    /// Points of the region's space to try, the most promising first; none where nothing comes of asking, nil where this region is
    /// not to be asked about again. Whatever is said, the judge decides.
    func advise(_ question: AdviceQuestion) async -> [Point]?
}

/// Where an advisor finds the texts of kernels and leaves others in their place.
package protocol KernelSources: Sendable {
    /// The text of a kernel, by the key of its brief, under a schedule; nil where no other is taken.
    func source(_ key: String, _ schedule: Schedule) -> String?
    /// Takes a text in place of the kernel's under a schedule, by somebody of a name. Returns what the schedule must name for it, or why it is not
    /// taken, in one line.
    func take(
        _ source: String, for key: String, _ schedule: Schedule, by author: String
    ) -> Result<(choice: String, value: Int), SourceRefused>
}

/// Why a text is not taken, in one line.
package struct SourceRefused: Error, Hashable {
    package var reason: String

    /// Makes a refusal.
    package init(reason: String) { self.reason = reason }
}

extension Swarm {
    /// What an advisor is to be asked before the next batch: about the region that is searched next, where one of its minds wants it.
    package func nextQuestion() -> AdviceQuestion? {
        guard let region = mostPromising(), minds[region].contains(where: { $0.wantsAdvice(views[region]) }) else {
            return nil
        }
        return AdviceQuestion(region: region, view: views[region])
    }

    /// Takes what the advisor said to a question.
    package mutating func take(_ advice: [Point]?, to question: AdviceQuestion) {
        for mind in minds[question.region].indices where minds[question.region][mind].wantsAdvice(question.view) {
            minds[question.region][mind].take(advice, views[question.region])
        }
        if advice?.isEmpty == false { hear(question.region) }
    }
}
