package import ElementTypes

/// Conversion between elements in memory and doubles. A bool that is neither 0 nor 1 decodes to its byte, so that it is
/// found wrong. Integers beyond 2^53 are rounded.
package enum ElementCoding {
    /// The elements as doubles.
    package static func decode(_ bytes: UnsafeRawBufferPointer, _ element: ElementType) -> [Double] {
        func each<Stored: BitwiseCopyable>(_ type: Stored.Type, _ convert: (Stored) -> Double) -> [Double] {
            let stride = MemoryLayout<Stored>.stride
            return [Double](unsafeUninitializedCapacity: bytes.count / stride) { buffer, count in
                count = bytes.count / stride
                for index in 0..<count {
                    buffer[index] = convert(bytes.loadUnaligned(fromByteOffset: index * stride, as: type))
                }
            }
        }
        return switch element {
        case .f64: each(Double.self) { $0 }
        case .f32: each(Float.self) { Double($0) }
        case .f16: each(UInt16.self) { Double(Float16(bitPattern: $0)) }
        case .bf16: each(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .f8e4m3: each(UInt8.self) { Float8.e4m3.value($0) }
        case .f8e5m2: each(UInt8.self) { Float8.e5m2.value($0) }
        case .i64: each(Int64.self) { Double($0) }
        case .i32: each(Int32.self) { Double($0) }
        case .i16: each(Int16.self) { Double($0) }
        case .i8: each(Int8.self) { Double($0) }
        case .u8, .bool: each(UInt8.self) { Double($0) }
        }
    }

    /// The doubles as elements: rounded to nearest even for floating types; integers must fit.
    package static func encode(_ values: [Double], _ element: ElementType) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * element.byteCount)
        func put<Stored: BitwiseCopyable>(_ stored: Stored) { withUnsafeBytes(of: stored) { bytes += $0 } }
        for value in values {
            switch element {
            case .f64: put(value)
            case .f32: put(Float(value))
            case .f16: put(Float16(value).bitPattern)
            case .bf16: put(bfloat16(Float(value)))
            case .f8e4m3: put(Float8.e4m3.bits(value))
            case .f8e5m2: put(Float8.e5m2.bits(value))
            case .i64: put(Int64(value))
            case .i32: put(Int32(value))
            case .i16: put(Int16(value))
            case .i8: put(Int8(value))
            case .u8: put(UInt8(value))
            case .bool: put(UInt8(value == 0 ? 0 : 1))
            }
        }
        return bytes
    }

    private static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(bits >> 16) | 0x40 }
        return UInt16((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)
    }
}
