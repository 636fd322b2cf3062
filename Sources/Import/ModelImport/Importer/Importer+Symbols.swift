import ElementTypes
import GraphIR
import ModelFiles

/// Shape expressions: sympy trees to integer expressions over numbered symbols.
extension Importer {
    /// Numbers the symbols of an input's type, in order of first use.
    mutating func declareSymbols(_ tensor: ExportedTensor) {
        for size in tensor.sizes {
            if case .expression(let expression, let hint) = size { declareSymbols(expression, hint.map { Int($0) }) }
        }
    }

    /// Numbers the symbols of an expression that an input has; `hint` is the expression's value at export.
    mutating func declareSymbols(_ expression: SymbolicExpression, _ hint: Int?) {
        switch expression {
        case .symbol(let name):
            if let index = symbols[name] {
                if let hint { note(index, hint) }
                return
            }
            let range = program.rangeConstraints[name]
            let minimum = Int(max(range?.minimum ?? 0, 0))
            // PyTorch writes "no bound" as a huge number.
            let maximum = range?.maximum.flatMap { $0 >= 1 << 40 ? nil : Int($0) }
            symbols[name] = builder.graph.symbols.count
            hints.append(hint ?? max(minimum, 2))
            builder.graph.symbols.append(
                Symbol(name: name, minimum: minimum, maximum: maximum, hint: hint ?? max(minimum, 2)))
        case .apply(_, let operands): for operand in operands { declareSymbols(operand, nil) }
        case .integer, .rational, .float, .boolean, .infinity: break
        }
    }

    private mutating func note(_ index: Int, _ hint: Int) {
        hints[index] = hint
        builder.graph.symbols[index].hint = hint
    }

    /// The first symbol that no input has (a value read out of a tensor), or nil.
    func firstUnknownSymbol(_ expression: SymbolicExpression) -> String? {
        switch expression {
        case .symbol(let name): return symbols[name] == nil ? name : nil
        case .apply(_, let operands):
            for operand in operands { if let unknown = firstUnknownSymbol(operand) { return unknown } }
            return nil
        case .integer, .rational, .float, .boolean, .infinity: return nil
        }
    }

    /// The value at export.
    func atExport(_ expression: IntegerExpression) -> Int? {
        expression.evaluate { hints.indices.contains($0.index) ? hints[$0.index] : 0 }
    }

    /// The value at export of an integer expression, or nil where it is none.
    func atExport(_ expression: SymbolicExpression) -> Int? {
        guard let integer = integerOrNil(expression) else { return nil }
        return atExport(integer)
    }

    /// A sympy tree as an integer expression.
    func integer(_ expression: SymbolicExpression, _ name: String) throws(ImportError) -> IntegerExpression {
        if let unknown = firstUnknownSymbol(expression) {
            throw .dataDependent(site, "'\(name)' depends on '\(unknown)', which is read out of a tensor")
        }
        guard let result = integerOrNil(expression) else {
            throw .symbolic(value: name, expression: "\(expression)")
        }
        return result
    }

    private func integerOrNil(_ expression: SymbolicExpression) -> IntegerExpression? {
        switch expression {
        case .integer(let value): return IntegerExpression(Int(value))
        case .symbol(let name): return symbols[name].map { IntegerExpression(Variable(.symbol, $0)) }
        case .rational, .float, .boolean, .infinity: return nil
        case .apply(let function, let operands): return integer(function, operands)
        }
    }

    private func integer(
        _ function: SymbolicExpression.Function, _ operands: [SymbolicExpression]
    ) -> IntegerExpression? {
        let ranges = builder.graph.ranges
        if function == .multiply { return product(operands, ranges) }
        // Rounded quotients of integers.
        if operands.count == 1, case .apply(let inner, let parts) = operands[0], parts.count == 2,
            inner == .integerTrueDivide || inner == .floatTrueDivide,
            let a = integerOrNil(parts[0]), let b = integerOrNil(parts[1])
        {
            switch function {
            case .floorToInteger, .floor: return a.floorDivided(by: b, ranges)
            case .truncateToInteger:
                return ranges.isNonNegative(a) && ranges.isNonNegative(b) ? a.floorDivided(by: b, ranges) : nil
            case .ceilToInteger, .ceiling: return -(-a).floorDivided(by: b, ranges)
            default: return nil  // No other function makes an integer of a quotient.
            }
        }
        if operands.count == 1, function == .floor || function == .floorToInteger || function == .truncateToInteger,
            case .apply(.multiply, let factors) = operands[0]
        {
            return product(factors, ranges)
        }
        var values: [IntegerExpression] = []
        for operand in operands {
            guard let value = integerOrNil(operand) else { return nil }
            values.append(value)
        }
        guard let first = values.first else { return nil }
        switch function {
        case .add: return values.reduce(0, +)
        case .maximum: return values.dropFirst().reduce(first) { $0.maximum($1, ranges) }
        case .minimum: return values.dropFirst().reduce(first) { $0.minimum($1, ranges) }
        case .identity: return first
        case .absolute: return ranges.isNonNegative(first) ? first : first.maximum(-first, ranges)
        case .floor, .ceiling, .floorToInteger, .ceilToInteger, .truncateToInteger, .roundToInteger: return first
        case .power, .naturalPower:
            guard values.count == 2, let exponent = values[1].constantValue, (0...8).contains(exponent) else {
                return nil
            }
            return (0..<exponent).reduce(IntegerExpression(1)) { power, _ in power * first }
        case .floorDivide, .exactDivide:
            return values.count == 2 ? first.floorDivided(by: values[1], ranges) : nil
        case .ceilDivide: return values.count == 2 ? -(-first).floorDivided(by: values[1], ranges) : nil
        case .modulo, .pythonModulo: return values.count == 2 ? first.modulo(values[1], ranges) : nil
        case .modularIndexing:
            return values.count == 3 ? first.floorDivided(by: values[1], ranges).modulo(values[2], ranges) : nil
        case .shiftLeft:
            guard values.count == 2, let bits = values[1].constantValue, (0..<40).contains(bits) else { return nil }
            return first * (1 << bits)
        case .shiftRight:
            guard values.count == 2, let bits = values[1].constantValue, (0..<40).contains(bits) else { return nil }
            return first.floorDivided(by: IntegerExpression(1 << bits), ranges)
        case .multiply, .truncateToFloat, .roundDecimal, .toFloat, .integerTrueDivide, .floatTrueDivide, .floatPower,
            .select, .isNonOverlappingAndDense, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual,
            .and, .or, .not:
            return nil
        }
    }

    /// A product that may hold fractions, whose whole value is an integer.
    private func product(_ factors: [SymbolicExpression], _ ranges: VariableRanges) -> IntegerExpression? {
        var result = IntegerExpression(1)
        var divisor = 1
        for factor in factors {
            if case .rational(let numerator, let denominator) = factor {
                result = result * Int(numerator)
                divisor *= Int(denominator)
            } else if case .apply(.power, let parts) = factor, parts.count == 2, case .integer(-1) = parts[1],
                case .integer(let base) = parts[0]
            {
                divisor *= Int(base)
            } else if let value = integerOrNil(factor) {
                result = result * value
            } else {
                return nil
            }
        }
        return divisor == 1 ? result : result.floorDivided(by: IntegerExpression(divisor), ranges)
    }

    /// Declares that a condition over symbols holds: comparisons become guards, others must hold at export.
    mutating func assume(_ condition: SymbolicExpression, _ reason: String) throws(ImportError) {
        switch condition {
        case .boolean(true): return
        case .boolean(false): throw unsupported("a condition of the program never holds: \(reason)")
        case .apply(.and, let parts): for part in parts { try assume(part, reason) }
        case .apply(let function, let parts):
            guard parts.count == 2, let a = integerOrNil(parts[0]), let b = integerOrNil(parts[1]) else {
                throw .symbolic(value: reason, expression: "\(condition)")
            }
            switch function {
            case .equal: require(a - b, isLowerBound: false, reason)
            case .greaterOrEqual: require(a - b, isLowerBound: true, reason)
            case .lessOrEqual: require(b - a, isLowerBound: true, reason)
            case .greater: require(a - b - 1, isLowerBound: true, reason)
            case .less: require(b - a - 1, isLowerBound: true, reason)
            case .notEqual:
                let ranges = builder.graph.ranges
                if ranges.isNonNegative(a - b - 1) || ranges.isNonNegative(b - a - 1) { return }
                throw .symbolic(value: reason, expression: "\(condition)")
            default: throw .symbolic(value: reason, expression: "\(condition)")  // No other function compares.
            }
        case .integer, .rational, .float, .infinity, .symbol:
            throw .symbolic(value: reason, expression: "\(condition)")
        }
    }

    /// The value of a real expression over symbols as a scalar tensor.
    mutating func real(_ expression: SymbolicExpression, _ element: ElementType) throws(ImportError) -> Value {
        if let integer = integerOrNil(expression) { return try dimension(integer, element) }
        switch expression {
        case .float(let value): return try scalar(value, element)
        case .rational(let a, let b): return try scalar(Double(a) / Double(b), element)
        case .infinity(let negative): return try scalar(negative ? -.infinity : .infinity, element)
        case .apply(let function, let operands):
            var values: [Value] = []
            for operand in operands { values.append(try real(operand, .f64)) }
            func fold(_ operation: ScalarOperation, _ i: inout Importer) throws(ImportError) -> Value {
                var result = values[0]
                for value in values.dropFirst() {
                    result = try i.map([result, value]) { $0.apply(operation, $1[0], $1[1]) }
                }
                return result
            }
            let result: Value
            switch function {
            case .add: result = try fold(.add, &self)
            case .multiply: result = try fold(.multiply, &self)
            case .integerTrueDivide, .floatTrueDivide: result = try fold(.divide, &self)
            case .power, .floatPower: result = try fold(.power, &self)
            case .maximum: result = try fold(.maximum, &self)
            case .minimum: result = try fold(.minimum, &self)
            case .toFloat, .identity: result = values[0]
            default: throw .symbolic(value: site.node, expression: "\(expression)")  // Not an arithmetic function.
            }
            return try cast(result, element)
        case .symbol, .integer, .boolean: throw .symbolic(value: site.node, expression: "\(expression)")
        }
    }

    /// The graph's type for a declared tensor; for a complex one that of its parts.
    func type(_ tensor: ExportedTensor, _ name: String) throws(ImportError) -> TensorType {
        guard let element = ElementType(tensor.scalarType.realPart ?? tensor.scalarType) else {
            throw .elementType(value: name, type: tensor.scalarType.name)
        }
        if tensor.layout != .strided { throw unsupported("'\(name)' is not a strided tensor") }
        var shape: Shape = []
        for size in tensor.sizes {
            switch size {
            case .value(let value): shape.append(Dimension(Int(value)))
            case .expression(let expression, _): shape.append(try integer(expression, name))
            }
        }
        return TensorType(element, shape)
    }
}
