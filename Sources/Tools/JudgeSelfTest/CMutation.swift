/// One change of C text that a generator could make by mistake.
struct CMutation: Hashable, Sendable {
    /// What kind of mistake.
    enum Mistake: String, Sendable, CaseIterable {
        /// A loop or a comparison that ends one early or late.
        case bound
        /// A number one off, or a factor a thousandth off.
        case constant
        /// Another operation.
        case arithmetic
        /// A sum that is overwritten, or taken away from.
        case accumulate
        /// A sum that starts at something else.
        case reset
        /// A statement left out: a store, an epilogue, a step.
        case statement
        /// A statement by which threads wait for each other left out.
        case barrier
        /// The rest after whole vectors or tiles left out.
        case tail
        /// A condition that always or never holds.
        case branch
        /// Two operands the other way round.
        case operands
        /// A narrower type.
        case type
    }

    var mistake: Mistake
    /// Tokens that are replaced.
    var range: Range<Int>
    var replacement: String

    /// The text with it.
    func apply(to tokens: [CToken]) -> String {
        tokens[..<range.lowerBound].map(\.text).joined() + replacement
            + tokens[range.upperBound...].map(\.text).joined()
    }

    /// Such as `bound: < becomes <=`, with the line in which it is.
    func description(_ tokens: [CToken]) -> String {
        let line = tokens[..<range.lowerBound].reduce(1) { $0 + $1.text.count { $0 == "\n" } }
        func short(_ text: String) -> String {
            let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            return words.count > 60 ? words.prefix(57) + "..." : words
        }
        let before = tokens[range].map(\.text).joined()
        return
            "\(mistake) in line \(line): \(short(before)) becomes \(replacement.isEmpty ? "nothing" : short(replacement))"
    }
}

extension CMutation {
    /// All changes of a kernel's text that are known here, in the order of their places.
    static func all(of tokens: [CToken]) -> [CMutation] {
        let code = tokens.indices.filter { tokens[$0].kind != .space && tokens[$0].kind != .other }
        var found: [CMutation] = []
        var statement = 0
        for (position, index) in code.enumerated() {
            let token = tokens[index]
            if position > 0, [";", "{", "}"].contains(tokens[code[position - 1]].text) { statement = position }
            let reader = Reader(tokens: tokens, code: code, position: position, statement: statement)
            // What only keeps compilers quiet, and what says how memory lies.
            if reader.isIdle { continue }
            switch token.kind {
            case .number: found += reader.numbers
            case .sign: found += reader.signs
            case .name: found += reader.names
            case .space, .other: break
            }
            if position == statement { found += reader.statements }
        }
        return found
    }

    /// Looks around one token.
    private struct Reader {
        let tokens: [CToken]
        let code: [Int]
        let position: Int
        /// Where the statement begins that the token is in.
        let statement: Int

        private static let types: Set<String> = [
            "float", "double", "char", "void", "const", "int", "restrict", "static", "FORCE", "unsigned", "struct",
            "volatile",
        ]
        private static let keywords: Set<String> = [
            "for", "if", "while", "do", "else", "return", "switch", "case", "goto",
        ]

        private func text(_ offset: Int) -> String {
            code.indices.contains(position + offset) ? tokens[code[position + offset]].text : ""
        }
        private func kind(_ offset: Int) -> CToken.Kind {
            code.indices.contains(position + offset) ? tokens[code[position + offset]].kind : .other
        }
        private var index: Int { code[position] }
        private func change(_ mistake: Mistake, _ replacement: String) -> CMutation {
            CMutation(mistake: mistake, range: index..<index + 1, replacement: replacement)
        }

        private func isType(_ name: String) -> Bool {
            Self.types.contains(name) || name.hasSuffix("_t") || name.hasSuffix("_u")
                || (name.hasPrefix("v") && name.count <= 4)
        }

        /// Whether the statement does nothing, or the token stands among attributes.
        var isIdle: Bool {
            let start = code[statement]
            let first = (0..<3).map { statement + $0 < code.count ? tokens[code[statement + $0]].text : "" }
            if first == ["(", "void", ")"] { return true }
            // `__attribute__((aligned(64)))` and declarations of functions.
            return tokens[start..<index].contains { $0.text == "__attribute__" }
        }

        /// Whether a sign stands between two values.
        private var isBinary: Bool {
            let before = text(-1)
            let isValue = kind(-1) == .number || [")", "]"].contains(before) || (kind(-1) == .name && !isType(before))
            return isValue && !Self.keywords.contains(before)
                && (kind(1) == .name && !isType(text(1)) || kind(1) == .number || ["(", "*", "-"].contains(text(1)))
        }

        var numbers: [CMutation] {
            let number = tokens[index].text
            if number.contains(".") || number.hasPrefix("0x1") && number.contains("p") || number.hasSuffix("f") {
                return [change(.constant, "(\(number) * 1.0009765625f)")]
            }
            guard let value = Int(number) else { return [] }
            // Arrays of other sizes and other vectors do not compile, or only cost memory.
            if text(-1) == "[", !["=", ";", "+", "-"].contains(text(2)), statementIsDeclaration { return [] }
            var changes = [change(.constant, "\(value + 1)")]
            if value > 0 { changes.append(change(.constant, "\(value - 1)")) }
            return changes
        }

        var signs: [CMutation] {
            switch tokens[index].text {
            case "<": isBinary ? [change(.bound, "<="), change(.branch, ">=")] : []
            case "<=": isBinary ? [change(.bound, "<")] : []
            case ">": isBinary ? [change(.bound, ">=")] : []
            case ">=": isBinary ? [change(.bound, ">")] : []
            case "==": [change(.branch, "!=")]
            case "!=": [change(.branch, "==")]
            case "&&": [change(.branch, "||")]
            case "||": [change(.branch, "&&")]
            case "+": isBinary ? [change(.arithmetic, "-")] : []
            case "-": isBinary ? [change(.arithmetic, "+")] : []
            case "*": isBinary ? [change(.arithmetic, "+")] : []
            case "/": isBinary ? [change(.arithmetic, "*")] : []
            case "%": isBinary ? [change(.arithmetic, "/")] : []
            case "<<": [change(.arithmetic, ">>")]
            case ">>": [change(.arithmetic, "<<")]
            case "+=": [change(.accumulate, "="), change(.accumulate, "-=")]
            case "*=": [change(.accumulate, "=")]
            case "=":
                text(1) == "{" && text(2) == "0" && text(3) == "}"
                    ? [CMutation(mistake: .reset, range: index..<code[position + 3] + 1, replacement: "= {1}")] : []
            default: []
            }
        }

        var names: [CMutation] {
            let name = tokens[index].text
            var changes: [CMutation] = []
            switch name {
            case "double" where text(1) != "*": changes.append(change(.type, "float"))
            case "float" where kind(1) == .name && text(2) == "=": changes.append(change(.type, "_Float16"))
            case "int64_t" where kind(1) == .name && text(2) == "=": changes.append(change(.type, "int8_t"))
            case "if" where text(1) == "(":
                if let close = closing(position + 1) {
                    let inner = tokens[code[position + 1] + 1..<code[close]].map(\.text).joined()
                    let range = code[position + 1]..<code[close] + 1
                    changes.append(CMutation(mistake: .branch, range: range, replacement: "(0 && (\(inner)))"))
                    changes.append(CMutation(mistake: .branch, range: range, replacement: "(1 || (\(inner)))"))
                }
            case "for" where text(1) == "(" && text(2) == ";":
                // A loop that begins where another ended takes what that left.
                let first = code[position + 2]
                if let end = code[(position + 3)...].firstIndex(where: { tokens[$0].text == ";" }) {
                    let inner = tokens[first + 1..<code[end]].map(\.text).joined()
                    changes.append(
                        CMutation(mistake: .tail, range: first + 1..<code[end], replacement: " 0 && (\(inner))"))
                }
            default: break
            }
            if text(1) == "(", !Self.keywords.contains(name), !isType(name), !statementIsDeclaration,
                let operands = firstOperands(position + 1)
            {
                let (a, b) = operands
                let swapped = tokens[b].map(\.text).joined() + "," + tokens[a].map(\.text).joined()
                if tokens[a].map(\.text).joined() != tokens[b].map(\.text).joined() {
                    changes.append(
                        CMutation(
                            mistake: .operands, range: a.lowerBound..<b.upperBound, replacement: swapped))
                }
            }
            return changes
        }

        /// A statement left out: an assignment or a call, no declaration.
        var statements: [CMutation] {
            guard kind(0) == .name || text(0) == "*", !Self.keywords.contains(text(0)), !statementIsDeclaration else {
                return []
            }
            var depth = 0
            for end in position..<code.count {
                switch tokens[code[end]].text {
                case "(", "[": depth += 1
                case ")", "]": depth -= 1
                case "{", "}": return []
                case ";" where depth == 0:
                    let inner = tokens[index..<code[end]]
                    let isWaiting = inner.contains {
                        let word = $0.text.lowercased()
                        return ["atomic", "wait", "barrier", "fence", "arrive", "sync"].contains(where: word.contains)
                    }
                    return [
                        CMutation(mistake: isWaiting ? .barrier : .statement, range: index..<code[end], replacement: "")
                    ]
                default: break
                }
                if depth < 0 { return [] }
            }
            return []
        }

        /// Whether the statement begins with a type.
        private var statementIsDeclaration: Bool {
            let first = tokens[code[statement]].text
            let second = statement + 1 < code.count ? tokens[code[statement + 1]] : CToken(kind: .other, text: "")
            return isType(first) || (tokens[code[statement]].kind == .name && second.kind == .name)
        }

        /// Where the parenthesis at a position ends.
        private func closing(_ open: Int) -> Int? {
            var depth = 0
            for position in open..<code.count {
                if tokens[code[position]].text == "(" { depth += 1 }
                if tokens[code[position]].text == ")" {
                    depth -= 1
                    if depth == 0 { return position }
                }
            }
            return nil
        }

        /// The first two operands in parentheses, as ranges of tokens.
        private func firstOperands(_ open: Int) -> (Range<Int>, Range<Int>)? {
            guard let close = closing(open) else { return nil }
            var commas: [Int] = []
            var depth = 0
            for position in open..<close {
                switch tokens[code[position]].text {
                case "(", "[", "{": depth += 1
                case ")", "]", "}": depth -= 1
                case "," where depth == 1: commas.append(code[position])
                default: break
                }
            }
            guard let first = commas.first else { return nil }
            let end = commas.count > 1 ? commas[1] : code[close]
            return (code[open] + 1..<first, first + 1..<end)
        }
    }
}
