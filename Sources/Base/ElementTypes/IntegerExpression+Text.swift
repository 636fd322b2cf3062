extension IntegerExpression: CustomStringConvertible {
    /// The printed form, which `init(parsing:)` reads back: `2*s0 + 3`, `(i0 + 1) // 2`, `min(s0, 4)`.
    package var description: String {
        var text = ""
        for term in terms {
            let product = term.atoms.map(describe).joined(separator: "*")
            let magnitude = abs(term.coefficient) == 1 ? product : "\(abs(term.coefficient))*\(product)"
            if text.isEmpty {
                text = term.coefficient < 0 ? "-\(magnitude)" : magnitude
            } else {
                text += (term.coefficient < 0 ? " - " : " + ") + magnitude
            }
        }
        if text.isEmpty { return "\(constant)" }
        if constant != 0 { text += constant < 0 ? " - \(-constant)" : " + \(constant)" }
        return text
    }

    private func describe(_ atom: IntegerAtom) -> String {
        func operand(_ expression: IntegerExpression) -> String {
            let isSimple =
                expression.constantValue.map { $0 >= 0 }
                ?? (expression.constant == 0 && expression.terms.count == 1
                    && expression.terms[0].coefficient == 1 && expression.terms[0].atoms.count == 1)
            let text = "\(expression)"
            return isSimple && !text.contains(" ") ? text : "(\(text))"
        }
        switch atom {
        case .variable(let variable): return variable.name
        case .floorDivide(let a, let b): return "(\(operand(a)) // \(operand(b)))"
        case .modulo(let a, let b): return "(\(operand(a)) % \(operand(b)))"
        case .minimum(let a, let b): return "min(\(a), \(b))"
        case .maximum(let a, let b): return "max(\(a), \(b))"
        }
    }

    /// Why a text is not an integer expression: the byte offset and what was expected there.
    package struct ParseError: Error, Equatable, CustomStringConvertible {
        package var offset: Int
        package var expected: String
        package var description: String { "integer expression: expected \(expected) at byte \(offset)" }
    }

    /// Reads the printed form back.
    package init(parsing text: String) throws(ParseError) {
        var parser = ExpressionParser(bytes: Array(text.utf8))
        self = try parser.sum()
        parser.skipSpaces()
        guard parser.position == parser.bytes.count else {
            throw ParseError(offset: parser.position, expected: "end of text")
        }
    }
}

private struct ExpressionParser {
    let bytes: [UInt8]
    var position = 0
    var depth = 0

    mutating func skipSpaces() {
        while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    }

    mutating func accept(_ token: String) -> Bool {
        skipSpaces()
        let wanted = Array(token.utf8)
        guard position + wanted.count <= bytes.count,
            Array(bytes[position..<position + wanted.count]) == wanted
        else { return false }
        position += wanted.count
        return true
    }

    mutating func expect(_ token: String) throws(IntegerExpression.ParseError) {
        guard accept(token) else { throw .init(offset: position, expected: "'\(token)'") }
    }

    mutating func sum() throws(IntegerExpression.ParseError) -> IntegerExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < 100 else { throw .init(offset: position, expected: "at most 100 nested parentheses") }
        var value = accept("-") ? try product() * -1 : try product()
        while true {
            if accept("+") {
                value = value + (try product())
            } else if accept("-") {
                value = value - (try product())
            } else {
                return value
            }
        }
    }

    mutating func product() throws(IntegerExpression.ParseError) -> IntegerExpression {
        var value = try factor()
        while true {
            if accept("*") {
                value = value * (try factor())
            } else if accept("//") {
                value = value.floorDivided(by: try factor(), VariableRanges())
            } else if accept("%") {
                value = value.modulo(try factor(), VariableRanges())
            } else {
                return value
            }
        }
    }

    mutating func factor() throws(IntegerExpression.ParseError) -> IntegerExpression {
        if accept("(") {
            let value = try sum()
            try expect(")")
            return value
        }
        for (name, isMinimum) in [("min(", true), ("max(", false)] where accept(name) {
            let a = try sum()
            try expect(",")
            let b = try sum()
            try expect(")")
            return isMinimum ? a.minimum(b, VariableRanges()) : a.maximum(b, VariableRanges())
        }
        for (prefix, kind) in [("s", Variable.Kind.symbol), ("i", .axis), ("v", .value)] where accept(prefix) {
            return IntegerExpression(Variable(kind, try number()))
        }
        return IntegerExpression(try number())
    }

    mutating func number() throws(IntegerExpression.ParseError) -> Int {
        skipSpaces()
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
            throw .init(offset: start, expected: "a number")
        }
        return value
    }
}
