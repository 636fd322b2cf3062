import ElementTypes
import Glibc
import GraphIR

/// Applies a scalar expression to operands of one shape. With `rounds`, casts between floating types and f32 constants
/// round; without, floating-point values keep all their bits.
func evaluate(
    _ expression: ScalarExpression, _ operands: [TensorValue], shape: [Int], rounds: Bool
) throws(Fault) -> TensorValue {
    let count = shape.reduce(1, *)
    let element = expression.resultElement
    let types = expression.types
    let faults = FirstFault()
    func blocks(_ range: Range<Int>, _ keep: (Column, _ start: Int) -> Void) {
        // Blocks keep the intermediate columns small.
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 1024) {
            let block = start..<min(start + 1024, range.upperBound)
            faults.attempt { () throws(Fault) in
                keep(try evaluate(expression, types, operands, block, rounds: rounds), start)
            }
        }
    }
    // Safety: pieces write places of their own; a piece that fails writes zeros, and nobody sees them.
    let result: TensorValue
    if element.isInteger {
        let integers: [Int64] = parallelArray(count, grain: 4096) { range, target in
            (target + range.lowerBound).initialize(repeating: 0, count: range.count)
            blocks(range) { column, start in
                guard case .integer(let values) = column else { return }
                for index in values.indices { target[start + index] = values[index] }
            }
        }
        result = TensorValue(element, shape, integers: integers)
    } else {
        let reals: [Double] = parallelArray(count, grain: 4096) { range, target in
            (target + range.lowerBound).initialize(repeating: 0, count: range.count)
            blocks(range) { column, start in
                guard case .real(let values) = column else { return }
                for index in values.indices { target[start + index] = values[index] }
            }
        }
        result = TensorValue(element, shape, reals)
    }
    try faults.rethrow()
    return result
}

/// The expression's values for a block of elements.
private func evaluate(
    _ expression: ScalarExpression, _ types: [ElementType], _ operands: [TensorValue], _ block: Range<Int>, rounds: Bool
) throws(Fault) -> Column {
    var columns: [Column] = []
    columns.reserveCapacity(expression.instructions.count)
    for instruction in expression.instructions {
        switch instruction {
        case .argument(let index): columns.append(Column(operands[index].storage, block))
        case .real(let bits, let type):
            let value = Double(bitPattern: bits)
            columns.append(.real(Array(repeating: rounds ? type.rounded(value) : value, count: block.count)))
        case .integer(let value): columns.append(.integer(Array(repeating: value, count: block.count)))
        case .truth(let value): columns.append(.real(Array(repeating: value ? 1 : 0, count: block.count)))
        case .apply(let operation, let indices):
            let arguments = indices.map { columns[$0] }
            columns.append(try apply(operation, arguments, isBool: types[indices.last ?? 0] == .bool))
        case .cast(let index, let target):
            columns.append(cast(columns[index], to: target, rounds: rounds))
        }
    }
    guard let last = columns.last else { throw Fault("empty scalar expression") }
    return last
}

/// The values of one instruction for a block of elements.
private enum Column {
    case real([Double])
    case integer([Int64])

    init(_ storage: TensorValue.Storage, _ block: Range<Int>) {
        switch storage {
        case .real(let elements): self = .real(Array(elements[block]))
        case .integer(let elements): self = .integer(Array(elements[block]))
        }
    }
}

/// Converts a column to what `target` stores.
private func cast(_ column: Column, to target: ElementType, rounds: Bool) -> Column {
    switch (column, target) {
    case (.real(let values), .bool): .real(values.map { $0 == 0 ? 0 : 1 })
    case (.integer(let values), .bool): .real(values.map { $0 == 0 ? 0 : 1 })
    case (.real(let values), .f64): .real(values)
    case (.real(let values), .f32), (.real(let values), .f16), (.real(let values), .bf16):
        rounds ? .real(values.map { target.rounded($0) }) : column
    // A cast to 8 bits is meant, as one to integers is.
    case (.real(let values), .f8e4m3), (.real(let values), .f8e5m2): .real(values.map { target.rounded($0) })
    case (.integer(let values), .f8e4m3), (.integer(let values), .f8e5m2):
        .real(values.map { target.rounded(Double($0)) })
    case (.integer(let values), .f64): .real(values.map { Double($0) })
    case (.integer(let values), .f32): .real(values.map { rounds ? Double(Float($0)) : Double($0) })
    case (.integer(let values), .f16), (.integer(let values), .bf16):
        .real(values.map { rounds ? target.rounded(Double($0)) : Double($0) })
    case (.real(let values), .i64), (.real(let values), .i32), (.real(let values), .i16), (.real(let values), .i8),
        (.real(let values), .u8):
        .integer(values.map { target.truncated($0) })
    case (.integer(let values), .i64), (.integer(let values), .i32), (.integer(let values), .i16),
        (.integer(let values), .i8), (.integer(let values), .u8):
        .integer(values.map { target.wrapped($0) })
    }
}

/// One operation on columns. `isBool` tells that the (last) operand is bool rather than floating point.
private func apply(_ operation: ScalarOperation, _ operands: [Column], isBool: Bool) throws(Fault) -> Column {
    switch (operands.count, operands[0]) {
    case (1, .real(let a)): return .real(try unary(operation, a, isBool: isBool))
    case (1, .integer(let a)): return try unary(operation, a)
    case (2, .real(let a)):
        guard case .real(let b) = operands[1] else { throw Fault("\(operation.rawValue) of mixed types") }
        return .real(try binary(operation, a, b, isBool: isBool))
    case (2, .integer(let a)):
        guard case .integer(let b) = operands[1] else { throw Fault("\(operation.rawValue) of mixed types") }
        return try binary(operation, a, b)
    case (3, .real(let condition)):
        switch (operands[1], operands[2]) {
        case (.real(let a), .real(let b)): return .real(select(condition, a, b))
        case (.integer(let a), .integer(let b)): return .integer(select(condition, a, b))
        case (.real, .integer), (.integer, .real): throw Fault("select of mixed types")
        }
    case (_, .real), (_, .integer): throw Fault("\(operation.rawValue) of \(operands.count) operands")
    }
}

private func select<T>(_ condition: [Double], _ a: [T], _ b: [T]) -> [T] {
    condition.indices.map { condition[$0] != 0 ? a[$0] : b[$0] }
}

@inline(__always) private func zipMap<T, R>(_ a: [T], _ b: [T], _ body: (T, T) -> R) -> [R] {
    a.indices.map { body(a[$0], b[$0]) }
}

@inline(__always) private func truth(_ value: Bool) -> Double { value ? 1 : 0 }

/// One operand, floating point or bool.
private func unary(_ operation: ScalarOperation, _ a: [Double], isBool: Bool) throws(Fault) -> [Double] {
    if isBool {
        guard operation == .not else { throw Fault("\(operation.rawValue) of bool") }
        return a.map { 1 - $0 }
    }
    switch operation {
    case .negate: return a.map { -$0 }
    case .absolute: return a.map { abs($0) }
    // PyTorch gives 0 for NaN.
    case .sign: return a.map { $0 > 0 ? 1 : ($0 < 0 ? -1 : 0) }
    case .exp: return a.map { exp($0) }
    case .expm1: return a.map { expm1($0) }
    case .log: return a.map { log($0) }
    case .log1p: return a.map { log1p($0) }
    case .squareRoot: return a.map { $0.squareRoot() }
    case .reciprocalSquareRoot: return a.map { 1 / $0.squareRoot() }
    case .sine: return a.map { sin($0) }
    case .cosine: return a.map { cos($0) }
    case .tangent: return a.map { tan($0) }
    case .arcSine: return a.map { asin($0) }
    case .arcCosine: return a.map { acos($0) }
    case .arcTangent: return a.map { atan($0) }
    case .hyperbolicTangent: return a.map { tanh($0) }
    case .errorFunction: return a.map { erf($0) }
    case .logGamma: return a.map { logGamma($0) }
    case .digamma: return a.map { digamma($0) }
    case .errorFunctionInverse: return a.map { inverseErrorFunction($0) }
    case .floor: return a.map { $0.rounded(.down) }
    case .ceiling: return a.map { $0.rounded(.up) }
    case .truncate: return a.map { $0.rounded(.towardZero) }
    case .round: return a.map { $0.rounded(.toNearestOrEven) }
    case .isNaN: return a.map { truth($0.isNaN) }
    case .not, .add, .subtract, .multiply, .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder,
        .minimum, .maximum, .power, .arcTangent2, .less, .lessOrEqual, .equal, .notEqual, .and, .or, .exclusiveOr,
        .shiftLeft, .shiftRight, .select:
        throw Fault("\(operation.rawValue) of one floating-point operand")
    }
}

/// One integer operand.
private func unary(_ operation: ScalarOperation, _ a: [Int64]) throws(Fault) -> Column {
    switch operation {
    case .negate: return .integer(a.map { 0 &- $0 })
    case .absolute: return .integer(a.map { $0 < 0 ? 0 &- $0 : $0 })
    case .sign: return .integer(a.map { $0.signum() })
    case .floor, .ceiling, .truncate, .round: return .integer(a)
    case .not: return .integer(a.map { ~$0 })
    case .isNaN: return .real(a.map { _ in 0 })
    case .exp, .expm1, .log, .log1p, .squareRoot, .reciprocalSquareRoot, .sine, .cosine, .tangent, .arcSine, .arcCosine,
        .arcTangent, .hyperbolicTangent, .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .add, .subtract,
        .multiply, .divide, .floorDivide, .truncateDivide, .remainder, .truncateRemainder, .minimum, .maximum, .power,
        .arcTangent2, .less, .lessOrEqual, .equal, .notEqual, .and, .or, .exclusiveOr, .shiftLeft, .shiftRight, .select:
        throw Fault("\(operation.rawValue) of one integer operand")
    }
}

/// Two operands, both floating point or both bool.
private func binary(_ operation: ScalarOperation, _ a: [Double], _ b: [Double], isBool: Bool) throws(Fault) -> [Double]
{
    switch operation {
    case .minimum: return zipMap(a, b) { smaller($0, $1) }
    case .maximum: return zipMap(a, b) { larger($0, $1) }
    case .less: return zipMap(a, b) { truth($0 < $1) }
    case .lessOrEqual: return zipMap(a, b) { truth($0 <= $1) }
    case .equal: return zipMap(a, b) { truth($0 == $1) }
    case .notEqual: return zipMap(a, b) { truth($0 != $1) }
    case .and where isBool: return zipMap(a, b) { $0 * $1 }
    case .or where isBool: return zipMap(a, b) { max($0, $1) }
    case .exclusiveOr where isBool: return zipMap(a, b) { truth($0 != $1) }
    case .add where !isBool: return zipMap(a, b) { $0 + $1 }
    case .subtract where !isBool: return zipMap(a, b) { $0 - $1 }
    case .multiply where !isBool: return zipMap(a, b) { $0 * $1 }
    case .divide where !isBool: return zipMap(a, b) { $0 / $1 }
    case .floorDivide where !isBool: return zipMap(a, b) { floatingFloorDivide($0, $1) }
    case .truncateDivide where !isBool: return zipMap(a, b) { ($0 / $1).rounded(.towardZero) }
    case .remainder where !isBool: return zipMap(a, b) { floatingRemainder($0, $1) }
    case .truncateRemainder where !isBool: return zipMap(a, b) { fmod($0, $1) }
    case .power where !isBool: return zipMap(a, b) { pow($0, $1) }
    case .arcTangent2 where !isBool: return zipMap(a, b) { atan2($0, $1) }
    case .and, .or, .exclusiveOr, .add, .subtract, .multiply, .divide, .floorDivide, .truncateDivide, .remainder,
        .truncateRemainder, .power, .arcTangent2, .shiftLeft, .shiftRight, .negate, .absolute, .sign, .exp, .expm1,
        .log,
        .log1p, .squareRoot, .reciprocalSquareRoot, .sine, .cosine, .tangent, .arcSine, .arcCosine, .arcTangent,
        .hyperbolicTangent, .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .floor, .ceiling, .truncate,
        .round, .isNaN, .not, .select:
        throw Fault("\(operation.rawValue) of two \(isBool ? "bool" : "floating-point") operands")
    }
}

/// Two integer operands.
private func binary(_ operation: ScalarOperation, _ a: [Int64], _ b: [Int64]) throws(Fault) -> Column {
    switch operation {
    case .floorDivide, .truncateDivide, .remainder, .truncateRemainder:
        if b.contains(0) { throw Fault("integer division by zero") }
    case .add, .subtract, .multiply, .divide, .minimum, .maximum, .power, .arcTangent2, .negate, .absolute, .sign, .exp,
        .expm1, .log, .log1p, .squareRoot, .reciprocalSquareRoot, .sine, .cosine, .tangent, .arcSine, .arcCosine,
        .arcTangent, .hyperbolicTangent, .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .floor, .ceiling,
        .truncate, .round, .less, .lessOrEqual, .equal, .notEqual, .isNaN, .and, .or, .exclusiveOr, .not, .shiftLeft,
        .shiftRight, .select:
        break
    }
    switch operation {
    case .add: return .integer(zipMap(a, b) { $0 &+ $1 })
    case .subtract: return .integer(zipMap(a, b) { $0 &- $1 })
    case .multiply: return .integer(zipMap(a, b) { $0 &* $1 })
    case .floorDivide: return .integer(zipMap(a, b) { floorDivided($0, $1).quotient })
    case .remainder: return .integer(zipMap(a, b) { floorDivided($0, $1).remainder })
    case .truncateDivide: return .integer(zipMap(a, b) { $0.dividedReportingOverflow(by: $1).partialValue })
    case .truncateRemainder:
        return .integer(zipMap(a, b) { $0.remainderReportingOverflow(dividingBy: $1).partialValue })
    case .minimum: return .integer(zipMap(a, b) { min($0, $1) })
    case .maximum: return .integer(zipMap(a, b) { max($0, $1) })
    case .power: return .integer(zipMap(a, b) { integerPower($0, $1) })
    case .less: return .real(zipMap(a, b) { truth($0 < $1) })
    case .lessOrEqual: return .real(zipMap(a, b) { truth($0 <= $1) })
    case .equal: return .real(zipMap(a, b) { truth($0 == $1) })
    case .notEqual: return .real(zipMap(a, b) { truth($0 != $1) })
    case .and: return .integer(zipMap(a, b) { $0 & $1 })
    case .or: return .integer(zipMap(a, b) { $0 | $1 })
    case .exclusiveOr: return .integer(zipMap(a, b) { $0 ^ $1 })
    case .shiftLeft: return .integer(zipMap(a, b) { shiftedLeft($0, $1) })
    case .shiftRight: return .integer(zipMap(a, b) { shiftedRight($0, $1) })
    case .divide, .arcTangent2, .negate, .absolute, .sign, .exp, .expm1, .log, .log1p, .squareRoot,
        .reciprocalSquareRoot, .sine, .cosine, .tangent, .arcSine, .arcCosine, .arcTangent, .hyperbolicTangent,
        .errorFunction, .logGamma, .digamma, .errorFunctionInverse, .floor, .ceiling, .truncate, .round, .isNaN, .not,
        .select:
        throw Fault("\(operation.rawValue) of two integer operands")
    }
}
