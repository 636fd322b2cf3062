import Baselines
import JSON

/// What a bench found: a row a rival, the best of PyTorch, the best of all, and whether the promise holds.
struct BenchReport {
    /// One rival.
    struct Row {
        var mode: String
        /// Our times beside theirs; without rounds when the rival never ran.
        var timing: PairedTiming
        /// Why the rival dropped out, if it did.
        var failure: String?
        /// Versions of its libraries.
        var versions: [(name: String, version: String)]
    }

    /// The least upper end of the interval of the ratio that counts as "not slower": a tie within 2 %.
    static let promise = 0.98

    var package: String
    var model: String
    var machine: String
    var threads: Int
    var rows: [Row]

    /// The rivals that ran to the end.
    var measured: [Row] { rows.filter { $0.failure == nil && !$0.timing.rounds.isEmpty } }
    /// The fastest of PyTorch's modes.
    var bestOfPyTorch: Row? { Self.fastest(measured.filter { !["onnxruntime", "openvino"].contains($0.mode) }) }
    /// The fastest rival.
    var best: Row? { Self.fastest(measured) }

    private static func fastest(_ rows: [Row]) -> Row? { rows.min { $0.timing.ratio < $1.timing.ratio } }

    /// Whether the interval of the ratio reaches the promise.
    static func reaches(_ row: Row) -> Bool { row.timing.interval.upperBound >= promise }

    /// For machines.
    var json: JSONValue {
        let against: [JSONValue] = rows.map { row in
            if let failure = row.failure { return ["mode": .string(row.mode), "error": .string(failure)] }
            return [
                "mode": .string(row.mode), "ours_ms": .number(row.timing.ours / 1e6),
                "theirs_ms": .number(row.timing.theirs / 1e6), "ratio": .number(row.timing.ratio),
                "low": .number(row.timing.interval.lowerBound), "high": .number(row.timing.interval.upperBound),
                "rounds": .integer(Int64(row.timing.rounds.count)),
                "reaches": .bool(Self.reaches(row)),
            ]
        }
        var versions: [JSONObject.Member] = []
        for (name, version) in rows.flatMap(\.versions) where !versions.contains(where: { $0.name == name }) {
            versions.append(.init(name: name, value: .string(version)))
        }
        return [
            "package": .string(package), "model": .string(model), "machine": .string(machine),
            "threads": .integer(Int64(threads)), "against": .array(against),
            "best_of_pytorch": bestOfPyTorch.map { .string($0.mode) } ?? .null,
            "best": best.map { .string($0.mode) } ?? .null,
            "reaches_0.98": bestOfPyTorch.map { .bool(Self.reaches($0)) } ?? .null,
            "versions": .object(JSONObject(members: versions)),
        ]
    }

    /// For people: a table, and what follows from it.
    var text: String {
        func pad(_ text: String, _ width: Int) -> String {
            text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
        }
        func ms(_ nanoseconds: Double) -> String { pad(TextFormat.fixed(nanoseconds / 1e6, 3), 10) }
        func interval(_ timing: PairedTiming) -> String {
            let range = timing.interval
            return "\(TextFormat.fixed(range.lowerBound, 2)) … \(TextFormat.fixed(range.upperBound, 2))"
        }
        var lines = ["\(pad("rival", 22))   hearth ms   theirs ms   ratio  95 % interval"]
        for row in rows {
            guard row.failure == nil else {
                lines.append("\(pad(row.mode, 22))  not measured: \(row.failure ?? "")")
                continue
            }
            lines.append(
                "\(pad(row.mode, 22))  \(ms(row.timing.ours))  \(ms(row.timing.theirs))  "
                    + "\(pad(TextFormat.fixed(row.timing.ratio, 2), 6))  \(interval(row.timing))")
        }
        for (name, row) in [("best of PyTorch", bestOfPyTorch), ("best rival", best)] {
            guard let row else { continue }
            lines.append(
                "\(name): \(row.mode), ratio \(TextFormat.fixed(row.timing.ratio, 2)), interval reaches "
                    + "\(Self.promise): \(Self.reaches(row) ? "yes" : "no") (\(interval(row.timing)))")
        }
        return lines.joined(separator: "\n")
    }
}
