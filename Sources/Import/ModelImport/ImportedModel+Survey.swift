import ElementTypes
import GraphIR
import ModelFiles

/// A call of a program that does not import.
package struct ImportRefusal: Hashable, Sendable {
    /// Operator, name of the node or its first result, and line of model code.
    package var site: ImportSite
    /// Why, in one line.
    package var reason: String

    /// Makes a record.
    package init(site: ImportSite, reason: String) {
        self.site = site
        self.reason = reason
    }
}

extension ImportedModel {
    /// All calls of a program that do not import, in its order, and those of their results that another call cannot take; empty where the
    /// program imports. What is to run elsewhere is left out of a program by these. Throws what no choice of calls mends: inputs, outputs
    /// and tensors of kinds that no package has.
    package static func refusals(_ contents: ExportedProgramContents) throws(ImportError) -> [ImportRefusal] {
        do {
            _ = try ImportedModel(contents)
            return []
        } catch {
            let program = contents.program
            let declared = declaredStates(program)
            var importer = try run(contents, states: declared, isSurvey: true)
            let written = importer.writtenBuffers.subtracting(declared)
            if !written.isEmpty {
                importer = try run(contents, states: declared + written.sorted(), isSurvey: true)
            }
            guard let found = importer.refusals, !found.isEmpty else { throw error }
            return found
        }
    }
}

extension Importer {
    /// Notes that a call of the program itself does not import, and lets its results be inputs as far as an input can be what they are, so that the calls behind
    /// it are seen too. Throws `error` on where the first such call ends the import, and inside the bodies of other calls.
    mutating func passOver(_ node: ExportedNode, _ error: ImportError) throws(ImportError) {
        guard refusals != nil, scopes.count == 1 else { throw error }
        let site = node.site
        let reason =
            switch error {
            case .unsupportedOperators: "the operator is not supported"
            case .undefined(_, let value, _): "it takes '\(value)', which no package can hold"
            default: "\(error)".trimming(prefix: "\(site): ")
            }
        refusals?.append(ImportRefusal(site: site, reason: reason))
        call.site = site
        for name in resultNames(of: node).compactMap(\.self) where scopes[0].bindings[name] == nil {
            guard let declared = scopes[0].graph.tensors[name], let type = try? type(declared, name) else { continue }
            var values: [Value] = []
            for _ in 0..<(declared.scalarType.realPart == nil ? 1 : 2) {
                builder.graph.inputs.append(GraphPort(name: name, type: type))
                values.append(try leaf(.input(builder.graph.inputs.count - 1, type)))
            }
            scopes[0].bindings[name] = .tensor(values.count == 1 ? fresh(values[0]) : complex(values[0], values[1]))
        }
    }
}

extension String {
    /// The text without a beginning, if it has that.
    fileprivate func trimming(prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}
