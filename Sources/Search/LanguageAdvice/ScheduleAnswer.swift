internal import JSON
internal import KernelIR
package import KernelSwarm

/// What a language model's text comes to: points of a region's space, and why the rest of it was of no use. Nothing is guessed: a
/// schedule with one name or value that is not in the table is left out as a whole.
package struct ScheduleAnswer: Hashable, Sendable {
    /// Canonical points that were not tried, each once, in the order of the answer.
    package private(set) var points: [Point] = []
    /// One line each.
    package private(set) var faults: [String] = []

    /// Most schedules that are looked at, and most faults that are told.
    private static let mostSchedules = 64
    private static let mostFaults = 8

    /// Reads a model's text: an object with `schedules`, a list of schedules or one schedule, alone, in a code fence or amid words. Where the
    /// answer holds something else of use, schedules may be missing.
    package init(_ text: String, _ view: RegionView, mayBeMissing: Bool = false) {
        let text = Self.withoutThoughts(text)
        if text.allSatisfy(\.isWhitespace) {
            faults = ["the answer is empty"]
            return
        }
        guard let proposals = Self.texts(text).lazy.compactMap({ Self.proposals($0, view) }).first else {
            if !mayBeMissing { faults = ["the answer holds no JSON object {\"schedules\": [...]}"] }
            return
        }
        if proposals.isEmpty, !mayBeMissing { faults = ["the answer names no schedule"] }
        for (number, proposal) in proposals.prefix(Self.mostSchedules).enumerated() {
            switch Self.point(proposal, view) {
            case .failure(let fault): faults.append("schedule \(number + 1): \(fault.line)")
            case .success(let point):
                if points.contains(point) {
                    faults.append("schedule \(number + 1): the same as another of this answer")
                } else if view.hasTried(point) {
                    faults.append("schedule \(number + 1): it was tried before")
                } else if points.count < SchedulePrompt.most {
                    points.append(point)
                } else {
                    faults.append("schedule \(number + 1): more than \(SchedulePrompt.most)")
                }
            }
        }
        if faults.count > Self.mostFaults {
            faults = faults.prefix(Self.mostFaults - 1) + ["and \(faults.count - Self.mostFaults + 1) more"]
        }
    }

    /// Models that think aloud put their answer after it.
    static func withoutThoughts(_ text: String) -> String {
        text.ranges(of: "</think>").last.map { String(text[$0.upperBound...]) } ?? text
    }

    /// Texts that may be JSON, in the order in which they are believed: all of it, code fences, then whatever begins like it.
    private static func texts(_ text: String) -> [String] {
        var found = [text]
        let parts = text.split(separator: "```", omittingEmptySubsequences: false)
        for (place, part) in parts.enumerated() where place % 2 == 1 {
            // The first line of a fence names a language.
            found.append(String(part))
            if let end = part.firstIndex(of: "\n") { found.append(String(part[part.index(after: end)...])) }
        }
        return found + balanced(Array(text.utf8))
    }

    /// Objects and lists that stand in a text, the outer ones only.
    private static func balanced(_ bytes: [UInt8]) -> [String] {
        var found: [String] = []
        var (start, depth, inText, isEscaped) = (0, 0, false, false)
        for (place, byte) in bytes.enumerated() {
            if inText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inText = false
                }
                continue
            }
            switch byte {
            // A quotation mark in prose opens no text.
            case UInt8(ascii: "\"") where depth > 0: inText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if depth == 0 { start = place }
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { continue }
                depth -= 1
                if depth == 0 { found.append(String(decoding: bytes[start...place], as: UTF8.self)) }
            default: continue
            }
        }
        return found
    }

    /// The proposals of a text; nil where it is no JSON or JSON of something else.
    private static func proposals(_ text: String, _ view: RegionView) -> [JSONValue]? {
        let trimmed = String(text.drop { $0.isWhitespace })
        guard trimmed.hasPrefix("{") || trimmed.hasPrefix("["), let value = try? JSONReader(depthLimit: 16).read(text)
        else { return nil }
        if let list = value.arrayValue { return list.contains { $0.objectValue != nil } ? list : nil }
        guard let object = value.objectValue else { return nil }
        if let list = object["schedules"] { return list.arrayValue ?? [list] }
        // A single schedule, without what should stand around it.
        let names = Set(view.space.choices.map(\.name))
        return object.members.contains { names.contains($0.name) } ? [value] : nil
    }

    private struct Fault: Error { var line: String }

    /// The point of one proposal: what it names, and the rest as in the best schedule so far.
    private static func point(_ proposal: JSONValue, _ view: RegionView) -> Result<Point, Fault> {
        guard let object = proposal.objectValue else {
            return .failure(Fault(line: "\(proposal.kindName), where an object with choices should stand"))
        }
        if object.members.isEmpty { return .failure(Fault(line: "it names no choice")) }
        let space = view.space
        var point = space.withoutAdvice(view.champion.map { space.point($0.schedule) } ?? space.origin)
        for member in object.members {
            let name = member.name.oneLine(60)
            guard let place = space.choices.firstIndex(where: { $0.name == member.name && !$0.isAdvised }) else {
                return .failure(Fault(line: "there is no choice '\(name)'"))
            }
            let choice = space.choices[place]
            var number = member.value.integerValue.flatMap { Int(exactly: $0) }
            if let word = member.value.stringValue {
                number = Int(word) ?? choice.words.filter { $0.value == word }.keys.min()
            }
            guard let number, let value = choice.values.firstIndex(of: number) else {
                let said = member.value.text.oneLine(60)
                let allowed = choice.values.map { "\($0)" }.joined(separator: ", ")
                return .failure(Fault(line: "\(said) is no value of '\(name)', which takes \(allowed)"))
            }
            point[place] = value
        }
        return .success(space.canonical(point))
    }
}
