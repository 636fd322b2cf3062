import ElementTypes

/// The binary interchange format of a floating-point element type, as far as rounding to it needs to know.
package struct FloatingPointFormat: Hashable, Sendable {
    /// Bits of the significand, the leading one included.
    package let precision: Int
    /// Exponent of the least normal number, a power of 2.
    package let leastExponent: Int
    /// The greatest finite number.
    package let greatest: Double

    /// IEEE-754 binary16.
    package static let f16 = Self(precision: 11, leastExponent: -14, greatest: 65504)
    /// The upper half of a binary32.
    package static let bf16 = Self(precision: 8, leastExponent: -126, greatest: 0x1.FEp127)
    /// What matrix units take of a binary32.
    package static let tf32 = Self(precision: 11, leastExponent: -126, greatest: 0x1.FFCp127)
    /// IEEE-754 binary32.
    package static let f32 = Self(precision: 24, leastExponent: -126, greatest: 0x1.FFFFFEp127)

    /// The nearest number of this format, halves to the even significand; overflow gives an infinity, NaN stays.
    ///
    /// Normal numbers lose low bits of their significand. Around subnormal ones the spacing of the format's numbers is a power of 2, so
    /// dividing by it, rounding to a whole number and multiplying again are exact but for the one rounding that is meant. Nothing
    /// is rounded twice through f32.
    package func round(_ value: Double) -> Double {
        guard value.isFinite, value != 0 else { return value }
        let bits = value.bitPattern
        let rounded: Double
        if Int(bits >> 52 & 0x7FF) - 1023 >= leastExponent {
            // What is cut off a normal number are the low bits of its significand; a carry reaches the exponent as it should.
            let cut = UInt64(53 - precision)
            let half = ((1 as UInt64) << (cut - 1)) - 1 + ((bits >> cut) & 1)
            rounded = Double(bitPattern: ((bits &+ half) >> cut) << cut)
        } else {
            let spacing = Double(sign: .plus, exponent: leastExponent - (precision - 1), significand: 1)
            rounded = (value / spacing).rounded(.toNearestOrEven) * spacing
        }
        return abs(rounded) > greatest ? (value < 0 ? -Double.infinity : .infinity) : rounded
    }
}

extension ElementType {
    /// What this type stores of a number: floating types round to nearest even; other types leave it as it is.
    package func rounded(_ value: Double) -> Double {
        switch self {
        case .f16: FloatingPointFormat.f16.round(value)
        case .bf16: FloatingPointFormat.bf16.round(value)
        case .f32: Double(Float(value))
        case .f8e4m3: Float8.e4m3.rounded(value)
        case .f8e5m2: Float8.e5m2.rounded(value)
        case .f64, .i64, .i32, .i16, .i8, .u8, .bool: value
        }
    }

    /// What this integer type stores of an integer: the low bits, as two's complement. Other types leave it as it is.
    package func wrapped(_ value: Int64) -> Int64 {
        switch self {
        case .i32: Int64(Int32(truncatingIfNeeded: value))
        case .i16: Int64(Int16(truncatingIfNeeded: value))
        case .i8: Int64(Int8(truncatingIfNeeded: value))
        case .u8: Int64(UInt8(truncatingIfNeeded: value))
        case .i64, .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .bool: value
        }
    }

    /// The integer that this type stores of a floating-point number: truncated towards zero, then wrapped. PyTorch leaves
    /// numbers out of range undefined; here, as its x86 builds do for i64, they and NaN count as −2⁶³ before wrapping.
    package func truncated(_ value: Double) -> Int64 {
        wrapped(Int64(exactly: value.rounded(.towardZero)) ?? .min)
    }
}
