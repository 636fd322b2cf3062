package import ElementTypes

/// Element types that a safetensors header can name.
package enum SafetensorsType: String, Sendable, Equatable, CaseIterable {
    /// One byte, 0 or 1.
    case bool = "BOOL"
    /// Two 4-bit floats a byte.
    case f4 = "F4"
    /// 6-bit float, 2 exponent bits.
    case f6E2M3 = "F6_E2M3"
    /// 6-bit float, 3 exponent bits.
    case f6E3M2 = "F6_E3M2"
    /// Unsigned 8 bits.
    case u8 = "U8"
    /// Signed 8 bits.
    case i8 = "I8"
    /// 8-bit float, 5 exponent bits.
    case f8E5M2 = "F8_E5M2"
    /// 8-bit float, 4 exponent bits.
    case f8E4M3 = "F8_E4M3"
    /// 8-bit power of two.
    case f8E8M0 = "F8_E8M0"
    /// 8-bit float, 4 exponent bits, no negative zero.
    case f8E4M3FNUZ = "F8_E4M3FNUZ"
    /// 8-bit float, 5 exponent bits, no negative zero.
    case f8E5M2FNUZ = "F8_E5M2FNUZ"
    /// Signed 16 bits.
    case i16 = "I16"
    /// Unsigned 16 bits.
    case u16 = "U16"
    /// IEEE half precision.
    case f16 = "F16"
    /// Upper half of a single.
    case bf16 = "BF16"
    /// Signed 32 bits.
    case i32 = "I32"
    /// Unsigned 32 bits.
    case u32 = "U32"
    /// IEEE single precision.
    case f32 = "F32"
    /// Pair of singles.
    case c64 = "C64"
    /// IEEE double precision.
    case f64 = "F64"
    /// Signed 64 bits.
    case i64 = "I64"
    /// Unsigned 64 bits.
    case u64 = "U64"

    /// Bits of one element.
    package var bitCount: Int {
        switch self {
        case .f4: 4
        case .f6E2M3, .f6E3M2: 6
        case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
        case .i16, .u16, .f16, .bf16: 16
        case .i32, .u32, .f32: 32
        case .c64, .f64, .i64, .u64: 64
        }
    }

    /// The type in which this project computes with it; `nil` where it does not.
    package var elementType: ElementType? {
        ElementType.allCases.first { $0.safetensorsName == rawValue }
    }

    /// The type's name in a header.
    package init(_ type: ElementType) {
        // Every element type's name is a case above; a test walks them.
        self = SafetensorsType(rawValue: type.safetensorsName)!
    }
}
