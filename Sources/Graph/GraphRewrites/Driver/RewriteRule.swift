import Base
import GraphIR

/// One row of a rule table: a pattern and what replaces it. The name, read `before -> after`, is its documentation.
package struct RewriteRule: Sendable {
    /// The value that replaces a node's result, built with the context's builder, or nil where the rule does not apply.
    typealias Apply = @Sendable (inout RewriteContext, NodeID) throws(ShapeError) -> Value?

    /// What stands before and after, as `"x + 0 -> x"`.
    package let name: String
    let apply: Apply

    init(_ name: String, _ apply: @escaping Apply) {
        self.name = name
        self.apply = apply
    }
}

/// One application of a rule, for traces.
package struct RewriteEvent: Sendable {
    /// The rule's name.
    package let rule: String
    /// The operation that was replaced.
    package let operation: Operation
    /// The line of model code that it came from.
    package let origin: String
}

/// A rule built a node that its shape rule refuses: a bug of the rule.
package struct RewriteError: Error, Hashable, CustomStringConvertible {
    /// The rule's name; `copy` where an unchanged node could not be rebuilt.
    package var rule: String
    /// The line of model code of the node that was replaced.
    package var origin: String
    /// What the shape rule said.
    package var cause: ShapeError

    package var description: String { "rewrite '\(rule)' at \(origin): \(cause)" }
}
