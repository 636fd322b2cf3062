/// What is known of variables: each lies between two inclusive bounds, which may hold symbols.
package struct VariableRanges: Hashable, Sendable {
    /// Inclusive bounds of one variable; no upper bound is nil.
    package struct Bounds: Hashable, Sendable {
        package var lower: IntegerExpression
        package var upper: IntegerExpression?

        /// Makes bounds.
        package init(lower: IntegerExpression, upper: IntegerExpression?) {
            self.lower = lower
            self.upper = upper
        }
    }

    private var bounds: [Variable: Bounds] = [:]

    /// Nothing known.
    package init() {}

    /// Known bounds of a variable. Unknown symbols are at least 0, as dimensions are.
    package subscript(_ variable: Variable) -> Bounds? {
        get { bounds[variable] ?? (variable.kind == .symbol ? Bounds(lower: 0, upper: nil) : nil) }
        set { bounds[variable] = newValue }
    }

    /// The variables with bounds of their own, in order.
    package var declared: [Variable] { bounds.keys.sorted() }

    /// Declares that `variable` runs over 0..<extent.
    package mutating func declare(_ variable: Variable, extent: IntegerExpression) {
        bounds[variable] = Bounds(lower: 0, upper: extent - 1)
    }

    /// The least value of `expression` that can be proved, or nil.
    package func lowerBound(_ expression: IntegerExpression) -> Int? {
        numericLower(eliminatingAxes(expression))
    }

    /// The greatest value of `expression` that can be proved, or nil.
    package func upperBound(_ expression: IntegerExpression) -> Int? {
        numericLower(eliminatingAxes(expression * -1)).flatMap { $0 == .min ? nil : -$0 }
    }

    /// Whether `expression` is provably at least 0.
    package func isNonNegative(_ expression: IntegerExpression) -> Bool { (lowerBound(expression) ?? -1) >= 0 }

    /// Replaces every loop axis that occurs linearly by the bound that makes the expression least, so that
    /// `T − 1 − i` with `i ≤ T − 1` becomes 0 even though `T` is a symbol.
    private func eliminatingAxes(_ expression: IntegerExpression) -> IntegerExpression {
        var current = expression
        for variable in expression.variables where variable.kind != .symbol {
            guard let known = bounds[variable], let coefficient = current.linearCoefficient(of: variable),
                coefficient.terms.isEmpty || coefficient.variables.allSatisfy({ $0.kind == .symbol })
            else { continue }
            let bound: IntegerExpression
            if let lowest = numericLower(coefficient), lowest >= 0 {
                bound = known.lower
            } else if let negated = numericLower(coefficient * -1), negated >= 0, let upper = known.upper {
                bound = upper
            } else {
                continue
            }
            current = current - coefficient * IntegerExpression(variable) + coefficient * bound
        }
        return current
    }

    private func numericLower(_ expression: IntegerExpression) -> Int? {
        interval(expression).lower
    }

    private func interval(_ expression: IntegerExpression) -> (lower: Int?, upper: Int?) {
        var lower: Int? = expression.constant
        var upper: Int? = expression.constant
        for term in expression.terms {
            var product: (lower: Int?, upper: Int?) = (1, 1)
            for atom in term.atoms { product = multiply(product, interval(atom)) }
            product = multiply(product, (term.coefficient, term.coefficient))
            lower = add(lower, product.lower)
            upper = add(upper, product.upper)
        }
        return (lower, upper)
    }

    private func interval(_ atom: IntegerAtom) -> (lower: Int?, upper: Int?) {
        switch atom {
        case .variable(let variable):
            guard let known = self[variable] else { return (nil, nil) }
            return (interval(known.lower).lower, known.upper.flatMap { interval($0).upper })
        case .floorDivide(let a, let b):
            let x = interval(a)
            guard let divisor = b.constantValue, divisor > 0 else {
                return ((x.lower ?? -1) >= 0 && (interval(b).lower ?? 0) > 0 ? 0 : nil, nil)
            }
            return (x.lower.map { floorQuotient($0, divisor) }, x.upper.map { floorQuotient($0, divisor) })
        case .modulo(_, let b):
            let y = interval(b)
            return (y.lower ?? 0) > 0 ? (0, y.upper.map { $0 - 1 }) : (nil, nil)
        case .minimum(let a, let b):
            let (x, y) = (interval(a), interval(b))
            let lower = x.lower.flatMap { first in y.lower.map { Swift.min(first, $0) } }
            let upper = [x.upper, y.upper].compactMap { $0 }.min()
            return (lower, upper)
        case .maximum(let a, let b):
            let (x, y) = (interval(a), interval(b))
            let lower = [x.lower, y.lower].compactMap { $0 }.max()
            let upper = x.upper.flatMap { first in y.upper.map { Swift.max(first, $0) } }
            return (lower, upper)
        }
    }

    private func add(_ a: Int?, _ b: Int?) -> Int? {
        guard let a, let b else { return nil }
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : sum
    }

    private func multiply(_ a: (lower: Int?, upper: Int?), _ b: (lower: Int?, upper: Int?)) -> (
        lower: Int?, upper: Int?
    ) {
        func product(_ x: Int, _ y: Int) -> Int? {
            let (value, overflow) = x.multipliedReportingOverflow(by: y)
            return overflow ? nil : value
        }
        if let al = a.lower, let au = a.upper, let bl = b.lower, let bu = b.upper {
            let corners = [product(al, bl), product(al, bu), product(au, bl), product(au, bu)]
            if corners.contains(where: { $0 == nil }) { return (nil, nil) }
            let values = corners.compactMap { $0 }
            return (values.min(), values.max())
        }
        // Half-open ranges: only the sign of non-negative factors is kept.
        if let al = a.lower, al >= 0, let bl = b.lower, bl >= 0 { return (product(al, bl), nil) }
        if let al = a.lower, al >= 0, let bu = b.upper, bu <= 0 { return (nil, product(al, bu)) }
        if let bl = b.lower, bl >= 0, let au = a.upper, au <= 0 { return (nil, product(bl, au)) }
        return (nil, nil)
    }
}
