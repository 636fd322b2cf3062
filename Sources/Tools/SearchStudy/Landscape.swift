import JSON
import KernelIR
import KernelSwarm

/// What every schedule of a kernel takes: recorded once on a machine, or made up; searches over it time nothing.
package struct Landscape: Sendable {
    /// What came of code.
    package enum Found: Hashable, Sendable {
        /// Correct: seconds of one call.
        case timed(seconds: Double)
        /// The judge's reason.
        case refused(reason: String)
    }

    /// Name of the kernel.
    package var name: String
    /// Whether searches may be tuned on it; the others are held out.
    package var isTuned: Bool
    /// Where and how it was recorded.
    package var origin: String
    /// The decisions; fewer values than the generator offers where all would be too many.
    package var choices: [Choice]
    /// Which code each schedule becomes: schedules in the order of counting with the last choice fastest.
    package var codes: [Int]
    /// What came of each code.
    package var found: [Found]

    /// Makes a landscape.
    package init(
        name: String, isTuned: Bool, origin: String, choices: [Choice], codes: [Int], found: [Found]
    ) {
        precondition(codes.count == choices.reduce(1) { $0 * $1.values.count }, "every schedule has its code")
        self.name = name
        self.isTuned = isTuned
        self.origin = origin
        self.choices = choices
        self.codes = codes
        self.found = found
    }

    /// The code of a schedule whose values are all allowed.
    package func code(_ schedule: Schedule) -> Int {
        var place = 0
        for choice in choices {
            place = place * choice.values.count + (choice.values.firstIndex(of: schedule[choice]) ?? 0)
        }
        return codes[place]
    }

    /// The schedule at a place of `codes`.
    package static func schedule(_ place: Int, _ choices: [Choice]) -> Schedule {
        var schedule = Schedule()
        var rest = place
        for choice in choices.reversed() {
            schedule.set(choice.name, choice.values[rest % choice.values.count])
            rest /= choice.values.count
        }
        return choices.canonical(schedule)
    }

    /// Seconds of the fastest schedule.
    package var bestSeconds: Double {
        var best = Double.infinity
        for case .timed(let seconds) in found { best = min(best, seconds) }
        return best
    }
}

extension Landscape {
    /// The text of a landscape's file.
    package var text: String {
        let choices = self.choices.map { choice -> JSONValue in
            var members: [JSONObject.Member] = [
                .init(name: "name", value: .string(choice.name)),
                .init(name: "values", value: .array(choice.values.map { .integer(Int64($0)) })),
            ]
            if let condition = choice.condition {
                members.append(.init(name: "where", value: .string(condition.name)))
                members.append(.init(name: "is", value: .array(condition.values.sorted().map { .integer(Int64($0)) })))
            }
            return .object(JSONObject(members: members))
        }
        let found = self.found.map { found -> JSONValue in
            switch found {
            case .timed(let seconds): .number(seconds)
            case .refused(let reason): .string(reason)
            }
        }
        return JSONValue.object(
            JSONObject(members: [
                .init(name: "kernel", value: .string(name)), .init(name: "tuned", value: .bool(isTuned)),
                .init(name: "origin", value: .string(origin)), .init(name: "choices", value: .array(choices)),
                .init(name: "codes", value: .array(codes.map { .integer(Int64($0)) })),
                .init(name: "found", value: .array(found)),
            ])
        ).text
    }

    /// Reads a landscape's file; nil for any other text.
    package init?(parsing text: String) {
        guard let object = (try? JSONReader().read(text))?.objectValue, let name = object["kernel"]?.stringValue,
            let isTuned = object["tuned"]?.boolValue, let origin = object["origin"]?.stringValue
        else { return nil }
        func numbers(_ value: JSONValue?) -> [Int] {
            (value?.arrayValue ?? []).compactMap { $0.integerValue.map { Int($0) } }
        }
        let choices = (object["choices"]?.arrayValue ?? []).compactMap { value -> Choice? in
            guard let choice = value.objectValue, let name = choice["name"]?.stringValue else { return nil }
            let values = numbers(choice["values"])
            if values.isEmpty { return nil }
            guard let other = choice["where"]?.stringValue else { return Choice(name, values) }
            return Choice(name, values).only(where: other, is: Set(numbers(choice["is"])))
        }
        let found = (object["found"]?.arrayValue ?? []).compactMap { value -> Found? in
            if let reason = value.stringValue { return .refused(reason: reason) }
            return value.doubleValue.map { .timed(seconds: $0) }
        }
        let codes = numbers(object["codes"])
        guard codes.count == choices.reduce(1, { $0 * $1.values.count }), codes.allSatisfy(found.indices.contains)
        else {
            return nil
        }
        self.init(name: name, isTuned: isTuned, origin: origin, choices: choices, codes: codes, found: found)
    }
}

/// Answers a search over one landscape from what is written there. A win is what is faster than the champion beyond the margin.
package actor LandscapeEvaluator: CandidateEvaluator {
    private let landscape: Landscape
    private var champion = Double.infinity
    private var seen: Set<Int> = []
    /// Best seconds after each trial that counted.
    package private(set) var curve: [Double] = []

    /// What a win must exceed, as the judge's settings have it.
    package static let margin = 1.02

    /// An evaluator that has answered nothing.
    package init(_ landscape: Landscape) { self.landscape = landscape }

    package func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        batch.map { candidate in
            let code = landscape.code(candidate.schedule)
            let isNew = seen.insert(code).inserted
            switch landscape.found[code] {
            case .refused(let reason):
                if !isNew { return .repeated(seconds: nil) }
                curve.append(curve.last ?? .infinity)
                return .refused(reason: reason)
            case .timed(let seconds):
                if !isNew { return .repeated(seconds: seconds) }
                curve.append(min(curve.last ?? .infinity, seconds))
                let isWin = champion / seconds > Self.margin
                if isWin { champion = seconds }
                return .timed(seconds: seconds, isWin: isWin)
            }
        }
    }
}
