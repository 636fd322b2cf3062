import Base
import ElementTypes
import GraphIR
import ModelFiles

extension ImportedModel {
    /// Imports an archive's program. All operators without a rule are reported at once.
    package init(_ contents: ExportedProgramContents) throws(ImportError) {
        let program = contents.program
        let missing = Self.unsupportedOperators(program.graph)
        if !missing.isEmpty { throw .unsupportedOperators(missing) }
        let declared = Self.declaredStates(program)
        var importer = try Self.run(contents, states: declared)
        // In-place operators write buffers that the signature does not list; they become states in a second pass.
        let written = importer.writtenBuffers.subtracting(declared)
        if !written.isEmpty { importer = try Self.run(contents, states: declared + written.sorted()) }
        let names = PortNames(program)
        self.init(
            graph: importer.builder.graph, tensors: importer.stored, aliases: importer.aliases,
            inputTree: program.rootCall?.inputTree, outputTree: program.rootCall?.outputTree,
            inputNames: names.inputs, inputs: importer.inputBindings, outputNames: names.outputs,
            outputs: importer.outputBindings, level: ExportLevel(program), torchVersion: program.torchVersion)
    }

    /// Names of all operators that can be imported, without overload, sorted.
    package static var operatorNames: [String] { OperatorTable.shared.names }

    /// Names of all operators that are known and refused with a reason, without overload, sorted.
    package static var refusedOperatorNames: [String] { OperatorTable.shared.refusedNames }

    /// Every operator of a graph and of the graphs inside it that no rule covers, in order of first use.
    private static func unsupportedOperators(_ graph: ExportedGraph) -> [UnsupportedOperator] {
        var found: [UnsupportedOperator] = []
        func visit(_ graph: ExportedGraph) {
            for node in graph.nodes {
                let name = OperatorName(node.target)
                if !OperatorTable.shared.covers(name), !node.isSymbolic {
                    if let known = found.firstIndex(where: { $0.name == name.qualified }) {
                        found[known].count += 1
                    } else {
                        found.append(.init(name: name.qualified, count: 1, firstLine: node.site.line))
                    }
                }
                for case .graph(_, let body) in node.inputs.map(\.value) where !name.base.isControlFlow { visit(body) }
            }
        }
        visit(graph)
        return found
    }

    static func declaredStates(_ program: ExportedProgram) -> [String] {
        program.outputs.compactMap { if case .bufferMutation(_, let name) = $0 { name } else { nil } }
    }

    /// Walks the program. In a survey calls that do not import are noted and passed over, and so are inputs and outputs that cannot be
    /// those of a package: what uses such an input does not import, and such an output's call is noted.
    static func run(
        _ contents: ExportedProgramContents, states: [String], isSurvey: Bool = false
    ) throws(ImportError) -> Importer {
        let program = contents.program
        let entries = (contents.weights.entries + contents.constants.entries).map { ($0.name, $0.value) }
        var importer = Importer(
            program, name: contents.modelName, stored: entries, wholeNumbers: contents.wholeNumbers, states: states)
        importer.scopes = [Scope(graph: program.graph)]
        if isSurvey { importer.refusals = [] }
        for input in program.inputs {
            if case .user(.tensor(let name)) = input, let tensor = program.graph.tensors[name] {
                importer.declareSymbols(tensor)
            }
        }
        for name in states { try importer.declareState(name) }
        var names = PortNames(program).inputs[...]
        for input in program.inputs {
            do { try importer.define(input, &names) } catch { if !isSurvey { throw error } }
        }
        try importer.run(program.graph)
        names = PortNames(program).outputs[...]
        for output in program.outputs {
            do {
                try importer.give(output, &names)
            } catch {
                guard isSurvey, case .user(.tensor(let name)) = output else { throw error }
                let site = ImportSite(operation: "output", node: name, line: "signature")
                importer.refusals?.append(ImportRefusal(site: site, reason: "\(error)"))
            }
        }
        importer.giveWrittenBuffers()
        try importer.countRun()
        return importer
    }

    static func type(_ tensor: StoredTensor) throws(ImportError) -> TensorType {
        guard let element = ElementType(tensor.scalarType) else {
            throw .elementType(value: tensor.name, type: tensor.scalarType.name)
        }
        return TensorType(element, tensor.sizes.map { Dimension($0) })
    }
}

extension String {
    /// Whether this names an operator whose bodies run under a condition or repeatedly; they are not imported.
    fileprivate var isControlFlow: Bool {
        ["cond", "while_loop", "scan", "associative_scan", "map_impl"].contains(self)
    }
}

extension ExportedNode {
    /// Whether all results are numbers or truth values that the file states as expressions.
    fileprivate var isSymbolic: Bool {
        !outputs.isEmpty
            && outputs.allSatisfy { output in
                switch output {
                case .symInt, .symFloat, .symBool: true
                default: false  // Everything else is computed.
                }
            }
    }
}

extension ExportLevel {
    /// Operators that PyTorch's default decompositions replace.
    private static let composite: Set<String> = [
        "linear", "matmul", "softmax", "log_softmax", "layer_norm", "batch_norm", "group_norm", "instance_norm",
        "rms_norm", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
        "scaled_dot_product_attention", "lstm", "gru", "rnn_tanh", "rnn_relu", "reshape", "flatten", "dropout",
        "einsum", "to", "contiguous", "transpose", "silu", "split", "chunk", "cross_entropy_loss", "pad", "type_as",
    ]

    /// The level of a program: the verifier's dialect tells a training program, operators tell the others.
    init(_ program: ExportedProgram) {
        let bases = program.graph.nodes.map { OperatorName($0.target).base }
        if program.verifiers.contains("TRAINING") {
            self = .exported
        } else if bases.contains(where: { Self.composite.contains($0) }) {
            self = .functional
        } else {
            self = .core
        }
    }
}
