import ElementTypes
import GraphIR
import MappedFiles
import ModelPackage
import ReferenceInterpreter
import Safetensors

/// Inputs of a model with what PyTorch gave for them and what is true: the outputs in double precision. Stored in the package
/// as `golden.safetensors`, so that `hearth verify` needs neither PyTorch nor the graph.
package struct ReferenceRecord: Sendable {
    /// One call of the model, from its initial state.
    package struct Set: Sendable {
        package var inputs: [TensorValue]
        /// PyTorch's own results; empty where they were not recorded.
        package var outputs: [TensorValue]
        /// Results in double precision; empty until computed.
        package var truth: [TensorValue]
        /// What the call leaves in the states that it changes, by name: PyTorch's own.
        package var stateOutputs: [String: TensorValue] = [:]
        /// The same in double precision.
        package var stateTruth: [String: TensorValue] = [:]
        /// Where weights were coded in fewer bits: the truth of the model as it was.
        package var original: [TensorValue] = []

        /// Makes a set.
        package init(inputs: [TensorValue], outputs: [TensorValue] = [], truth: [TensorValue] = []) {
            self.inputs = inputs
            self.outputs = outputs
            self.truth = truth
        }
    }

    /// The example's set first.
    package var sets: [Set]

    /// Makes a record.
    package init(sets: [Set]) { self.sets = sets }

    /// Reads a capture's `golden.safetensors`: `input.I`, `output.I`, and further sets under `set.K.`; at most `limit` sets.
    /// A file that names tensors as the graph names its inputs is read as one set without outputs.
    ///
    /// Files number all flat inputs and outputs of the model, tensors or not; `places` and `outputPlaces` say which
    /// number each tensor of the graph has (its own where nil).
    package init(
        path: String, graph: Graph, limit: Int, places: [Int]? = nil, outputPlaces: [Int]? = nil
    ) throws {
        let file = try MappedFile(path: path)
        let header = try file.withBytes { bytes throws(SafetensorsError) in try SafetensorsFile(bytes) }
        func value(_ name: String) throws(BuildError) -> TensorValue? {
            guard let tensor = header[name] else { return nil }
            guard let element = tensor.type.elementType else {
                throw .unsupported(
                    "\(path): tensor '\(name)' has element type \(tensor.type.rawValue), which is not supported")
            }
            return file.withUnsafeBytes {
                TensorValue(element, tensor.shape, bytes: UnsafeRawBufferPointer(rebasing: $0[tensor.range]))
            }
        }
        let ports = graph.inputs.map(\.name)
        for tensor in header.tensors {
            var name = Substring(tensor.name)
            if name.hasPrefix("set."), let end = name.dropFirst(4).firstIndex(of: ".") {
                name = name[name.index(after: end)...]
            }
            let isKnown = ["input.", "output.", "truth.", "state.", "original."].contains { name.hasPrefix($0) }
            guard isKnown || ports.contains(tensor.name) else {
                throw BuildError.unsupported(
                    "\(path): tensor '\(tensor.name)' is no input of the model; the inputs are "
                        + ports.joined(separator: ", "))
            }
        }
        sets = []
        for number in 0..<limit {
            let prefix = number == 0 ? "" : "set.\(number)."
            if number > 0, !header.tensors.contains(where: { $0.name.hasPrefix(prefix) }) { break }
            var inputs: [TensorValue] = []
            for (position, port) in graph.inputs.enumerated() {
                let index = places?[position] ?? position
                guard let input = try value("\(prefix)input.\(index)") ?? value(port.name) else {
                    throw BuildError.unsupported(
                        "\(path) has neither '\(prefix)input.\(index)' nor '\(port.name)'; give a tensor for each input"
                    )
                }
                inputs.append(input)
            }
            var outputs: [TensorValue] = []
            for index in outputPlaces ?? Array(graph.outputs.indices) {
                guard let output = try value("\(prefix)output.\(index)") else { break }
                outputs.append(output)
            }
            // Outputs of a program that draws are those of other numbers, unless they come with the state that numbers these.
            let drawn = graph.states.contains { $0.name == RandomState.name }
            let isOwn = try !drawn || value("\(prefix)state.\(RandomState.name)") != nil
            if outputs.count != graph.outputs.count || !isOwn { outputs = [] }
            if number > 0, outputs.isEmpty, graph.inputs.isEmpty { break }
            var set = Set(inputs: inputs, outputs: outputs)
            for update in graph.updates {
                let state = graph.states[update.state]
                guard let value = try value("\(prefix)state.\(state.name)"), value.element == state.type.element,
                    value.shape.map({ IntegerExpression($0) }) == state.type.shape
                else { continue }
                set.stateOutputs[state.name] = value
            }
            sets.append(set)
        }
    }

    /// Evaluates the graph in double precision on every set; where PyTorch's results are missing, those of PyTorch's
    /// arithmetic (rounding after each node) take their place.
    package mutating func evaluate(_ graph: Graph, tensors: any TensorSource) throws(InterpreterError) {
        for index in sets.indices {
            let inputs = sets[index].inputs
            var oracle = Interpreter(graph, tensors: tensors, policy: .exact)
            let truth = try oracle.run(inputs)
            sets[index].truth = truth
            for update in graph.updates {
                sets[index].stateTruth[graph.states[update.state].name] = oracle.state(update.state)
            }
            let isComplete = sets[index].stateTruth.keys.allSatisfy { sets[index].stateOutputs[$0] != nil }
            if (sets[index].outputs.isEmpty && !truth.isEmpty) || !isComplete {
                var states: [Int: TensorValue] = [:]
                let outputs = try Interpreter.witness(graph, tensors: tensors, truth: truth) {
                    witness throws(InterpreterError) in
                    let outputs = try witness.run(inputs)
                    for update in graph.updates { states[update.state] = witness.state(update.state) }
                    return outputs
                }
                if sets[index].outputs.isEmpty { sets[index].outputs = outputs }
                for (state, value) in states where sets[index].stateOutputs[graph.states[state].name] == nil {
                    sets[index].stateOutputs[graph.states[state].name] = value
                }
            }
        }
    }

    /// The first of PyTorch's recorded outputs that no rounding explains: the file belongs to another model, or the import
    /// is wrong. Nil where all are plausible.
    package var implausibleOutput: String? {
        for (number, set) in sets.enumerated() {
            for (index, (truth, output)) in zip(set.truth, set.outputs).enumerated() {
                let place = "output \(index) of set \(number)"
                guard truth.shape == output.shape, truth.element == output.element else {
                    return "\(place) is recorded as \(output.element.rawValue)\(output.shape) "
                        + "where the model gives \(truth.element.rawValue)\(truth.shape)"
                }
                guard truth.element.isFloatingPoint else { continue }
                var (difference, size) = (0.0, 0.0)
                for (expected, found) in zip(truth.doubles, output.doubles)
                where expected.isFinite && found.isFinite {
                    difference += (expected - found) * (expected - found)
                    size += expected * expected
                }
                let share = truth.element.byteCount >= 4 ? 0.02 : 0.25
                let count = Double(max(truth.doubles.count, 1))
                guard difference.squareRoot() <= share * size.squareRoot() + 1e-4 * count.squareRoot() else {
                    let relative = (difference / size).squareRoot()
                    return "\(place) as PyTorch recorded it is \(Float(relative * 100)) % from what the model computes"
                }
            }
        }
        return nil
    }

    /// The tensors of `golden.safetensors`. Truth is stored as F64, positions and truth values as they are.
    var stored: [PackageWriter.Tensor] {
        var tensors: [PackageWriter.Tensor] = []
        for (number, set) in sets.enumerated() {
            let prefix = number == 0 ? "" : "set.\(number)."
            func numbered(_ values: [TensorValue]) -> [(String, TensorValue)] {
                values.enumerated().map { ("\($0.offset)", $0.element) }
            }
            func named(_ values: [String: TensorValue]) -> [(String, TensorValue)] {
                values.sorted { $0.key < $1.key }.map { ("state.\($0.key)", $0.value) }
            }
            let groups = [
                ("input", numbered(set.inputs), false),
                ("output", numbered(set.outputs) + named(set.stateOutputs), false),
                ("truth", numbered(set.truth) + named(set.stateTruth), true),
                ("original", numbered(set.original), true),
            ]
            for (name, values, isTruth) in groups {
                for (index, value) in values {
                    let element = isTruth && value.element.isFloatingPoint ? ElementType.f64 : value.element
                    let bytes =
                        element == value.element
                        ? value.bytes : TensorValue(.f64, value.shape, value.doubles).bytes
                    tensors.append(
                        .init(name: "\(prefix)\(name).\(index)", element: element, shape: value.shape) { place in
                            bytes.withUnsafeBytes { place.copyMemory(from: $0) }
                        })
                }
            }
        }
        return tensors
    }
}
