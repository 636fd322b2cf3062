import Base
import ElementTypes
import GraphIR
import ReferenceInterpreter
import Testing

/// Every operation against PyTorch's own results.
@Suite struct TorchAgreementTests {
    /// Different roundings of the same formulas; functions without a closed form may differ a little more.
    private func tolerance(_ name: String) -> Double {
        ["digamma", "digammaNegative", "logGamma", "logGammaNegative", "errorFunctionInverse", "tangent"].contains(name)
            ? 1e-12 : 4e-14
    }

    @Test(arguments: TorchCase.all)
    func agreesWithTorch(_ example: TorchCase) throws {
        let graph = try Graph(parsing: example.graph)
        try GraphChecker.check(graph, stage: "reading")
        #expect(try Graph(parsing: graph.description) == graph)
        var interpreter = Interpreter(graph, tensors: NamedTensors())
        let outputs = try interpreter.run(example.inputs.map(\.value))
        #expect(outputs.count == example.outputs.count)
        for (output, expected) in zip(outputs, example.outputs.map(\.value)) {
            #expect(output.element == expected.element && output.shape == expected.shape)
            if let integers = expected.integers {
                #expect(output.integers == integers)
                continue
            }
            // PyTorch's own results of narrow casts are rounded; the oracle keeps what it is given.
            let exact = expected.element == .f64 || expected.element == .bool
            for (index, (found, wanted)) in zip(output.doubles, expected.doubles).enumerated() {
                let found = exact ? found : expected.element.rounded(found)
                let same =
                    found == wanted || (found.isNaN && wanted.isNaN)
                    || abs(found - wanted) <= tolerance(example.name) * max(abs(wanted), 1)
                #expect(same, "element \(index): \(found), PyTorch \(wanted)")
            }
        }
    }

    @Test func everyOperationOccurs() throws {
        var scalar: Set<ScalarOperation> = []
        var names: Set<String> = []
        for example in TorchCase.all {
            let graph = try Graph(parsing: example.graph)
            for node in graph.nodes.rows {
                names.insert(node.operation.name)
                guard case .map(let expression) = node.operation else { continue }
                for case .apply(let operation, _) in expression.instructions { scalar.insert(operation) }
            }
        }
        #expect(scalar == Set(ScalarOperation.allCases))
        #expect(
            names == [
                "leaf", "map", "reduce", "scan", "view", "concatenate", "gather", "scatter", "contract", "convolve",
                "attend", "recur", "window", "sort",
            ])
    }
}
