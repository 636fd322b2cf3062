import Base
import ElementTypes
import Testing

/// Scalar expressions: canonical order, printing and reading back, faults.
@Suite struct ScalarExpressionTests {
    @Test(arguments: [
        ([ElementType.f32], "a0"), ([.f32, .f32], "add(a0, multiply(a1, 0.5))"), ([.f32], "t1 = exp(a0); add(t1, t1)"),
        ([.f16], "f16(multiply(a0, -1e-30))"), ([.i64, .i32], "select(less(a0, a1), 3i, -9223372036854775808i)"),
        ([.f64], "maximum(add(a0, 1.5d), -inf)"), ([.bool], "and(a0, true)"), ([], "nan"),
        ([], "nan(7ff8000000000001)d"),
        ([.f32], "add(-0.0, inf)"),
    ])
    func readsBack(_ arguments: [ElementType], _ text: String) throws {
        let expression = try ScalarExpression(parsing: text, arguments: arguments)
        #expect(expression.description == text)
    }

    /// Instructions in any order, shared or not, come back as they are.
    @Test(arguments: 0..<200)
    func everyExpressionReadsBack(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var instructions: [ScalarExpression.Instruction] = []
        for index in 0..<1 + random.index(below: 9) {
            switch random.index(below: index == 0 ? 4 : 7) {
            case 0: instructions.append(.argument(random.index(below: 3)))
            case 1: instructions.append(.real(bits: random.next(), random.index(below: 2) == 0 ? .f32 : .f64))
            case 2: instructions.append(.integer(Int64(bitPattern: random.next())))
            case 3: instructions.append(.truth(random.index(below: 2) == 0))
            case 4:
                let types = ElementType.allCases
                instructions.append(.cast(random.index(below: index), types[random.index(below: types.count)]))
            default:
                let operations = ScalarOperation.allCases
                let operation = operations[random.index(below: operations.count)]
                instructions.append(
                    .apply(operation, (0..<operation.arity).map { _ in random.index(below: index) }))
            }
        }
        let arguments: [ElementType] = [.f32, .i64, .bool]
        let expression = ScalarExpression(arguments: arguments, instructions: instructions)
        let text = expression.description
        #expect(try ScalarExpression(parsing: text, arguments: arguments) == expression, "\(text)")
    }

    @Test func equalFunctionsAreEqualValues() {
        var first = ScalarBuilder([.f32, .f32])
        let (a, b) = (first.argument(0), first.argument(1))
        let half = first.real(0.5)
        _ = first.apply(.exp, a)
        let sum = first.apply(.add, first.apply(.multiply, a, half), b)
        var second = ScalarBuilder([.f32, .f32])
        let c = second.argument(1)
        let product = second.apply(.multiply, second.argument(0), second.real(0.5))
        let again = second.apply(.add, product, c)
        #expect(first.finish(sum) == second.finish(again))
    }

    @Test(arguments: [
        ([ScalarExpression.Instruction](), "empty scalar expression"), ([.argument(1)], "argument 1 of 1"),
        ([.argument(0), .apply(.add, [0])], "add of 1 operands"), ([.apply(.negate, [0])], "operand after its use"),
        ([.cast(2, .f32)], "operand after its use"), ([.real(bits: 0, .f16)], "real constant of type f16"),
        ([.argument(0), .integer(1), .apply(.add, [0, 1])], "add of mixed types [\"f32\", \"i64\"]"),
        ([.argument(0), .apply(.select, [0, 0, 0])], "select without a bool condition"),
    ])
    func namesFaults(_ instructions: [ScalarExpression.Instruction], _ fault: String) {
        #expect(ScalarExpression(arguments: [.f32], instructions: instructions).fault == fault)
    }
}
