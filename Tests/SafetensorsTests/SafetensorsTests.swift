import ElementTypes
import Safetensors
import Testing

@Suite struct SafetensorsTests {
    /// A file with this header and so many bytes of data.
    private static func file(_ header: String, data: Int, length: UInt64? = nil) -> [UInt8] {
        let length = length ?? UInt64(header.utf8.count)
        var bytes: [UInt8] = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }
        bytes += Array(header.utf8)
        bytes += [UInt8](repeating: 7, count: data)
        return bytes
    }

    private static func message(_ bytes: [UInt8]) -> String? {
        do {
            _ = try SafetensorsFile(bytes.span.bytes)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func readsTensors() throws {
        let header =
            #"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},"#
            + #""b":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"e":{"dtype":"I64","shape":[0,5],"data_offsets":[26,26]}}"#
        let file = try SafetensorsFile(Self.file(header, data: 26).span.bytes)
        let start = 8 + header.utf8.count
        #expect(file.tensors.map(\.name) == ["w", "b", "e"])
        #expect(file["w"]?.shape == [2, 3] && file["w"]?.range == start + 2..<start + 26)
        #expect(file["b"]?.type == .bf16 && file["b"]?.shape == [] && file["b"]?.range == start..<start + 2)
        #expect(file["e"]?.range == start + 26..<start + 26)
        #expect(file.metadata.map(\.name) == ["format"] && file.metadata.map(\.value) == ["pt"])
        #expect(file["none"] == nil)
    }

    /// A header, how many bytes of data follow, and what is said about the file.
    private static let broken: [(header: String, data: Int, message: String)] = [
        (#"{"a""#, 0, "safetensors header: JSON ends where ':' should be, at byte 4 (line 1, column 5)"),
        ("[]", 0, "safetensors: '': the header should be an object"),
        (#"{"a":1}"#, 0, "safetensors: 'a': the value should be an object"),
        (#"{"a":{"dtype":3}}"#, 0, "safetensors: 'a': dtype should be a string"),
        (
            #"{"a":{"dtype":"F99","shape":[],"data_offsets":[0,1]}}"#, 1,
            "safetensors: 'a' has unknown element type 'F99'"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, 1,
            "safetensors: 'a': shape should be a list of natural numbers"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, 1,
            "safetensors: 'a': data_offsets should be two rising numbers"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1]}}"#, 1,
            "safetensors: 'a' has more elements than a file can hold"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}"#, 7,
            "safetensors: 'a' has 7 bytes, its shape and type ask for 8"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7,
            "safetensors: 'a' ends at byte 8 of 7; the file is cut off: copy it again"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, 3,
            "safetensors: 'a' starts at byte 1 of the data, should be 0"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
            3, "safetensors: 'b' starts at byte 1 of the data, should be 2"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 3, "safetensors: 1 bytes after the last tensor"
        ),
        (#"{"__metadata__":{"a":1}}"#, 0, "safetensors: '__metadata__': every value should be a string"),
    ]

    @Test(arguments: broken.indices)
    func refuses(row: Int) {
        let (header, data, message) = Self.broken[row]
        #expect(Self.message(Self.file(header, data: data)) == message)
    }

    @Test func refusesLengthsThatDoNotFit() {
        let short = Array(Self.file("", data: 0).dropLast())
        #expect(Self.message(short) == "safetensors: 7 bytes are too short for a header; copy the file again")
        for length in [0, 1, 3, UInt64(Int64.max), .max] {
            let message =
                "safetensors: a header of \(length) bytes does not fit a file of 10; not a safetensors file, or cut off"
            #expect(Self.message(Self.file("{}", data: 0, length: length)) == message)
        }
    }

    @Test func readsWhatItWrites() throws {
        let declarations: [SafetensorsLayout.Declaration] = [
            .init(name: "a", type: .f32, shape: [3]), .init(name: "scalar", type: .i64, shape: []),
            .init(name: "empty", type: .bool, shape: [0, 7]), .init(name: "b", type: .bf16, shape: [5, 5]),
        ]
        let layout = try SafetensorsLayout(declarations, metadata: [("by", "test"), ("a", "é")])
        let contents: [[UInt8]] = [Array(0..<12), Array(0..<8), [], Array(100..<150)]
        let bytes = layout.file(contents: contents)
        #expect(bytes.count == layout.byteCount)
        #expect(layout.ranges.allSatisfy { $0.lowerBound % 64 == 0 })
        let file = try SafetensorsFile(bytes.span.bytes)
        #expect(file.tensors.map(\.name) == declarations.map(\.name))
        #expect(file.tensors.map(\.shape) == declarations.map(\.shape))
        #expect(file.tensors.map(\.range) == layout.ranges)
        #expect(file.tensors.map { Array(bytes[$0.range]) } == contents)
        #expect(file.metadata.map(\.value) == ["test", "é"])
    }

    @Test func writesTheSameBytesEveryTime() throws {
        let layout = try SafetensorsLayout([.init(name: "a", type: .u8, shape: [1])], alignment: 8)
        #expect(
            String(decoding: layout.file(contents: [[65]]).dropFirst(8), as: UTF8.self)
                == #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"# + "   A")
    }

    @Test(arguments: ["__metadata__", "twice", "__padding__.0"])
    func refusesNames(name: String) {
        #expect(throws: SafetensorsError.badName(name: name)) {
            try SafetensorsLayout([
                .init(name: "twice", type: .u8, shape: []), .init(name: name, type: .u8, shape: []),
            ])
        }
    }

    @Test func refusesShapesThatNoFileHolds() {
        #expect(throws: SafetensorsError.tooLarge(tensor: "a")) {
            try SafetensorsLayout([.init(name: "a", type: .u8, shape: [1 << 40, 1 << 40])])
        }
        #expect(throws: SafetensorsError.tooLarge(tensor: "a")) {
            try SafetensorsLayout([.init(name: "a", type: .u8, shape: [-1])])
        }
    }

    @Test(arguments: ElementType.allCases)
    func namesEveryElementType(type: ElementType) {
        #expect(SafetensorsType(type).elementType == type)
        #expect(SafetensorsType(type).bitCount == type.byteCount * 8)
    }
}
