import ElementTypes
import ReferenceInterpreter
import Testing

/// Rounding and raw bytes, exhaustively where 16 bits allow it.
@Suite struct RoundingTests {
    /// All 65,536 values of a 16-bit type, read from their bytes.
    private func allValues(_ element: ElementType) throws -> [Double] {
        let bytes = (0..<65536).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        return try #require(TensorValue(element, [65536], bytes: bytes)).doubles
    }

    @Test(arguments: [ElementType.f16, .bf16])
    func everyValueSurvives(_ element: ElementType) throws {
        let values = try allValues(element)
        for (bits, value) in values.enumerated() {
            if value.isNaN {
                #expect(element.rounded(value).isNaN)
                continue
            }
            #expect(element.rounded(value) == value)
            let bytes = TensorValue(element, [1], [value]).bytes
            #expect(Int(bytes[0]) | Int(bytes[1]) << 8 == bits)
        }
    }

    /// Between neighbours a, b: just below the middle gives a, just above b, the middle the one with an even significand.
    @Test(arguments: [ElementType.f16, .bf16])
    func roundsToNearestEven(_ element: ElementType) throws {
        let values = try allValues(element)
        let infinity = values.firstIndex(of: .infinity) ?? 0
        for bits in 0..<infinity - 1 {
            let (a, b) = (values[bits], values[bits + 1])
            let middle = (a + b) / 2
            #expect(element.rounded(middle.nextDown) == a && element.rounded(middle.nextUp) == b)
            #expect(element.rounded(middle) == (bits % 2 == 0 ? a : b))
            #expect(element.rounded(-middle.nextUp) == -b)
        }
        let greatest = values[infinity - 1]
        let limit = greatest + (greatest - values[infinity - 2]) / 2
        #expect(element.rounded(limit.nextDown) == greatest && element.rounded(limit) == .infinity)
        #expect(element.rounded(-limit) == -.infinity && element.rounded(.infinity) == .infinity)
    }

    /// The same rule at f32's precision agrees with the processor's own conversion.
    @Test func formatAgreesWithHardware() {
        var bits: UInt64 = 0x9E37_79B9_7F4A_7C15
        for _ in 0..<100_000 {
            bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Exponents around f32's range, subnormals and overflow included.
            let value = Double(
                sign: bits >> 63 == 0 ? .plus : .minus, exponent: Int(bits >> 33 & 511) - 280,
                significand: 1 + Double(bits & 0xFFFF_FFFF) * 0x1p-32)
            #expect(FloatingPointFormat.f32.round(value) == Double(Float(value)))
        }
    }

    @Test func doesNotRoundTwice() {
        // Through f32 this would become a tie and then round down to even.
        #expect(ElementType.bf16.rounded(1 + 0x1p-8 + 0x1p-40) == 1 + 0x1p-7)
        #expect(ElementType.f16.rounded(1 + 0x1p-11 + 0x1p-40) == 1 + 0x1p-10)
    }

    @Test(arguments: [
        (ElementType.i8, 200.9, -56), (.u8, -1.5, 255), (.i64, .nan, Int64.min), (.i64, 1e300, .min), (.i32, -7.99, -7),
        (.i16, 32768, -32768),
    ])
    func truncates(_ element: ElementType, _ value: Double, _ expected: Int64) {
        #expect(element.truncated(value) == expected)
    }

    @Test(arguments: ElementType.allCases)
    func bytesRoundTrip(_ element: ElementType) throws {
        let value =
            element.isInteger
            ? TensorValue(element, [2, 2], integers: [0, 1, 100, element == .u8 ? 255 : -128])
            : TensorValue(
                element, [2, 2],
                element == .bool ? [0, 1, 1, 0] : [0.5, -2, element == .f8e4m3 ? 448 : .infinity, -0.0])
        #expect(value.bytes.count == 4 * element.byteCount)
        #expect(TensorValue(element, [2, 2], bytes: value.bytes) == value)
        #expect(TensorValue(element, [3], bytes: value.bytes) == nil)
    }
}
