import Base
import DeviceAPI
import ElementTypes
import GraphIR
import KernelIR
import ModelPackage

/// What a model's program is, apart from where it lies and which lines of model code it comes from: two programs of equal digests become
/// the same package.
package struct ProgramDigest: Hashable, Sendable {
    /// Of the imported graph, with types, sizes and ranges of dynamic dimensions.
    package var graph: ContentHash
    /// Of all parameters and initial states.
    package var weights: ContentHash

    /// Reads all weights, at about the speed of memory.
    package init(_ graph: Graph, tensors: any TensorSource) throws {
        var plain = graph
        plain.name = ""
        // A comment above a line of model code moves the line, and changes nothing.
        for id in plain.nodes.ids { plain.nodes[id].origin = "" }
        self.graph = ContentHash.of("\(plain)")
        var names = Set(graph.states.map(\.name))
        for node in graph.nodes.rows { if case .leaf(.parameter(let name, _)) = node.operation { names.insert(name) } }
        var lines: [String] = []
        for name in names.sorted() {
            lines.append("\(name) \(try tensors.withTensor(name) { FileDigest.of($0) })")
        }
        weights = ContentHash.of(lines.joined(separator: "\n"))
    }

    /// Reads what `facts` wrote; nil where a package does not say what it was built from.
    package init?(_ facts: [Manifest.Fact]) {
        func hash(_ name: String) -> ContentHash? {
            facts.first { $0.name == name }.flatMap { ContentHash($0.value) }
        }
        guard let graph = hash(Self.graphFact), let weights = hash(Self.weightsFact) else { return nil }
        self.graph = graph
        self.weights = weights
    }

    /// What a package's manifest says of it.
    package var facts: [Manifest.Fact] {
        [.init(name: Self.graphFact, value: "\(graph)"), .init(name: Self.weightsFact, value: "\(weights)")]
    }

    private static let graphFact = "program_graph"
    private static let weightsFact = "program_weights"
}

/// The kernels that a program becomes by the rules alone, by the archive's keys: which of them are new says how much of a search a change
/// of the model costs.
package struct RuleKernels: Hashable, Sendable {
    /// Keys of the kernels that run.
    package var keys: Set<String>

    /// Those of a lowered form.
    init(_ form: ModelForm) {
        keys = Set(form.list.regions.map { ContentHash.of(form.list.kernels[$0].canonicalText).description })
    }

    /// Rewrites and lowers a graph as the rules for a device say; nothing is generated or compiled.
    package init(_ graph: Graph, on limits: DeviceLimits) throws {
        let choices = FormChoices(limits)
        self.init(try ModelForm(choices, try ModelForm.rewritten(graph, choices)))
    }

    /// Reads what `fact` wrote; nil where a package does not say it.
    package init?(_ facts: [Manifest.Fact]) {
        guard let text = facts.first(where: { $0.name == Self.name })?.value else { return nil }
        keys = Set(text.split(separator: " ").map(String.init))
    }

    /// What a package's manifest says of them.
    package var fact: Manifest.Fact { .init(name: Self.name, value: keys.sorted().joined(separator: " ")) }

    /// The name of that fact.
    package static let name = "kernels"
}
