/// Whether a whole model's outputs agree with the truth: the same rule as for a kernel, PyTorch's own outputs being the
/// witness.
package struct ModelAgreement: Sendable {
    /// One output of the model.
    package struct Output: Sendable {
        package var name: String
        /// What the package computed, as doubles, row-major.
        package var values: [Double]
        /// Truth, witness and element type.
        package var reference: AgreementInput

        /// Makes an output.
        package init(name: String, values: [Double], reference: AgreementInput) {
            self.name = name
            self.values = values
            self.reference = reference
        }
    }

    /// What was found for an output.
    package struct Finding: Hashable, Sendable, CustomStringConvertible {
        /// The verdict on one output.
        package enum Outcome: Hashable, Sendable {
            case agrees(ErrorSummary)
            case wrongCount(expected: Int, found: Int)
            /// An element that no rounding explains.
            case wrong(element: Int, got: Double, expected: Double)
            /// Errors that are too large, and the worst element.
            case inaccurate(element: Int, got: Double, expected: Double, ErrorSummary)
        }

        package var name: String
        package var outcome: Outcome

        /// Whether the output passes.
        package var passes: Bool {
            switch outcome {
            case .agrees: true
            case .wrongCount, .wrong, .inaccurate: false
            }
        }

        /// One line: name and numbers.
        package var description: String {
            switch outcome {
            case .agrees(let errors): "output '\(name)' agrees: \(errors)"
            case .wrongCount(let expected, let found): "output '\(name)' has \(found) elements, not \(expected)"
            case .wrong(let element, let got, let expected):
                "output '\(name)' is wrong at element \(element): \(got) for \(expected)"
            case .inaccurate(let element, let got, let expected, let errors):
                "output '\(name)' is inaccurate: \(errors); worst at element \(element): \(got) for \(expected)"
            }
        }
    }

    package var findings: [Finding]

    /// Whether every output passes.
    package var passes: Bool { findings.allSatisfy(\.passes) }

    /// Compares all outputs. Linear.
    package init(_ outputs: [Output]) {
        findings = outputs.map { output in
            let reference = output.reference
            guard output.values.count == reference.truth.count else {
                let outcome = Finding.Outcome.wrongCount(expected: reference.truth.count, found: output.values.count)
                return Finding(name: output.name, outcome: outcome)
            }
            switch Agreement.compare(output.values, reference) {
            case .agrees(let errors): return Finding(name: output.name, outcome: .agrees(errors))
            case .wrong(let index):
                return Finding(
                    name: output.name,
                    outcome: .wrong(element: index, got: output.values[index], expected: reference.truth[index]))
            case .inaccurate(let index, let errors):
                return Finding(
                    name: output.name,
                    outcome: .inaccurate(
                        element: index, got: output.values[index], expected: reference.truth[index], errors))
            }
        }
    }
}
