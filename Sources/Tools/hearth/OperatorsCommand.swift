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

    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let names = ImportedModel.operatorNames
        print(json ? JSONValue.array(names.map { .string($0) }).text : names.joined(separator: "\n"))
    }
}
