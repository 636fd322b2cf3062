import ElementTypes
import GraphIR

extension ScalarExpression {
    /// The expression with every rule of the scalar table applied once to each step, equal steps shared and unused ones
    /// dropped. Its result keeps its element type. `trace` hears the names of the rules that applied.
    package func simplified(_ trace: ((String) -> Void)? = nil) -> ScalarExpression {
        var builder = ScalarBuilder(arguments)
        var terms: [ScalarBuilder.Term] = []
        var fired: [String] = []
        steps: for instruction in instructions {
            let step: Instruction
            switch instruction {
            case .argument, .real, .integer, .truth: step = instruction
            case .apply(let operation, let operands): step = .apply(operation, operands.map { terms[$0].index })
            case .cast(let operand, let type): step = .cast(terms[operand].index, type)
            }
            for rule in scalarRules {
                if let term = rule.apply(&builder, step) {
                    fired.append(rule.name)
                    terms.append(term)
                    continue steps
                }
            }
            terms.append(builder.emit(step))
        }
        guard let last = terms.last else { return self }
        // A step that fell away may have decided the storage type.
        let result = builder.finish(last, as: resultElement)
        if let trace, result != self { fired.forEach(trace) }
        return result
    }
}

extension ScalarBuilder {
    /// The finished expression with `result` as its value, converted where that is not of storage type `element`.
    mutating func finish(_ result: Term, as element: ElementType) -> ScalarExpression {
        let expression = finish(result)
        if expression.resultElement == element { return expression }
        let converted = cast(result, element)
        return finish(converted)
    }

    /// The instruction of a term.
    func step(_ index: Int) -> ScalarExpression.Instruction { expression.instructions[index] }

    /// A term by its number.
    mutating func term(_ index: Int) -> Term { emit(step(index)) }

    /// The constant that a term is.
    func constant(_ index: Int) -> ScalarConstant? { ScalarConstant(step(index)) }

    /// The narrowest type that is known to hold every value of a term.
    func storageType(_ index: Int) -> ElementType {
        switch step(index) {
        case .argument(let argument): expression.arguments[argument]
        case .cast(_, let type): type
        case .real, .integer, .truth, .apply: expression.types[index]
        }
    }

    /// Whether a floating-point term is provably never negative zero.
    func isNeverNegativeZero(_ index: Int) -> Bool {
        switch step(index) {
        case .real(let bits, _): bits != (-0.0).bitPattern
        case .argument, .integer, .truth: false
        case .cast(let operand, _): !expression.types[operand].isFloatingPoint
        case .apply(let operation, let operands):
            switch operation {
            case .exp, .absolute: true
            // A sum is -0 only where both terms are.
            case .add: operands.contains { isNeverNegativeZero($0) }
            case .multiply: operands[0] == operands[1]
            case .select: isNeverNegativeZero(operands[1]) && isNeverNegativeZero(operands[2])
            case .subtract, .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder, .minimum, .maximum,
                .power, .arcTangent2, .negate, .sign, .expm1, .log, .log1p, .squareRoot, .reciprocalSquareRoot, .sine,
                .cosine, .tangent, .arcSine, .arcCosine, .arcTangent, .hyperbolicTangent, .errorFunction, .logGamma,
                .digamma, .errorFunctionInverse, .floor, .ceiling, .truncate, .round, .less, .lessOrEqual, .equal,
                .notEqual, .isNaN, .and, .or, .exclusiveOr, .not, .shiftLeft, .shiftRight:
                false
            }
        }
    }
}

extension ElementType {
    /// Whether every value of another type can be stored in this one exactly.
    func holds(_ other: ElementType) -> Bool {
        if self == other || other == .bool { return true }
        switch self {
        case .f64: return other != .i64
        case .f32: return [.f16, .bf16, .f8e4m3, .f8e5m2, .i16, .i8, .u8].contains(other)
        case .f16, .bf16: return [.f8e4m3, .f8e5m2, .i8, .u8].contains(other)
        case .f8e4m3, .f8e5m2: return false
        case .i64: return other.isInteger
        case .i32: return [.i16, .i8, .u8].contains(other)
        case .i16: return [.i8, .u8].contains(other)
        case .i8, .u8, .bool: return false
        }
    }
}
