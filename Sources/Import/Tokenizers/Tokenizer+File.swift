import JSON

extension Tokenizer {
    /// Reads a `tokenizer.json`.
    package init(file: RawSpan) throws(TokenizerError) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONReader(depthLimit: 64, byteLimit: 256 << 20).read(file)
        } catch {
            throw .notJSON(error.description)
        }
        guard let root = json.objectValue else { throw .badMember(path: "the whole", expected: "an object") }
        let added = try Self.added(root)
        let model = try Self.model(root, added)
        func token(_ text: String) -> Int32? {
            added.first { $0.content.utf8.elementsEqual(text.utf8) }?.id ?? model[text]
        }
        let template = try Self.template(root, token)
        let truncation = root["truncation"]?.objectValue?["max_length"]?.integerValue
        let padding = root["padding"]?.objectValue?["pad_id"]?.integerValue ?? token("[PAD]").map { Int64($0) } ?? 0
        self.init(
            try Self.normalizer(root), model, template: template, added: added,
            padding: Int32(clamping: padding), maximumTokens: truncation.flatMap { $0 > 0 ? Int(clamping: $0) : nil })
    }

    private static func kind(_ object: JSONObject, _ path: String) throws(TokenizerError) -> String {
        guard let kind = object["type"]?.stringValue else {
            throw .badMember(path: "\(path).type", expected: "a string")
        }
        return kind
    }

    private static func object(_ root: JSONObject, _ name: String) throws(TokenizerError) -> JSONObject {
        guard let object = root[name]?.objectValue else { throw .badMember(path: name, expected: "an object") }
        return object
    }

    private static func identifier(_ value: JSONValue?, _ path: String) throws(TokenizerError) -> Int32 {
        guard let number = value?.integerValue, number >= 0, let id = Int32(exactly: number) else {
            throw .badIdentifier(path: path)
        }
        return id
    }

    private static func added(_ root: JSONObject) throws(TokenizerError) -> [Added] {
        var added: [Added] = []
        for (index, value) in (root["added_tokens"]?.arrayValue ?? []).enumerated() {
            let path = "added_tokens[\(index)]"
            guard let object = value.objectValue, let content = object["content"]?.stringValue, !content.isEmpty else {
                throw .badMember(path: path, expected: "an object with content")
            }
            for name in ["single_word", "normalized"] where object[name]?.boolValue == true {
                throw .unsupported(path: path, kind: name, known: ["lstrip", "rstrip", "special"])
            }
            added.append(
                Added(
                    content: content, id: try identifier(object["id"], "\(path).id"),
                    stripsLeft: object["lstrip"]?.boolValue ?? false, stripsRight: object["rstrip"]?.boolValue ?? false)
            )
        }
        return added
    }

    private static func normalizer(_ root: JSONObject) throws(TokenizerError) -> BertNormalizer {
        let object = try object(root, "normalizer")
        let kind = try kind(object, "normalizer")
        guard kind == "BertNormalizer" else {
            throw .unsupported(path: "normalizer", kind: kind, known: ["BertNormalizer"])
        }
        let splitter = try self.kind(try self.object(root, "pre_tokenizer"), "pre_tokenizer")
        guard splitter == "BertPreTokenizer" else {
            throw .unsupported(path: "pre_tokenizer", kind: splitter, known: ["BertPreTokenizer"])
        }
        var normalizer = BertNormalizer()
        normalizer.cleansText = object["clean_text"]?.boolValue ?? true
        normalizer.separatesChinese = object["handle_chinese_chars"]?.boolValue ?? true
        normalizer.stripsAccents = object["strip_accents"]?.boolValue
        normalizer.lowercases = object["lowercase"]?.boolValue ?? true
        return normalizer
    }

    private static func model(_ root: JSONObject, _ added: [Added]) throws(TokenizerError) -> WordPiece {
        let object = try object(root, "model")
        let kind = object["type"]?.stringValue ?? "WordPiece"
        guard kind == "WordPiece" else { throw .unsupported(path: "model", kind: kind, known: ["WordPiece"]) }
        guard let members = object["vocab"]?.objectValue?.members, !members.isEmpty else {
            throw .badMember(path: "model.vocab", expected: "an object that is not empty")
        }
        var vocabulary: [(token: String, id: Int32)] = []
        vocabulary.reserveCapacity(members.count)
        var unknown: Int32?
        let name = object["unk_token"]?.stringValue ?? "[UNK]"
        for member in members {
            let id = try identifier(member.value, "model.vocab")
            vocabulary.append((member.name, id))
            if member.name.utf8.elementsEqual(name.utf8) { unknown = id }
        }
        unknown = unknown ?? added.first { $0.content.utf8.elementsEqual(name.utf8) }?.id
        guard let unknown else { throw .unknownToken(path: "model.unk_token", token: name) }
        let limit = object["max_input_chars_per_word"]?.integerValue ?? 100
        return WordPiece(
            vocabulary, unknown: unknown, prefix: object["continuing_subword_prefix"]?.stringValue ?? "##",
            characterLimit: Int(clamping: limit))
    }

    private static func template(
        _ root: JSONObject, _ token: (String) -> Int32?
    ) throws(TokenizerError) -> [Piece] {
        guard let object = root["post_processor"]?.objectValue else { return [.text] }
        func special(_ text: String?, _ path: String) throws(TokenizerError) -> Piece {
            guard let text, let id = token(text) else { throw .unknownToken(path: path, token: text ?? "") }
            return .special(id)
        }
        switch try kind(object, "post_processor") {
        case "TemplateProcessing":
            var pieces: [Piece] = []
            for (index, value) in (object["single"]?.arrayValue ?? []).enumerated() {
                let path = "post_processor.single[\(index)]"
                if value.objectValue?["Sequence"] != nil {
                    pieces.append(.text)
                } else {
                    pieces.append(
                        try special(value.objectValue?["SpecialToken"]?.objectValue?["id"]?.stringValue, path))
                }
            }
            guard pieces.contains(.text) else {
                throw .badMember(path: "post_processor.single", expected: "a template with a sequence")
            }
            return pieces
        case "BertProcessing":
            let first = object["cls"]?.arrayValue?.first?.stringValue
            let last = object["sep"]?.arrayValue?.first?.stringValue
            return [try special(first, "post_processor.cls"), .text, try special(last, "post_processor.sep")]
        case let kind:
            throw .unsupported(path: "post_processor", kind: kind, known: ["TemplateProcessing", "BertProcessing"])
        }
    }
}
