package import JSON

/// Structure of nested Python containers whose leaves were flattened in depth-first order.
package indirect enum PyTree: Sendable, Equatable {
    /// One flat value.
    case leaf
    /// A tuple.
    case tuple([PyTree])
    /// A list.
    case list([PyTree])
    /// A dictionary; keys in flattening order.
    case dictionary([Key], [PyTree])
    /// A named tuple; fields are in `ExportedProgram.namedTupleFields`.
    case namedTuple(type: String, [PyTree])
    /// A registered container that this reader does not know, such as a model output class: type name and context.
    case other(type: String, context: JSONValue, [PyTree])

    /// A dictionary key.
    package enum Key: Sendable, Equatable, CustomStringConvertible {
        /// Text.
        case string(String)
        /// A number.
        case integer(Int64)
        /// Anything else, as JSON.
        case other(JSONValue)

        /// The key as Python would show it in a path.
        package var description: String {
            switch self {
            case .string(let text): text
            case .integer(let number): String(number)
            case .other(let value): value.text
            }
        }
    }

    /// Direct children.
    package var children: [PyTree] {
        switch self {
        case .leaf: []
        case .tuple(let children), .list(let children), .dictionary(_, let children), .namedTuple(_, let children),
            .other(_, _, let children):
            children
        }
    }

    /// Number of flat values.
    package var leafCount: Int {
        switch self {
        case .leaf: 1
        case .tuple, .list, .dictionary, .namedTuple, .other: children.reduce(0) { $0 + $1.leafCount }
        }
    }
}
