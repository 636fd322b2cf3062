import ElementTypes
import GraphIR
import ModelFiles
import ModelPackage
import PackageBuilder
import ReferenceInterpreter

/// Inputs with their truth that neither the recorded sets nor any search saw: a finished package meets them once, at its end.
struct UnseenInputs {
    /// A file as `golden.safetensors` is, outside of the package.
    var path: String
    /// Where they come from, such as `drawn by seed 1, s0 = 13`.
    var summary: String
}

extension OptimizeCommand {
    /// Draws such inputs like those of the first recorded set, at another size, and evaluates their truth. Nil where no dimension is dynamic
    /// (see ADR 22), and, with a line to the user, where the model does not take what is drawn.
    func unseen(
        _ record: ReferenceRecord, _ graph: Graph, _ stored: any TensorSource, _ coded: CodedModel?, in folder: String
    ) throws -> UnseenInputs? {
        if graph.symbols.isEmpty { return nil }
        Failure.complain("evaluating a set of inputs for the finished package alone")
        var reason = "the model takes no inputs"
        for moves in [true, false] {
            guard var unseen = record.unseen(graph, seed: seed, moves: moves) else { continue }
            do throws(InterpreterError) {
                try unseen.evaluate(graph, tensors: stored)
                if let coded { try unseen.evaluate(coded) }
            } catch {
                // Positions that fit the recorded size may lie outside of another.
                reason = "\(error)"
                continue
            }
            let path = folder + "/unseen.safetensors"
            try unseen.write(to: path)
            return UnseenInputs(path: path, summary: summary(unseen.sets[0].inputs, graph))
        }
        Failure.complain("hearth: note: the package is held to the recorded inputs only: \(reason)")
        return nil
    }

    private func summary(_ inputs: [TensorValue], _ graph: Graph) -> String {
        let given = zip(graph.inputs, inputs).map { ($0.name, $0.type, $1.shape) }
        let values = (try? SymbolBinding(graph, given))?.values ?? []
        let sizes = zip(graph.symbols, values).map { ", \($0.name) = \($1.map { "\($0)" } ?? "?")" }
        return "drawn by seed \(seed)" + sizes.joined()
    }
}
