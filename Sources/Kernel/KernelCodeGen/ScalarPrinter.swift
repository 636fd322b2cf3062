import ElementTypes

/// C spelling of the scalar operations: the table that a dialect is.
enum CScalarTable {
    /// The text of an operation. `letter` is the compute letter of the operands (of the values for `select`), `suffix` is
    /// `s` for scalars and `v` for vectors; operands are C texts of that form.
    static func text(_ operation: ScalarOperation, _ letter: String, _ suffix: String, _ o: [String]) -> String {
        let isBool = letter == "b"
        let isInteger = letter == "l"
        func call(_ name: String) -> String { "\(name)_\(letter)\(suffix)(\(o.joined(separator: ", ")))" }
        func mask(_ comparison: String) -> String {
            // Comparing 8-byte lanes gives 8-byte masks; the bool vector has 4-byte lanes.
            suffix == "v" && (letter == "d" || isInteger) ? "mask_lv(\(comparison))" : "(\(comparison))"
        }
        switch operation {
        case .add:
            return isInteger ? call("add") : isBool ? "(\(o[0]) | \(o[1]))" : "(\(o[0]) + \(o[1]))"
        case .subtract:
            return isInteger ? call("sub") : isBool ? "(\(o[0]) ^ \(o[1]))" : "(\(o[0]) - \(o[1]))"
        case .multiply:
            return isInteger ? call("mul") : isBool ? "(\(o[0]) & \(o[1]))" : "(\(o[0]) * \(o[1]))"
        // A device may have a division without branches.
        case .divide: return suffix == "s" && letter == "f" ? call("div") : "(\(o[0]) / \(o[1]))"
        case .floorDivide: return call("fdiv")
        case .truncateDivide: return call("tdiv")
        case .remainder: return call("rem")
        case .truncateRemainder: return call("trem")
        case .minimum: return isBool ? "(\(o[0]) & \(o[1]))" : call("min")
        case .maximum: return isBool ? "(\(o[0]) | \(o[1]))" : call("max")
        case .power: return call("pow")
        case .arcTangent2: return call("atan2")
        case .negate: return isInteger ? call("neg") : "(-\(o[0]))"
        case .absolute: return call("abs")
        case .sign: return call("sign")
        case .exp: return call("exp")
        case .expm1: return call("expm1")
        case .log: return call("log")
        case .log1p: return call("log1p")
        case .squareRoot: return call("sqrt")
        case .reciprocalSquareRoot: return call("rsqrt")
        case .sine: return call("sin")
        case .cosine: return call("cos")
        case .tangent: return call("tan")
        case .arcSine: return call("asin")
        case .arcCosine: return call("acos")
        case .arcTangent: return call("atan")
        case .hyperbolicTangent: return call("tanh")
        case .errorFunction: return call("erf")
        case .logGamma: return call("lgamma")
        case .digamma: return call("digamma")
        case .errorFunctionInverse: return call("erfinv")
        case .floor: return isInteger ? o[0] : call("floor")
        case .ceiling: return isInteger ? o[0] : call("ceil")
        case .truncate: return isInteger ? o[0] : call("trunc")
        case .round: return isInteger ? o[0] : call("round")
        case .less: return isBool ? "(\(suffix == "v" ? "~" : "!")\(o[0]) & \(o[1]))" : mask("\(o[0]) < \(o[1])")
        case .lessOrEqual:
            return isBool ? "(\(suffix == "v" ? "~" : "!")\(o[0]) | \(o[1]))" : mask("\(o[0]) <= \(o[1])")
        case .equal: return isBool ? "(\(o[0]) == \(o[1]))" : mask("\(o[0]) == \(o[1])")
        case .notEqual: return isBool ? "(\(o[0]) ^ \(o[1]))" : mask("\(o[0]) != \(o[1])")
        case .isNaN: return isInteger || isBool ? "(\(o[0]) != \(o[0]))" : mask("\(o[0]) != \(o[0])")
        case .and: return "(\(o[0]) & \(o[1]))"
        case .or: return "(\(o[0]) | \(o[1]))"
        case .exclusiveOr: return "(\(o[0]) ^ \(o[1]))"
        case .not: return isBool && suffix == "s" ? "(!\(o[0]))" : "(~\(o[0]))"
        case .shiftLeft: return call("shl")
        case .shiftRight: return call("shr")
        case .select: return call("sel")
        }
    }

    /// Converts between compute types and rounds to a storage type.
    static func cast(_ text: String, from: ElementType, to: ElementType, _ suffix: String) -> String {
        let isVector = suffix == "v"
        func convert(_ text: String, _ type: ElementType) -> String {
            isVector ? "CONVERT(\(text), \(CTypes.vector(type)))" : "(\(CTypes.scalar(type)))(\(text))"
        }
        let source = CTypes.letter(from)
        switch to {
        case .bool:
            switch source {
            case "b": return text
            case "l", "d": return isVector ? "mask_lv(\(text) != 0)" : "(\(text) != 0)"
            default: return "(\(text) != 0)"
            }
        case .f64:
            if source == "d" { return text }
            return source == "b" && isVector ? "CONVERT(-\(text), vd)" : convert(text, .f64)
        case .f32, .f16, .bf16, .f8e4m3, .f8e5m2:
            var value = text
            if source == "b" {
                value = isVector ? "CONVERT(-\(text), vf)" : "(float)(\(text))"
            } else if source != "f" {
                value = convert(text, .f32)
            }
            return to == .f32 ? value : "round_\(to.rawValue)\(suffix)(\(value))"
        case .i64, .i32, .i16, .i8, .u8:
            var value = text
            switch source {
            case "b": value = isVector ? "CONVERT(-\(text), vl)" : "(int64_t)(\(text))"
            case "f", "d": value = "to_l_\(source)\(suffix)(\(text))"
            default: break
            }
            if to == .i64 { return value }
            if to == .u8 { return "(\(value) & 255)" }
            // Bits that do not fit are dropped. Shifts to the left and back would do, but for negative numbers C leaves them undefined.
            if isVector { return "CONVERT(CONVERT(\(value), \(CTypes.storageVector(to))), vl)" }
            return "(int64_t)(\(CTypes.storage(to)))(\(value))"
        }
    }
}
