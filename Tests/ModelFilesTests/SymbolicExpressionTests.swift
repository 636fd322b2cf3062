import ModelFiles
import Testing

@Suite struct SymbolicExpressionTests {
    private static let s0 = SymbolicExpression.symbol("s0")

    @Test(arguments: [
        ("Integer(-7)", SymbolicExpression.integer(-7)), ("Symbol('s0', positive=True, integer=True)", s0), ("s0", s0),
        ("Rational(-1, 2)", .rational(-1, 2)), ("Float('1.5', precision=53)", .float(1.5)), ("true", .boolean(true)),
        ("oo", .infinity(negative: false)), ("-int_oo", .infinity(negative: true)),
        (
            "Add(Mul(Integer(2), Symbol('s0')), Integer(1))",
            .apply(.add, [.apply(.multiply, [.integer(2), s0]), .integer(1)])
        ),
        ("2*s0 + 1", .apply(.add, [.apply(.multiply, [.integer(2), s0]), .integer(1)])),
        ("s0 - 1", .apply(.add, [s0, .integer(-1)])), ("-s0", .apply(.multiply, [.integer(-1), s0])),
        ("((s0//2))", .apply(.floorDivide, [s0, .integer(2)])), ("s0**2", .apply(.power, [s0, .integer(2)])),
        ("s0 % 3", .apply(.pythonModulo, [s0, .integer(3)])), ("Max(1, s0)", .apply(.maximum, [.integer(1), s0])),
        ("CeilToInt(IntTrueDiv(s0, 2))", .apply(.ceilToInteger, [.apply(.integerTrueDivide, [s0, .integer(2)])])),
        (
            "Where(Equality(s0, 1), 2, 3)",
            .apply(.select, [.apply(.equal, [s0, .integer(1)]), .integer(2), .integer(3)])
        ),
        (
            "Piecewise(ExprCondPair(Integer(2), Equality(s0, 1)), ExprCondPair(Integer(3), true))",
            .apply(.select, [.apply(.equal, [s0, .integer(1)]), .integer(2), .integer(3)])
        ),
    ])
    func reads(text: String, value: SymbolicExpression) throws {
        #expect(try SymbolicExpression(parsing: text) == value)
        #expect(try SymbolicExpression(parsing: value.description) == value)
    }

    @Test(arguments: [
        ("", "expected a name, a number or '(' at byte 0 of the shape expression"),
        ("Add(1, 2", "expected ')' at byte 8 of the shape expression"),
        ("Add(1,, 2)", "expected a name, a number or '(' at byte 6 of the shape expression"),
        ("s0 s1", "expected the end at byte 3 of the shape expression"),
        ("Gamma(s0)", "unknown function 'Gamma' at byte 0 of the shape expression"),
        ("FloorDiv(1)", "FloorDiv with 1 arguments at byte 0 of the shape expression"),
        ("1 + Mod(1, 2, 3)", "Mod with 3 arguments at byte 4 of the shape expression"),
        ("Integer(9223372036854775808)", "a number over 64 bits at byte 8 of the shape expression"),
        ("Integer(x)", "expected an integer at byte 8 of the shape expression"),
        ("Symbol(s0)", "expected ''' at byte 7 of the shape expression"),
        ("Symbol('a b')", "expected a plain symbol name at byte 0 of the shape expression"),
        (
            "Piecewise(ExprCondPair(1, Equality(s0, 1)))",
            "expected a last case that always holds at byte 42 of the shape expression"
        ),
        ("Rational(1, 0)", "expected a positive denominator at byte 0 of the shape expression"),
        (String(repeating: "(", count: 1000), "the shape expression nests deeper than 64 levels"),
        ("s0" + String(repeating: "//2", count: 1000), "the shape expression nests deeper than 64 levels"),
    ])
    func refuses(text: String, message: String) {
        do {
            _ = try SymbolicExpression(parsing: text)
            Issue.record("should be refused")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test func namesSymbolsInOrder() throws {
        #expect(try SymbolicExpression(parsing: "b*a + Max(c, a)").symbols == ["b", "a", "c"])
    }

    @Test(arguments: SymbolicExpression.Function.allCases)
    func readsEveryFunction(function: SymbolicExpression.Function) throws {
        let count = max(1, function.argumentCounts.lowerBound)
        let value = SymbolicExpression.apply(function, Array(repeating: Self.s0, count: count))
        #expect(try SymbolicExpression(parsing: value.description) == value)
    }
}
