internal import Base

/// Pieces of HTML. Everything that is no tag here goes through `escape`.
enum HTML {
    /// A text whose special characters cannot become tags or end an attribute.
    static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // Control characters are not allowed in a page at all.
            case "\n", "\t": result.unicodeScalars.append(character)
            case _ where character.value < 32 || character.value == 127: result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// What stands in a cell: how it reads, and the exact number behind it where it is one.
    struct Cell {
        var html: String
        var isNumber = false

        /// A text.
        static func text(_ text: String) -> Cell { Cell(html: HTML.escape(text)) }
        /// A text in the type of code.
        static func code(_ text: String) -> Cell {
            Cell(html: text.isEmpty ? "" : "<code>\(HTML.escape(text))</code>")
        }
        /// A number as it reads, with its exact value.
        static func number(_ value: Double?, _ format: (Double) -> String) -> Cell {
            guard let value else { return Cell(html: "–", isNumber: true) }
            return Cell(html: "<data value=\"\(value)\">\(HTML.escape(format(value)))</data>", isNumber: true)
        }
        /// A count.
        static func count(_ value: Int) -> Cell {
            Cell(html: "<data value=\"\(value)\">\(value)</data>", isNumber: true)
        }
        /// Seconds.
        static func seconds(_ value: Double?) -> Cell { number(value) { TextFormat.time($0 * 1e9) } }
        /// A part of a whole.
        static func percent(_ value: Double?) -> Cell { number(value) { TextFormat.fixed(100 * $0, 1) + " %" } }
        /// A ratio.
        static func ratio(_ value: Double?) -> Cell { number(value) { TextFormat.fixed($0, 2) + "×" } }
        /// Bytes.
        static func bytes(_ value: Double?) -> Cell { number(value, HTML.bytes) }
        /// An error, in three digits and a power of ten.
        static func error(_ value: Double?) -> Cell { number(value, HTML.scientific) }
    }

    /// A table; each row is named after what its first cell says. Columns of numbers are aligned on the right.
    static func table(_ caption: String, _ columns: [String], _ rows: [(key: String, cells: [Cell])]) -> String {
        guard let first = rows.first else { return "" }
        let heads = zip(columns, first.cells).map { title, cell in
            "<th scope=\"col\"\(cell.isNumber ? " class=\"n\"" : "")>\(escape(title))</th>"
        }
        let body = rows.map { row in
            let cells = row.cells.enumerated().map { index, cell in
                let tag = index == 0 ? "th scope=\"row\"" : "td"
                return "<\(tag)\(cell.isNumber ? " class=\"n\"" : "")>\(cell.html)</\(index == 0 ? "th" : "td")>"
            }
            return "<tr data-row=\"\(escape(row.key))\">\(cells.joined())</tr>"
        }
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(escape(caption))"><table><caption><span>\(escape(caption))</span></caption>
            <thead><tr>\(heads.joined())</tr></thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody></table></div>

            """
    }

    /// A table that opens when it is asked for, under a figure.
    static func folded(_ table: String) -> String {
        table.isEmpty ? "" : "<details><summary>The same in figures</summary>\n\(table)</details>\n"
    }

    /// A part of the page.
    static func section(_ id: String, _ title: String, _ body: String) -> String {
        body.isEmpty
            ? ""
            : "<section id=\"\(id)\" aria-labelledby=\"\(id)-title\">\n<h2 id=\"\(id)-title\">\(escape(title))</h2>\n\(body)</section>\n"
    }

    /// A paragraph of plain text.
    static func paragraph(_ text: String) -> String { "<p>\(escape(text))</p>\n" }

    /// A size; what no machine has reads as none or as the largest.
    static func bytes(_ value: Double) -> String { TextFormat.bytes(Int(min(max(value, 0), 1e18))) }

    /// Such as `1.07e-07`.
    static func scientific(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
        var (mantissa, exponent) = (abs(value), 0)
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        let digits =
            exponent < 0 ? "-\(exponent > -10 ? "0" : "")\(-exponent)" : "+\(exponent < 10 ? "0" : "")\(exponent)"
        return "\(value < 0 ? "-" : "")\(TextFormat.fixed(mantissa, 2))e\(digits)"
    }
}
