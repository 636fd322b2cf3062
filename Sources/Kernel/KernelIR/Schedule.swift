/// A named, bounded decision about how a kernel runs. Index 0 of `values` is the default and already good.
package struct Choice: Hashable, Sendable {
    package var name: String
    /// Allowed values, the default first.
    package var values: [Int]

    /// Makes a choice.
    package init(_ name: String, _ values: [Int]) {
        precondition(!values.isEmpty, "a choice needs a default")
        self.name = name
        self.values = values
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
