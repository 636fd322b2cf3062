internal import Base
internal import SearchEvents

extension SearchPage {
    /// The champions of each region, from the default to what is in the package.
    var lineage: String {
        let shown = record.regions.filter { $0.opening.searched && !$0.champions.isEmpty }
        guard !shown.isEmpty else { return "" }
        let text = HTML.paragraph(
            "Each region begins with its default. Whenever a candidate beat the champion by more than the margin, it took its place; "
                + "what it decided otherwise than the champion before it stands beside the agent that proposed it.")
        let table = HTML.table(
            "Champions in their order", ["region", "trial", "agent", "time", "faster than before", "what it changed"],
            shown.flatMap { region in
                region.lineage.enumerated().map { index, champion in
                    let before = index > 0 ? region.lineage[index - 1] : nil
                    return (
                        "\(region.opening.region)/\(index)",
                        [
                            .text(index == 0 ? Self.name(region) : "↳"), .count(champion.trial), .text(champion.agent),
                            .seconds(champion.seconds), .ratio(before.map { $0.seconds / champion.seconds }),
                            before.map { .code(Self.changes($0.schedule, champion.schedule)) } ?? .text("the first"),
                        ]
                    )
                }
            })
        return HTML.section("lineage", "Where the winners come from", text + table)
    }

    /// What two schedules decide differently: `rows 4 → 6, unroll 2 → 1`.
    static func changes(_ before: String, _ after: String) -> String {
        func decisions(_ text: String) -> [(name: String, value: String)] {
            text.split(separator: " ").compactMap { part in
                guard let equals = part.lastIndex(of: "=") else { return nil }
                return (name: String(part[..<equals]), value: String(part[equals...].dropFirst()))
            }
        }
        let old = decisions(before)
        return decisions(after).compactMap { decision in
            let value = old.first { $0.name == decision.name }?.value
            return value == decision.value ? nil : "\(decision.name) \(value ?? "default") → \(decision.value)"
        }.joined(separator: ", ")
    }
}
