import JSON
import Testing

@Suite struct JSONWriterTests {
    @Test(
        arguments: [
            (JSONValue.null, "null"), (true, "true"), (.integer(.min), "-9223372036854775808"), (1.5, "1.5"),
            (-0.0, "-0.0"),
            (.number(1e300), "1e+300"), (.number(.leastNonzeroMagnitude), "5e-324"), (.number(.nan), "NaN"),
            (.number(-.infinity), "-Infinity"),
            ("é\"\\\n\u{1}\u{7F}", "\"é\\\"\\\\\\n\\u0001\\u007f\""), ([], "[]"), ([:], "{}"),
            ([1, [nil]], "[1,[null]]"),
            (["b": 1, "a": [2]], "{\"b\":1,\"a\":[2]}"),
        ] as [(JSONValue, String)])
    func writes(value: JSONValue, text: String) {
        #expect(value.text == text)
    }

    @Test func indents() {
        let value: JSONValue = ["b": [1, 2], "a": [:], "c": []]
        #expect(
            value.prettyText == """
                {
                  "b": [
                    1,
                    2
                  ],
                  "a": {},
                  "c": []
                }

                """)
    }

    @Test(
        arguments: [
            JSONValue.number(0.1), .number(1.0 / 3), .number(.leastNonzeroMagnitude), .number(.greatestFiniteMagnitude),
            .integer(.max), "\u{0}😀\u{FFFF}", ["x": [["y": [nil, false]]]],
        ] as [JSONValue])
    func readsBack(value: JSONValue) throws {
        #expect(try JSONReader().read(value.text) == value)
        #expect(try JSONReader().read(value.prettyText) == value)
    }
}
