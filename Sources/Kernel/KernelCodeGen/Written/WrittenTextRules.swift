/// Why a text of a kernel is not taken, in one line.
package struct WrittenTextFault: Error, Hashable, CustomStringConvertible {
    package let description: String

    /// Makes a fault.
    package init(_ description: String) { self.description = description }
}

/// What C that nobody of us wrote may hold before a compiler sees it. The judge finds out whether it is right, and the audit of the compiled library what
/// it imports and keeps; these rules keep out what neither of them would see: assembly, which could call the system; clocks, with which it could
/// behave otherwise later; directives, which could read files or change what our text means; names that would meet those of other kernels.
package struct WrittenTextRules {
    /// Most bytes of a text.
    package static let longest = 65_536

    /// Functions that the text defines, and the only ones that others see.
    let symbols: [String]
    /// On a device, the kernel's parameters, which a text repeats; nil on a processor.
    private let parameters: [Substring]?
    /// Names of our own text.
    private let trusted: Set<Substring>
    /// Our macros with arguments that the shown text does without: such a macro may drop what it is given, brackets among it.
    private let macros: Set<Substring>

    /// Rules for a text that defines `symbols` in place of `shown`, behind `prelude`.
    package init(symbols: [String], shown: String, prelude: String) {
        (trusted, macros) = Self.names(shown, prelude)
        self.symbols = symbols
        parameters = nil
    }

    /// Rules for a text of a device in place of `deviceText`, whose kernel begins with `WrittenTexts.head`, behind `prelude`.
    package init(deviceText: String, prelude: String) {
        (trusted, macros) = Self.names(deviceText, prelude)
        symbols = [WrittenTexts.head]
        let tokens = Self.tokens(deviceText)
        let start = tokens.lastIndex(of: Substring(WrittenTexts.head)) ?? tokens.endIndex
        parameters = Array(tokens[start...].prefix { $0 != "{" })
    }

    private static func names(_ shown: String, _ prelude: String) -> (trusted: Set<Substring>, macros: Set<Substring>) {
        let used = Set(tokens(shown).filter { isName($0) })
        let all = tokens(prelude)
        var macros: Set<Substring> = []
        for place in all.indices.dropLast(3) where all[place] == "#" && all[place + 1] == "define" {
            // A parenthesis right after the name.
            if all[place + 3] == "(", all[place + 2].endIndex == all[place + 3].startIndex {
                macros.insert(all[place + 2])
            }
        }
        macros.subtract(used)
        return (used.union(all.filter { isName($0) }), macros)
    }

    /// What is wrong with a text; nil where it may be compiled.
    package func fault(_ text: String) -> WrittenTextFault? {
        // Bytes, as compilers read them: for Swift a backslash with an accent is another character.
        let bytes = Array(text.utf8)
        if bytes.count > Self.longest { return WrittenTextFault("it has more than \(Self.longest) bytes") }
        // Without these, comments end where they seem to, and nothing is assembly, an include or a section.
        for (mark, name) in Self.marks where bytes.firstRange(of: Array(mark.utf8)) != nil {
            return WrittenTextFault("it holds \(name), which is not allowed")
        }
        if bytes.contains(where: { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A || $0 == 0x7F }) {
            return WrittenTextFault("it holds a control character")
        }
        guard let code = Self.withoutComments(bytes) else { return WrittenTextFault("a comment has no end") }
        guard code.allSatisfy({ $0 < 0x80 }) else {
            return WrittenTextFault("it holds a character beyond ASCII outside of comments")
        }
        var tokens: [Substring] = []
        for line in code.split(separator: 0x0A) {
            let words = Self.tokens(String(decoding: line, as: UTF8.self))
            if !words.contains("#") {
                tokens += words
            } else if !Self.isPragma(words) {
                let shown = Self.short(words.joined(separator: " "))
                return WrittenTextFault(
                    "the line '\(shown)' is not allowed: there are no directives but pragmas of loops")
            }
        }
        for (place, name) in tokens.enumerated() where Self.isName(name) && !isAllowed(name) {
            // Shared memory whose size the launch says.
            if name == "extern", parameters != nil, ["SHARED", "__shared__"].contains(tokens[(place + 1)...].first) {
                continue
            }
            return WrittenTextFault("the name '\(Self.short(String(name)))' is not allowed")
        }
        return attributes(tokens) ?? structure(tokens)
    }

    /// Whether every attribute is one of those.
    private func attributes(_ tokens: [Substring]) -> WrittenTextFault? {
        for place in tokens.indices {
            if tokens[place] == "[", place + 1 < tokens.count, tokens[place + 1] == "[" {
                return WrittenTextFault("'[[' is not allowed")
            }
            guard tokens[place] == "__attribute__" else { continue }
            var (end, depth) = (place + 1, 0)
            while end < tokens.count {
                if tokens[end] == "(" { depth += 1 }
                if tokens[end] == ")" { depth -= 1 }
                let name = tokens[end]
                if Self.isName(name), !Self.attributes.contains(name), !["sizeof", "float", "LANES"].contains(name) {
                    return WrittenTextFault("the attribute '\(Self.short(String(name)))' is not allowed")
                }
                end += 1
                if depth == 0 { break }
            }
        }
        return nil
    }

    private static func isPragma(_ words: [Substring]) -> Bool {
        guard words.count > 2, words[0] == "#", words[1] == "pragma" else { return false }
        let rest = words.dropFirst(2)
        return pragmas.contains { rest.starts(with: $0) } && !rest.contains { $0 == "#" || $0 == ";" || $0 == "{" }
            && !rest.contains { word in denied.contains { word.lowercased().contains($0) } }
    }

    private func isAllowed(_ name: Substring) -> Bool {
        let small = name.lowercased()
        if Self.denied.contains(where: { small.contains($0) }) { return false }
        if name == "extern" || macros.contains(name) { return false }
        if parameters != nil {
            // What is static there, or of no function, outlives a launch.
            if Self.deniedOnDevices.contains(name) || Self.deniedPartsOnDevices.contains(where: { small.contains($0) })
            {
                return false
            }
            if Self.intrinsics.contains(where: { name.hasPrefix($0) }) { return true }
        }
        guard name.hasPrefix("_") else { return true }
        if parameters == nil, Self.vectorTypes.contains(where: { name.hasPrefix($0) }) {
            return !Self.deniedVectorParts.contains { small.contains($0) }
        }
        if trusted.contains(name) || Self.reserved.contains(name) { return true }
        guard name.hasPrefix("__builtin_") else { return false }
        let builtin = name.dropFirst("__builtin_".count)
        return Self.builtins.contains { builtin.hasPrefix($0) }
    }

    /// Whether everything at the top is seen in this text alone, but for the functions that it must define.
    private func structure(_ tokens: [Substring]) -> WrittenTextFault? {
        var missing = Set(symbols)
        var start = 0
        while start < tokens.count {
            var (end, depth, body) = (start, 0, Int?.none)
            // An item ends with a semicolon outside of brackets, or with the body of a function.
            scan: while end < tokens.count {
                switch tokens[end] {
                case "(", "[": depth += 1
                case "{":
                    if depth == 0, end > start, tokens[end - 1] == ")" { body = end }
                    depth += 1
                case ")", "]", "}":
                    depth -= 1
                    if depth < 0 { return WrittenTextFault("a bracket is closed that was not opened") }
                    if depth == 0, tokens[end] == "}", body != nil { break scan }
                case ";" where depth == 0: break scan
                default: break
                }
                end += 1
            }
            if end == tokens.count {
                return WrittenTextFault("the end is missing of what begins with '\(tokens[start])'")
            }
            let item = tokens[start...end]
            start = end + 1
            if item.count == 1 { continue }
            let function = item.indices.dropLast().first {
                Self.isName(item[$0]) && item[$0 + 1] == "(" && item[$0] != "__attribute__"
            }
            .map { String(item[$0]) }
            if let parameters, item.first == Substring(WrittenTexts.head) {
                guard item.starts(with: parameters), body == item.startIndex + parameters.count,
                    missing.remove(WrittenTexts.head) != nil
                else {
                    return WrittenTextFault(
                        "'\(WrittenTexts.head)' stands once, before the parameters that it was shown with")
                }
            } else if parameters == nil, let function, symbols.contains(function) {
                let signature = ["int32_t", Substring(function)] + Self.signature
                let next = item.startIndex + signature.count
                guard item.starts(with: signature), body == next || item.endIndex == next + 1 else {
                    return WrittenTextFault("the function '\(function)' has other parameters than it was shown with")
                }
                if body != nil { missing.remove(function) }
            } else if parameters != nil, ["FORCE", "typedef"].contains(item.first) {
                // All kernels of a device may be one text.
                let name =
                    item.first == "FORCE" ? function : item.dropLast().last { Self.isName($0) }.map { String($0) }
                guard let name, name.hasPrefix(WrittenTexts.symbol + "_") else {
                    return WrittenTextFault("the name '\(name ?? "")' should begin with '\(WrittenTexts.symbol)_'")
                }
            } else if parameters != nil || !["static", "typedef", "FORCE", "_Static_assert"].contains(item.first) {
                return WrittenTextFault(
                    "what begins with '\(item.prefix(3).joined(separator: " "))' must be \(parameters == nil ? "static" : "FORCE")"
                )
            }
        }
        return missing.min().map { WrittenTextFault("it does not define the function '\($0)'") }
    }

    /// Parameters of every function on a processor that others call (`EmittedKernel`).
    private static let signature = tokens(
        "(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts)")

    private static func short(_ text: String) -> String {
        text.count > 60 ? "\(text.prefix(60))…" : text
    }

    /// Names, numbers and single other characters, in their order.
    static func tokens(_ text: String) -> [Substring] {
        var found: [Substring] = []
        let bytes = text.utf8
        var place = bytes.startIndex
        while place < bytes.endIndex {
            let begin = place
            if bytes[place] == 0x20 || (0x09...0x0D).contains(bytes[place]) {
                place = bytes.index(after: place)
                continue
            }
            place = bytes.index(after: place)
            if isWord(bytes[begin]) {
                while place < bytes.endIndex, isWord(bytes[place]) { place = bytes.index(after: place) }
            }
            found.append(text[begin..<place])
        }
        return found
    }

    /// Whether a byte is one of a name or a number.
    static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
            || byte >= 0x80
    }

    /// Whether a token is a name.
    static func isName(_ token: Substring) -> Bool {
        token.utf8.first.map { ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x5F || $0 >= 0x80 }
            ?? false
    }

    /// A text with a space for each comment, as compilers have it before they look for directives; nil where one has no end. There are no
    /// literals and no backslashes.
    private static func withoutComments(_ text: [UInt8]) -> [UInt8]? {
        let (slash, star, newline) = (UInt8(ascii: "/"), UInt8(ascii: "*"), UInt8(ascii: "\n"))
        var result: [UInt8] = []
        var place = 0
        while place < text.count {
            let next = place + 1 < text.count ? text[place + 1] : 0
            guard text[place] == slash, next == slash || next == star else {
                result.append(text[place])
                place += 1
                continue
            }
            result.append(0x20)
            place += 2
            if next == slash {
                while place < text.count, text[place] != newline { place += 1 }
            } else {
                while place + 1 < text.count, text[place] != star || text[place + 1] != slash { place += 1 }
                if place + 1 >= text.count { return nil }
                place += 2
            }
        }
        return result
    }
}
