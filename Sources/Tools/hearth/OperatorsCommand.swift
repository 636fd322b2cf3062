import ArgumentParser
import JSON
import ModelImport

/// Lists the operators that can be imported.
struct OperatorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operators", abstract: "Lists the PyTorch operators that import, without their overloads.",
        discussion: """
            Every overload and in-place form of a listed operator imports too. Documentation/op-coverage.md says more \
            about each one.

            Example: hearth operators
            """)

    @Flag(help: "Print JSON, with the operators that are refused.") var json = false

    func run() throws {
        let names = ImportedModel.operatorNames
        guard json else {
            print(names.joined(separator: "\n"))
            return
        }
        let refused = ImportedModel.refusedOperatorNames
        let document: JSONValue = [
            "imported": .array(names.map { .string($0) }), "refused": .array(refused.map { .string($0) }),
        ]
        print(document.text)
    }
}
