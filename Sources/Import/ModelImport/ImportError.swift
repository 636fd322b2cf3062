import ElementTypes
import GraphIR

/// An operator that no import rule covers: how often it occurs and where first.
package struct UnsupportedOperator: Hashable, Sendable, CustomStringConvertible {
    /// The operator, such as `aten.fft_rfft.default`.
    package var name: String
    /// Number of calls.
    package var count: Int
    /// First line of model code that calls it.
    package var firstLine: String

    /// Makes a record.
    package init(name: String, count: Int, firstLine: String) {
        self.name = name
        self.count = count
        self.firstLine = firstLine
    }

    /// One line: operator, number of calls, model code.
    package var description: String { "\(name) ×\(count), first at \(firstLine)" }
}

/// Where in the program an error occurred.
package struct ImportSite: Hashable, Sendable, CustomStringConvertible {
    /// The operator, such as `aten.linear.default`.
    package var operation: String
    /// Name of the node or of its first result.
    package var node: String
    /// The line of model code, as `resnet.py:12: x = self.fc(x)`.
    package var line: String

    /// Makes a site.
    package init(operation: String, node: String, line: String) {
        self.operation = operation
        self.node = node
        self.line = line
    }

    /// Operator, node and line.
    package var description: String { "\(operation) (node \(node), \(line))" }
}

/// Why a program cannot be imported. Every case names the place and the facts.
package enum ImportError: Error, Hashable, CustomStringConvertible {
    /// All operators of the program that no rule covers.
    case unsupportedOperators([UnsupportedOperator])
    /// A supported operator in a form that is not.
    case unsupportedForm(ImportSite, String)
    /// A result depends on a random generator.
    case random(ImportSite)
    /// The shape of a result depends on values.
    case dataDependent(ImportSite, String)
    /// An argument is missing or has another kind than the operator takes.
    case argument(ImportSite, name: String, expected: String, found: String)
    /// Operands whose types do not fit.
    case shape(ImportSite, ShapeError)
    /// The program declares another type for a result than its operands give.
    case resultType(ImportSite, value: String, declared: String, derived: String)
    /// A value is used that is defined nowhere, or only later (a cycle).
    case undefined(ImportSite, value: String, isDefinedLater: Bool)
    /// A value name is defined twice.
    case redefined(ImportSite, value: String)
    /// An element type that the graph does not have.
    case elementType(value: String, type: String)
    /// A parameter, buffer or constant that the archive does not hold.
    case missingTensor(String)
    /// The model writes into one of its inputs.
    case inputMutation(ImportSite?, input: String)
    /// Two names share memory and one of them is written.
    case sharedMemory(ImportSite?, String)
    /// A shape expression that is not integer arithmetic over known symbols.
    case symbolic(value: String, expression: String)
    /// Inputs or outputs of a kind that a package cannot take or give.
    case signature(String)

    package var description: String {
        switch self {
        case .unsupportedOperators(let operators):
            "\(operators.count) unsupported operator\(operators.count == 1 ? "" : "s"): "
                + operators.map(\.description).joined(separator: "; ")
        case .unsupportedForm(let site, let reason): "\(site): not supported: \(reason)"
        case .random(let site): "\(site): this draw of random numbers is not supported; put the model in eval mode"
        case .dataDependent(let site, let reason): "\(site): the result's shape depends on data: \(reason)"
        case .argument(let site, let name, let expected, let found):
            "\(site): argument '\(name)': expected \(expected), found \(found)"
        case .shape(let site, let error): "\(site): \(error)"
        case .resultType(let site, let value, let declared, let derived):
            "\(site): result '\(value)' is declared as \(declared) but computes as \(derived)"
        case .undefined(let site, let value, let isDefinedLater):
            isDefinedLater
                ? "\(site): uses '\(value)' before it is defined (cyclic or unordered graph)"
                : "\(site): uses '\(value)', which is defined nowhere"
        case .redefined(let site, let value): "\(site): defines '\(value)' a second time"
        case .elementType(let value, let type): "'\(value)': element type \(type) is not supported"
        case .missingTensor(let name): "the archive holds no tensor '\(name)'"
        case .inputMutation(let site, let input):
            (site.map { "\($0): " } ?? "")
                + "the model writes into its input '\(input)'; clone it in forward, or register it as a buffer"
        case .sharedMemory(let site, let reason): (site.map { "\($0): " } ?? "") + reason
        case .symbolic(let value, let expression): "'\(value)': cannot use the shape expression \(expression)"
        case .signature(let reason): reason
        }
    }
}
