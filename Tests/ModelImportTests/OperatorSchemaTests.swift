import Foundation
import ModelImport
import Testing

/// The generated schemas fit the rules.
@Suite struct OperatorSchemaTests {
    /// Operators that have a rule although PyTorch registers no schema with defaults for them: other namespaces, and
    /// functions that only older files name.
    private static let withoutSchema = Set(ImportedModel.operatorNames.filter { $0.contains(".") })

    @Test func onlyOperatorsWithRulesHaveSchemas() {
        let known = Set(ImportedModel.operatorNames)
        for qualified in OperatorSchema.table.keys {
            let base = qualified.split(separator: ".")[1]
            var forms = [String(base)]
            if base.hasSuffix("_") { forms.append(String(base.dropLast())) }
            if base.hasPrefix("__i") { forms.append("__" + base.dropFirst(3)) }
            #expect(forms.contains { known.contains($0) }, "\(qualified)")
        }
    }

    /// The document's table has one row for each operator that imports, and no other.
    @Test func theDocumentListsEveryOperator() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("Documentation/op-coverage.md"), encoding: .utf8)
        let rows = text.split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
            return String(line.dropFirst(3)[..<end])
        }
        let difference = Set(rows).symmetricDifference(ImportedModel.operatorNames)
        #expect(difference.isEmpty && rows == rows.sorted(), "run python Benchmarks/op_coverage.py table")
        #expect(text.contains("- \(rows.count) operators import."))
    }

    @Test func everyRuleButAliasesHasASchema() {
        let bases = Set(OperatorSchema.table.keys.map { String($0.split(separator: ".")[1]) })
        let missing = Set(ImportedModel.operatorNames).subtracting(bases).subtracting(Self.withoutSchema)
        // Names that PyTorch does not register, kept for files of other versions.
        #expect(missing.count < 40, "run generate_schemas.py: \(missing.sorted())")
        #expect(bases.count > 450)
    }
}
