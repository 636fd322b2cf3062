/// A named, bounded decision about how a kernel runs. Index 0 of `values` is the default and already good.
package struct Choice: Hashable, Sendable {
    package var name: String
    /// Allowed values, the default first.
    package var values: [Int]
    /// Where another choice must have one of some values for this one to mean anything; nil where it always does.
    package var condition: Condition?
    /// Words for some values, for people who state them.
    package var words: [Int: String] = [:]
    /// Whether only somebody outside of the search takes it (`ScheduleAdvisor`): its values are names of something that was made for this
    /// search, so that no agent moves it, and no schedule names its default.
    package var isAdvised = false

    /// Values of another choice.
    package struct Condition: Hashable, Sendable {
        /// Name of the other choice.
        package var name: String
        package var values: Set<Int>
    }

    /// Makes a choice.
    package init(_ name: String, _ values: [Int]) {
        precondition(!values.isEmpty, "a choice needs a default")
        self.name = name
        self.values = values
    }

    /// The choice with words for its values.
    package func named(_ words: [Int: String]) -> Choice {
        var choice = self
        choice.words = words
        return choice
    }

    /// The choice, meaning something only where another one has one of these values; nil leaves it as it is.
    package func only(where name: String, is values: Set<Int>?) -> Choice {
        var choice = self
        if let values { choice.condition = Condition(name: name, values: values) }
        return choice
    }
}

extension [Choice] {
    /// The schedule with every decision stated and unknown names dropped; decisions that mean nothing beside the others are the
    /// defaults, so that equal kernels have equal schedules. Defaults of what is only advised are left out.
    package func canonical(_ schedule: Schedule) -> Schedule {
        Schedule(
            Dictionary(
                uniqueKeysWithValues: compactMap { choice in
                    if choice.isAdvised, schedule[choice] == choice.values[0] { return nil }
                    guard let condition = choice.condition,
                        let other = first(where: { $0.name == condition.name }),
                        !condition.values.contains(schedule[other])
                    else { return (choice.name, schedule[choice]) }
                    return (choice.name, choice.values[0])
                }))
    }
}

/// The decisions taken: data, never code. Decisions not named take their defaults.
package struct Schedule: Hashable, Sendable, CustomStringConvertible {
    /// Values by the name of their choice.
    package private(set) var values: [String: Int]

    /// All defaults, or the given decisions.
    package init(_ values: [String: Int] = [:]) { self.values = values }

    /// The decision for a choice, or its default.
    package subscript(_ choice: Choice) -> Int { values[choice.name] ?? choice.values[0] }

    /// Takes a decision.
    package mutating func set(_ name: String, _ value: Int) { values[name] = value }

    /// Canonical text: `name=value` sorted by name.
    package var description: String {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    /// Reads the canonical text; nil for any other text.
    package init?(parsing text: String) {
        var values: [String: Int] = [:]
        for part in text.split(separator: " ") {
            guard let equals = part.lastIndex(of: "="), equals != part.startIndex,
                let value = Int(part[part.index(after: equals)...]),
                values.updateValue(value, forKey: String(part[..<equals])) == nil
            else { return nil }
        }
        self.init(values)
    }
}

/// What code generation must know of a processor; made from a device's limits.
package struct CPUTarget: Hashable, Sendable {
    /// Bytes of a vector register: 64 (AVX-512), 32 (AVX2), 16 (baseline, NEON).
    package var vectorBytes: Int
    /// Number of vector registers.
    package var vectorRegisters: Int
    package var hasFMA: Bool
    /// Conversions between f16 and f32 in hardware.
    package var hasF16Conversion: Bool
    /// AVX-512 BF16 dot products.
    package var hasBF16Dot: Bool
    /// AMX tiles with bf16 products.
    package var hasAMXBF16: Bool
    /// Dot products of bytes (VNNI) on whole vectors.
    package var hasInt8Dot: Bool
    /// AMX tiles with products of bytes.
    package var hasAMXInt8 = false
    /// Bytes of level-1 data cache of a core, level-2 cache of a core, and last-level cache.
    package var cacheBytes: [Int]
    /// Threads that run a kernel.
    package var threads: Int
    /// Whether oneDNN is there to be called.
    package var hasOneDNN = false
    /// Compiler flags that switch these instruction sets on, e.g. `-mavx512f`.
    package var compilerFlags: [String]

    /// Makes a target.
    package init(
        vectorBytes: Int, vectorRegisters: Int, hasFMA: Bool, hasF16Conversion: Bool, hasBF16Dot: Bool,
        hasAMXBF16: Bool, hasInt8Dot: Bool, cacheBytes: [Int], threads: Int, compilerFlags: [String]
    ) {
        self.vectorBytes = vectorBytes
        self.vectorRegisters = vectorRegisters
        self.hasFMA = hasFMA
        self.hasF16Conversion = hasF16Conversion
        self.hasBF16Dot = hasBF16Dot
        self.hasAMXBF16 = hasAMXBF16
        self.hasInt8Dot = hasInt8Dot
        self.cacheBytes = cacheBytes
        self.threads = threads
        self.compilerFlags = compilerFlags
    }
}
