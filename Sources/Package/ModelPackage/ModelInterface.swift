import ElementTypes

/// What a model takes and gives, and what must hold of its inputs.
package struct ModelInterface: Sendable, Equatable {
    /// A named input or output, contiguous and row-major. Dimensions are expressions over the symbols `s0`, `s1`, ….
    package struct Port: Sendable, Equatable {
        /// Name as the model's exporter gave it.
        package var name: String
        /// Element type and shape.
        package var type: TensorType

        /// Makes a port.
        package init(name: String, type: TensorType) {
            self.name = name
            self.type = type
        }
    }

    /// Where the value of a symbol is found.
    package enum SymbolSource: Sendable, Equatable {
        /// The extent of an input along an axis; the declared dimension there is linear in the symbol.
        case extent(input: Int, axis: Int)
        /// The value of an input that is one integer.
        case value(input: Int)
    }

    /// A symbolic dimension. The `i`-th binds the variable `s<i>`.
    package struct Binding: Sendable, Equatable {
        /// Name and range.
        package var symbol: Symbol
        /// Where its value is found.
        package var source: SymbolSource

        /// Makes a binding.
        package init(symbol: Symbol, source: SymbolSource) {
            self.symbol = symbol
            self.source = source
        }
    }

    /// A condition on symbols, checked on entry.
    package struct Guard: Sendable, Equatable {
        /// How the two sides compare.
        package enum Relation: String, CaseIterable, Sendable {
            case equal = "=="
            case notEqual = "!="
            case less = "<"
            case lessOrEqual = "<="

            /// Whether the relation holds.
            package func holds(_ left: Int, _ right: Int) -> Bool {
                switch self {
                case .equal: left == right
                case .notEqual: left != right
                case .less: left < right
                case .lessOrEqual: left <= right
                }
            }
        }

        /// Left side.
        package var left: Dimension
        /// How the sides compare.
        package var relation: Relation
        /// Right side.
        package var right: Dimension

        /// Makes a guard.
        package init(_ left: Dimension, _ relation: Relation, _ right: Dimension) {
            self.left = left
            self.relation = relation
            self.right = right
        }

        /// Such as `s0 % 2 == 0`.
        package var text: String { "\(left) \(relation.rawValue) \(right)" }
    }

    /// Inputs in order.
    package var inputs: [Port]
    /// Outputs in order.
    package var outputs: [Port]
    /// Symbols in order of their numbers.
    package var symbols: [Binding]
    /// Conditions, checked after the ranges of the symbols.
    package var guards: [Guard]
    /// The symbol that counts independent rows, where there is one: the first extent of every input and output; row i of the outputs is a
    /// function of row i of the inputs alone, so that rows of several calls may be run as one.
    package var independentRows: Int?

    /// Makes an interface.
    package init(
        inputs: [Port], outputs: [Port], symbols: [Binding] = [], guards: [Guard] = [], independentRows: Int? = nil
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.symbols = symbols
        self.guards = guards
        self.independentRows = independentRows
    }
}
