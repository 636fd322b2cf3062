import Base

/// What a search came to, in sentences for people. The report, the command and the manifest say the same.
extension SearchRecord {
    /// The finding that counts: against the best of PyTorch's where it was measured, else against the package without the search.
    package var summary: String {
        // Rivals are timed one call after another, whatever was searched for.
        if let rival = bestRival { return Self.sentence(rival, Self.name(rival), "latency") }
        guard let own = againstDefault else { return "not searched and not compared with anything" }
        if own.failure != nil { return "not compared: \(own.failure ?? "")" }
        guard start.objective == "memory" else { return Self.sentence(own, Self.ownName, start.objective) }
        guard let memorySentence else { return "no gain: nothing takes less memory than \(Self.ownName)" }
        return "\(memorySentence), in \(TextFormat.fixed(1 / max(own.ratio, 1e-9), 2)) of its time"
    }

    /// Whether that finding is a gain; nil where nothing was measured.
    package var gain: Gain? {
        if let rival = bestRival { return rival.gain }
        guard let own = againstDefault, own.failure == nil else { return nil }
        guard start.objective == "memory" else { return own.gain }
        return memorySentence == nil ? Gain.none : .gain(memoryRatio)
    }

    /// What a comparison by an objective found: how much better, or that there is no gain.
    private static func sentence(_ comparison: ModelComparison, _ name: String, _ objective: String) -> String {
        if comparison.rounds == 0 { return "\(Gain.none(against: name)) (the package is the same)" }
        let interval = "95 % interval \(TextFormat.fixed(comparison.low, 2)) … \(TextFormat.fixed(comparison.high, 2))"
        guard case .gain(let ratio) = comparison.gain else {
            return "\(Gain.none(against: name)) (ratio \(TextFormat.fixed(comparison.ratio, 2)), \(interval))"
        }
        switch objective {
        case "throughput": return "\(TextFormat.fixed(ratio, 2)) times as many calls a second as \(name) (\(interval))"
        case "energy": return "\(TextFormat.fixed(1 / ratio, 2)) of the energy of \(name) (ratio \(interval))"
        default: return "\(TextFormat.fixed(ratio, 2)) times as fast as \(name) (\(interval))"
        }
    }

    /// What a comparison is against, in words.
    private static func name(_ comparison: ModelComparison) -> String {
        comparison.against == ModelComparison.ownDefault ? ownName : "the best rival measured (\(comparison.against))"
    }

    /// The package without the search, in words.
    package static let ownName = "the package without the search"

    private var memoryRatio: Double {
        guard let memory, let before = memory.defaultBytes, memory.bytes > 0 else { return 1 }
        return before / memory.bytes
    }

    /// That the package takes less memory, where that is what was searched for and found.
    private var memorySentence: String? {
        guard start.objective == "memory", memoryRatio > Gain.margin else { return nil }
        return "\(TextFormat.fixed(1 / memoryRatio, 2)) of the memory of \(Self.ownName)"
    }
}
