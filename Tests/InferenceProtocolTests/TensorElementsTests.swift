import ElementTypes
import InferenceProtocol
import JSON
import Testing

/// Elements of tensors between JSON and memory.
@Suite struct TensorElementsTests {
    private static func bytes(_ json: String, _ element: ElementType, _ shape: [Int]) throws -> [UInt8] {
        let count = shape.reduce(element.byteCount, *)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xEE)
        let whole = UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
        let value = try JSONReader(takesNonFiniteNumbers: true).read(json)
        try TensorElements.read(value, tensor: "x", element, shape, into: whole)
        return Array(whole)
    }

    private static func text(_ bytes: [UInt8], _ element: ElementType) -> String {
        var text: [UInt8] = []
        bytes.withUnsafeBytes { TensorElements.write($0, element, to: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    /// What is read, and what is written again.
    static let rows: [(ElementType, [Int], String, String)] = [
        (.f32, [2, 2], "[[1, 2.5], [-3e-2, 16777217]]", "[1.0,2.5,-0.03,16777216.0]"),
        (.f32, [4], "[1, 0.1, 1e300, -1e-300]", "[1.0,0.1,null,-0.0]"),
        (.f64, [3], "[0.1, 1e300, NaN]", "[0.1,1e+300,null]"),
        (.f16, [3], "[1, 65504, 1e6]", "[1.0,65504.0,null]"),
        (.bf16, [4], "[1, 3.14159, 1.00390625, 1.01171875]", "[1.0,3.140625,1.0,1.015625]"),
        (.f8e4m3, [3], "[1, 448, 0.3]", "[1.0,448.0,0.3125]"),
        (.f8e5m2, [2], "[1, 0.3]", "[1.0,0.3125]"),
        (.i64, [3], "[9223372036854775807, -9223372036854775808, 3.0]", "[9223372036854775807,-9223372036854775808,3]"),
        (.i32, [2, 1], "[[-2147483648], [7]]", "[-2147483648,7]"),
        (.i16, [2], "[-32768, 32767]", "[-32768,32767]"),
        (.i8, [2], "[-128, 127]", "[-128,127]"),
        (.u8, [2], "[0, 255]", "[0,255]"),
        (.bool, [4], "[true, false, 1, 0]", "[true,false,true,false]"),
        (.i32, [], "[5]", "[5]"),
        (.f32, [0, 3], "[]", "[]"),
        (.i64, [2, 1, 2], "[[[1, 2]], [[3, 4]]]", "[1,2,3,4]"),
        (.i64, [2, 1, 2], "[1, 2, 3, 4]", "[1,2,3,4]"),
    ]

    @Test(arguments: rows.indices) func readsAndWrites(_ index: Int) throws {
        let (element, shape, json, expected) = Self.rows[index]
        let bytes = try Self.bytes(json, element, shape)
        #expect(Self.text(bytes, element) == expected)
        if !expected.contains("null") {
            #expect(try Self.bytes(expected, element, shape) == bytes, "what is written reads back the same")
        }
    }

    static let wrong: [(ElementType, [Int], String, String)] = [
        (.f32, [3], "[1, 2]", "tensor 'x' has 2 elements, its shape and datatype ask for 3"),
        (.f32, [1], "[1, 2]", "tensor 'x' has 2 elements, its shape and datatype ask for 1"),
        (.f32, [2, 2], "[[1, 2], [3]]", "tensor 'x' has 3 elements, its shape and datatype ask for 4"),
        (.f32, [2, 1], "[[1]]", "tensor 'x' has 1 items along an axis, its shape and datatype ask for 2"),
        (.f32, [1], #"["1"]"#, #"element 0 of tensor 'x' is "1", which FP32 does not hold"#),
        (.f32, [2], "[1, null]", "element 1 of tensor 'x' is null, which FP32 does not hold"),
        (.i32, [1], "[2147483648]", "element 0 of tensor 'x' is 2147483648, which INT32 does not hold"),
        (.u8, [1], "[-1]", "element 0 of tensor 'x' is -1, which UINT8 does not hold"),
        (.i64, [1], "[1.5]", "element 0 of tensor 'x' is 1.5, which INT64 does not hold"),
        (.bool, [1], "[2]", "element 0 of tensor 'x' is 2, which BOOL does not hold"),
        (.i64, [1], "[NaN]", "element 0 of tensor 'x' is NaN, which INT64 does not hold"),
        (.f32, [2], "[[1], 2]", "element 0 of tensor 'x' is a list, which FP32 does not hold"),
        (
            .f32, [2, 1], "[[1], 2]",
            "tensor 'x' has lists that do not nest as its shape has axes; give 'data', or 'binary_data_size' or a shared memory region in 'parameters'"
        ),
        (.f32, [2], "[1, [2]]", "element 1 of tensor 'x' is a list, which FP32 does not hold"),
    ]

    @Test(arguments: wrong.indices) func saysWhatIsWrong(_ index: Int) throws {
        let (element, shape, json, message) = Self.wrong[index]
        let error = #expect(throws: ProtocolError.self) { try Self.bytes(json, element, shape) }
        #expect(error?.description == message)
    }

    @Test func classesAreTheLargestOfEachRow() {
        func classes(_ values: [Float], _ shape: [Int], _ count: Int, _ labels: [String] = []) -> ([String], [Int]) {
            values.withUnsafeBytes { Classification.texts($0, .f32, shape, count: count, labels: labels) }
        }
        var (texts, shape) = classes([1, 5, 3, 9, -1, 9], [2, 3], 2)
        #expect(texts == ["5.0:1", "3.0:2", "9.0:0", "9.0:2"] && shape == [2, 2])
        (texts, shape) = classes([1, .nan, 3], [3], 9, ["a", "b"])
        #expect(texts == ["3.0:2", "1.0:0:a", "nan:1:b"] && shape == [3])
        (texts, shape) = classes([], [0, 3], 2)
        #expect(texts.isEmpty && shape == [0, 0])
    }

    @Test func responsesAreWhatTheProtocolSays() throws {
        var writer = InferenceResponseWriter(model: "m\"", version: "2", id: "7")
        let values: [Float] = [1, 2]
        values.withUnsafeBytes {
            writer.add("y", .f32, [1, 2], $0, as: .json)
            writer.add("b", .f32, [2], $0, as: .binary)
            writer.add("s", .f32, [2], $0, as: .shared(.init(region: "r", offset: 16, byteCount: 8)))
        }
        #expect(writer.add("c", texts: ["1:0"], [1], isBinary: true) == [3, 0, 0, 0] + Array("1:0".utf8))
        #expect(writer.add("d", texts: ["1:0"], [1], isBinary: false).isEmpty)
        let json = try JSONReader().read(writer.finish())
        let expected: JSONValue = [
            "model_name": "m\"", "model_version": "2", "id": "7",
            "outputs": [
                ["name": "y", "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]],
                ["name": "b", "datatype": "FP32", "shape": [2], "parameters": ["binary_data_size": 8]],
                [
                    "name": "s", "datatype": "FP32", "shape": [2],
                    "parameters": [
                        "shared_memory_region": "r", "shared_memory_offset": 16, "shared_memory_byte_size": 8,
                    ],
                ],
                ["name": "c", "datatype": "BYTES", "shape": [1], "parameters": ["binary_data_size": 7]],
                ["name": "d", "datatype": "BYTES", "shape": [1], "data": ["1:0"]],
            ],
        ]
        #expect(json.text == expected.text)
    }
}
