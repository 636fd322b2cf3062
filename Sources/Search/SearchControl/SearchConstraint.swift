/// A limit that the finished package must keep: `memory<500MB`, `latency<=5ms`.
package struct SearchConstraint: Hashable, Sendable, CustomStringConvertible {
    /// What is limited.
    package enum Quantity: String, CaseIterable, Sendable {
        /// Bytes of arena and weights.
        case memory
        /// Seconds of a call.
        case latency

        /// Units by name, in bytes or seconds.
        var units: [(name: String, size: Double)] {
            switch self {
            case .memory:
                [
                    ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6),
                    ("GB", 1e9), ("B", 1),
                ]
            case .latency: [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1)]
            }
        }
    }

    package let quantity: Quantity
    /// Bytes or seconds.
    package let limit: Double
    /// Whether the limit itself is too much.
    package let isStrict: Bool
    /// As it was written.
    package let description: String

    /// Reads `memory<500MB`: a quantity, `<` or `<=`, a number and a unit.
    package init(parsing text: String) throws(ControlError) {
        let parts = text.split(separator: "<", maxSplits: 1, omittingEmptySubsequences: false)
        let names = Quantity.allCases.map(\.rawValue).joined(separator: ", ")
        guard parts.count == 2 else {
            throw ControlError("--constraint '\(text)': write it as memory<500MB or latency<5ms")
        }
        guard let quantity = Quantity(rawValue: Self.trimmed(parts[0])) else {
            throw ControlError(
                "--constraint '\(text)': '\(Self.trimmed(parts[0]))' cannot be limited; these can be: \(names)")
        }
        isStrict = !parts[1].hasPrefix("=")
        let amount = Self.trimmed(isStrict ? parts[1] : parts[1].dropFirst())
        let digits = amount.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "e" || $0 == "E") }
        let unit = Self.trimmed(amount.dropFirst(digits.count))
        let units = quantity.units.map(\.name).joined(separator: ", ")
        guard let value = Double(String(digits)), value > 0, value.isFinite else {
            throw ControlError("--constraint '\(text)': '\(amount)' is no amount above 0 such as 500MB or 5ms")
        }
        guard let size = quantity.units.first(where: { $0.name == unit })?.size else {
            throw ControlError(
                "--constraint '\(text)': \(unit.isEmpty ? "a unit is missing" : "'\(unit)' is no unit") of "
                    + "\(quantity.rawValue); the units are \(units)")
        }
        self.quantity = quantity
        limit = value * size
        description = text
    }

    /// How far figures are above the limit, as a part of it; 0 where they keep it.
    package func violation(_ figures: SearchFigures) -> Double {
        guard let value = figures[quantity] else { return 0 }
        if value < limit || (value == limit && !isStrict) { return 0 }
        // What only touches the limit is above it by next to nothing, but it is.
        return max(value / limit - 1, .ulpOfOne)
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func trimmed(_ text: String) -> String { trimmed(text[...]) }
}

/// What is known of a package or a kernel.
package struct SearchFigures: Hashable, Sendable {
    /// Seconds of a call.
    package var seconds: Double
    /// Bytes of arena and weights; nil when unknown.
    package var bytes: Double?

    /// Makes figures.
    package init(seconds: Double, bytes: Double? = nil) {
        self.seconds = seconds
        self.bytes = bytes
    }

    /// One of them.
    subscript(quantity: SearchConstraint.Quantity) -> Double? {
        switch quantity {
        case .memory: bytes
        case .latency: seconds
        }
    }
}
