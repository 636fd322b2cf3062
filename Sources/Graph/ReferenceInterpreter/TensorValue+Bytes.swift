import ElementTypes

extension TensorValue {
    /// Reads contiguous little-endian elements; nil when `bytes` has the wrong size. A bool byte other than 0 is true.
    package init?(_ element: ElementType, _ shape: [Int], bytes: UnsafeRawBufferPointer) {
        let count = shape.reduce(1, *)
        guard bytes.count == count * element.byteCount else { return nil }
        func read<T: BitwiseCopyable, Result: BitwiseCopyable>(
            _ type: T.Type, _ convert: (T) -> Result
        ) -> [Result] {
            parallelArray(count, grain: 1 << 14) { range, target in
                for index in range {
                    target[index] = convert(
                        bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: type))
                }
            }
        }
        switch element {
        case .f64: self.init(element, shape, read(Double.self) { $0 })
        case .f32: self.init(element, shape, read(Float.self) { Double($0) })
        case .f16: self.init(element, shape, read(UInt16.self) { doubleFromHalf($0) })
        case .bf16: self.init(element, shape, read(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) })
        case .f8e4m3: self.init(element, shape, read(UInt8.self) { Float8.e4m3.value($0) })
        case .f8e5m2: self.init(element, shape, read(UInt8.self) { Float8.e5m2.value($0) })
        case .bool: self.init(element, shape, read(UInt8.self) { $0 == 0 ? 0 : 1 })
        case .i64: self.init(element, shape, integers: read(Int64.self) { $0 })
        case .i32: self.init(element, shape, integers: read(Int32.self) { Int64($0) })
        case .i16: self.init(element, shape, integers: read(Int16.self) { Int64($0) })
        case .i8: self.init(element, shape, integers: read(Int8.self) { Int64($0) })
        case .u8: self.init(element, shape, integers: read(UInt8.self) { Int64($0) })
        }
    }

    /// Reads contiguous little-endian elements; nil when `bytes` has the wrong size.
    package init?(_ element: ElementType, _ shape: [Int], bytes: [UInt8]) {
        let value = bytes.withUnsafeBytes { Self(element, shape, bytes: $0) }
        guard let value else { return nil }
        self = value
    }

    /// The elements as contiguous little-endian bytes, rounded or wrapped to the element type.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * element.byteCount)
        func write<T: BitwiseCopyable>(_ value: T) {
            withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
        }
        switch storage {
        case .real(let elements):
            for value in elements {
                switch element {
                case .f64: write(value)
                case .f32: write(Float(value))
                case .f16: write(halfBits(value))
                case .bf16: write(bfloatBits(value))
                case .f8e4m3: write(Float8.e4m3.bits(value))
                case .f8e5m2: write(Float8.e5m2.bits(value))
                case .bool: write(UInt8(value == 0 ? 0 : 1))
                case .i64, .i32, .i16, .i8, .u8: preconditionFailure("integers are not stored as doubles")
                }
            }
        case .integer(let elements):
            for value in elements {
                switch element.byteCount {
                case 8: write(value)
                case 4: write(Int32(truncatingIfNeeded: value))
                case 2: write(Int16(truncatingIfNeeded: value))
                default: write(UInt8(truncatingIfNeeded: value))
                }
            }
        }
        return bytes
    }
}

/// The number that binary16 bits stand for.
func doubleFromHalf(_ bits: UInt16) -> Double {
    let sign: Double = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10) & 31
    let fraction = Double(bits & 0x3FF)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
    }
}

/// The binary16 bits nearest to a number.
func halfBits(_ value: Double) -> UInt16 {
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    if value.isNaN { return sign | 0x7E00 }
    let magnitude = abs(ElementType.f16.rounded(value))
    if magnitude.isInfinite { return sign | 0x7C00 }
    if magnitude < 0x1p-14 { return sign | UInt16(magnitude * 0x1p24) }
    let exponent = Int(magnitude.exponent)
    let fraction = (magnitude.significand - 1) * 1024
    return sign | UInt16(exponent + 15) << 10 | UInt16(fraction)
}

/// The bf16 bits nearest to a number.
func bfloatBits(_ value: Double) -> UInt16 {
    if value.isNaN { return value.sign == .minus ? 0xFFC0 : 0x7FC0 }
    // A number of bf16 is a number of f32 whose lower half is 0.
    return UInt16(Float(ElementType.bf16.rounded(value)).bitPattern >> 16)
}
