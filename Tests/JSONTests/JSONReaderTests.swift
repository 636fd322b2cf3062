import JSON
import Testing

@Suite struct JSONReaderTests {
    @Test(
        arguments: [
            ("null", JSONValue.null), (" true\n", true), ("false", false), ("0", 0), ("-0", 0), ("-17", -17),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9223372036854775808)), ("1.5e-3", 0.0015), ("1E5", 100000.0),
            ("-0.0", -0.0),
            ("\"\"", ""), ("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\u{8}\u{C}\n\r\t"),
            ("\"\\u00e9\\u0000\"", "é\u{0}"),
            ("\"\\ud83d\\ude00\"", "😀"), ("\"é😀\"", "é😀"), ("[]", []), ("[1, [2], {}]", [1, [2], [:]]),
            ("{\"b\": 1, \"a\": {\"c\": null}}", ["b": 1, "a": ["c": nil]]),
        ] as [(String, JSONValue)])
    func reads(text: String, value: JSONValue) throws {
        #expect(try JSONReader().read(text) == value)
    }

    @Test(arguments: [
        ("", "JSON ends where a value should be, at byte 0 (line 1, column 1)"),
        ("[1,\n 2", "JSON ends where ',' or ']' should be, at byte 6 (line 2, column 3)"),
        ("[1 2]", "JSON has '2' where ',' or ']' should be, at byte 3 (line 1, column 4)"),
        ("[1,]", "JSON has ']' where a value should be, at byte 3 (line 1, column 4)"),
        ("{\"a\" 1}", "JSON has '1' where ':' should be, at byte 5 (line 1, column 6)"),
        ("{a: 1}", "JSON has 'a' where a name in quotes should be, at byte 1 (line 1, column 2)"),
        ("{\"a\":1,}", "JSON has '}' where a name in quotes should be, at byte 7 (line 1, column 8)"),
        ("{\"a\":1,\"a\":2}", "JSON object names 'a' twice, at byte 7 (line 1, column 8)"),
        ("{\"a\":1,\"\\u0061\":2}", "JSON object names 'a' twice, at byte 7 (line 1, column 8)"),
        ("1 1", "JSON is followed by other text, at byte 2 (line 1, column 3)"),
        ("01", "JSON number starts with a zero, at byte 0 (line 1, column 1)"),
        ("-", "JSON number has no digit after '-', at byte 0 (line 1, column 1)"),
        ("1.", "JSON number has no digit after '.', at byte 0 (line 1, column 1)"),
        ("1e+", "JSON number has no digit in its exponent, at byte 0 (line 1, column 1)"),
        ("1e999", "JSON number is too large for 64 bits, at byte 0 (line 1, column 1)"),
        ("NaN", "JSON has 'N' where a value should be, at byte 0 (line 1, column 1)"),
        ("+1", "JSON has '+' where a value should be, at byte 0 (line 1, column 1)"),
        ("tru", "JSON ends where 'true' should be, at byte 3 (line 1, column 4)"),
        ("trux", "JSON has 'x' where 'true' should be, at byte 3 (line 1, column 4)"),
        ("\"ab", "JSON ends where '\"' should be, at byte 3 (line 1, column 4)"),
        ("\"a\nb\"", "JSON string with a control character that is not escaped, at byte 2 (line 1, column 3)"),
        ("\"\\x\"", "JSON string with an unknown escape, at byte 1 (line 1, column 2)"),
        ("\"\\ud800\"", "JSON string with half of a surrogate pair, at byte 1 (line 1, column 2)"),
        ("\"\\ud800\\u0041\"", "JSON string with half of a surrogate pair, at byte 1 (line 1, column 2)"),
        ("\"\\udc00\"", "JSON string with half of a surrogate pair, at byte 1 (line 1, column 2)"),
        ("\"\\u12g4\"", "JSON has 'g' where a hexadecimal digit should be, at byte 5 (line 1, column 6)"),
        ("[\u{7}]", "JSON has byte 7 where a value should be, at byte 1 (line 1, column 2)"),
    ])
    func refuses(text: String, message: String) {
        #expect(Self.message(Array(text.utf8)) == message)
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
    ])
    func refusesBrokenUTF8(bytes: [UInt8]) {
        #expect(Self.message(bytes) == "JSON string is not valid UTF-8, at byte 1 (line 1, column 2)")
    }

    @Test func refusesBrokenUTF8AfterAnEscape() {
        let bytes: [UInt8] = Array("\"\\n".utf8) + [0xFF, 0x22]
        #expect(Self.message(bytes) == "JSON string is not valid UTF-8, at byte 1 (line 1, column 2)")
    }

    @Test func takesPythonsNumbersWhenTold() throws {
        let reader = JSONReader(takesNonFiniteNumbers: true)
        #expect(try reader.read("[Infinity,-Infinity]") == [.number(.infinity), .number(-.infinity)])
        #expect(try reader.read("NaN").doubleValue?.isNaN == true)
    }

    @Test func limitsDepth() throws {
        let reader = JSONReader(depthLimit: 3)
        #expect(try reader.read("[[[1]]]") == [[[1]]])
        #expect(throws: JSONError.tooDeep(JSONPosition(offset: 3, line: 1, column: 4), limit: 3)) {
            try reader.read("[[[[1]]]]")
        }
        #expect(throws: JSONError.self) { try JSONReader().read(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func limitsLength() {
        #expect(throws: JSONError.tooLong(bytes: 6, limit: 5)) { try JSONReader(byteLimit: 5).read("[1, 2]") }
    }

    @Test func findsARepeatedNameAmongMany() {
        let names = (0..<100).map { "\"n\($0)\":\($0)" } + ["\"n42\":0"]
        let text = "{" + names.joined(separator: ",") + "}"
        #expect(Self.message(Array(text.utf8))?.contains("names 'n42' twice") == true)
    }

    private static func message(_ bytes: [UInt8]) -> String? {
        do {
            _ = try JSONReader().read(bytes)
            return nil
        } catch {
            return error.description
        }
    }
}
