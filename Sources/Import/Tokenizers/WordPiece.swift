/// Words as the longest pieces that the vocabulary has, from the left (Wu and others, 2016).
package struct WordPiece: Sendable {
    private var starts = ByteTrie()
    private var continuations = ByteTrie()
    /// The token of words that cannot be put together.
    private let unknown: Int32
    private let characterLimit: Int

    /// A model of a vocabulary; tokens that begin with `prefix` continue a word.
    package init(
        _ vocabulary: [(token: String, id: Int32)], unknown: Int32, prefix: String = "##", characterLimit: Int = 100
    ) {
        (self.unknown, self.characterLimit) = (unknown, characterLimit)
        let bytes = vocabulary.reduce(0) { $0 + $1.token.utf8.count }
        starts.reserve(bytes)
        for (token, id) in vocabulary {
            starts.insert(token.utf8, id)
            if token.utf8.count > prefix.utf8.count, token.utf8.starts(with: prefix.utf8) {
                continuations.insert(token.utf8.dropFirst(prefix.utf8.count), id)
            }
        }
    }

    /// The token of exactly this text.
    package subscript(token: String) -> Int32? { starts[token.utf8] }

    /// Appends the pieces of a word.
    package func append(_ word: Substring, to tokens: inout [Int32]) {
        if word.unicodeScalars.count > characterLimit {
            tokens.append(unknown)
            return
        }
        let first = tokens.count
        var rest = Array(word.utf8)[...]
        while !rest.isEmpty {
            let trie = tokens.count == first ? starts : continuations
            guard let (token, length) = trie.longest(in: rest) else {
                tokens.removeSubrange(first...)
                tokens.append(unknown)
                return
            }
            tokens.append(token)
            rest = rest.dropFirst(length)
        }
    }

    /// Splits text at white space, and before and after punctuation.
    static func words(_ text: String) -> [Substring] {
        var words: [Substring] = []
        let scalars = text.unicodeScalars
        var start = scalars.startIndex
        func end(_ index: String.Index) {
            if start < index { words.append(text[start..<index]) }
        }
        for index in scalars.indices {
            let scalar = scalars[index]
            guard scalar.isSpace || scalar.isPunctuation else { continue }
            end(index)
            let next = scalars.index(after: index)
            if scalar.isPunctuation { words.append(text[index..<next]) }
            start = next
        }
        end(scalars.endIndex)
        return words
    }
}
