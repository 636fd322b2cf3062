extension SymbolicExpression {
    /// Deepest nesting that is read.
    package static let depthLimit = 64

    /// Reads what sympy's `srepr` prints; also plain arithmetic (`2*s0 + 1`, `s0//2`), as older files have.
    package init(parsing text: String) throws(SymbolicExpressionError) {
        var parser = SymbolicExpressionParser(bytes: Array(text.utf8))
        self = try parser.whole()
    }
}

extension SymbolicExpression: CustomStringConvertible {
    /// Functions with their arguments, such as `Add(Mul(2, s27), 1)`; reads back to the same value.
    package var description: String {
        switch self {
        case .integer(let value): String(value)
        case .rational(let numerator, let denominator): "Rational(\(numerator), \(denominator))"
        case .float(let value): "Float('\(value)')"
        case .boolean(let value): value ? "true" : "false"
        case .infinity(let negative): negative ? "-oo" : "oo"
        case .symbol(let name): name
        case .apply(let function, let arguments):
            "\(function.rawValue)(\(arguments.map(\.description).joined(separator: ", ")))"
        }
    }

    /// Names of the symbols in it, each once, in order of first occurrence.
    package var symbols: [String] {
        var names: [String] = []
        collectSymbols(into: &names)
        return names
    }

    private func collectSymbols(into names: inout [String]) {
        switch self {
        case .integer, .rational, .float, .boolean, .infinity: return
        case .symbol(let name): if !names.contains(name) { names.append(name) }
        case .apply(_, let arguments): for argument in arguments { argument.collectSymbols(into: &names) }
        }
    }
}

extension SymbolicExpression.Function {
    /// How many arguments the function takes.
    package var argumentCounts: ClosedRange<Int> {
        switch self {
        case .add, .multiply, .maximum, .minimum, .and, .or: 1...Int.max
        case .isNonOverlappingAndDense: 0...Int.max
        case .absolute, .ceilToInteger, .floorToInteger, .truncateToInteger, .roundToInteger, .truncateToFloat,
            .toFloat,
            .floor, .ceiling, .identity, .not:
            1...1
        case .power, .floorDivide, .exactDivide, .ceilDivide, .modulo, .pythonModulo, .roundDecimal,
            .integerTrueDivide, .floatTrueDivide, .floatPower, .naturalPower, .shiftLeft, .shiftRight, .equal,
            .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            2...2
        case .modularIndexing, .select: 3...3
        }
    }
}

/// Recursive descent: sums of products of powers of names, numbers, calls and parentheses.
struct SymbolicExpressionParser {
    let bytes: [UInt8]
    private var place = 0
    private var depth = 0
    private var divisions = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func whole() throws(SymbolicExpressionError) -> SymbolicExpression {
        let result = try sum()
        skipSpace()
        if place < bytes.count { throw .unexpected(offset: place, expected: "the end") }
        return result
    }

    private mutating func skipSpace() {
        while place < bytes.count, bytes[place] == UInt8(ascii: " ") { place += 1 }
    }

    /// Takes a text if it comes next.
    private mutating func take(_ text: StaticString) -> Bool {
        skipSpace()
        let size = text.utf8CodeUnitCount
        guard place + size <= bytes.count else { return false }
        // Safety: the index is below the literal's length.
        for index in 0..<size where bytes[place + index] != text.utf8Start[index] { return false }
        place += size
        return true
    }

    private mutating func require(_ text: StaticString) throws(SymbolicExpressionError) {
        if !take(text) { throw .unexpected(offset: place, expected: "'\(text)'") }
    }

    private mutating func sum() throws(SymbolicExpressionError) -> SymbolicExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > SymbolicExpression.depthLimit { throw .tooDeep(limit: SymbolicExpression.depthLimit) }
        var terms = [try product()]
        while true {
            if take("+") {
                terms.append(try product())
            } else if take("-") {
                terms.append(Self.negated(try product()))
            } else {
                return terms.count == 1 ? terms[0] : .apply(.add, terms)
            }
        }
    }

    private mutating func product() throws(SymbolicExpressionError) -> SymbolicExpression {
        var result = try factor()
        // Chains such as a*b*c stay flat, so that only brackets nest.
        while true {
            if take("*") {
                let next = try factor()
                if case .apply(.multiply, let factors) = result {
                    result = .apply(.multiply, factors + [next])
                } else {
                    result = .apply(.multiply, [result, next])
                }
            } else if take("//") {
                result = try deepened(.floorDivide, result)
            } else if take("%") {
                result = try deepened(.pythonModulo, result)
            } else {
                return result
            }
        }
    }

    /// A division of what was read so far: it nests to the left, which counts as depth.
    private mutating func deepened(
        _ function: SymbolicExpression.Function, _ left: SymbolicExpression
    ) throws(SymbolicExpressionError) -> SymbolicExpression {
        divisions += 1
        if divisions > SymbolicExpression.depthLimit { throw .tooDeep(limit: SymbolicExpression.depthLimit) }
        return .apply(function, [left, try factor()])
    }

    private mutating func factor() throws(SymbolicExpressionError) -> SymbolicExpression {
        if take("-") {
            // A double minus is not arithmetic that anything prints, so this does not recurse.
            return Self.negated(try power())
        }
        return try power()
    }

    private mutating func power() throws(SymbolicExpressionError) -> SymbolicExpression {
        let base = try atom()
        return take("**") ? .apply(.power, [base, try atom()]) : base
    }

    private static func negated(_ expression: SymbolicExpression) -> SymbolicExpression {
        if case .integer(let value) = expression, value != .min { return .integer(-value) }
        if case .infinity(let negative) = expression { return .infinity(negative: !negative) }
        return .apply(.multiply, [.integer(-1), expression])
    }

    private mutating func atom() throws(SymbolicExpressionError) -> SymbolicExpression {
        if take("(") {
            let inner = try sum()
            try require(")")
            return inner
        }
        let start = place
        if place < bytes.count, Self.isDigit(bytes[place]) { return .integer(try integer()) }
        let name = name()
        if name.isEmpty { throw .unexpected(offset: start, expected: "a name, a number or '('") }
        switch name {
        case "oo", "int_oo": return .infinity(negative: false)
        case "true", "True": return .boolean(true)
        case "false", "False": return .boolean(false)
        default: break
        }
        guard take("(") else {
            if Self.isSymbolName(name) { return .symbol(name) }
            throw .unexpected(offset: start, expected: "a plain symbol name")
        }
        switch name {
        case "Integer":
            let value = try signedInteger()
            try require(")")
            return .integer(value)
        case "Rational":
            let numerator = try signedInteger()
            try require(",")
            let denominator = try signedInteger()
            if denominator <= 0 { throw .unexpected(offset: start, expected: "a positive denominator") }
            try require(")")
            return .rational(numerator, denominator)
        case "Float":
            let text = try quoted()
            guard let value = Double(text), value.isFinite else {
                throw .unexpected(offset: start, expected: "a number in quotes")
            }
            try options()
            return .float(value)
        case "Symbol":
            let symbol = try quoted()
            guard Self.isSymbolName(symbol) else { throw .unexpected(offset: start, expected: "a plain symbol name") }
            try options()
            return .symbol(symbol)
        case "Piecewise": return try cases()
        default: return try call(name, at: start)
        }
    }

    /// Cases in order, each a value and its condition, as nested choices: the last one always holds.
    private mutating func cases() throws(SymbolicExpressionError) -> SymbolicExpression {
        var found: [(value: SymbolicExpression, condition: SymbolicExpression)] = []
        repeat {
            try require("ExprCondPair(")
            let value = try sum()
            try require(",")
            found.append((value, try sum()))
            try require(")")
        } while take(",")
        guard let last = found.popLast(), last.condition == .boolean(true) else {
            throw .unexpected(offset: place, expected: "a last case that always holds")
        }
        if found.count > SymbolicExpression.depthLimit { throw .tooDeep(limit: SymbolicExpression.depthLimit) }
        try require(")")
        return found.reversed().reduce(last.value) { .apply(.select, [$1.condition, $1.value, $0]) }
    }

    private mutating func call(_ name: String, at start: Int) throws(SymbolicExpressionError) -> SymbolicExpression {
        guard let function = SymbolicExpression.Function(rawValue: name) else {
            throw .unknownFunction(name, offset: start)
        }
        var arguments: [SymbolicExpression] = []
        if !take(")") {
            repeat { arguments.append(try sum()) } while take(",")
            try require(")")
        }
        if !function.argumentCounts.contains(arguments.count) {
            throw .argumentCount(function, found: arguments.count, offset: start)
        }
        return .apply(function, arguments)
    }

    /// Assumptions such as `positive=True` or `precision=53`, and the closing bracket. They restate what ranges say.
    private mutating func options() throws(SymbolicExpressionError) {
        while take(",") {
            skipSpace()
            if name().isEmpty { throw .unexpected(offset: place, expected: "a name") }
            try require("=")
            skipSpace()
            let start = place
            while place < bytes.count, Self.isNameByte(bytes[place]) { place += 1 }
            if place == start { throw .unexpected(offset: place, expected: "a value") }
        }
        try require(")")
    }

    private mutating func quoted() throws(SymbolicExpressionError) -> String {
        try require("'")
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "'") { place += 1 }
        let text = String(validating: bytes[start..<place], as: UTF8.self)
        try require("'")
        guard let text, !text.isEmpty else { throw .unexpected(offset: start, expected: "a name in quotes") }
        return text
    }

    private mutating func name() -> String {
        let start = place
        while place < bytes.count, Self.isNameByte(bytes[place]) { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func signedInteger() throws(SymbolicExpressionError) -> Int64 {
        let negative = take("-")
        skipSpace()
        let start = place
        guard place < bytes.count, Self.isDigit(bytes[place]) else {
            throw .unexpected(offset: start, expected: "an integer")
        }
        let value = try integer()
        return negative ? -value : value
    }

    private mutating func integer() throws(SymbolicExpressionError) -> Int64 {
        let start = place
        var value: Int64 = 0
        while place < bytes.count, Self.isDigit(bytes[place]) {
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(Int64(bytes[place] - UInt8(ascii: "0")))
            if overflowed || carried { throw .numberTooLarge(offset: start) }
            value = sum
            place += 1
        }
        return value
    }

    /// Letters, digits and underscores, and not a word with a meaning of its own.
    private static func isSymbolName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !isDigit(first), name.utf8.allSatisfy({ isNameByte($0) && $0 != 0x2E })
        else {
            return false
        }
        return !["oo", "int_oo", "true", "True", "false", "False"].contains(name)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    }
}
