package import ElementTypes

/// Element types as the schema numbers them.
package enum TorchScalarType: Int, Sendable, Equatable, CaseIterable {
    /// No type.
    case unknown = 0
    /// Unsigned 8 bits.
    case uint8 = 1
    /// Signed 8 bits.
    case int8 = 2
    /// Signed 16 bits.
    case int16 = 3
    /// Signed 32 bits.
    case int32 = 4
    /// Signed 64 bits.
    case int64 = 5
    /// IEEE half precision.
    case float16 = 6
    /// IEEE single precision.
    case float32 = 7
    /// IEEE double precision.
    case float64 = 8
    /// Pair of halves.
    case complex32 = 9
    /// Pair of singles.
    case complex64 = 10
    /// Pair of doubles.
    case complex128 = 11
    /// One byte, 0 or 1.
    case bool = 12
    /// Upper half of a single.
    case bfloat16 = 13
    /// Unsigned 16 bits.
    case uint16 = 28
    /// 8-bit float, 4 exponent bits, no infinities.
    case float8E4M3FN = 29
    /// 8-bit float, 5 exponent bits.
    case float8E5M2 = 30
    /// 8-bit float, 4 exponent bits, no negative zero.
    case float8E4M3FNUZ = 31
    /// 8-bit float, 5 exponent bits, no negative zero.
    case float8E5M2FNUZ = 32
    /// 8-bit power of two.
    case float8E8M0FNU = 33
    /// Unsigned 32 bits.
    case uint32 = 34
    /// Unsigned 64 bits.
    case uint64 = 35

    /// Bytes of one element; `nil` for `unknown`.
    package var byteCount: Int? {
        switch self {
        case .unknown: nil
        case .uint8, .int8, .bool, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32, .complex32: 4
        case .int64, .uint64, .float64, .complex64: 8
        case .complex128: 16
        }
    }

    /// The type in which this project computes with it; `nil` where it does not yet.
    package var elementType: ElementType? {
        switch self {
        case .float64: .f64
        case .float32: .f32
        case .float16: .f16
        case .bfloat16: .bf16
        case .int64: .i64
        case .int32: .i32
        case .int16: .i16
        case .int8: .i8
        case .uint8: .u8
        case .bool: .bool
        case .float8E4M3FN: .f8e4m3
        case .float8E5M2: .f8e5m2
        case .unknown, .complex32, .complex64, .complex128, .uint16, .uint32, .uint64, .float8E4M3FNUZ,
            .float8E5M2FNUZ, .float8E8M0FNU:
            nil
        }
    }

    /// PyTorch's name, such as `float32`.
    package var name: String {
        switch self {
        case .unknown: "unknown"
        case .uint8: "uint8"
        case .int8: "int8"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .float16: "float16"
        case .float32: "float32"
        case .float64: "float64"
        case .complex32: "complex32"
        case .complex64: "complex64"
        case .complex128: "complex128"
        case .bool: "bool"
        case .bfloat16: "bfloat16"
        case .uint16: "uint16"
        case .float8E4M3FN: "float8_e4m3fn"
        case .float8E5M2: "float8_e5m2"
        case .float8E4M3FNUZ: "float8_e4m3fnuz"
        case .float8E5M2FNUZ: "float8_e5m2fnuz"
        case .float8E8M0FNU: "float8_e8m0fnu"
        case .uint32: "uint32"
        case .uint64: "uint64"
        }
    }
}

/// Memory formats as the schema numbers them.
package enum TorchMemoryFormat: Int, Sendable, Equatable, CaseIterable {
    /// No format.
    case unknown = 0
    /// Row-major.
    case contiguous = 1
    /// Channels innermost, two space dimensions.
    case channelsLast = 2
    /// Channels innermost, three space dimensions.
    case channelsLast3D = 3
    /// As the argument has it.
    case preserve = 4
}

/// Tensor layouts as the schema numbers them.
package enum TorchLayout: Int, Sendable, Equatable, CaseIterable {
    /// No layout.
    case unknown = 0
    /// Sparse, coordinates.
    case sparseCoordinates = 1
    /// Sparse, compressed rows.
    case sparseCompressedRows = 2
    /// Sparse, compressed columns.
    case sparseCompressedColumns = 3
    /// Sparse, compressed rows of blocks.
    case sparseBlockRows = 4
    /// Sparse, compressed columns of blocks.
    case sparseBlockColumns = 5
    /// Opaque to all but oneDNN.
    case oneDNN = 6
    /// Dense, addressed by strides.
    case strided = 7
}
