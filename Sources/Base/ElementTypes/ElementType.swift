/// The type of one element of a tensor.
package enum ElementType: String, CaseIterable, Hashable, Sendable {
    case f64, f32, f16, bf16
    /// PyTorch's `float8_e4m3fn` and `float8_e5m2`: storage only, as all narrow floats.
    case f8e4m3, f8e5m2
    case i64, i32, i16, i8, u8
    case bool

    /// Bytes one element takes in memory.
    package var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool, .f8e4m3, .f8e5m2: 1
        }
    }

    /// Whether values are IEEE-754 style numbers (bf16 and the 8-bit ones included).
    package var isFloatingPoint: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2: true
        case .i64, .i32, .i16, .i8, .u8, .bool: false
        }
    }

    /// Whether values are integers other than `bool`.
    package var isInteger: Bool { !isFloatingPoint && self != .bool }

    /// The type in which kernels compute values of this storage type: f32 for all narrow floats, i64 for integers.
    package var computeType: ElementType {
        switch self {
        case .f64: .f64
        case .f32, .f16, .bf16, .f8e4m3, .f8e5m2: .f32
        case .i64, .i32, .i16, .i8, .u8: .i64
        case .bool: .bool
        }
    }

    /// Relative spacing of numbers near 1 (the unit in the last place); 0 for integers.
    package var epsilon: Double {
        switch self {
        case .f64: 0x1p-52
        case .f32: 0x1p-23
        case .f16: 0x1p-10
        case .bf16: 0x1p-7
        case .f8e4m3: 0x1p-3
        case .f8e5m2: 0x1p-2
        case .i64, .i32, .i16, .i8, .u8, .bool: 0
        }
    }

    /// The name in a safetensors header.
    package var safetensorsName: String {
        switch self {
        case .f64: "F64"
        case .f32: "F32"
        case .f16: "F16"
        case .bf16: "BF16"
        case .f8e4m3: "F8_E4M3"
        case .f8e5m2: "F8_E5M2"
        case .i64: "I64"
        case .i32: "I32"
        case .i16: "I16"
        case .i8: "I8"
        case .u8: "U8"
        case .bool: "BOOL"
        }
    }
}
