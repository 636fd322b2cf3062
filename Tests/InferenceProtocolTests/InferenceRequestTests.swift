import ElementTypes
import InferenceProtocol
import JSON
import Testing

/// Bodies of inference requests, and what is said of wrong ones.
@Suite struct InferenceRequestTests {
    private static func read(_ json: String, tail: Int = 0, length: String? = nil) throws -> InferenceRequest {
        let bytes = Array(json.utf8) + [UInt8](repeating: 0, count: tail)
        return try InferenceRequestReader().read(
            bytes.span.bytes, headerLength: length ?? (tail > 0 ? String(json.utf8.count) : nil))
    }

    @Test func readsAllThatARequestMaySay() throws {
        let head = """
            {"id": "a", "parameters": {"priority": 2, "timeout": 500, "binary_data_output": true, "other": [1]},
             "inputs": [
              {"name": "x", "datatype": "FP32", "shape": [2, 2], "data": [[1, 2], [3, 4]]},
              {"name": "b", "datatype": "INT64", "shape": [1], "parameters": {"binary_data_size": 8}},
              {"name": "c", "datatype": "BOOL", "shape": [2], "parameters": {"binary_data_size": 2}},
              {"name": "s", "datatype": "FP16", "shape": [3], "parameters":
               {"shared_memory_region": "r", "shared_memory_offset": 4, "shared_memory_byte_size": 6}}],
             "outputs": [{"name": "y", "parameters": {"binary_data": false}},
              {"name": "z", "parameters": {"classification": 3}},
              {"name": "w", "parameters": {"shared_memory_region": "r", "shared_memory_byte_size": 9}}]}
            """
        let request = try Self.read(head, tail: 10)
        let start = head.utf8.count
        #expect(request.id == "a" && request.priority == 2 && request.timeout == 500 && request.isBinaryByDefault)
        #expect(request.inputs.map(\.name) == ["x", "b", "c", "s"])
        #expect(request.inputs.map(\.element) == [.f32, .i64, .bool, .f16])
        #expect(request.inputs[1].content == .binary(start..<start + 8))
        #expect(request.inputs[2].content == .binary(start + 8..<start + 10))
        #expect(request.inputs[3].content == .shared(.init(region: "r", offset: 4, byteCount: 6)))
        let outputs = try #require(request.outputs)
        #expect(outputs.map(\.isBinary) == [false, nil, nil])
        #expect(outputs.map(\.classes) == [0, 3, 0])
        #expect(outputs[2].place == .init(region: "r", offset: 0, byteCount: 9))
        #expect(try Self.read(#"{"inputs": [], "outputs": []}"#).outputs == nil)
    }

    /// A body, bytes behind it, and the message.
    static let wrong: [(json: String, tail: Int, message: String)] = [
        ("", 0, "the request is not JSON: JSON ends where a value should be, at byte 0 (line 1, column 1)"),
        ("[]", 0, "'the request' should be an object, but is a list"),
        ("{}", 0, "'inputs' should be a list, but is missing"),
        (#"{"inputs": 5}"#, 0, "'inputs' should be a list, but is an integer"),
        (#"{"inputs": [5]}"#, 0, "'inputs[0]' should be an object, but is an integer"),
        (#"{"inputs": [{}]}"#, 0, "'inputs[0].name' should be a string, but is missing"),
        (#"{"inputs": [{"name": ""}]}"#, 0, "'inputs[0].name' should be a string, but is empty"),
        (
            #"{"inputs": [{"name": "x", "datatype": 5}]}"#, 0,
            "'inputs[0].datatype' should be a string, but is an integer"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "F32"}]}"#, 0,
            "tensor 'x' has datatype 'F32'; known are \(Datatype.names.joined(separator: ", "))"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32"}]}"#, 0,
            "'inputs[0].shape' should be a list of integers, but is missing"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, -1], "data": []}]}"#, 0,
            "tensor 'x' has shape [2,-1], which no tensor can have"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [4000000000, 4000000000], "data": []}]}"#, 0,
            "tensor 'x' has shape [4000000000,4000000000], which no tensor can have"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2]}]}"#, 0,
            "tensor 'x' has no data; give 'data', or 'binary_data_size' or a shared memory region in 'parameters'"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "data": [1, 2], "parameters": {"binary_data_size": 8}}]}"#,
            8,
            "tensor 'x' has data in more than one place; give 'data', or 'binary_data_size' or a shared memory region in 'parameters'"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": 9}}]}"#, 9,
            "tensor 'x' has 9 bytes, its shape and datatype ask for 8"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": 8}}]}"#, 7,
            "tensor 'x' has 7 bytes in the body, its shape and datatype ask for 8"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": 8}}]}"#, 9,
            "1 bytes follow the last binary tensor; 'binary_data_size' accounts for all"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2], "parameters": {"shared_memory_region": "r"}}]}"#,
            0,
            "'inputs[0].parameters.shared_memory_byte_size' should be a number of bytes, but is missing"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "U8", "shape": [2], "data": 5}]}"#, 0,
            "tensor 'x' has datatype 'U8'; known are \(Datatype.names.joined(separator: ", "))"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1], "data": 5}]}"#, 0,
            "'inputs[0].data' should be a list, but is an integer"
        ),
        (
            #"{"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1], "data": [5]}, {"name": "x", "datatype": "UINT8", "shape": [1], "data": [5]}]}"#,
            0, "input 'x' is given twice"
        ),
        (#"{"inputs": [], "outputs": [{"name": "y"}, {"name": "y"}]}"#, 0, "output 'y' is given twice"),
        (
            #"{"inputs": [], "parameters": {"priority": -1}}"#, 0,
            "'parameters.priority' should be an integer from 0 up, but is -1"
        ),
        (
            #"{"inputs": [], "parameters": {"sequence_id": 5}}"#, 0,
            "'parameters.sequence_id': a package's state belongs to one session, and is not supported"
        ),
        (
            #"{"inputs": [], "outputs": [{"name": "y", "parameters": {"binary_data": 1}}]}"#, 0,
            "'outputs[0].parameters.binary_data' should be true or false, but is an integer"
        ),
    ]

    @Test(arguments: wrong.indices) func saysWhatIsWrong(_ index: Int) throws {
        let row = Self.wrong[index]
        let error = #expect(throws: ProtocolError.self) { try Self.read(row.json, tail: row.tail) }
        #expect(error?.description == row.message)
    }

    @Test(arguments: ["-1", "x", "99", "1e1", ""]) func lengthsOfTheJSONPartLieInTheBody(_ length: String) throws {
        let error = #expect(throws: ProtocolError.self) { try Self.read(#"{"inputs": []}"#, length: length) }
        #expect(error == .badHeaderLength(length, bodyBytes: 14))
    }
}
