extension IntegerExpression {
    /// `self // divisor`, rounded down, reduced as far as `ranges` proves.
    package func floorDivided(by divisor: IntegerExpression, _ ranges: VariableRanges) -> IntegerExpression {
        if divisor == 1 { return self }
        if let b = divisor.constantValue {
            if b == 0 { return IntegerExpression(atom: .floorDivide(self, divisor)) }
            if let a = constantValue {
                return checkedFloorDivision(a, b).map { IntegerExpression($0.quotient) } ?? .undefined
            }
        }
        let (quotient, remainder) = split(by: divisor)
        if remainder == 0 { return quotient }
        if ranges.isNonNegative(remainder), ranges.isNonNegative(divisor - 1 - remainder) { return quotient }
        if let b = divisor.constantValue, let reduced = remainder.cancellingDivision(b, ranges) {
            return quotient + reduced
        }
        if remainder.terms.count == 1, remainder.constant == 0, remainder.terms[0].coefficient == 1,
            case .floorDivide(let a, let b)? = remainder.terms[0].atoms.first, remainder.terms[0].atoms.count == 1,
            let outer = divisor.constantValue, let inner = b.constantValue, inner > 0, outer > 0,
            !inner.multipliedReportingOverflow(by: outer).overflow
        {
            return quotient + a.floorDivided(by: IntegerExpression(inner * outer), ranges)
        }
        return quotient + IntegerExpression(atom: .floorDivide(remainder, divisor))
    }

    /// `self % divisor` with the sign of the divisor, reduced as far as `ranges` proves.
    package func modulo(_ divisor: IntegerExpression, _ ranges: VariableRanges) -> IntegerExpression {
        if divisor == 1 { return 0 }
        if let b = divisor.constantValue {
            if b == 0 { return IntegerExpression(atom: .modulo(self, divisor)) }
            if let a = constantValue {
                return checkedFloorDivision(a, b).map { IntegerExpression($0.remainder) } ?? .undefined
            }
        }
        let (_, remainder) = split(by: divisor)
        if remainder == 0 { return 0 }
        if ranges.isNonNegative(remainder), ranges.isNonNegative(divisor - 1 - remainder) { return remainder }
        if let b = divisor.constantValue, let quotient = remainder.cancellingDivision(b, ranges) {
            return remainder - quotient * b
        }
        return IntegerExpression(atom: .modulo(remainder, divisor))
    }

    /// The smaller of two expressions.
    package func minimum(_ other: IntegerExpression, _ ranges: VariableRanges) -> IntegerExpression {
        if ranges.isNonNegative(other - self) { return self }
        if ranges.isNonNegative(self - other) { return other }
        return IntegerExpression(atom: compare(self, other) < 0 ? .minimum(self, other) : .minimum(other, self))
    }

    /// The larger of two expressions.
    package func maximum(_ other: IntegerExpression, _ ranges: VariableRanges) -> IntegerExpression {
        if ranges.isNonNegative(other - self) { return other }
        if ranges.isNonNegative(self - other) { return self }
        return IntegerExpression(atom: compare(self, other) < 0 ? .maximum(self, other) : .maximum(other, self))
    }

    /// Exact division, or nil when some term is not divisible.
    package func dividedExactly(by divisor: IntegerExpression) -> IntegerExpression? {
        if divisor == 0 { return nil }
        let (quotient, remainder) = split(by: divisor)
        return remainder == 0 ? quotient : nil
    }

    /// Splits into `quotient × divisor + remainder`: the terms that `divisor` divides, and the rest. A symbolic divisor
    /// is handled when it is a single product.
    private func split(by divisor: IntegerExpression) -> (quotient: IntegerExpression, remainder: IntegerExpression) {
        if let b = divisor.constantValue {
            // Dividing the least integer by −1 overflows; no dimension needs a divisor below 1.
            guard b > 0 else { return (0, self) }
            let wholeConstant = floorQuotient(constant, b)
            var quotient: [Term] = []
            var remainder: [Term] = []
            for term in terms {
                if term.coefficient % b == 0 {
                    quotient.append(Term(coefficient: term.coefficient / b, atoms: term.atoms))
                } else {
                    remainder.append(term)
                }
            }
            return (
                IntegerExpression(constant: wholeConstant, terms: quotient),
                IntegerExpression(constant: floorRemainder(constant, b), terms: remainder)
            )
        }
        if self == divisor { return (1, 0) }
        guard divisor.constant == 0, divisor.terms.count == 1 else {
            // A sum such as s0 + 1 divides only multiples of itself; try the ratio of the leading terms.
            if let lead = divisor.terms.first, let own = terms.first(where: { $0.atoms == lead.atoms }),
                lead.coefficient > 0, own.coefficient % lead.coefficient == 0
            {
                let factor = own.coefficient / lead.coefficient
                let rest = self - divisor * factor
                if rest.terms.count < terms.count { return (IntegerExpression(factor), rest) }
            }
            for term in terms {
                guard let lead = divisor.terms.first else { break }
                if let ratio = term.divided(by: lead) {
                    let rest = self - divisor * ratio
                    if rest == 0 { return (ratio, 0) }
                }
            }
            return (0, self)
        }
        let lead = divisor.terms[0]
        var quotient = IntegerExpression(0)
        var remainder: [Term] = []
        for term in terms {
            if let ratio = term.divided(by: lead) {
                quotient = quotient + ratio
            } else {
                remainder.append(term)
            }
        }
        return (quotient, IntegerExpression(constant: constant, terms: remainder))
    }

    /// `(g·x + r) // (g·d)` is `x // d` when `0 ≤ r < g`; finds such a `g` among the divisors of the coefficients.
    private func cancellingDivision(_ divisor: Int, _ ranges: VariableRanges) -> IntegerExpression? {
        guard divisor > 1 else { return nil }
        var factors: Set<Int> = []
        for term in terms {
            let common = greatestCommonDivisor(term.coefficient, divisor)
            if common > 1, common < divisor { factors.insert(common) }
        }
        for factor in factors.sorted(by: >) {
            var multiple: [Term] = []
            var rest: [Term] = []
            for term in terms {
                if term.coefficient % factor == 0 {
                    multiple.append(Term(coefficient: term.coefficient / factor, atoms: term.atoms))
                } else {
                    rest.append(term)
                }
            }
            let whole = floorQuotient(constant, factor)
            let remainder = IntegerExpression(constant: floorRemainder(constant, factor), terms: rest)
            if ranges.isNonNegative(remainder), ranges.isNonNegative(IntegerExpression(factor - 1) - remainder) {
                return IntegerExpression(constant: whole, terms: multiple)
                    .floorDivided(by: IntegerExpression(divisor / factor), ranges)
            }
        }
        return nil
    }
}

extension IntegerExpression.Term {
    /// The quotient of two products, or nil when the divisor's atoms or coefficient do not divide.
    fileprivate func divided(by divisor: Self) -> IntegerExpression? {
        // A negative divisor could overflow with the least integer; leading coefficients are positive in practice.
        guard divisor.coefficient > 0, coefficient % divisor.coefficient == 0 else { return nil }
        var rest = atoms
        for atom in divisor.atoms {
            guard let index = rest.firstIndex(of: atom) else { return nil }
            rest.remove(at: index)
        }
        let factor = coefficient / divisor.coefficient
        return rest.isEmpty
            ? IntegerExpression(factor)
            : IntegerExpression(constant: 0, terms: [Self(coefficient: factor, atoms: rest)])
    }
}

/// The greatest common divisor of the absolute values.
package func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (x, y) = (a.magnitude, b.magnitude)
    while y != 0 { (x, y) = (y, x % y) }
    return Int(clamping: x)
}
