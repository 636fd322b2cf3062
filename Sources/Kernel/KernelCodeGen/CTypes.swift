import ElementTypes

/// Spellings of element types in generated C.
enum CTypes {
    /// Type of an element in memory.
    static func storage(_ element: ElementType) -> String {
        switch element {
        case .f64: "double"
        case .f32: "float"
        case .f16: "_Float16"
        case .bf16: "uint16_t"
        case .i64: "int64_t"
        case .i32: "int32_t"
        case .i16: "int16_t"
        case .i8: "int8_t"
        case .u8, .bool, .f8e4m3, .f8e5m2: "uint8_t"
        }
    }

    /// Vector type of `LANES` stored elements.
    static func storageVector(_ element: ElementType) -> String {
        switch element {
        case .f64: "vd"
        case .f32: "vf"
        case .f16: "vx"
        case .bf16: "vh"
        case .i64: "vl"
        case .i32: "vi"
        case .i16: "vs"
        case .i8: "vc"
        case .u8, .bool, .f8e4m3, .f8e5m2: "vb"
        }
    }

    /// Letter of a compute type in the prelude's function names.
    static func letter(_ compute: ElementType) -> String {
        switch compute.computeType {
        case .f64: "d"
        case .f32, .f16, .bf16, .f8e4m3, .f8e5m2: "f"
        case .i64, .i32, .i16, .i8, .u8: "l"
        case .bool: "b"
        }
    }

    /// Scalar C type of a compute type.
    static func scalar(_ compute: ElementType) -> String {
        switch compute.computeType {
        case .f64: "double"
        case .f32, .f16, .bf16, .f8e4m3, .f8e5m2: "float"
        case .i64, .i32, .i16, .i8, .u8: "int64_t"
        case .bool: "int"
        }
    }

    /// Vector C type of a compute type.
    static func vector(_ compute: ElementType) -> String {
        switch compute.computeType {
        case .f64: "vd"
        case .f32, .f16, .bf16, .f8e4m3, .f8e5m2: "vf"
        case .i64, .i32, .i16, .i8, .u8: "vl"
        case .bool: "vi"
        }
    }

    /// Scalar load: converts C text of a stored element to its compute type.
    static func load(_ element: ElementType, _ text: String) -> String {
        switch element {
        case .f64, .f32, .i64: text
        case .f16: "(float)\(text)"
        case .bf16, .f8e4m3, .f8e5m2: "load_\(element.rawValue)(\(text))"
        case .i32, .i16, .i8, .u8: "(int64_t)\(text)"
        case .bool: "(\(text) != 0)"
        }
    }

    /// Vector load: converts C text of a stored vector to its compute type.
    static func loadVector(_ element: ElementType, _ text: String) -> String {
        switch element {
        case .f64, .f32, .i64: text
        case .f16: "CONVERT(\(text), vf)"
        case .bf16, .f8e4m3, .f8e5m2: "widen_\(element.rawValue)(\(text))"
        case .i32, .i16, .i8, .u8: "CONVERT(\(text), vl)"
        case .bool: "CONVERT(\(text) != 0, vi)"
        }
    }

    /// Scalar store: converts C text of a value of the element's compute type to what memory holds.
    static func store(_ element: ElementType, _ text: String) -> String {
        switch element {
        case .f64, .f32, .i64: text
        case .f16: "(_Float16)(\(text))"
        case .bf16, .f8e4m3, .f8e5m2: "store_\(element.rawValue)(\(text))"
        case .i32, .i16, .i8, .u8: "(\(storage(element)))(\(text))"
        case .bool: "(uint8_t)((\(text)) != 0)"
        }
    }

    /// Vector store: the same for vectors.
    static func storeVector(_ element: ElementType, _ text: String) -> String {
        switch element {
        case .f64, .f32, .i64: text
        case .f16: "CONVERT(\(text), vx)"
        case .bf16, .f8e4m3, .f8e5m2: "narrow_\(element.rawValue)(\(text))"
        case .i32, .i16, .i8, .u8: "CONVERT(\(text), \(storageVector(element)))"
        case .bool: "CONVERT((\(text)) & 1, vb)"
        }
    }

    /// A floating-point constant.
    static func real(_ value: Double, _ type: ElementType) -> String {
        let isDouble = type.computeType == .f64
        if value.isNaN { return isDouble ? "__builtin_nan(\"\")" : "__builtin_nanf(\"\")" }
        if value.isInfinite {
            return (value < 0 ? "-" : "") + (isDouble ? "__builtin_inf()" : "__builtin_inff()")
        }
        if isDouble { return hexadecimal(value) }
        let narrow = Float(value)
        if narrow.isInfinite { return (value < 0 ? "-" : "") + "__builtin_inff()" }
        return hexadecimal(Double(narrow)) + "f"
    }

    /// An exact hexadecimal literal of a finite double.
    private static func hexadecimal(_ value: Double) -> String {
        if value == 0 { return value.sign == .minus ? "-0x0p+0" : "0x0p+0" }
        let digits = String(value.significandBitPattern, radix: 16)
        let mantissa = String(repeating: "0", count: 13 - digits.count) + digits
        // Denormals have no implicit one and the least exponent.
        let lead = value.isSubnormal ? "0" : "1"
        let exponent = value.isSubnormal ? -1022 : Int(value.exponent)
        return "\(value.sign == .minus ? "-" : "")0x\(lead).\(mantissa)p\(exponent < 0 ? "" : "+")\(exponent)"
    }
}
