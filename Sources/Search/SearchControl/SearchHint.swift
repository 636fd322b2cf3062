/// A wish about regions: `region.3: algorithm=winograd`, `*: unroll=2 rows=4`. It narrows the choices named to the value named.
package struct SearchHint: Hashable, Sendable, CustomStringConvertible {
    /// A decision wished for.
    package struct Decision: Hashable, Sendable {
        package var choice: String
        /// A number, or a word that the choice has for one.
        package var value: String
    }

    /// `*`, `model`, `region.3` or a kernel's name.
    package let region: String
    package let decisions: [Decision]
    /// As it was written.
    package let description: String

    /// Reads a hint: a region, a colon, and decisions `name=value` apart by spaces or commas.
    package init(parsing text: String) throws(ControlError) {
        let form = "write it as 'region.3: rows=4' or '*: unroll=2'"
        guard let colon = text.firstIndex(of: ":") else { throw ControlError("--hint '\(text)': \(form)") }
        let region = text[..<colon].split(separator: " ").joined(separator: " ")
        guard !region.isEmpty else { throw ControlError("--hint '\(text)' names no region; \(form)") }
        var decisions: [Decision] = []
        for part in text[text.index(after: colon)...].split(whereSeparator: { $0 == " " || $0 == "," }) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
                throw ControlError("--hint '\(text)': '\(part)' is no decision; \(form)")
            }
            decisions.append(Decision(choice: String(sides[0]), value: String(sides[1])))
        }
        guard !decisions.isEmpty else { throw ControlError("--hint '\(text)' decides nothing; \(form)") }
        self.region = region
        self.decisions = decisions
        description = text
    }

    /// Whether it is about all regions.
    package var isForAll: Bool { region == "*" }
}
