/// The 8-bit floating-point formats of PyTorch (Micikevicius et al. 2022): their numbers and the nearest of them.
package struct Float8: Hashable, Sendable {
    /// `float8_e4m3fn`: 4 bits of exponent, 3 of fraction, no infinities, one NaN of each sign; the greatest is 448.
    package static let e4m3 = Self(fractionBits: 3, bias: 7, greatest: 448, hasInfinities: false)
    /// `float8_e5m2`: 5 bits of exponent, 2 of fraction, as IEEE 754 would have it; the greatest is 57344.
    package static let e5m2 = Self(fractionBits: 2, bias: 15, greatest: 57344, hasInfinities: true)

    /// Bits of the fraction.
    package let fractionBits: Int
    /// What is taken from the stored exponent.
    package let bias: Int
    /// The greatest finite number.
    package let greatest: Double
    /// Whether the last exponent holds infinities and NaN; else its numbers are finite but for the last.
    package let hasInfinities: Bool

    /// The format of an element type; nil for others.
    package init?(_ element: ElementType) {
        switch element {
        case .f8e4m3: self = .e4m3
        case .f8e5m2: self = .e5m2
        case .f64, .f32, .f16, .bf16, .i64, .i32, .i16, .i8, .u8, .bool: return nil
        }
    }

    private init(fractionBits: Int, bias: Int, greatest: Double, hasInfinities: Bool) {
        self.fractionBits = fractionBits
        self.bias = bias
        self.greatest = greatest
        self.hasInfinities = hasInfinities
    }

    /// The number that bits stand for.
    package func value(_ bits: UInt8) -> Double {
        let sign: Double = bits & 0x80 == 0 ? 1 : -1
        let magnitude = Int(bits & 0x7F)
        let fraction = magnitude & ((1 << fractionBits) - 1)
        let exponent = magnitude >> fractionBits
        if hasInfinities, exponent == 31 { return fraction == 0 ? sign * .infinity : .nan }
        if !hasInfinities, magnitude == 0x7F { return .nan }
        let whole = exponent == 0 ? fraction : fraction + (1 << fractionBits)
        let scale = max(exponent, 1) - bias - fractionBits
        return sign * Double(whole) * Double(sign: .plus, exponent: scale, significand: 1)
    }

    /// The number nearest to `value`, halves to even. What is too large becomes an infinity, or the greatest number where there
    /// is none, as PyTorch's conversion has it since 2.12.
    package func rounded(_ value: Double) -> Double {
        let over = hasInfinities ? Double.infinity : greatest
        guard value.isFinite else { return value.isNaN ? value : value < 0 ? -over : over }
        guard value != 0 else { return value }
        let exponent = max(Int(value.exponent), 1 - bias)
        let spacing = Double(sign: .plus, exponent: exponent - fractionBits, significand: 1)
        let nearest = (value / spacing).rounded(.toNearestOrEven) * spacing
        return nearest.magnitude > greatest ? (value < 0 ? -over : over) : nearest
    }

    /// The bits of the number nearest to `value`.
    package func bits(_ value: Double) -> UInt8 {
        let number = rounded(value)
        let sign: UInt8 = value.sign == .minus ? 0x80 : 0
        if number.isNaN { return sign | 0x7F }
        if number.isInfinite { return sign | 0x7C }
        let magnitude = number.magnitude
        let least = Double(sign: .plus, exponent: 1 - bias, significand: 1)
        if magnitude < least {
            return sign | UInt8(magnitude * Double(sign: .plus, exponent: bias - 1 + fractionBits, significand: 1))
        }
        let fraction = Int((magnitude.significand - 1) * Double(1 << fractionBits))
        return sign | UInt8((Int(magnitude.exponent) + bias) << fractionBits | fraction)
    }
}
