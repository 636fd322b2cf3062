import Base

extension IntegerExpression: CustomStringConvertible {
    /// The printed form, which `init(parsing:)` reads back: `2*s0 + 3`, `(i0 + 1) // 2`, `min(s0, 4)`.
    package var description: String {
        var text = ""
        for term in terms {
            let product = term.atoms.map(describe).joined(separator: "*")
            let magnitude = term.coefficient.magnitude == 1 ? product : "\(term.coefficient.magnitude)*\(product)"
            if text.isEmpty {
                text = term.coefficient < 0 ? "-\(magnitude)" : magnitude
            } else {
                text += (term.coefficient < 0 ? " - " : " + ") + magnitude
            }
        }
        if text.isEmpty { return "\(constant)" }
        if constant != 0 { text += constant < 0 ? " - \(constant.magnitude)" : " + \(constant)" }
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

    /// Reads the printed form back: the very expression that was printed, nothing is simplified on the way.
    package init(parsing text: String) throws(TextError) {
        var scanner = TextScanner(text)
        self = try scanner.integerExpression()
        if !scanner.isAtEnd { throw scanner.failure("the end of the text") }
    }
}

extension TextScanner {
    /// An integer expression in its printed form.
    package mutating func integerExpression() throws(TextError) -> IntegerExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < 100 else { throw failure("at most 100 nested parentheses") }
        var value = try product(sign: accept("-") ? -1 : 1)
        while true {
            if accept("+") {
                value = value + (try product(sign: 1))
            } else if accept("-") {
                value = value + (try product(sign: -1))
            } else {
                return value
            }
        }
    }

    private mutating func product(sign: Int) throws(TextError) -> IntegerExpression {
        var value: IntegerExpression
        if let next = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) {
            // The least integer has no positive counterpart, so the sign belongs to the number.
            value = IntegerExpression(try digits(isNegative: sign < 0))
        } else {
            value = try factor() * sign
        }
        while accept("*") { value = value * (try factor()) }
        return value
    }

    private mutating func factor() throws(TextError) -> IntegerExpression {
        if accept("(") {
            let first = try integerExpression()
            for (token, isQuotient) in [("//", true), ("%", false)] where accept(token) {
                let second = try integerExpression()
                try expect(")")
                return IntegerExpression(atom: isQuotient ? .floorDivide(first, second) : .modulo(first, second))
            }
            try expect(")")
            return first
        }
        for (name, isMinimum) in [("min(", true), ("max(", false)] where accept(name) {
            let first = try integerExpression()
            try expect(",")
            let second = try integerExpression()
            try expect(")")
            return IntegerExpression(atom: isMinimum ? .minimum(first, second) : .maximum(first, second))
        }
        for (prefix, kind) in [("s", Variable.Kind.symbol), ("i", .axis), ("v", .value)] where accept(prefix) {
            return IntegerExpression(Variable(kind, try digits(isNegative: false)))
        }
        return IntegerExpression(try digits(isNegative: false))
    }

    private mutating func digits(isNegative: Bool) throws(TextError) -> Int {
        let start = self
        guard let next = peek(), next != UInt8(ascii: "-"), let value = Int((isNegative ? "-" : "") + word()) else {
            self = start
            throw failure("a number")
        }
        return value
    }
}
