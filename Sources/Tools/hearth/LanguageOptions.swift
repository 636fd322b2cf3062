import ArgumentParser
import Base
import Glibc
import KernelCodeGen
import LanguageAdvice
import MappedFiles
import Processes
import PackageBuilder
import SearchEvents

extension EndpointError: UserFault {}

/// The fifth mind of the swarm: a language model that is asked which schedules to try. Off unless the user names an endpoint.
struct LanguageOptions: ParsableArguments {
    @Option(
        name: .customLong("llm"),
        help: """
            Ask a language model for schedules too: the address of an OpenAI-compatible endpoint, such as \
            http://localhost:11434/v1. Kernels, the name of this machine, times and refusals are SENT there. A key is read \
            from \(LanguageEndpoint.keyVariable). Without this option nothing is sent anywhere.
            """)
    var endpoint: String?
    @Option(name: .customLong("llm-model"), help: "The model to ask, as the endpoint knows it.") var model: String?
    @Flag(
        name: .customLong("llm-source"),
        help: """
            Ask for source text too, in place of a generated kernel. It is checked, judged and timed as schedules are, and where it wins \
            it becomes part of the package.
            """)
    var asksForSource = false
    @Option(name: .customLong("llm-requests"), help: "Most requests of a search.")
    var requests = LanguageAdvisor.usualRequests
    @Option(name: .customLong("llm-timeout"), help: "Seconds to wait for an answer.") var timeout = 120.0
    @Option(
        name: .customLong("llm-record"),
        help: """
            New file for questions and answers, JSON Lines (default: language-TIME-PROCESS.jsonl beside the archive; see \
            Documentation/language-record.md).
            """)
    var record: String?
    @Option(name: .customLong("llm-replay"), help: "Take answers from such a file; nothing is sent anywhere.")
    var replay: String?

    /// What cannot be meant.
    func fault(trials: Int) -> String? {
        if endpoint != nil, replay != nil { return "--llm asks an endpoint and --llm-replay a file: give one of them" }
        if endpoint != nil, model == nil { return "--llm needs --llm-model" }
        if endpoint == nil {
            if model != nil { return "--llm-model needs --llm" }
            if record != nil { return "--llm-record needs --llm" }
        }
        if asksForSource, endpoint == nil, replay == nil { return "--llm-source needs --llm or --llm-replay" }
        if requests < 1 { return "--llm-requests should be at least 1" }
        if !(timeout > 0 && timeout <= 3600) { return "--llm-timeout should be a number of seconds, 3600 at most" }
        if trials == 0, endpoint != nil || replay != nil {
            return "a language model helps a search: give --trials 1 or more"
        }
        return nil
    }

    /// Who answers.
    enum Source {
        case endpoint(LanguageEndpoint, key: String?)
        case record(RecordedAnswers)
    }

    /// Who answers, checked before anything is done; the key leaves the environment, so that no process that is started later is given
    /// it. nil where the user named nobody.
    func source() throws -> Source? {
        if let replay {
            let text = try MappedFile(path: replay).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            return .record(try RecordedAnswers(text, path: replay))
        }
        guard let endpoint else { return nil }
        let place = try LanguageEndpoint(url: endpoint, model: model ?? "")
        return .endpoint(place, key: try place.takeKey())
    }

    /// Whom the fifth mind asks, and says so where people see it.
    func advisor(
        _ source: Source, besides archive: String, texts: WrittenTexts?, _ console: SearchConsole
    ) throws -> LanguageAdvisor {
        let transport: any ChatTransport
        var file: LanguageRecord?
        let isSent: Bool
        switch source {
        case .record(let answers):
            isSent = false
            transport = answers
            console.note("a language model's answers come from \(answers.name); nothing is sent anywhere")
        case .endpoint(let place, let key):
            isSent = true
            let kept = try LanguageRecord(path: record ?? Self.freePath(besides: archive), endpoint: place)
            file = kept
            transport = EndpointTransport(place, key: key, seconds: timeout) { SearchInterrupt.isRequested }
            let with = key == nil ? "without a key" : "with the key of \(LanguageEndpoint.keyVariable)"
            console.note(
                "A LANGUAGE MODEL IS ASKED, at \(transport.name), \(with): kernels as text, the name of this machine, times and "
                    + "refusals of this search are sent there, in \(requests) requests at most; all of it is kept in "
                    + kept.path)
        }
        if texts != nil {
            console.note(
                "source text is asked for too: what a language model writes is compiled, judged in the sandbox and, where it wins, part of "
                    + "the package")
        }
        return LanguageAdvisor(
            transport, record: file, limit: requests, sources: texts, clock: { monotonicSeconds() }
        ) { report in
            var advice = AdviceEnd()
            (advice.region, advice.source, advice.isSent) = (report.region, report.source, isSent)
            (advice.request, advice.seconds, advice.schedules) = (report.request, report.seconds, report.schedules)
            advice.texts = report.texts
            (advice.faults, advice.failure) = (report.faults, report.failure?.description)
            console.take(.advice(advice))
        }
    }

    /// A path that no other search has: the second and the process.
    private static func freePath(besides archive: String) -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        let stamp = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = archive.lastIndex(of: "/").map { String(archive[...$0]) } ?? ""
        return "\(folder)language-\(stamp)-\(getpid()).jsonl"
    }
}
