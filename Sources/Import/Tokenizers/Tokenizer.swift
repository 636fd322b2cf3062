/// Text as the identifiers that a model was trained on, as a `tokenizer.json` of the `tokenizers` library describes it.
///
/// What it can describe and this cannot is refused by name when it is read: so far BERT's normaliser and splitter, WordPiece, templates.
package struct Tokenizer: Sendable {
    /// Where a template puts something.
    enum Piece: Sendable, Equatable {
        /// The text's tokens.
        case text
        /// A special token.
        case special(Int32)
    }

    /// A token that is found in text before that is normalised.
    struct Added: Sendable {
        var content: String
        var id: Int32
        var stripsLeft: Bool
        var stripsRight: Bool
    }

    let normalizer: BertNormalizer
    let model: WordPiece
    /// What stands around a text.
    let template: [Piece]
    let added: [Added]
    private let addedTrie: ByteTrie
    /// The token that fills up what is too short.
    package let padding: Int32
    /// Tokens of a text at most, special ones included, where the file says so.
    package let maximumTokens: Int?

    init(
        _ normalizer: BertNormalizer, _ model: WordPiece, template: [Piece], added: [Added], padding: Int32,
        maximumTokens: Int?
    ) {
        (self.normalizer, self.model, self.template) = (normalizer, model, template)
        (self.added, self.padding, self.maximumTokens) = (added, padding, maximumTokens)
        var trie = ByteTrie()
        for (index, token) in added.enumerated() { trie.insert(token.content.utf8, Int32(index)) }
        addedTrie = trie
    }

    /// The tokens of a text with what the template puts around them; of more than `limit` the text's last are left out.
    package func encode(_ text: String, limit: Int? = nil) -> [Int32] {
        var own: [Int32] = []
        for part in parts(of: text) {
            switch part {
            case .added(let id): own.append(id)
            case .text(let text):
                for word in WordPiece.words(normalizer(String(text))) { model.append(word, to: &own) }
            }
        }
        if let limit = limit ?? maximumTokens {
            let around = template.count { $0 != .text }
            own.removeLast(max(0, own.count - max(0, limit - around)))
        }
        var tokens: [Int32] = []
        tokens.reserveCapacity(own.count + template.count)
        for piece in template {
            switch piece {
            case .text: tokens += own
            case .special(let id): tokens.append(id)
            }
        }
        return tokens
    }

    private enum Part {
        case text(Substring)
        case added(Int32)
    }

    /// A text divided at the added tokens in it: from the left, the longest at each place.
    private func parts(of text: String) -> [Part] {
        if added.isEmpty { return [.text(text[...])] }
        var parts: [Part] = []
        let bytes = Array(text.utf8)
        var (start, place) = (0, 0)
        func add(_ range: Range<Int>) {
            if !range.isEmpty { parts.append(.text(Substring(decoding: bytes[range], as: UTF8.self))) }
        }
        func isSpace(_ place: Int) -> Bool { bytes[place] == 0x20 || (0x09...0x0D).contains(bytes[place]) }
        while place < bytes.count {
            guard let (index, length) = addedTrie.longest(in: bytes[place...]) else {
                place += 1
                continue
            }
            let token = added[Int(index)]
            var end = place
            if token.stripsLeft { while end > start, isSpace(end - 1) { end -= 1 } }
            add(start..<end)
            parts.append(.added(token.id))
            place += length
            if token.stripsRight { while place < bytes.count, isSpace(place) { place += 1 } }
            start = place
        }
        add(start..<bytes.count)
        return parts
    }
}
