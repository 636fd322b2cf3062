import Base
import GraphIR
import GraphLowering
import KernelIR

/// The decisions that are open for a model, as choices: those about the most time first.
struct FormSpace {
    let choices: [Choice]

    /// Decisions about less than this part of the model's time are left to the rules.
    private static let leastShare = 0.02
    private static let siblings = "siblings.merge"

    /// The space around the form by the rules, whose running launches take `seconds`.
    init(_ form: ModelForm, seconds: [Double], threads: Int) {
        var timeOf: [NodeID: Double] = [:]
        let running = form.program.launches.filter { !$0.isConstant }
        for (launch, time) in zip(running, seconds) {
            for node in launch.nodes { timeOf[node] = max(timeOf[node] ?? 0, time) }
        }
        let total = max(seconds.reduce(0, +), 1e-12)
        let users = form.graph.users
        var ranked: [(choice: Choice, share: Double)] = []
        for decision in form.choices.cover.decisions(form.graph) {
            let touched = decision.nodes.map { node in
                // A value computed where it is used takes its users' time.
                timeOf[node] ?? users[node.index].compactMap { timeOf[$0] }.max() ?? 0
            }
            let values = decision.usual ? [1, 0] : [0, 1]
            ranked.append((Choice(decision.name, values), touched.reduce(0, +) / total))
        }
        ranked = ranked.filter { $0.share >= Self.leastShare }
        ranked.sort { ($0.share, $1.choice.name) > ($1.share, $0.choice.name) }
        var open: [Choice] = []
        if form.choices.mergesSiblings || (try? Self.hasSiblings(form.graph)) == true {
            open.append(Choice(Self.siblings, form.choices.mergesSiblings ? [1, 0] : [0, 1]))
        }
        if threads > 1 { open.append(Choice("threads.count", [threads, 1])) }
        choices = open + ranked.map(\.choice)
    }

    private static func hasSiblings(_ graph: Graph) throws -> Bool {
        var choices = FormChoices()
        choices.mergesSiblings = true
        return try ModelForm.rewritten(graph, choices) != graph
    }

    /// The form that a schedule of these choices means, beside the form by the rules.
    static func form(_ choices: [Choice], _ schedule: Schedule, from rules: FormChoices) -> FormChoices {
        var form = rules
        var cover: [String: Bool] = [:]
        for choice in choices where schedule[choice] != choice.values[0] {
            switch choice.name {
            case siblings: form.mergesSiblings = schedule[choice] == 1
            case "threads.count": form.usesOneThread = schedule[choice] == 1
            default: cover[choice.name] = schedule[choice] == 1
            }
        }
        form.cover = rules.cover.deciding(cover)
        return form
    }
}
