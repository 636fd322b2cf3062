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
    /// Which code each schedule becomes, in the order of `schedules`.
    package private(set) var codes: [Int]
    /// What came of each code.
    package var found: [Found]
    /// Seconds that it took to compile, judge and time each code; empty where that was not recorded.
    package var costs: [Double]
    private let codeOf: [Schedule: Int]

    /// Makes a landscape.
    package init(
        name: String, isTuned: Bool, origin: String, choices: [Choice], codes: [Int], found: [Found],
        costs: [Double] = []
    ) {
        let schedules = Self.schedules(choices)
        precondition(codes.count == schedules.count, "every schedule has its code")
        codeOf = Dictionary(uniqueKeysWithValues: zip(schedules, codes))
        self.name = name
        self.isTuned = isTuned
        self.origin = origin
        self.choices = choices
        self.codes = codes
        self.found = found
        self.costs = costs
    }

    /// The code of a schedule whose values are all allowed.
    package func code(_ schedule: Schedule) -> Int { codeOf[choices.canonical(schedule)] ?? 0 }

    /// All schedules, with the last choice fastest; a choice that means nothing beside the others has its default. Empty where they
    /// are more than `most`.
    package static func schedules(_ choices: [Choice], most: Int = .max) -> [Schedule] {
        var all = [Schedule()]
        for (place, choice) in choices.enumerated() {
            // What a choice hangs on may come later, and is looked at when all are known.
            let other = choice.condition.flatMap { condition in choices[..<place].first { $0.name == condition.name } }
            var next: [Schedule] = []
            for schedule in all {
                let isOpen = other.map { choice.condition?.values.contains(schedule[$0]) == true } ?? true
                for value in isOpen ? choice.values[...] : choice.values[..<1] {
                    var schedule = schedule
                    schedule.set(choice.name, value)
                    next.append(schedule)
                }
                if next.count > most { return [] }
            }
            all = next
        }
        return all.filter { $0 == choices.canonical($0) }
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
                .init(name: "seconds", value: .array(costs.map { .number($0) })),
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
        guard Set(choices.map(\.name)).count == choices.count, codes.allSatisfy(found.indices.contains),
            Self.schedules(choices, most: codes.count).count == codes.count
        else { return nil }
        let costs = (object["seconds"]?.arrayValue ?? []).compactMap(\.doubleValue)
        guard costs.isEmpty || costs.count == found.count else { return nil }
        self.init(
            name: name, isTuned: isTuned, origin: origin, choices: choices, codes: codes, found: found, costs: costs)
    }
}

/// Answers a search over one landscape from what is written there. A win is what is faster than the champion beyond the margin.
package actor LandscapeEvaluator: CandidateEvaluator {
    private let landscape: Landscape
    private var champion = Double.infinity
    private var seen: Set<Int> = []
    /// Best seconds after each trial that counted.
    package private(set) var curve: [Double] = []
    /// Seconds that all trials up to each one would have taken to compile and judge.
    package private(set) var spent: [Double] = []

    /// What a win must exceed, as the judge's settings have it.
    package static let margin = 1.02

    /// An evaluator that has answered nothing.
    package init(_ landscape: Landscape) { self.landscape = landscape }

    package func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        batch.map { candidate in
            let code = landscape.code(candidate.schedule)
            let isNew = seen.insert(code).inserted
            if isNew { spent.append((spent.last ?? 0) + (landscape.costs.isEmpty ? 0 : landscape.costs[code])) }
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
