package import JSON

/// Something that happened in a search. What a person sees, what machines read (`--json`), what a package keeps and what the report
/// shows are all made of these; `Documentation/search-events.md` lists them.
package enum SearchEvent: Hashable, Sendable {
    case start(SearchStart)
    case stage(StageEnd)
    case region(RegionOpening)
    case trial(TrialEnd)
    case win(RegionWin)
    case refusal(TrialRefusal)
    case progress(SearchStanding)
    case closed(RegionClosing)
    case output(OutputAccuracy)
    case memory(PackageMemory)
    case comparison(ModelComparison)
    case advice(AdviceEnd)
    case note(SearchNote)
    case done(SearchDone)

    /// What it says.
    package var payload: any EventPayload {
        switch self {
        case .start(let payload): payload
        case .stage(let payload): payload
        case .region(let payload): payload
        case .trial(let payload): payload
        case .win(let payload): payload
        case .refusal(let payload): payload
        case .progress(let payload): payload
        case .closed(let payload): payload
        case .output(let payload): payload
        case .memory(let payload): payload
        case .comparison(let payload): payload
        case .advice(let payload): payload
        case .note(let payload): payload
        case .done(let payload): payload
        }
    }

    /// One row a kind: how it is read.
    static let kinds: [(kind: String, read: @Sendable (JSONObject) throws(EventError) -> SearchEvent)] = [
        (SearchStart.kind, { (object) throws(EventError) in .start(try SearchStart(object)) }),
        (StageEnd.kind, { (object) throws(EventError) in .stage(try StageEnd(object)) }),
        (RegionOpening.kind, { (object) throws(EventError) in .region(try RegionOpening(object)) }),
        (TrialEnd.kind, { (object) throws(EventError) in .trial(try TrialEnd(object)) }),
        (RegionWin.kind, { (object) throws(EventError) in .win(try RegionWin(object)) }),
        (TrialRefusal.kind, { (object) throws(EventError) in .refusal(try TrialRefusal(object)) }),
        (SearchStanding.kind, { (object) throws(EventError) in .progress(try SearchStanding(object)) }),
        (RegionClosing.kind, { (object) throws(EventError) in .closed(try RegionClosing(object)) }),
        (OutputAccuracy.kind, { (object) throws(EventError) in .output(try OutputAccuracy(object)) }),
        (PackageMemory.kind, { (object) throws(EventError) in .memory(try PackageMemory(object)) }),
        (ModelComparison.kind, { (object) throws(EventError) in .comparison(try ModelComparison(object)) }),
        (AdviceEnd.kind, { (object) throws(EventError) in .advice(try AdviceEnd(object)) }),
        (SearchNote.kind, { (object) throws(EventError) in .note(try SearchNote(object)) }),
        (SearchDone.kind, { (object) throws(EventError) in .done(try SearchDone(object)) }),
    ]

    /// Names of all kinds with the names of their members.
    package static let documentation: [(kind: String, members: [String])] = [
        row(SearchStart.self), row(StageEnd.self), row(RegionOpening.self), row(TrialEnd.self), row(RegionWin.self),
        row(TrialRefusal.self), row(SearchStanding.self), row(RegionClosing.self), row(OutputAccuracy.self),
        row(PackageMemory.self), row(ModelComparison.self), row(AdviceEnd.self), row(SearchNote.self),
        row(SearchDone.self),
    ]

    private static func row<Payload: EventPayload>(_ type: Payload.Type) -> (kind: String, members: [String]) {
        (Payload.kind, Payload.fields.map(\.name))
    }
}

/// An event with its time.
package struct TimedEvent: Hashable, Sendable {
    /// Seconds since the search began.
    package var at: Double
    package var event: SearchEvent

    /// Makes a timed event.
    package init(at: Double, _ event: SearchEvent) {
        self.at = at
        self.event = event
    }

    /// One object: `{"event":"win","at":1.5,…}`.
    package var json: JSONValue {
        let payload = event.payload
        // A tenth of a millisecond is enough for a curve.
        let time = (at * 1e4).rounded() / 1e4
        return .object(
            JSONObject(
                members: [
                    .init(name: "event", value: .string(type(of: payload).kind)),
                    .init(name: "at", value: .number(time)),
                ] + payload.members))
    }

    /// Reads `json` back.
    package init(_ json: JSONValue) throws(EventError) {
        guard let object = json.objectValue, let kind = object["event"]?.stringValue else {
            throw EventError("a line is no event: it has no member 'event'")
        }
        guard let at = object["at"]?.doubleValue else { throw EventError("an event '\(kind)' lacks 'at'") }
        guard let row = SearchEvent.kinds.first(where: { $0.kind == kind }) else {
            throw EventError("there is no event '\(kind)'")
        }
        self.init(at: at, try row.read(object))
    }

    /// Events as JSON Lines.
    package static func text(_ events: [TimedEvent]) -> String { events.map { $0.json.text + "\n" }.joined() }

    /// Reads JSON Lines.
    package static func parse(_ text: String) throws(EventError) -> [TimedEvent] {
        var events: [TimedEvent] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: true).enumerated() {
            do {
                events.append(try TimedEvent(try JSONReader().read(String(line))))
            } catch {
                throw EventError("line \(number + 1): \(error)")
            }
        }
        return events
    }
}
