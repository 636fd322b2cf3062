import ElementTypes
import GraphIR

/// One row of the scalar table: an instruction and a term that equals it.
package struct ScalarRule: Sendable {
    /// The replacement of an instruction whose operands are terms of the builder, or nil where the rule does not apply.
    typealias Apply = @Sendable (inout ScalarBuilder, ScalarExpression.Instruction) -> ScalarBuilder.Term?

    /// What stands before and after, as `"x * 1 -> x"`.
    package let name: String
    let apply: Apply

    init(_ name: String, _ apply: @escaping Apply) {
        self.name = name
        self.apply = apply
    }

    /// A rule about one operation on two terms.
    fileprivate static func binary(
        _ name: String, _ operations: Set<ScalarOperation>,
        _ body: @escaping @Sendable (inout ScalarBuilder, ScalarOperation, Int, Int) -> ScalarBuilder.Term?
    ) -> Self {
        Self(name) { builder, instruction in
            guard case .apply(let operation, let operands) = instruction, operands.count == 2,
                operations.contains(operation)
            else { return nil }
            return body(&builder, operation, operands[0], operands[1])
        }
    }

    /// A rule about one operation on one term.
    fileprivate static func unary(
        _ name: String, _ operation: ScalarOperation,
        _ body: @escaping @Sendable (inout ScalarBuilder, Int) -> ScalarBuilder.Term?
    ) -> Self {
        Self(name) { builder, instruction in
            guard case .apply(operation, let operands) = instruction, operands.count == 1 else { return nil }
            return body(&builder, operands[0])
        }
    }
}

/// Simplifications that keep every result, NaN, infinities and the sign of zero included; only a product of two constant
/// factors may round differently.
package let scalarRules: [ScalarRule] = [
    ScalarRule("constants -> their value", foldConstants),
    .binary("c + x -> x + c, for all that commute", [.add, .multiply, .and, .or]) { s, operation, a, b in
        s.constant(a) != nil && s.constant(b) == nil ? s.emit(.apply(operation, [b, a])) : nil
    },
    .binary("x + (-0) -> x", [.add]) { s, _, a, b in
        switch s.constant(b) {
        case .real(let value, _)?: value == 0 && value.sign == .minus ? s.term(a) : nil
        case .integer(let value)?: value == 0 ? s.term(a) : nil
        case .truth?, nil: nil
        }
    },
    .binary("x + 0 -> x, where x is never -0", [.add]) { s, _, a, b in
        s.constant(b)?.real == 0 && s.isNeverNegativeZero(a) ? s.term(a) : nil
    },
    .binary("x - 0 -> x", [.subtract]) { s, _, a, b in
        switch s.constant(b) {
        case .real(let value, _)?: value == 0 && value.sign == .plus ? s.term(a) : nil
        case .integer(let value)?: value == 0 ? s.term(a) : nil
        case .truth?, nil: nil
        }
    },
    .binary("x * 1 -> x", [.multiply, .divide, .floorDivide, .truncateDivide]) { s, operation, a, b in
        switch s.constant(b) {
        case .real(let value, _)?: value == 1 && (operation == .multiply || operation == .divide) ? s.term(a) : nil
        case .integer(let value)?: value == 1 ? s.term(a) : nil
        case .truth?, nil: nil
        }
    },
    .binary("x * (-1) -> -x", [.multiply, .divide]) { s, _, a, b in
        s.constant(b)?.real == -1 ? s.emit(.apply(.negate, [a])) : nil
    },
    .binary("x / 2^k -> x * 2^-k", [.divide]) { s, _, a, b in
        guard case .real(let divisor, let type)? = s.constant(b), divisor.isNormal,
            divisor.significand == 1
        else { return nil }
        let factor = 1 / divisor
        guard type == .f64 ? factor.isNormal : Float(factor).isNormal else { return nil }
        return s.emit(.apply(.multiply, [a, s.real(factor, type).index]))
    },
    .binary("(x * a) * b -> x * (a * b)", [.multiply]) { s, _, product, factor in
        guard case .real(let b, let type)? = s.constant(factor),
            case .apply(.multiply, let operands) = s.step(product),
            let a = s.constant(operands[1])?.real,
            // Moderate factors, so that neither the product nor its parts overflow alone.
            (0x1p-20...0x1p20).contains(a.magnitude), (0x1p-20...0x1p20).contains(b.magnitude)
        else { return nil }
        return s.emit(.apply(.multiply, [operands[0], s.real(rounded(a * b, to: type), type).index]))
    },
    .unary("-(-x) -> x", .negate) { s, a in
        guard case .apply(.negate, let operands) = s.step(a) else { return nil }
        return s.term(operands[0])
    },
    .unary("not not x -> x", .not) { s, a in
        guard case .apply(.not, let operands) = s.step(a) else { return nil }
        return s.term(operands[0])
    },
    .unary("not (a == b) -> a != b", .not) { s, a in
        switch s.step(a) {
        case .apply(.equal, let operands): s.emit(.apply(.notEqual, operands))
        case .apply(.notEqual, let operands): s.emit(.apply(.equal, operands))
        case .apply, .argument, .real, .integer, .truth, .cast: nil
        }
    },
    .binary("a + (-b) -> a - b", [.add]) { s, _, a, b in
        guard case .apply(.negate, let operands) = s.step(b) else { return nil }
        return s.emit(.apply(.subtract, [a, operands[0]]))
    },
    .binary("a - (-b) -> a + b", [.subtract]) { s, _, a, b in
        guard case .apply(.negate, let operands) = s.step(b) else { return nil }
        return s.emit(.apply(.add, [a, operands[0]]))
    },
    .binary("x ^ 2 -> x * x", [.power]) { s, _, a, b in
        switch s.constant(b) {
        case .real(2, _)?, .integer(2)?: s.emit(.apply(.multiply, [a, a]))
        case .real, .integer, .truth, nil: nil
        }
    },
    .binary("x ^ 1 -> x", [.power]) { s, _, a, b in
        switch s.constant(b) {
        case .real(1, _)?, .integer(1)?: s.term(a)
        case .real, .integer, .truth, nil: nil
        }
    },
    .binary("x and x -> x, for all that absorb", [.minimum, .maximum, .and, .or]) { s, _, a, b in
        a == b ? s.term(a) : nil
    },
    .binary("x and true -> x", [.and]) { s, _, a, b in
        switch s.constant(b) {
        case .truth(true)?: s.term(a)
        case .truth(false)?: s.term(b)
        case .real, .integer, nil: nil
        }
    },
    .binary("x or false -> x", [.or]) { s, _, a, b in
        switch s.constant(b) {
        case .truth(false)?: s.term(a)
        case .truth(true)?: s.term(b)
        case .real, .integer, nil: nil
        }
    },
    ScalarRule("select(true, a, b) -> a") { s, instruction in
        guard case .apply(.select, let operands) = instruction, case .truth(let condition)? = s.constant(operands[0])
        else { return nil }
        return s.term(operands[condition ? 1 : 2])
    },
    ScalarRule("select(c, a, a) -> a") { s, instruction in
        guard case .apply(.select, let operands) = instruction, operands[1] == operands[2] else { return nil }
        return s.term(operands[1])
    },
    ScalarRule("select(not c, a, b) -> select(c, b, a)") { s, instruction in
        guard case .apply(.select, let operands) = instruction,
            case .apply(.not, let inner) = s.step(operands[0])
        else { return nil }
        return s.emit(.apply(.select, [inner[0], operands[2], operands[1]]))
    },
    ScalarRule("T(x) -> x, where x is of type T") { s, instruction in
        guard case .cast(let operand, let type) = instruction,
            type.computeType == s.type(of: s.term(operand)), type.holds(s.storageType(operand))
        else { return nil }
        return s.term(operand)
    },
    ScalarRule("T(wide(x)) -> T(x)") { s, instruction in
        guard case .cast(let middle, let type) = instruction, case .cast(let operand, let wide) = s.step(middle)
        else { return nil }
        let source = s.storageType(operand)
        // An integer that passes through a float must fit the last type, as floats do not wrap.
        let wraps = source.isInteger && wide.isFloatingPoint && type.isInteger && !type.holds(source)
        guard wide.holds(source), !wraps else { return nil }
        return s.emit(.cast(operand, type))
    },
]

private func foldConstants(
    _ s: inout ScalarBuilder, _ instruction: ScalarExpression.Instruction
) -> ScalarBuilder.Term? {
    switch instruction {
    case .argument, .integer, .truth: return nil
    case .real:
        // A constant of type f32 is the f32 nearest to it.
        guard let constant = ScalarConstant(instruction), constant.instruction != instruction else { return nil }
        return s.emit(constant.instruction)
    case .apply(let operation, let operands):
        var constants: [ScalarConstant] = []
        for operand in operands {
            guard let constant = s.constant(operand) else { return nil }
            constants.append(constant)
        }
        return folded(operation, constants).map { s.emit($0.instruction) }
    case .cast(let operand, let type): return s.constant(operand)?.cast(to: type).map { s.emit($0.instruction) }
    }
}
