import ElementTypes
import ModelFiles
import Testing

@Suite struct TorchScalarTypeTests {
    @Test(arguments: ElementType.allCases)
    func everyElementTypeHasItsOwn(type: ElementType) throws {
        let scalarTypes = TorchScalarType.allCases.filter { $0.elementType == type }
        #expect(scalarTypes.count == 1)
        #expect(scalarTypes.first?.byteCount == type.byteCount)
    }

    /// Numbers and names of `torch/_export/serde/schema.py`.
    @Test(arguments: [
        (1, "uint8", 1), (5, "int64", 8), (6, "float16", 2), (7, "float32", 4), (10, "complex64", 8), (12, "bool", 1),
        (13, "bfloat16", 2), (28, "uint16", 2), (29, "float8_e4m3fn", 1), (33, "float8_e8m0fnu", 1), (35, "uint64", 8),
    ])
    func followsTheSchema(number: Int, name: String, byteCount: Int) throws {
        let type = try #require(TorchScalarType(rawValue: number))
        #expect(type.name == name)
        #expect(type.byteCount == byteCount)
    }
}
