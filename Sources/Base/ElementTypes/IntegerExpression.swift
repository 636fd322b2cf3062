/// A variable of an `IntegerExpression`.
package struct Variable: Hashable, Comparable, Sendable {
    /// What a variable stands for.
    package enum Kind: UInt8, Hashable, Sendable {
        /// A symbolic dimension of a model, printed `s0`.
        case symbol
        /// A loop axis of a kernel, printed `i0`.
        case axis
        /// An integer value computed in a kernel (an indirect index), printed `v0`.
        case value
    }

    /// What it stands for.
    package let kind: Kind
    /// Its number within its kind.
    package let index: Int

    /// Makes a variable.
    package init(_ kind: Kind, _ index: Int) {
        self.kind = kind
        self.index = index
    }

    /// The printed form: `s0`, `i0` or `v0`.
    package var name: String {
        switch kind {
        case .symbol: "s\(index)"
        case .axis: "i\(index)"
        case .value: "v\(index)"
        }
    }

    /// Orders by kind, then number.
    package static func < (a: Self, b: Self) -> Bool {
        (a.kind.rawValue, a.index) < (b.kind.rawValue, b.index)
    }
}

/// A factor of a product: a variable or a quotient, remainder or extremum that could not be reduced.
package indirect enum IntegerAtom: Hashable, Sendable {
    case variable(Variable)
    case floorDivide(IntegerExpression, IntegerExpression)
    case modulo(IntegerExpression, IntegerExpression)
    case minimum(IntegerExpression, IntegerExpression)
    case maximum(IntegerExpression, IntegerExpression)
}

/// An integer expression in normal form: a constant plus a sorted sum of coefficients times products of atoms.
///
/// Dimensions (over symbols) and index maps (over loop axes) share this algebra. Equal polynomials are equal values, so
/// equal programs hash equally.
package struct IntegerExpression: Hashable, Sendable {
    /// A coefficient times a product of sorted atoms; the product is never empty and the coefficient never 0.
    package struct Term: Hashable, Sendable {
        package var coefficient: Int
        package var atoms: [IntegerAtom]
    }

    /// The constant part.
    package private(set) var constant: Int
    /// The other terms, sorted by their products.
    package private(set) var terms: [Term]

    /// The constant `value`.
    package init(_ value: Int) {
        constant = value
        terms = []
    }

    /// A variable by itself.
    package init(_ variable: Variable) {
        self.init(atom: .variable(variable))
    }

    /// An atom by itself.
    package init(atom: IntegerAtom) {
        constant = 0
        terms = [Term(coefficient: 1, atoms: [atom])]
    }

    private init(constant: Int, unsorted: [[IntegerAtom]: Int]) {
        self.constant = constant
        terms = unsorted.compactMap { $0.value == 0 ? nil : Term(coefficient: $0.value, atoms: $0.key) }
        terms.sort { compare($0.atoms, $1.atoms) < 0 }
    }

    /// What arithmetic that leaves the range of `Int` gives, printed `(1 // 0)`. It has no constant value, evaluates to nil
    /// and nothing is proved about it.
    package static let undefined = IntegerExpression(atom: .floorDivide(1, 0))

    /// The value when no variable occurs.
    package var constantValue: Int? { terms.isEmpty ? constant : nil }

    /// A sum of terms, brought into normal form.
    package init(constant: Int, terms: [Term]) {
        var sums: [[IntegerAtom]: Int] = [:]
        for term in terms {
            let (sum, overflow) = sums[term.atoms, default: 0].addingReportingOverflow(term.coefficient)
            if overflow {
                self = .undefined
                return
            }
            sums[term.atoms] = sum
        }
        self.init(constant: constant, unsorted: sums)
    }

    package static func + (a: Self, b: Self) -> Self {
        if b.terms.isEmpty {
            let (constant, overflow) = a.constant.addingReportingOverflow(b.constant)
            if overflow { return .undefined }
            var sum = a
            sum.constant = constant
            return sum
        }
        if a.terms.isEmpty { return b + a }
        let (constant, overflow) = a.constant.addingReportingOverflow(b.constant)
        return overflow ? .undefined : Self(constant: constant, terms: a.terms + b.terms)
    }

    package static prefix func - (a: Self) -> Self { a * -1 }
    package static func - (a: Self, b: Self) -> Self { a + b * -1 }
    package static func + (a: Self, b: Int) -> Self { a + Self(b) }
    package static func - (a: Self, b: Int) -> Self { a - Self(b) }

    package static func * (a: Self, b: Int) -> Self {
        if b == 0 { return Self(0) }
        var product = a
        var (result, overflow) = a.constant.multipliedReportingOverflow(by: b)
        product.constant = result
        for index in product.terms.indices where !overflow {
            (result, overflow) = product.terms[index].coefficient.multipliedReportingOverflow(by: b)
            product.terms[index].coefficient = result
        }
        return overflow ? .undefined : product
    }

    package static func * (a: Self, b: Self) -> Self {
        if let factor = b.constantValue { return a * factor }
        if let factor = a.constantValue { return b * factor }
        var sums: [[IntegerAtom]: Int] = [:]
        let left = a.terms + (a.constant == 0 ? [] : [Term(coefficient: a.constant, atoms: [])])
        let right = b.terms + (b.constant == 0 ? [] : [Term(coefficient: b.constant, atoms: [])])
        var constant = 0
        for x in left {
            for y in right {
                let atoms = (x.atoms + y.atoms).sorted { compare($0, $1) < 0 }
                let (product, overflow) = x.coefficient.multipliedReportingOverflow(by: y.coefficient)
                let (sum, carry) = (atoms.isEmpty ? constant : sums[atoms, default: 0])
                    .addingReportingOverflow(product)
                if overflow || carry { return .undefined }
                if atoms.isEmpty { constant = sum } else { sums[atoms] = sum }
            }
        }
        return Self(constant: constant, unsorted: sums)
    }

    /// All variables that occur, sorted.
    package var variables: [Variable] {
        var found: Set<Variable> = []
        collectVariables(into: &found)
        return found.sorted()
    }

    private func collectVariables(into found: inout Set<Variable>) {
        for term in terms {
            for atom in term.atoms {
                switch atom {
                case .variable(let variable): found.insert(variable)
                case .floorDivide(let a, let b), .modulo(let a, let b), .minimum(let a, let b), .maximum(let a, let b):
                    a.collectVariables(into: &found)
                    b.collectVariables(into: &found)
                }
            }
        }
    }

    /// Whether `variable` occurs.
    package func contains(_ variable: Variable) -> Bool { variables.contains(variable) }

    /// The coefficient of `variable` where it occurs linearly and nowhere else; nil when it occurs in any other way.
    /// The coefficient itself may hold other variables.
    package func linearCoefficient(of variable: Variable) -> IntegerExpression? {
        var sum = IntegerExpression(0)
        for term in terms {
            let here = term.atoms.filter { $0 == .variable(variable) }.count
            let rest = term.atoms.filter { $0 != .variable(variable) }
            let remainder =
                rest.isEmpty
                ? IntegerExpression(term.coefficient)
                : IntegerExpression(constant: 0, terms: [Term(coefficient: term.coefficient, atoms: rest)])
            if remainder.contains(variable) || here > 1 { return nil }
            if here == 1 { sum = sum + remainder }
        }
        return sum
    }

    /// Replaces variables and simplifies under `ranges`.
    package func substituting(_ ranges: VariableRanges, _ value: (Variable) -> IntegerExpression?) -> IntegerExpression
    {
        var sum = IntegerExpression(constant)
        for term in terms {
            var product = IntegerExpression(term.coefficient)
            for atom in term.atoms {
                switch atom {
                case .variable(let variable): product = product * (value(variable) ?? IntegerExpression(variable))
                case .floorDivide(let a, let b):
                    product =
                        product
                        * a.substituting(ranges, value).floorDivided(
                            by: b.substituting(ranges, value), ranges)
                case .modulo(let a, let b):
                    product = product * a.substituting(ranges, value).modulo(b.substituting(ranges, value), ranges)
                case .minimum(let a, let b):
                    product = product * a.substituting(ranges, value).minimum(b.substituting(ranges, value), ranges)
                case .maximum(let a, let b):
                    product = product * a.substituting(ranges, value).maximum(b.substituting(ranges, value), ranges)
                }
            }
            sum = sum + product
        }
        return sum
    }

    /// The value under an assignment of every variable; nil when a divisor is 0 or a step leaves the range of `Int`.
    package func evaluate(_ value: (Variable) -> Int) -> Int? {
        var sum = constant
        for term in terms {
            var product = term.coefficient
            for atom in term.atoms {
                guard let factor = atom.evaluate(value) else { return nil }
                let (next, overflow) = product.multipliedReportingOverflow(by: factor)
                if overflow { return nil }
                product = next
            }
            let (next, overflow) = sum.addingReportingOverflow(product)
            if overflow { return nil }
            sum = next
        }
        return sum
    }
}

extension IntegerAtom {
    /// The value under an assignment of every variable, as `IntegerExpression.evaluate`.
    fileprivate func evaluate(_ value: (Variable) -> Int) -> Int? {
        switch self {
        case .variable(let variable): return value(variable)
        case .floorDivide(let a, let b):
            guard let x = a.evaluate(value), let y = b.evaluate(value) else { return nil }
            return checkedFloorDivision(x, y)?.quotient
        case .modulo(let a, let b):
            guard let x = a.evaluate(value), let y = b.evaluate(value) else { return nil }
            return checkedFloorDivision(x, y)?.remainder
        case .minimum(let a, let b):
            guard let x = a.evaluate(value), let y = b.evaluate(value) else { return nil }
            return Swift.min(x, y)
        case .maximum(let a, let b):
            guard let x = a.evaluate(value), let y = b.evaluate(value) else { return nil }
            return Swift.max(x, y)
        }
    }
}

extension IntegerExpression: ExpressibleByIntegerLiteral {
    /// A constant.
    package init(integerLiteral value: Int) { self.init(value) }
}

/// Quotient rounded towards negative infinity and remainder with the divisor's sign; nil for a divisor of 0 and for a
/// quotient that `Int` cannot hold.
package func checkedFloorDivision(_ a: Int, _ b: Int) -> (quotient: Int, remainder: Int)? {
    if b == 0 || (a == .min && b == -1) { return nil }
    return (floorQuotient(a, b), floorRemainder(a, b))
}

/// The remainder with the divisor's sign, as Python's `%`; traps for a divisor of 0.
func floorRemainder(_ a: Int, _ b: Int) -> Int {
    let remainder = a % b
    return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
}

/// The quotient rounded towards negative infinity, as Python divides; traps for a divisor of 0.
package func floorQuotient(_ a: Int, _ b: Int) -> Int {
    let quotient = a / b
    return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient
}

/// A total order of atoms: −1, 0 or 1. Variables first, so that printed sums read naturally.
private func compare(_ a: IntegerAtom, _ b: IntegerAtom) -> Int {
    func rank(_ atom: IntegerAtom) -> Int {
        switch atom {
        case .variable: 0
        case .floorDivide: 1
        case .modulo: 2
        case .minimum: 3
        case .maximum: 4
        }
    }
    switch (a, b) {
    case (.variable(let x), .variable(let y)): return x == y ? 0 : (x < y ? -1 : 1)
    case (.floorDivide(let x, let y), .floorDivide(let z, let w)), (.modulo(let x, let y), .modulo(let z, let w)),
        (.minimum(let x, let y), .minimum(let z, let w)), (.maximum(let x, let y), .maximum(let z, let w)):
        let first = compare(x, z)
        return first != 0 ? first : compare(y, w)
    case (.variable, _), (.floorDivide, _), (.modulo, _), (.minimum, _), (.maximum, _):
        return rank(a) < rank(b) ? -1 : 1
    }
}

private func compare(_ a: [IntegerAtom], _ b: [IntegerAtom]) -> Int {
    for (x, y) in zip(a, b) {
        let order = compare(x, y)
        if order != 0 { return order }
    }
    return a.count == b.count ? 0 : (a.count < b.count ? -1 : 1)
}

/// A total order of expressions, for operands of atoms.
func compare(_ a: IntegerExpression, _ b: IntegerExpression) -> Int {
    for (x, y) in zip(a.terms, b.terms) {
        let order = compare(x.atoms, y.atoms)
        if order != 0 { return order }
        if x.coefficient != y.coefficient { return x.coefficient < y.coefficient ? -1 : 1 }
    }
    if a.terms.count != b.terms.count { return a.terms.count < b.terms.count ? -1 : 1 }
    return a.constant == b.constant ? 0 : (a.constant < b.constant ? -1 : 1)
}
