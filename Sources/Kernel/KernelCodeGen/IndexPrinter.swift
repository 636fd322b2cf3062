import ElementTypes

/// Prints integer expressions as C of type int64_t. Axes and symbols are C variables of their own names (`i0`, `s0`).
package struct IndexPrinter: Sendable {
    /// What is known of the variables; non-negative quotients print as plain divisions.
    package var ranges: VariableRanges
    /// C text of a variable where its own name will not do.
    package var names: [Variable: String]
    /// A variable that counts blocks, the block's size and the C text of the block's first element: `16·block` prints as
    /// that text.
    package var block: (variable: Variable, size: Int, start: String)?
    /// Prints constants as `int`, for expressions whose every term fits in 32 bits.
    package var isNarrow = false

    /// Makes a printer.
    package init(_ ranges: VariableRanges, names: [Variable: String] = [:]) {
        self.ranges = ranges
        self.names = names
    }

    /// The C text, in parentheses unless it is a single word.
    package func print(_ expression: IntegerExpression) -> String {
        var parts: [String] = []
        for term in expression.terms {
            var factors = term.atoms.map(print)
            var coefficient = term.coefficient
            if let block, coefficient % block.size == 0,
                let position = term.atoms.firstIndex(of: .variable(block.variable))
            {
                coefficient /= block.size
                factors[position] = block.start
            }
            let product =
                coefficient == 1
                ? factors.joined(separator: " * ")
                : ([number(coefficient)] + factors).joined(separator: " * ")
            parts.append(product)
        }
        if expression.constant != 0 || parts.isEmpty { parts.append(number(expression.constant)) }
        return "(" + parts.joined(separator: " + ") + ")"
    }

    private func number(_ value: Int) -> String { isNarrow ? "\(value)" : "INT64_C(\(value))" }

    private func print(_ atom: IntegerAtom) -> String {
        switch atom {
        case .variable(let variable): names[variable] ?? variable.name
        case .floorDivide(let a, let b):
            ranges.isNonNegative(a) && ranges.isNonNegative(b - 1)
                ? "(\(print(a)) / \(print(b)))" : "fdiv_ls(\(print(a)), \(print(b)))"
        case .modulo(let a, let b):
            ranges.isNonNegative(a) && ranges.isNonNegative(b - 1)
                ? "(\(print(a)) % \(print(b)))" : "rem_ls(\(print(a)), \(print(b)))"
        case .minimum(let a, let b): "min_ls(\(print(a)), \(print(b)))"
        case .maximum(let a, let b): "max_ls(\(print(a)), \(print(b)))"
        }
    }

    /// A C condition that holds when all expressions are at least 0; nil when that is always so.
    package func condition(_ mask: [IntegerExpression]) -> String? {
        let open = mask.filter { !ranges.isNonNegative($0) }
        return open.isEmpty ? nil : open.map { "\(print($0)) >= 0" }.joined(separator: " && ")
    }
}
