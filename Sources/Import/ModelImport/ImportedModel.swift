import ElementTypes
import GraphIR
import ModelFiles

/// How far PyTorch had decomposed a program before it was saved; recognised by its operators.
package enum ExportLevel: String, CaseIterable, Hashable, Sendable {
    /// As `torch.export.export` gives it: operators that write in place may occur.
    case exported
    /// Functional, with composite operators kept: after `run_decompositions({})`.
    case functional
    /// Core ATen: after `run_decompositions()`.
    case core
}

/// One flat input or output as the model's Python signature sees it.
package enum PortBinding: Hashable, Sendable {
    /// A tensor: index of the graph's input or output.
    case tensor(Int)
    /// An integer that is constant or depends on symbols.
    case integer(IntegerExpression)
    /// A number that was baked in at export.
    case float(Double)
    /// A truth value that was baked in at export.
    case bool(Bool)
    /// Text that was baked in at export.
    case string(String)
    /// Nothing.
    case none
}

/// A program as a graph with everything needed to call it.
package struct ImportedModel: Sendable {
    /// The tensor program. Parameters and states are named as in `tensors`.
    package var graph: Graph
    /// Where parameters, constants and initial states lie in the archive, by the name that the graph uses.
    package var tensors: [String: StoredTensor]
    /// Names that stand for the same elements as another: alias to the name that the graph uses (tied weights).
    package var aliases: [String: String]
    /// Structure of `(args, kwargs)`, where the file has it.
    package var inputTree: PyTree?
    /// Structure of the result, where the file has it.
    package var outputTree: PyTree?
    /// Dotted names of all flat inputs, tensors or not, in call order: `x`, `cache.0.k`.
    package var inputNames: [String]
    /// What each flat input is.
    package var inputs: [PortBinding]
    /// Dotted names of all flat outputs: `output`, or `output.0`, `output.logits` where the result is nested.
    package var outputNames: [String]
    /// What each flat output is.
    package var outputs: [PortBinding]
    /// How far the program was decomposed.
    package var level: ExportLevel
    /// The PyTorch that exported it.
    package var torchVersion: String

    /// Position of each of the graph's inputs among the flat inputs.
    package var inputPlaces: [Int] { Self.places(inputs) }

    /// Position of each of the graph's outputs among the flat outputs.
    package var outputPlaces: [Int] { Self.places(outputs) }

    private static func places(_ bindings: [PortBinding]) -> [Int] {
        bindings.indices.filter { if case .tensor = bindings[$0] { true } else { false } }
    }
}
