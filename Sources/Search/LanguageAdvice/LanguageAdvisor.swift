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
    /// Schedules that it came to.
    package var schedules: Int
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
    private let limit: Int
    private var requests = 0
    private var isSilent = false
    private var hasFailedToRecord = false
    /// What could not be used of the last answer, by kernel.
    private var remarks: [String: [String]] = [:]

    /// An advisor that asks at most `limit` times; `clock` gives seconds.
    package init(
        _ transport: any ChatTransport, record: LanguageRecord?, limit: Int, clock: @escaping @Sendable () -> Double,
        report: @escaping @Sendable (LanguageReport) -> Void
    ) {
        self.transport = transport
        self.record = record
        self.limit = limit
        self.clock = clock
        self.report = report
    }

    package func advise(_ question: AdviceQuestion) async -> [Point]? {
        guard !isSilent, requests < limit, let brief = question.view.region.brief else { return nil }
        requests += 1
        let messages = SchedulePrompt.messages(question.view, remarks: remarks[brief.key] ?? [])
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
            let read = ScheduleAnswer(text, question.view)
            remarks[brief.key] = read.faults
            exchange.schedules = read.points.map { question.view.space.schedule($0).description }
            exchange.faults = read.faults
            told.schedules = read.points.count
            told.faults = read.faults
            keep(exchange, &told)
            return read.points
        }
    }

    private func keep(_ exchange: LanguageExchange, _ told: inout LanguageReport) {
        guard let record, !record.append(exchange), !hasFailedToRecord else { return }
        hasFailedToRecord = true
        told.faults.append("the record \(record.path) could not be written")
    }
}
