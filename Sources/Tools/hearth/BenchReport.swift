import Base
import Baselines
import JSON
import SearchEvents

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
        /// Whether the outputs of its last timed call agree with the truth; nil when that was not looked at.
        var agrees: Bool?
        /// The device's nanoseconds of a call.
        var device: Double?
        /// Joules of the whole board a call.
        var joules: Double?
    }

    var package: String
    var model: String
    var machine: String
    var threads: Int
    /// Whether Python called the package, as it calls the rivals.
    var isFromPython: Bool
    /// How many input sets were taken in turn.
    var sets: Int
    var rows: [Row]
    /// Whether our outputs of the last timed call agree with the truth; false where none was recorded.
    var isVerified = false
    /// The device's nanoseconds of one of our calls.
    var oursDevice: Double?
    /// Joules of the whole board of one of our calls.
    var oursJoules: Double?

    /// Median nanoseconds of our calls beside the first rival that ran.
    var oursWall: Double? { rows.first { !$0.timing.rounds.isEmpty }?.timing.ours }

    /// The rivals that ran to the end.
    var measured: [Row] { rows.filter { $0.failure == nil && !$0.timing.rounds.isEmpty } }
    /// The fastest of PyTorch's modes.
    var bestOfPyTorch: Row? { Self.fastest(measured.filter { !["onnxruntime", "openvino"].contains($0.mode) }) }
    /// The fastest rival.
    var best: Row? { Self.fastest(measured) }

    private static func fastest(_ rows: [Row]) -> Row? { rows.min { $0.timing.ratio < $1.timing.ratio } }

    /// Whether the interval of the ratio reaches the promise.
    static func reaches(_ row: Row) -> Bool { row.timing.interval.upperBound >= Gain.tie }

    /// Whether we beat a rival by more than 2 %.
    static func gain(_ row: Row) -> Gain {
        Gain(ratio: row.timing.ratio, low: row.timing.interval.lowerBound)
    }

    /// For machines.
    var json: JSONValue {
        let against: [JSONValue] = rows.map { row in
            if let failure = row.failure { return ["mode": .string(row.mode), "error": .string(failure)] }
            let facts: JSONValue = [
                "mode": .string(row.mode), "ours_ms": .number(row.timing.ours / 1e6),
                "theirs_ms": .number(row.timing.theirs / 1e6), "ratio": .number(row.timing.ratio),
                "low": .number(row.timing.interval.lowerBound), "high": .number(row.timing.interval.upperBound),
                "rounds": .integer(Int64(row.timing.rounds.count)),
                "reaches": .bool(Self.reaches(row)), "gain": .bool(Self.gain(row).isGain),
            ]
            guard case .object(var object) = facts else { return facts }
            object.members += Self.known(device: row.device, joules: row.joules, prefix: "theirs")
            if let agrees = row.agrees { object.members.append(.init(name: "agrees", value: .bool(agrees))) }
            return .object(object)
        }
        var versions: [JSONObject.Member] = []
        for (name, version) in rows.flatMap(\.versions) where !versions.contains(where: { $0.name == name }) {
            versions.append(.init(name: name, value: .string(version)))
        }
        let facts: JSONValue = [
            "package": .string(package), "model": .string(model), "machine": .string(machine),
            "threads": .integer(Int64(threads)), "called_from": .string(isFromPython ? "python" : "swift"),
            "input_sets": .integer(Int64(sets)), "verified": .bool(isVerified), "against": .array(against),
            "best_of_pytorch": bestOfPyTorch.map { .string($0.mode) } ?? .null,
            "best": best.map { .string($0.mode) } ?? .null,
            "reaches_0.98": bestOfPyTorch.map { .bool(Self.reaches($0)) } ?? .null,
            "gain": best.map { .bool(Self.gain($0).isGain) } ?? .null,
            "versions": .object(JSONObject(members: versions)),
        ]
        guard case .object(var object) = facts else { return facts }
        object.members += Self.known(device: oursDevice, joules: oursJoules, prefix: "ours")
        return .object(object)
    }

    private static func known(device: Double?, joules: Double?, prefix: String) -> [JSONObject.Member] {
        var members: [JSONObject.Member] = []
        if let device { members.append(.init(name: "\(prefix)_device_ms", value: .number(device / 1e6))) }
        if let joules { members.append(.init(name: "\(prefix)_joules", value: .number(joules))) }
        return members
    }

    /// For people: a table, and what follows from it.
    var text: String {
        func pad(_ text: String, _ width: Int) -> String {
            text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
        }
        // A tenth of a microsecond for what takes less than a hundred.
        func digits(_ milliseconds: Double) -> Int { milliseconds < 0.1 ? 4 : 3 }
        func ms(_ nanoseconds: Double) -> String {
            pad(TextFormat.fixed(nanoseconds / 1e6, digits(nanoseconds / 1e6)), 10)
        }
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
                    + "\(pad(TextFormat.fixed(row.timing.ratio, 2), 6))  \(interval(row.timing))"
                    + (row.agrees == false ? "  (its outputs do not agree with the truth)" : ""))
        }
        func besides(_ what: String, _ ours: Double?, _ theirs: (Row) -> Double?, _ scale: Double) {
            guard let ours else { return }
            let rest = measured.compactMap { row in
                theirs(row).map { "\(row.mode) \(TextFormat.fixed($0 * scale, digits($0 * scale)))" }
            }
            lines.append(
                "\(what): \((["hearth \(TextFormat.fixed(ours * scale, digits(ours * scale)))"] + rest).joined(separator: ", "))"
            )
        }
        besides("device alone, ms a call", oursDevice, \.device, 1e-6)
        besides("energy of the board, mJ a call", oursJoules, \.joules, 1e3)
        lines.append(
            "called from \(isFromPython ? "Python" : "this process"), \(sets) input set\(sets == 1 ? "" : "s"); outputs of timed "
                + "calls \(isVerified ? "agree with the truth" : "not verified: no truth is recorded")")
        for (name, row) in [("best of PyTorch", bestOfPyTorch), ("best rival", best)] {
            guard let row else { continue }
            lines.append(
                "\(name): \(row.mode), ratio \(TextFormat.fixed(row.timing.ratio, 2)), interval reaches "
                    + "\(Gain.tie): \(Self.reaches(row) ? "yes" : "no") (\(interval(row.timing)))")
        }
        if let best, !Self.gain(best).isGain {
            lines.append(Gain.none(against: "the best rival measured (\(best.mode))"))
        }
        return lines.joined(separator: "\n")
    }

    /// The rows as events of a search.
    var comparisons: [ModelComparison] {
        rows.map { row in
            var comparison = ModelComparison()
            comparison.against = row.mode
            comparison.failure = row.failure ?? (row.timing.rounds.isEmpty ? "it never ran" : nil)
            guard comparison.failure == nil else { return comparison }
            comparison.seconds = row.timing.ours * 1e-9
            comparison.theirSeconds = row.timing.theirs * 1e-9
            comparison.ratio = row.timing.ratio
            (comparison.low, comparison.high) = (row.timing.interval.lowerBound, row.timing.interval.upperBound)
            comparison.rounds = row.timing.rounds.count
            return comparison
        }
    }
}
