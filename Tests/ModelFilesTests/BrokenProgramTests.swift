import FileFuzzing
import ModelFiles
import Testing

@Suite struct BrokenProgramTests {
    private static let model = "tied.functional/models/model.json"
    private static let weights = "tied.functional/data/weights/model_weights_config.json"

    /// A text of the program replaced by another, and what is said about it.
    @Test(arguments: [
        (
            #""major": 8"#, #""major": 9"#,
            "schema 9.20, written by PyTorch 2.13.0+cpu, is not known (8.x is): export and save again with PyTorch 2.7 or newer"
        ),
        (#""schema_version""#, #""other""#, "\(model): schema_version should be an object, is missing"),
        (#""graph_module""#, #""other""#, "\(model): graph_module should be an object, is missing"),
        (
            #"{"as_int": 1}, "kind""#, #"{"as_integer": 1}, "kind""#,
            "\(model): graph_module.graph.nodes[0].inputs[1].arg.as_integer should be a known kind of argument, is 'as_integer'"
        ),
        (
            #"{"as_int": 1}, "kind""#, #"{"as_int": "1"}, "kind""#,
            "\(model): graph_module.graph.nodes[0].inputs[1].arg.as_int should be a 64-bit integer, is '1'"
        ),
        (
            #"{"as_int": 1}, "kind""#, #"{"as_int": 18446744073709551616}, "kind""#,
            "\(model): graph_module.graph.nodes[0].inputs[1].arg.as_int should be a 64-bit integer, is 1.8446744073709552e+19"
        ),
        (
            #"{"as_int": 1}, "kind""#, #"{"as_int": 1, "as_none": true}, "kind""#,
            "\(model): graph_module.graph.nodes[0].inputs[1].arg should be an object with exactly one field, is an object"
        ),
        (
            #""dtype": 7"#, #""dtype": 77"#,
            "\(model): graph_module.graph.tensor_values.p_embedding_weight.dtype should be a known element type, is 77"
        ),
        (
            #"FloorDiv(Symbol"#, #"Gamma(Symbol"#,
            "\(model): graph_module.graph.tensor_values.zeros.sizes[0].as_expr.expr_str: "
                + "unknown function 'Gamma' at byte 4 of the shape expression"
        ),
        (
            #"{"buffer_mutation":"#, #"{"mutation":"#,
            "\(model): graph_module.signature.output_specs[0].mutation should be a known kind of output, is 'mutation'"
        ),
        (
            #"\"context\": \"[\\\"gain\\\"]\""#, #"\"context\": \"[]\""#,
            "\(model): graph_module.module_call_graph[0].signature.in_spec.children_spec[0].children_spec[1] "
                + "should be a dictionary with a key to each child, is an object"
        ),
        ("{", "[", "\(model): JSON has ':' where ',' or ']' should be, at byte 15 (line 1, column 16)"),
    ])
    func refusesPrograms(old: String, new: String, message: String) throws {
        #expect(Fixture.message(try Fixture.replacing(old, by: new, in: "models/model.json")) == message)
    }

    /// A text of the table of weights replaced by another, and what is said about it.
    @Test(arguments: [
        (
            #"[{"as_int": 8}, {"as_int": 4}]"#, #"[{"as_int": 8}, {"as_int": 5}]"#,
            "tensor 'embedding.weight' needs 132 bytes of tied.functional/data/weights/weight_0, which has 128; "
                + "save the file again"
        ),
        (
            #""storage_offset": {"as_int": 0}"#, #""storage_offset": {"as_int": 9223372036854775807}"#,
            "tied.functional/data/weights/weight_0: tensor 'embedding.weight' has more elements than any memory holds"
        ),
        (
            #"[{"as_int": 8}, {"as_int": 4}]"#, #"[{"as_int": 4294967296}, {"as_int": 4294967296}]"#,
            "tied.functional/data/weights/weight_0: tensor 'embedding.weight' has more elements than any memory holds"
        ),
        (
            #"[{"as_int": 8}, {"as_int": 4}]"#, #"[{"as_int": 8}, {"as_int": -4}]"#,
            "tied.functional/data/weights/weight_0: tensor 'embedding.weight' has negative sizes, strides or offset, "
                + "or another number of strides than sizes"
        ),
        (
            #""layout": 7"#, #""layout": 1"#,
            "tied.functional/data/weights/weight_0: tensor 'embedding.weight' is not strided; make it dense before export"
        ),
        (
            #""path_name": "weight_0""#, #""path_name": "weight_9""#,
            "the archive has no 'tied.functional/data/weights/weight_9': it is incomplete; save it again with torch.export.save"
        ),
        (
            #""is_param": true"#, #""is_param": 1"#,
            "\(weights): config.embedding.weight.is_param should be true or false, is 1"
        ),
    ])
    func refusesWeights(old: String, new: String, message: String) throws {
        #expect(Fixture.message(try Fixture.replacing(old, by: new, in: "model_weights_config.json")) == message)
    }

    /// An entry replaced, or removed, and what is said about it.
    @Test(
        arguments: [
            (
                "models/model.json", nil,
                "is a zip archive, but not an exported program; "
                    + "in Python: torch.export.save(torch.export.export(model, example_inputs), \"model.pt2\")"
            ),
            (
                "archive_format", nil,
                "the archive has no 'tied.functional/archive_format': it is incomplete; save it again with torch.export.save"
            ),
            (
                "archive_format", "pt3",
                "tied.functional/archive_format says 'pt3', should be 'pt2'; save it again with torch.export.save"
            ),
            (
                "archive_version", "1",
                "tied.functional/archive_version says '1', should be '0'; save it again with torch.export.save"
            ),
            (
                "byteorder", "big",
                "tied.functional/byteorder says 'big', should be 'little'; save it again with torch.export.save"
            ),
            (
                "model_weights_config.json", nil,
                "the archive has no '\(weights)': it is incomplete; save it again with torch.export.save"
            ),
            (
                "weights/weight_0", "short",
                "tensor 'embedding.weight' needs 128 bytes of tied.functional/data/weights/weight_0, which has 5; "
                    + "save the file again"
            ),
        ] as [(String, String?, String)])
    func refusesEntries(suffix: String, content: String?, message: String) throws {
        let bytes = try Fixture.replacing(suffix) { _ in content.map { Array($0.utf8) } }
        #expect(Fixture.message(bytes) == message)
    }

    @Test func refusesDamagedWeights() throws {
        var bytes = try Fixture.bytes("tied.functional.pt2")
        let contents = try ExportedProgramContents(bytes.span.bytes)
        bytes[contents.storages[0].range.lowerBound] ^= 1
        #expect(
            Fixture.message(bytes)?.hasPrefix(
                "zip: entry 'tied.functional/data/weights/weight_0' is damaged: CRC-32 is 0x") == true)
        _ = try ExportedProgramContents(bytes.span.bytes, verifyingData: false)
    }

    @Test func unreadableSampleInputsDoNotMatter() throws {
        let bytes = try Fixture.replacing("sample_inputs/model.pt") { _ in Array("nonsense".utf8) }
        let contents = try ExportedProgramContents(bytes.span.bytes)
        guard case .unreadable(let error) = contents.sampleInputs else {
            Issue.record("nonsense is unreadable")
            return
        }
        #expect(
            error.description.hasPrefix("tied.functional/data/sample_inputs/model.pt: zip: no end record in 8 bytes"))
        let without = try Fixture.replacing("sample_inputs/model.pt") { _ in nil }
        #expect(try ExportedProgramContents(without.span.bytes).sampleInputs == .absent)
    }

    @Test func asksWhichOfSeveralModels() throws {
        var files = try #require(StoredZip.decode(try Fixture.bytes("tied.functional.pt2")))
        for file in files where file.name.contains("/model") {
            // Only the last part of the path is the model's name; a folder is called models too.
            var parts = file.name.split(separator: "/").map(String.init)
            parts[parts.count - 1] = "other" + parts[parts.count - 1].dropFirst("model".count)
            files.append((parts.joined(separator: "/"), file.content))
        }
        let bytes = StoredZip.encode(files)
        #expect(Fixture.message(bytes) == "holds several models (model, other): name the one to read")
        #expect(try ExportedProgramContents(bytes.span.bytes, model: "other").modelName == "other")
        #expect(throws: ExportedProgramError.noSuchModel("third", available: ["model", "other"])) {
            try ExportedProgramContents(bytes.span.bytes, model: "third")
        }
    }
}
