internal import Base
internal import KernelIR
package import KernelSwarm

/// What a request to a language model came to, for whoever tells of it.
package struct LanguageReport: Hashable, Sendable {
    /// Counted from 1 in a search.
    package var request: Int
    package var region: String
    /// What was asked: an address with a model, or a record.
    package var source: String
    /// Schedules that it came to, texts of kernels among them.
    package var schedules: Int
    /// How many of them are texts; nil where none were asked for.
    package var texts: Int?
    /// Why the rest was of no use, and where there was no answer, why.
    package var faults: [String]
    package var failure: ChatFault?
    /// Seconds that it took.
    package var seconds: Double
}

/// Asks a language model which schedules to try. When it does not answer it is not asked again: the search goes on without it.
package actor LanguageAdvisor: ScheduleAdvisor {
    /// Requests of a search unless the user says otherwise.
    package static let usualRequests = 24

    private let transport: any ChatTransport
    private let record: LanguageRecord?
    private let clock: @Sendable () -> Double
    private let report: @Sendable (LanguageReport) -> Void
    /// Where texts of kernels go; nil where none are asked for and none are taken.
    private let sources: (any KernelSources)?
    private let limit: Int
    private var requests = 0
    private var isSilent = false
    private var hasFailedToRecord = false
    /// What could not be used of the last answer, by kernel.
    private var remarks: [String: [String]] = [:]

    /// An advisor that asks at most `limit` times; `clock` gives seconds. With `sources` it asks for texts of kernels too.
    package init(
        _ transport: any ChatTransport, record: LanguageRecord?, limit: Int, sources: (any KernelSources)? = nil,
        clock: @escaping @Sendable () -> Double, report: @escaping @Sendable (LanguageReport) -> Void
    ) {
        self.sources = sources
        self.transport = transport
        self.record = record
        self.limit = limit
        self.clock = clock
        self.report = report
    }

    package func advise(_ question: AdviceQuestion) async -> [Point]? {
        guard !isSilent, requests < limit, let brief = question.view.region.brief else { return nil }
        requests += 1
        // A text is written for the kernel that it is to beat.
        let best = question.view.champion?.schedule ?? question.view.region.defaultSchedule
        let source = sources?.source(brief.key, best).flatMap {
            $0.utf8.count > SchedulePrompt.longestSource ? nil : $0
        }
        let messages = SchedulePrompt.messages(question.view, remarks: remarks[brief.key] ?? [], source: source)
        let began = clock()
        let answer = await transport.answer(messages, region: brief.region, key: brief.key)
        let seconds = max(0, clock() - began)
        var exchange = LanguageExchange(
            request: requests, region: brief.region, key: brief.key, messages: messages, answer: answer, schedules: [],
            faults: [], seconds: seconds)
        var told = LanguageReport(
            request: requests, region: brief.region, source: transport.name, schedules: 0, faults: [], failure: nil,
            seconds: seconds)
        defer { report(told) }
        switch answer {
        case .failure(let fault):
            told.failure = fault
            keep(exchange, &told)
            // A record that has nothing of one kernel may have something of the next.
            if case .notRecorded = fault {} else { isSilent = true }
            return nil
        case .success(let text):
            let written =
                source == nil ? (points: [], faults: [], isAny: false) : written(text, question.view, brief.key, best)
            let read = ScheduleAnswer(text, question.view, mayBeMissing: written.isAny)
            let (points, faults) = (read.points + written.points, read.faults + written.faults)
            remarks[brief.key] = faults
            exchange.schedules = points.map { question.view.space.schedule($0).description }
            exchange.faults = faults
            (told.schedules, told.faults) = (points.count, faults)
            if sources != nil { told.texts = written.points.count }
            keep(exchange, &told)
            return points
        }
    }

    /// What became of the texts of an answer: points that ask for them, and why others are not taken.
    private func written(
        _ answer: String, _ view: RegionView, _ key: String, _ best: Schedule
    ) -> (points: [Point], faults: [String], isAny: Bool) {
        guard let sources else { return ([], [], false) }
        let (texts, left) = SourceAnswer.texts(answer)
        var points: [Point] = []
        var faults: [String] = []
        for (number, text) in texts.enumerated() {
            switch sources.take(text, for: key, best, by: transport.name) {
            case .failure(let refused): faults.append("text \(number + 1): \(refused.reason)")
            case .success(let taken):
                var schedule = best
                schedule.set(taken.choice, taken.value)
                points.append(view.space.point(schedule))
            }
        }
        if left > 0 { faults.append("\(left) texts more than \(SchedulePrompt.mostTexts) were passed over") }
        return (points, faults, !texts.isEmpty)
    }

    private func keep(_ exchange: LanguageExchange, _ told: inout LanguageReport) {
        guard let record, !record.append(exchange), !hasFailedToRecord else { return }
        hasFailedToRecord = true
        told.faults.append("the record \(record.path) could not be written")
    }
}
