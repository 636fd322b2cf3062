internal import ArchiveExchange
internal import ElementTypes
private import InferenceProtocol
internal import JSON
internal import KernelArchive
internal import ModelFiles
internal import ModelPackage
internal import Safetensors
internal import SearchEvents
internal import SearchReport
internal import Tokenizers

/// The readers of files from outside, each to be given any bytes whatever: they must answer or throw, never trap.
package enum FuzzedReader: String, CaseIterable, Sendable {
    /// The zip directory and the checksums of its entries.
    case zip
    /// JSON text; what is read must survive being written and read again.
    case json
    /// Pickles.
    case pickle
    /// Safetensors headers.
    case safetensors
    /// Shape expressions; what is read must survive being printed and read again.
    case expression
    /// Whole exported programs, with the elements of their tensors.
    case pt2
    /// A package's `manifest` and `plan`, members of one JSON object; what is accepted must survive being written and read again.
    case package
    /// A line of the files in which earlier versions remembered trials; what is read must survive as a line of an export.
    case trial
    /// Trials that another exported; what is read must survive being written and read again.
    case archive
    /// Events of a search; what is read must survive being written and read again, and make a report.
    case search
    /// Inference requests: a line with the length of the JSON part, empty for none, and then the body; tensors must lie in the body, each
    /// apart, and have as many bytes as their shapes say.
    case inference
    /// Requests for embeddings.
    case embeddings
    /// Tokenizers; what is read must cut texts to their limit.
    case tokenizer

    /// What became of one input.
    package enum Outcome: Equatable, Sendable {
        /// A valid file.
        case taken
        /// The reader threw; its message.
        case refused(String)
        /// The reader contradicted itself; how.
        case broken(String)
    }

    /// Reads the bytes and checks what the reader made of them.
    package func read(_ bytes: [UInt8]) -> Outcome {
        do {
            return try contradiction(bytes).map(Outcome.broken) ?? .taken
        } catch {
            return .refused("\(error)")
        }
    }

    /// What is wrong with a value that the reader gave, if anything.
    private func contradiction(_ bytes: [UInt8]) throws -> String? {
        let span = bytes.span.bytes
        switch self {
        case .zip:
            let archive = try ZipArchive(span)
            for entry in archive.entries { try archive.verify(entry, in: span) }
            return nil
        case .json:
            let lenient = JSONReader(takesNonFiniteNumbers: true)
            let value = try lenient.read(span)
            for text in [value.text, value.prettyText] {
                // Compared as text, since NaN differs from itself.
                let again = try? lenient.read(text)
                if again?.text != value.text { return "'\(text)' does not read back" }
            }
            return nil
        case .pickle:
            _ = try PickleReader().read(span)
            return nil
        case .safetensors:
            let file = try SafetensorsFile(span)
            let outside = file.tensors.first { $0.range.upperBound > bytes.count }
            return outside.map { "'\($0.name)' reaches past the end" }
        case .expression:
            let value = try SymbolicExpression(parsing: String(decoding: bytes, as: UTF8.self))
            let again = try? SymbolicExpression(parsing: value.description)
            return again == value ? nil : "'\(value)' does not read back"
        case .pt2: return Self.contradiction(try ExportedProgramContents(span), span)
        case .package: return try Self.packageContradiction(try JSONReader().read(span))
        case .trial:
            guard let record = ArchiveRecord(line: try JSONReader().read(span)) else { throw Unread(what: "no trial") }
            let export = ArchiveExport(.init(records: [record]))
            // An export asks for more than earlier lines did: times above 0, and texts of a bounded length.
            guard let again = try? ArchiveExport(export.content) else { throw Unread(what: "no trial to export") }
            return again.trials == export.trials ? nil : "the trial does not read back"
        case .archive:
            var export = try ArchiveExport(bytes)
            export.seal = .missing
            let again = try? ArchiveExport(export.content)
            return again == export ? nil : "the export does not read back"
        case .search:
            let events = try TimedEvent.parse(String(decoding: bytes, as: UTF8.self))
            let text = TimedEvent.text(events)
            // Compared as text: times are written with fewer digits than they are read with.
            guard let again = try? TimedEvent.parse(text), TimedEvent.text(again) == text else {
                return "the events do not read back"
            }
            return SearchPage(SearchRecord(events)).html.hasSuffix("</html>\n") ? nil : "there is no page"
        case .inference: return try Self.inferenceContradiction(bytes)
        case .embeddings:
            let request = try EmbeddingsRequest(body: span)
            return request.inputs.isEmpty ? "a request for nothing was taken" : nil
        case .tokenizer:
            let tokenizer = try Tokenizer(file: span)
            let whole = tokenizer.encode("The [MASK] of caf\u{E9}s \u{4E2D}!", limit: Int.max)
            let cut = tokenizer.encode("The [MASK] of caf\u{E9}s \u{4E2D}!", limit: 4)
            return cut.count > whole.count ? "a text that is cut becomes longer" : nil
        }
    }

    /// Reads a request as the server does, and the elements that it holds as text.
    private static func inferenceContradiction(_ bytes: [UInt8]) throws -> String? {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        let body = Array(bytes.dropFirst(line.count + 1))
        let length = line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
        let request = try InferenceRequestReader().read(body.span.bytes, headerLength: length)
        var end = 0
        for input in request.inputs {
            let count = input.shape.reduce(input.element.byteCount, *)
            switch input.content {
            case .binary(let range):
                if range.count != count { return "'\(input.name)' has \(range.count) bytes, not \(count)" }
                if range.lowerBound < end || range.upperBound > body.count {
                    return "'\(input.name)' lies where it cannot"
                }
                end = range.upperBound
            case .json(let data):
                guard count <= 1 << 20 else { continue }
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
                defer { memory.deallocate() }
                memory.initializeMemory(as: UInt8.self, repeating: 0)
                try TensorElements.read(data, tensor: input.name, input.element, input.shape, into: memory)
                var text: [UInt8] = []
                TensorElements.write(UnsafeRawBufferPointer(memory), input.element, to: &text)
                if (try? JSONReader().read(text)) == nil { return "'\(input.name)' is written as no JSON" }
            case .shared(let place):
                if place.byteCount != count { return "'\(input.name)' has \(place.byteCount) bytes, not \(count)" }
            }
        }
        return nil
    }

    /// Reads and checks what `PackageDirectory` reads and checks.
    private static func packageContradiction(_ json: JSONValue) throws -> String? {
        guard let object = json.objectValue, let manifest = object["manifest"], let plan = object["plan"] else {
            throw Unread(what: "no manifest and plan")
        }
        let outer = try Manifest(manifest)
        try Check.run(Manifest.checks, on: outer, file: "manifest.json")
        let inner = try Plan(plan)
        try inner.check(serving: outer.interface)
        // Compared as text: an interface has no equality.
        if (try? Manifest(outer.json))?.json.text != outer.json.text { return "the manifest does not read back" }
        return (try? Plan(inner.json)) == inner ? nil : "the plan does not read back"
    }

    /// What is nothing of the kind.
    private struct Unread: Error, CustomStringConvertible {
        let what: String
        var description: String { what }
    }

    /// Gathers the elements of every tensor that is not huge.
    private static func contradiction(_ contents: ExportedProgramContents, _ bytes: RawSpan) -> String? {
        var tensors = (contents.weights.entries + contents.constants.entries).map(\.value)
        if case .value(let value) = contents.sampleInputs {
            for case .tensor(let tensor) in value.leaves { tensors.append(tensor) }
        }
        for tensor in tensors where tensor.elementCount <= 1 << 16 {
            let elements = tensor.elements(in: bytes.extracting(contents.storages[tensor.storage].range))
            if elements.count != tensor.elementCount * (tensor.scalarType.byteCount ?? 0) {
                return "'\(tensor.name)' has a wrong number of elements"
            }
        }
        return nil
    }
}
