import Base
import ElementTypes
import Testing

/// The integer algebra against brute force: whatever is simplified must keep its value.
@Suite struct IntegerExpressionTests {
    /// Two symbols and two axes, i0 < s0 and i1 < 5, with ranges that hold for every assignment below.
    private static let symbols = [Variable(.symbol, 0), Variable(.symbol, 1)]
    private static let axes = [Variable(.axis, 0), Variable(.axis, 1)]
    private static let ranges: VariableRanges = {
        var ranges = VariableRanges()
        ranges[symbols[0]] = .init(lower: 1, upper: 4)
        ranges[symbols[1]] = .init(lower: -2, upper: nil)
        ranges.declare(axes[0], extent: IntegerExpression(symbols[0]))
        ranges.declare(axes[1], extent: 5)
        return ranges
    }()
    private static let assignments: [[Variable: Int]] = (1...4).flatMap { s0 in
        [-2, -1, 0, 1, 3, 7].flatMap { s1 in
            (0..<s0).flatMap { i0 in
                (0..<5).map { [symbols[0]: s0, symbols[1]: s1, axes[0]: i0, axes[1]: $0] }
            }
        }
    }

    /// An expression before simplification, evaluated directly.
    private indirect enum Tree {
        case leaf(IntegerExpression)
        case sum(Tree, Tree), difference(Tree, Tree), product(Tree, Tree)
        case quotient(Tree, Tree), remainder(Tree, Tree), minimum(Tree, Tree), maximum(Tree, Tree)

        static func random(_ random: inout SeededRandom, depth: Int) -> Tree {
            if depth == 0 || random.index(below: 5) == 0 {
                switch random.index(below: 3) {
                case 0: return .leaf(IntegerExpression(random.index(below: 13) - 4))
                case 1: return .leaf(IntegerExpression((symbols + axes)[random.index(below: 4)]))
                default:
                    let variable = IntegerExpression((symbols + axes)[random.index(below: 4)])
                    return .leaf(variable * [2, 3, 4, 6, 12, -1][random.index(below: 6)])
                }
            }
            let a = Self.random(&random, depth: depth - 1)
            let b = Self.random(&random, depth: depth - 1)
            let divisor: Tree =
                random.index(below: 3) == 0
                ? b : .leaf(IntegerExpression([1, 2, 3, 4, 6, 8, 12, -2, 0][random.index(below: 9)]))
            switch random.index(below: 9) {
            case 0, 1: return .sum(a, b)
            case 2: return .difference(a, b)
            case 3: return .product(a, b)
            case 4, 5: return .quotient(a, divisor)
            case 6: return .remainder(a, divisor)
            case 7: return .minimum(a, b)
            default: return .maximum(a, b)
            }
        }

        func simplified(_ ranges: VariableRanges) -> IntegerExpression {
            switch self {
            case .leaf(let expression): expression
            case .sum(let a, let b): a.simplified(ranges) + b.simplified(ranges)
            case .difference(let a, let b): a.simplified(ranges) - b.simplified(ranges)
            case .product(let a, let b): a.simplified(ranges) * b.simplified(ranges)
            case .quotient(let a, let b): a.simplified(ranges).floorDivided(by: b.simplified(ranges), ranges)
            case .remainder(let a, let b): a.simplified(ranges).modulo(b.simplified(ranges), ranges)
            case .minimum(let a, let b): a.simplified(ranges).minimum(b.simplified(ranges), ranges)
            case .maximum(let a, let b): a.simplified(ranges).maximum(b.simplified(ranges), ranges)
            }
        }

        func value(_ assignment: [Variable: Int]) -> Int? {
            func both(_ a: Tree, _ b: Tree, _ body: (Int, Int) -> Int?) -> Int? {
                guard let x = a.value(assignment), let y = b.value(assignment) else { return nil }
                return body(x, y)
            }
            switch self {
            case .leaf(let expression): return expression.evaluate { assignment[$0] ?? 0 }
            case .sum(let a, let b): return both(a, b) { $0 + $1 }
            case .difference(let a, let b): return both(a, b) { $0 - $1 }
            case .product(let a, let b): return both(a, b) { $0 * $1 }
            case .quotient(let a, let b):
                return both(a, b) { $1 == 0 ? nil : Int((Double($0) / Double($1)).rounded(.down)) }
            case .remainder(let a, let b):
                return both(a, b) { $1 == 0 ? nil : $0 - Int((Double($0) / Double($1)).rounded(.down)) * $1 }
            case .minimum(let a, let b): return both(a, b) { min($0, $1) }
            case .maximum(let a, let b): return both(a, b) { max($0, $1) }
            }
        }
    }

    @Test(arguments: 0..<20)
    func simplificationKeepsValues(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        for _ in 0..<100 {
            let tree = Tree.random(&random, depth: 3)
            let simplified = tree.simplified(Self.ranges)
            let (lower, upper) = (Self.ranges.lowerBound(simplified), Self.ranges.upperBound(simplified))
            for assignment in Self.assignments {
                // A division by zero makes the whole undefined; simplification may drop it.
                guard let expected = tree.value(assignment) else { continue }
                let found = simplified.evaluate { assignment[$0] ?? 0 }
                try #require(found == expected, "\(tree) became \(simplified), at \(assignment)")
                try #require(lower ?? expected <= expected && expected <= upper ?? expected, "bounds of \(simplified)")
            }
            #expect(try IntegerExpression(parsing: simplified.description) == simplified)
        }
    }

    @Test(arguments: 0..<10)
    func substitutionKeepsValues(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(1000 + seed))
        for _ in 0..<100 {
            let tree = Tree.random(&random, depth: 3)
            let expression = tree.simplified(Self.ranges)
            // i1 = 2·i2 + i3 with i2 < 2 and i3 < 2; s1 = s0 − 1.
            let (i2, i3) = (Variable(.axis, 2), Variable(.axis, 3))
            var ranges = Self.ranges
            ranges.declare(i2, extent: 2)
            ranges.declare(i3, extent: 2)
            let replaced = expression.substituting(ranges) {
                $0 == Self.axes[1]
                    ? IntegerExpression(i2) * 2 + IntegerExpression(i3)
                    : $0 == Self.symbols[1] ? IntegerExpression(Self.symbols[0]) - 1 : nil
            }
            for s0 in 1...4 {
                for i0 in 0..<s0 {
                    for i1 in 0..<4 {
                        var assignment = [Self.symbols[0]: s0, Self.symbols[1]: s0 - 1, Self.axes[0]: i0]
                        assignment[Self.axes[1]] = i1
                        guard let expected = tree.value(assignment) else { continue }
                        assignment[i2] = i1 / 2
                        assignment[i3] = i1 % 2
                        let found = replaced.evaluate { assignment[$0] ?? 0 }
                        try #require(found == expected, "\(expression) became \(replaced), at \(assignment)")
                    }
                }
            }
        }
    }

    private static let s0 = IntegerExpression(Variable(.symbol, 0))
    private static let i0 = IntegerExpression(Variable(.axis, 0))
    private static let i1 = IntegerExpression(Variable(.axis, 1))

    @Test(arguments: [
        ((i0 * 5 + i1).floorDivided(by: 5, ranges), "i0"),
        ((i0 * 5 + i1).modulo(5, ranges), "i1"),
        ((s0 * i1 + i0).floorDivided(by: s0, ranges), "i1"),
        ((s0 * i1 + i0).modulo(s0, ranges), "i0"),
        ((i0 * 10 + i1).floorDivided(by: 20, ranges), "(i0 // 2)"),
        ((i0 * 10 + i1).modulo(20, ranges), "-20*(i0 // 2) + 10*i0 + i1"),
        (i1.floorDivided(by: 2, ranges).floorDivided(by: 3, ranges), "0"),
        (i1.minimum(4, ranges), "i1"),
        (i0.maximum(s0, ranges), "s0"),
        ((s0 - 1 - i0).maximum(0, ranges), "s0 - i0 - 1"),
    ])
    func simplifies(_ expression: IntegerExpression, _ text: String) throws {
        #expect(try expression == IntegerExpression(parsing: text), "found \(expression)")
    }

    @Test(arguments: [
        IntegerExpression(Int.max) + 1, IntegerExpression(Int.min) - 1, IntegerExpression(Int.max) * s0 * 2,
        (s0 + Int.max) * (s0 + 2), -IntegerExpression(Int.min), IntegerExpression(Int.min).floorDivided(by: -1, ranges),
        s0.floorDivided(by: 0, ranges), s0.modulo(0, ranges), s0 * Int.max + s0,
    ])
    func overflowIsUndefined(_ expression: IntegerExpression) throws {
        #expect(expression.constantValue == nil && expression.evaluate { _ in 3 } == nil)
        #expect(!Self.ranges.isNonNegative(expression))
        #expect(try IntegerExpression(parsing: expression.description) == expression)
    }

    @Test func extremesDoNotTrap() throws {
        let least = IntegerExpression(Int.min)
        for divisor in [-3, -1, 1, 2, 3, Int.max, Int.min] {
            for value in [least, least + Self.s0, Self.s0 * Int.min, Self.s0 * Int.min + Int.max] {
                let parts = [
                    value.floorDivided(by: IntegerExpression(divisor), Self.ranges),
                    value.modulo(IntegerExpression(divisor), Self.ranges),
                ]
                for part in parts {
                    #expect(try IntegerExpression(parsing: part.description) == part)
                    _ = Self.ranges.lowerBound(part)
                    _ = Self.ranges.upperBound(part)
                }
            }
        }
    }

    @Test(arguments: [
        ("", 0, "a number"), ("s", 1, "a number"), ("2*", 2, "a number"), ("(s0", 3, "')'"),
        ("s0 s1", 3, "the end of the text"), ("min(s0)", 6, "','"), ("99999999999999999999", 0, "a number"),
        (String(repeating: "(", count: 101), 99, "at most 100 nested parentheses"),
    ])
    func refusesText(_ text: String, _ offset: Int, _ expected: String) {
        #expect(throws: TextError(offset: offset, expected: expected)) { try IntegerExpression(parsing: text) }
    }
}
