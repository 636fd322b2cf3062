package import KernelIR

/// A region as hints and `--only` know it.
package struct NamedRegion: Hashable, Sendable {
    /// `model`, `region.0`, ….
    package var name: String
    /// Name of the kernel.
    package var kernel: String
    /// Hash of what the kernel computes, in hexadecimal digits: it stays when other kernels change. Empty where there is none.
    package var key: String
    package var choices: [Choice]

    /// Least and usual number of digits that stand for a key.
    private static let leastDigits = 6
    package static let digits = 8

    /// Makes a region.
    package init(name: String, kernel: String, key: String = "", choices: [Choice]) {
        self.name = name
        self.kernel = kernel
        self.key = key
        self.choices = choices
    }

    /// Whether a text names it: its name, its kernel's, or the first digits of its key.
    func isNamed(_ text: String) -> Bool {
        name == text || kernel == text || text.count >= Self.leastDigits && key.hasPrefix(text)
    }
}

/// Hints applied to regions. A hint that fits nowhere is an error; none is passed over.
package struct HintTable: Sendable {
    /// Names that stand for others, so that one hint serves processors and GPUs.
    private static let aliases = ["strategy": ["algorithm", "form", "team"], "threads": ["threads", "threads.count"]]

    /// The regions with narrowed choices.
    package private(set) var regions: [NamedRegion]
    /// Which of the regions a hint changed.
    package private(set) var isHinted: [Bool]
    /// The hints for all regions that fitted somewhere.
    package private(set) var fitted: Set<SearchHint> = []

    /// Narrows the regions' choices. Hints for other regions than these throw, unless `others` says that they are named elsewhere;
    /// so do unknown choices and values. A hint for all regions must fit one of these, unless `elsewhere` holds it.
    package init(
        _ hints: [SearchHint], regions: [NamedRegion], others: (String) -> Bool = { _ in false },
        elsewhere: Set<SearchHint> = []
    ) throws(ControlError) {
        self.regions = regions
        isHinted = regions.map { _ in false }
        for hint in hints {
            if hint.isForAll {
                try applyToAll(hint, elsewhere.contains(hint))
            } else if !others(hint.region) {
                try apply(hint)
            }
        }
    }

    private mutating func apply(_ hint: SearchHint) throws(ControlError) {
        let places = regions.indices.filter { regions[$0].isNamed(hint.region) }
        guard !places.isEmpty else {
            throw ControlError("--hint '\(hint)': no region '\(hint.region)'; the regions are \(Self.list(regions))")
        }
        for place in places {
            for decision in hint.decisions {
                let region = regions[place]
                guard let choice = Self.choice(decision.choice, in: region) else {
                    let names = region.choices.filter { $0.values.count > 1 }.map(\.name).joined(separator: ", ")
                    throw ControlError(
                        "--hint '\(hint)': \(region.name) (\(region.kernel)) has no choice '\(decision.choice)'; "
                            + (names.isEmpty ? "it has none at all" : "its choices are \(names)"))
                }
                guard let value = region.choices[choice].value(decision.value) else {
                    throw ControlError(
                        "--hint '\(hint)': '\(region.choices[choice].name)' of \(region.name) (\(region.kernel)) takes "
                            + "\(region.choices[choice].allowed), not \(decision.value)")
                }
                narrow(place, choice, value)
            }
        }
    }

    /// Each decision must fit some region; regions without the choice, or to which the value is not open, stay as they are.
    private mutating func applyToAll(_ hint: SearchHint, _ isFittedElsewhere: Bool) throws(ControlError) {
        for decision in hint.decisions {
            var allowed: [String] = []
            var isFitted = isFittedElsewhere
            for place in regions.indices {
                guard let choice = Self.choice(decision.choice, in: regions[place]) else { continue }
                let open = regions[place].choices[choice]
                if let value = open.value(decision.value) {
                    narrow(place, choice, value)
                    isFitted = true
                } else if !allowed.contains(open.allowed) {
                    allowed.append(open.allowed)
                }
            }
            if isFitted { continue }
            if !allowed.isEmpty {
                throw ControlError(
                    "--hint '\(hint)': '\(decision.choice)' takes \(allowed.joined(separator: "; or ")), not \(decision.value)"
                )
            }
            var names: [String] = []
            for choice in regions.flatMap(\.choices) where choice.values.count > 1 && !names.contains(choice.name) {
                names.append(choice.name)
            }
            throw ControlError(
                "--hint '\(hint)': no region has a choice '\(decision.choice)'; the choices are \(names.joined(separator: ", "))"
            )
        }
        fitted.insert(hint)
    }

    private mutating func narrow(_ region: Int, _ choice: Int, _ value: Int) {
        regions[region].choices[choice].values = [value]
        isHinted[region] = true
    }

    private static func choice(_ name: String, in region: NamedRegion) -> Int? {
        let names = [name] + (aliases[name] ?? [])
        return names.lazy.compactMap { name in region.choices.firstIndex { $0.name == name } }.first
    }

    /// Regions for an error: `region.0 (contract_3, 1f09ab77), …`.
    static func list(_ regions: [NamedRegion]) -> String {
        regions.map { region in
            if region.name == region.kernel { return region.name }
            let key = region.key.isEmpty ? "" : ", \(region.key.prefix(NamedRegion.digits))"
            return "\(region.name) (\(region.kernel)\(key))"
        }.joined(separator: ", ")
    }
}

extension NamedRegion {
    /// The regions that `--only` means: by name or key, else by a part of the kernel's name. Throws where there is none.
    package static func selected(_ text: String, of regions: [NamedRegion]) throws(ControlError) -> [Bool] {
        let exact = regions.map { $0.isNamed(text) }
        if exact.contains(true) { return exact }
        let parts = regions.map { !text.isEmpty && $0.kernel.contains(text) }
        guard parts.contains(true) else {
            throw ControlError(
                "--only \(text): no region has that name, nor a kernel with that in its name; the regions are "
                    + HintTable.list(regions))
        }
        return parts
    }
}

extension Choice {
    /// The value that a text means here; nil where none is.
    func value(_ text: String) -> Int? {
        let value = Int(text) ?? words.first { $0.value == text }?.key
        return value.flatMap { values.contains($0) ? $0 : nil }
    }

    /// The values for an error, the default first: `2 (window), 0 (generated)`.
    package var allowed: String {
        values.map { value in words[value].map { "\(value) (\($0))" } ?? "\(value)" }.joined(separator: ", ")
    }
}
