import ArgumentParser
import JSON
import ModelFiles
import ModelImport

/// Lists the operators that can be imported, or the calls of a program that cannot.
struct OperatorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operators",
        abstract: "Lists the PyTorch operators that import, or the calls of a program that do not.",
        discussion: """
            Without a program: names without their overloads. Every overload and in-place form of a listed operator imports too. \
            Documentation/op-coverage.md says more about each one.

            With a program: one line for each call that does not import, with the line of model code and the reason; exit code 1 \
            where there are such.

            Example: hearth operators model.pt2
            """)

    @Argument(help: "A program of torch.export.save: FILE.pt2.") var program: String?

    @Flag(help: "Print JSON: the operators with those that are refused, or the calls that do not import.") var json =
        false

    func run() throws {
        if let program { return try survey(program) }
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

    private func survey(_ program: String) throws {
        let archive = try ExportedProgramArchive(path: program)
        let refusals = try ImportedModel.refusals(archive.contents)
        if json {
            let calls = refusals.map { refusal -> JSONValue in
                [
                    "operator": .string(refusal.site.operation), "node": .string(refusal.site.node),
                    "line": .string(refusal.site.line), "reason": .string(refusal.reason),
                ]
            }
            print((["refused": .array(calls)] as JSONValue).text)
        } else {
            for refusal in refusals { print("\(refusal.site): \(refusal.reason)") }
        }
        if !refusals.isEmpty, !json { throw ExitCode(1) }
    }
}
