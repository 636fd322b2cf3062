import ElementTypes

extension UnsafeMutableRawBufferPointer {
    /// Stores a number as an element.
    func store(_ value: Double, at index: Int, as element: ElementType) {
        let offset = index * element.byteCount
        switch element {
        case .f64: storeBytes(of: value, toByteOffset: offset, as: Double.self)
        case .f32: storeBytes(of: Float(value), toByteOffset: offset, as: Float.self)
        case .f16: storeBytes(of: Self.half(value), toByteOffset: offset, as: UInt16.self)
        case .bf16:
            let bits = Float(value).bitPattern
            let rounded = value.isNaN ? bits | 0x40_0000 : bits &+ 0x7FFF &+ ((bits >> 16) & 1)
            storeBytes(of: UInt16(truncatingIfNeeded: rounded >> 16), toByteOffset: offset, as: UInt16.self)
        case .f8e4m3: storeBytes(of: Float8.e4m3.bits(value), toByteOffset: offset, as: UInt8.self)
        case .f8e5m2: storeBytes(of: Float8.e5m2.bits(value), toByteOffset: offset, as: UInt8.self)
        case .i64: storeBytes(of: Int64(value), toByteOffset: offset, as: Int64.self)
        case .i32: storeBytes(of: Int32(truncatingIfNeeded: Int64(value)), toByteOffset: offset, as: Int32.self)
        case .i16: storeBytes(of: Int16(truncatingIfNeeded: Int64(value)), toByteOffset: offset, as: Int16.self)
        case .i8: storeBytes(of: Int8(truncatingIfNeeded: Int64(value)), toByteOffset: offset, as: Int8.self)
        case .u8: storeBytes(of: UInt8(truncatingIfNeeded: Int64(value)), toByteOffset: offset, as: UInt8.self)
        case .bool: storeBytes(of: value != 0 ? 1 : 0, toByteOffset: offset, as: UInt8.self)
        }
    }

    /// The bits of the nearest f16, halves to even. Literals in graphs are few, so clarity beats speed.
    private static func half(_ value: Double) -> UInt16 {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = abs(value)
        if value.isNaN { return 0x7E00 }
        if magnitude >= 65520 { return sign | 0x7C00 }
        if magnitude < 0x1p-14 { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
        let exponent = Int(magnitude.exponent)
        let fraction = (magnitude.significand * 1024).rounded(.toNearestOrEven)
        return sign | UInt16((exponent + 14) * 1024 + Int(fraction))
    }
}
