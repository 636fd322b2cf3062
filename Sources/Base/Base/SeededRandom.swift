/// SplitMix64 (Steele, Lea, Flood 2014): small, fast and the same on every machine for the same seed.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Makes a generator; equal seeds give equal sequences.
    package init(seed: UInt64) { state = seed }

    /// The next 64 random bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A uniform double in [0, 1).
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A uniform integer in 0..<bound; the bias for small bounds is below 2^-50.
    package mutating func index(below bound: Int) -> Int {
        precondition(bound > 0, "an index needs a positive bound")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A generator for one purpose, independent of the others made from the same seed.
    package func split(_ purpose: UInt64) -> SeededRandom {
        var child = SeededRandom(seed: state ^ (purpose &* 0xD134_2543_DE82_EF95))
        return SeededRandom(seed: child.next())
    }
}
