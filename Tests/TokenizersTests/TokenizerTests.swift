import Foundation
import JSON
import Testing
import Tokenizers

/// Texts as identifiers, against those of the `tokenizers` library (0.22) on two vocabularies made for this.
@Suite struct TokenizerTests {
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
        path: "Fixtures")

    private static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: fixtures.appending(path: name)))
    }

    private static func tokenizer(_ name: String) throws -> Tokenizer {
        let file = try bytes(name)
        return try Tokenizer(file: file.span.bytes)
    }

    @Test(arguments: ["uncased", "cased"]) func givesTheLibrarysIdentifiers(_ name: String) throws {
        let tokenizer = try Self.tokenizer(name + ".json")
        let lines = String(decoding: try Self.bytes(name + ".txt"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 70)
        for line in lines {
            let row = try #require(try JSONReader().read(String(line)).objectValue)
            let text = try #require(row["text"]?.stringValue)
            let expected = (row["ids"]?.arrayValue ?? []).compactMap(\.integerValue)
            #expect(tokenizer.encode(text).map { Int64($0) } == expected, "\(line)")
        }
    }

    @Test func longTextsAreCut() throws {
        let tokenizer = try Self.tokenizer("uncased.json")
        #expect(tokenizer.maximumTokens == 24 && tokenizer.padding == 0)
        let text = String(repeating: "the ", count: 50)
        let (first, last) = (Int32(2), Int32(3))
        let cases: [(limit: Int?, count: Int)] = [(nil, 24), (10, 10), (3, 3), (2, 2), (1, 2)]
        for (limit, count) in cases {
            let tokens = tokenizer.encode(text, limit: limit)
            #expect(tokens.count == count && tokens.first == first && tokens.last == last)
        }
    }

    /// What is put in place of what, and the message.
    static let wrong: [(String, String, String)] = [
        ("{\"version\"", "[\"version\"", "the tokenizer is not JSON: "),
        (
            "\"BertNormalizer\"", "\"NFC\"",
            "'normalizer' of the tokenizer is of type 'NFC', which is not supported; known are BertNormalizer"
        ),
        (
            "\"BertPreTokenizer\"", "\"ByteLevel\"",
            "'pre_tokenizer' of the tokenizer is of type 'ByteLevel', which is not supported; known are BertPreTokenizer"
        ),
        (
            "\"type\": \"WordPiece\", \"unk", "\"type\": \"BPE\", \"unk",
            "'model' of the tokenizer is of type 'BPE', which is not supported; known are WordPiece"
        ),
        (
            "\"unk_token\": \"[UNK]\"", "\"unk_token\": \"[NONE]\"",
            "'model.unk_token' of the tokenizer names '[NONE]', which its vocabulary lacks"
        ),
        (
            "\"[PAD]\": 0", "\"[PAD]\": -1",
            "'model.vocab' of the tokenizer has an identifier that is no number from 0 to 2147483647"
        ),
        (
            "\"id\": 0, \"content\": \"[PAD]\"", "\"id\": 5000000000, \"content\": \"[PAD]\"",
            "'added_tokens[0].id' of the tokenizer has an identifier"
        ),
        (
            "\"id\": \"[CLS]\", \"type_id\": 0}}, {\"Sequence\"", "\"id\": \"[NO]\", \"type_id\": 0}}, {\"Sequence\"",
            "'post_processor.single[0]' of the tokenizer names '[NO]'"
        ),
        (
            "\"single_word\": false", "\"single_word\": true",
            "'added_tokens[0]' of the tokenizer is of type 'single_word', which is not supported"
        ),
    ]

    @Test(arguments: wrong.indices) func saysWhatIsWrong(_ index: Int) throws {
        let (old, new, message) = Self.wrong[index]
        let text = String(decoding: try Self.bytes("uncased.json"), as: UTF8.self)
        let place = try #require(text.firstRange(of: old))
        let changed = Array((text[..<place.lowerBound] + new + text[place.upperBound...]).utf8)
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(file: changed.span.bytes) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }
}
