import ElementTypes
import GraphIR
import Testing

@testable import GraphRewrites

/// An expression on which one scalar rule applies; arguments are f32 unless stated.
struct ScalarCase: CustomStringConvertible, Sendable {
    let rule: String
    let arguments: [ElementType]
    let build: @Sendable (inout ScalarBuilder, [ScalarBuilder.Term]) -> ScalarBuilder.Term

    init(
        _ rule: String, _ arguments: [ElementType] = [.f32],
        _ build: @escaping @Sendable (inout ScalarBuilder, [ScalarBuilder.Term]) -> ScalarBuilder.Term
    ) {
        self.rule = rule
        self.arguments = arguments
        self.build = build
    }

    var description: String { rule }

    var expression: ScalarExpression {
        var builder = ScalarBuilder(arguments)
        let terms = arguments.indices.map { builder.argument($0) }
        let result = build(&builder, terms)
        return builder.finish(result)
    }
}

let scalarCases: [ScalarCase] = [
    ScalarCase("constants -> their value") { s, t in
        s.apply(.multiply, t[0], s.apply(.squareRoot, s.apply(.divide, s.real(1), s.real(3))))
    },
    ScalarCase("c + x -> x + c, for all that commute") { s, t in s.apply(.add, s.real(2), t[0]) },
    ScalarCase("x + (-0) -> x") { s, t in s.apply(.add, t[0], s.real(-0.0)) },
    ScalarCase("x + 0 -> x, where x is never -0") { s, t in s.apply(.add, s.apply(.exp, t[0]), s.real(0)) },
    ScalarCase("x - 0 -> x") { s, t in s.apply(.subtract, t[0], s.real(0)) },
    ScalarCase("x - 0 -> x", [.i32]) { s, t in s.apply(.subtract, t[0], s.integer(0)) },
    ScalarCase("x * 1 -> x") { s, t in s.apply(.multiply, t[0], s.real(1)) },
    ScalarCase("x * 1 -> x", [.bf16]) { s, t in s.apply(.multiply, t[0], s.real(1)) },
    ScalarCase("x * (-1) -> -x") { s, t in s.apply(.multiply, t[0], s.real(-1)) },
    ScalarCase("x / 2^k -> x * 2^-k") { s, t in s.apply(.divide, t[0], s.real(8)) },
    ScalarCase("(x * a) * b -> x * (a * b)") { s, t in
        s.apply(.multiply, s.apply(.multiply, t[0], s.real(3)), s.real(5))
    },
    ScalarCase("-(-x) -> x") { s, t in s.apply(.negate, s.apply(.negate, t[0])) },
    ScalarCase("not not x -> x", [.bool]) { s, t in s.apply(.not, s.apply(.not, t[0])) },
    ScalarCase("not (a == b) -> a != b", [.f32, .f32]) { s, t in s.apply(.not, s.apply(.equal, t[0], t[1])) },
    ScalarCase("not (a == b) -> a != b", [.f32, .f32]) { s, t in s.apply(.not, s.apply(.notEqual, t[0], t[1])) },
    ScalarCase("a + (-b) -> a - b", [.f32, .f32]) { s, t in s.apply(.add, t[0], s.apply(.negate, t[1])) },
    ScalarCase("a - (-b) -> a + b", [.f32, .f32]) { s, t in s.apply(.subtract, t[0], s.apply(.negate, t[1])) },
    ScalarCase("x ^ 2 -> x * x") { s, t in s.apply(.power, t[0], s.real(2)) },
    ScalarCase("x ^ 1 -> x") { s, t in s.apply(.power, t[0], s.real(1)) },
    ScalarCase("x and x -> x, for all that absorb") { s, t in s.apply(.maximum, t[0], t[0]) },
    ScalarCase("x and true -> x", [.bool]) { s, t in s.apply(.and, t[0], s.truth(true)) },
    ScalarCase("x and true -> x", [.bool]) { s, t in s.apply(.and, t[0], s.truth(false)) },
    ScalarCase("x or false -> x", [.bool]) { s, t in s.apply(.or, t[0], s.truth(false)) },
    ScalarCase("x or false -> x", [.bool]) { s, t in s.apply(.or, t[0], s.truth(true)) },
    ScalarCase("select(true, a, b) -> a", [.f32, .f32]) { s, t in s.apply(.select, s.truth(false), t[0], t[1]) },
    ScalarCase("select(c, a, a) -> a", [.bool, .f32]) { s, t in s.apply(.select, t[0], t[1], t[1]) },
    ScalarCase("select(not c, a, b) -> select(c, b, a)", [.bool, .f32, .f32]) { s, t in
        s.apply(.select, s.apply(.not, t[0]), t[1], t[2])
    },
    ScalarCase("T(x) -> x, where x is of type T", [.bf16]) { s, t in s.apply(.exp, s.cast(t[0], .f32)) },
    ScalarCase("T(x) -> x, where x is of type T", [.f32]) { s, t in
        s.cast(s.cast(s.apply(.exp, t[0]), .bf16), .bf16)
    },
    ScalarCase("T(wide(x)) -> T(x)", [.i32]) { s, t in s.cast(s.cast(t[0], .f64), .f32) },
    ScalarCase("T(wide(x)) -> T(x)", [.bool]) { s, t in s.cast(s.cast(t[0], .f32), .bool) },
]

@Suite struct ScalarRulesTests {
    /// Numbers at the edges of floating point.
    static let numbers: [Double] = [0, -0.0, 1, -1.5, 0x1p-149, 3e38, -3e38, .infinity, -.infinity, .nan, 0x1p-120]

    @Test(arguments: scalarCases)
    func applies(_ test: ScalarCase) {
        var fired: [String] = []
        let expression = test.expression
        let simple = expression.simplified { fired.append($0) }
        #expect(simple != expression)
        #expect(fired.contains(test.rule))
        #expect(simple.fault == nil)
        #expect(simple.resultElement == expression.resultElement)
    }

    /// Where both sides can be folded, they agree to the bit, the sign of zero and NaN included.
    @Test(arguments: scalarCases)
    func keepsEveryValue(_ test: ScalarCase) {
        let expression = test.expression
        let simple = expression.simplified()
        for first in Self.numbers {
            for second in Self.numbers {
                let values = [first, second, 0.75]
                var arguments: [ScalarConstant] = []
                for (type, value) in zip(test.arguments, values) {
                    let fitting = type.isInteger ? (value.magnitude < 100 ? value.rounded() : 7) : value
                    guard let constant = ScalarConstant(element: fitting, of: type) else { continue }
                    arguments.append(constant)
                }
                // Reassociated factors round once instead of twice.
                guard test.rule != "(x * a) * b -> x * (a * b)",
                    let before = expression.folded(arguments), let after = simple.folded(arguments)
                else { continue }
                #expect(isSame(before, after), "\(expression) and \(simple) for \(arguments)")
            }
        }
    }

    @Test func everyRuleHasACase() {
        let tested = Set(scalarCases.map(\.rule))
        for rule in scalarRules { #expect(tested.contains(rule.name), "\(rule.name)") }
    }

    /// What must not be simplified.
    @Test(arguments: [
        ScalarCase("x * 0") { s, t in s.apply(.multiply, t[0], s.real(0)) },
        ScalarCase("x - x") { s, t in s.apply(.subtract, t[0], t[0]) },
        ScalarCase("x + 0") { s, t in s.apply(.add, t[0], s.real(0)) },
        ScalarCase("x / 3") { s, t in s.apply(.divide, t[0], s.real(3)) },
        ScalarCase("x / 2^130") { s, t in s.apply(.divide, t[0], s.real(0x1p127)) },
        ScalarCase("f32(i64(x))") { s, t in s.cast(s.cast(t[0], .i64), .f32) },
        ScalarCase("bf16 rounding") { s, t in s.apply(.add, s.cast(t[0], .bf16), t[0]) },
    ])
    func leavesAlone(_ test: ScalarCase) {
        #expect(test.expression.simplified() == test.expression)
    }

    private func isSame(_ a: ScalarConstant, _ b: ScalarConstant) -> Bool {
        if case .real(let x, _) = a, case .real(let y, _) = b {
            return x.isNaN && y.isNaN || x.bitPattern == y.bitPattern
        }
        return a == b
    }
}
