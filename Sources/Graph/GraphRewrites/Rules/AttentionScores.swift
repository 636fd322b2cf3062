import Base
import ElementTypes
import GraphIR

/// Scores of an attention, as found in a map: a product times a scale, plus terms that do not depend on it, or −∞ (or a
/// number that any score vanishes beside) where a condition hides it.
struct AttentionScores {
    /// The contraction of queries and keys.
    let product: Value
    let scale: Double
    private let expression: ScalarExpression
    private let operands: [Value]
    /// Which operand the product is; nil where the scores are the product itself.
    private let argument: Int?
    /// Whether anything is added to the product.
    private var hasAddends = false
    /// Conditions that hide keys, and the truth value that hides.
    private var conditions: [(index: Int, hides: Bool, fill: Double)] = []

    /// A number so low that adding any score to it changes nothing.
    private static let abyss = -1e30

    /// The parts of a value that is taken for scores.
    init?(_ c: RewriteContext, _ value: Value) {
        if c.contract(value) != nil {
            (product, scale, argument) = (value, 1, nil)
            (expression, operands) = (.identity(c.type(value).element), [value])
            return
        }
        guard let (expression, operands) = c.map(value) else { return nil }
        for (argument, operand) in operands.enumerated() where c.contract(operand) != nil && c.isUsedOnce(operand) {
            var reader = Reader(expression: expression, argument: argument)
            guard let scale = reader.scale(expression.root) else { continue }
            product = operand
            self.scale = scale
            self.expression = expression
            self.operands = operands
            self.argument = argument
            hasAddends = reader.hasAddends
            conditions = reader.conditions
            return
        }
        return nil
    }

    /// Walks from the result of an expression to the product.
    private struct Reader {
        let expression: ScalarExpression
        let argument: Int
        var hasAddends = false
        var conditions: [(index: Int, hides: Bool, fill: Double)] = []

        /// The scale of the product within a step; nil where the step is of no known form.
        mutating func scale(_ index: Int) -> Double? {
            let index = expression.peeled(index)
            switch expression.step(index) {
            case .argument(argument): return 1
            case .apply(.multiply, let factors): return scaled(factors[0], factors[1]) { $0 * $1 }
            case .apply(.divide, let factors): return scaled(factors[0], factors[1]) { $0 / $1 }
            case .apply(.add, let terms):
                let isLeft = holds(terms[0])
                guard !holds(terms[isLeft ? 1 : 0]) else { return nil }
                hasAddends = true
                return scale(terms[isLeft ? 0 : 1])
            case .apply(.subtract, let terms):
                guard !holds(terms[1]) else { return nil }
                hasAddends = true
                return scale(terms[0])
            case .apply(.select, let choice):
                let isFirst = holds(choice[1])
                guard !holds(choice[0]), !holds(choice[isFirst ? 2 : 1]),
                    let fill = ScalarConstant(expression.step(choice[isFirst ? 2 : 1]))?.real,
                    fill <= AttentionScores.abyss
                else { return nil }
                conditions.append((choice[0], !isFirst, fill))
                return scale(choice[isFirst ? 1 : 2])
            case .apply, .argument, .real, .integer, .truth, .cast: return nil
            }
        }

        /// Factors outside of masks are not told apart from those of the product.
        private mutating func scaled(_ a: Int, _ b: Int, _ body: (Double, Double) -> Double) -> Double? {
            guard let factor = ScalarConstant(expression.step(b))?.real, factor.isFinite, factor != 0 else {
                return nil
            }
            let (addends, count) = (hasAddends, conditions.count)
            guard let inner = scale(a), hasAddends == addends, conditions.count == count else { return nil }
            return body(inner, factor)
        }

        private func holds(_ index: Int) -> Bool { expression.arguments(of: index).contains(argument) }
    }

    /// The mask before it is broadcast to all scores: bool where a condition alone hides keys with −∞, else what is added
    /// to the scaled product. Nil where nothing masks.
    func mask(_ c: inout RewriteContext) throws(ShapeError) -> Value? {
        guard let argument, hasAddends || !conditions.isEmpty else { return nil }
        var sources: [Value] = []
        for operand in operands { sources.append(c.moved(c.expanded(operand) ?? operand)) }
        let kept = operands.indices.filter { $0 != argument }
        let expression = self.expression
        let isBool = isBool
        let conditions = self.conditions
        return try c.builder.map(kept.map { sources[$0] }) { scalar, given in
            let compute = expression.arguments[argument].computeType
            var terms: [ScalarBuilder.Term] = []
            for instruction in expression.instructions {
                if case .argument(let index) = instruction {
                    // With a product of 0 the scores are the mask.
                    terms.append(
                        kept.firstIndex(of: index).map { given[$0] } ?? scalar.real(0, compute))
                } else {
                    terms.append(scalar.copy(instruction, terms))
                }
            }
            guard isBool else { return terms[terms.count - 1] }
            let condition = terms[conditions[0].index]
            return conditions[0].hides ? scalar.apply(.not, condition) : condition
        }
    }

    /// Whether the mask is one condition.
    private var isBool: Bool { !hasAddends && conditions.count == 1 && conditions[0].fill == -.infinity }

    /// Whether all keys of a row could be hidden, as far as the mask's expression tells.
    func mayHideRows(_ c: RewriteContext) -> Bool {
        if conditions.contains(where: { $0.fill == -.infinity }) { return true }
        return hasAddends
    }
}
