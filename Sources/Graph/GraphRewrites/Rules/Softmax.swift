import Base
import ElementTypes
import GraphIR

/// A softmax along one axis, as found in maps and reductions: `exp(x − max x) / Σ exp(x − max x)`.
struct Softmax {
    /// The value that is normalised.
    let scores: Value
    /// Along which axis.
    let axis: Int
    /// Whether rows of −∞ throughout give 0, as PyTorch's safe softmax, rather than NaN.
    let isSafe: Bool

    /// The softmax that makes a value, where nothing else needs its parts.
    init?(_ c: RewriteContext, _ value: Value) {
        guard let (expression, operands) = c.map(value) else { return nil }
        var index = expression.root
        var condition: (index: Int, hides: Bool)?
        if case .apply(.select, let choice) = expression.step(index) {
            if ScalarConstant(expression.step(choice[1]))?.real == 0 {
                condition = (choice[0], true)
                index = expression.peeled(choice[2])
            } else if ScalarConstant(expression.step(choice[2]))?.real == 0 {
                condition = (choice[0], false)
                index = expression.peeled(choice[1])
            } else {
                return nil
            }
        }
        guard case .apply(.divide, let quotient) = expression.step(index),
            let powers = expression.operand(quotient[0], operands),
            let total = expression.operand(quotient[1], operands),
            let sum = RowReduction(c, total), sum.kind == .sum, sum.operand == c.narrowed(powers),
            c.useCount(powers) <= 2,
            let (exponential, arguments) = c.map(powers),
            case .apply(.exp, let exponent) = exponential.step(exponential.root),
            case .apply(.subtract, let terms) = exponential.step(exponential.peeled(exponent[0])),
            let scores = exponential.operand(terms[0], arguments), let peak = exponential.operand(terms[1], arguments),
            let maximum = RowReduction(c, peak), maximum.kind == .maximum, maximum.operand == c.narrowed(scores),
            maximum.axis == sum.axis
        else { return nil }
        self.scores = c.narrowed(scores)
        axis = sum.axis
        guard let condition else {
            isSafe = false
            return
        }
        let rows = HiddenRows(c: c, scores: self.scores, axis: axis)
        guard rows.meaning(expression, operands, condition.index) == condition.hides else { return nil }
        isSafe = true
    }
}

/// A reduction along one axis, broadcast back over it.
struct RowReduction {
    let kind: Reduce.Kind
    /// What is reduced, before any conversion to a wider type.
    let operand: Value
    let axis: Int

    /// The reduction of which a value is the broadcast.
    init?(_ c: RewriteContext, _ value: Value) {
        guard let source = c.expanded(value) else { return nil }
        self.init(c, kept: source, full: c.shape(value))
    }

    /// The reduction of which a value is the result, with the axis kept as an extent of 1.
    init?(_ c: RewriteContext, kept source: Value, full: Shape) {
        let node = c.node(c.reshaped(source) ?? source)
        guard case .reduce(let reduce) = node.operation, reduce.axes.count == 1,
            c.shape(node.operands[0]) == full
        else { return nil }
        var row = full
        row[reduce.axes[0]] = 1
        guard c.shape(source) == row else { return nil }
        kind = reduce.kind
        operand = c.narrowed(node.operands[0])
        axis = reduce.axes[0]
    }
}

/// Recognises conditions that ask whether all scores of a row are −∞.
private struct HiddenRows {
    let c: RewriteContext
    let scores: Value
    let axis: Int

    /// True where a condition holds exactly for hidden rows, false where it holds exactly for the others, else nil.
    func meaning(_ expression: ScalarExpression, _ operands: [Value], _ index: Int) -> Bool? {
        switch expression.step(index) {
        case .apply(.not, let inner): return meaning(expression, operands, inner[0]).map { !$0 }
        case .apply(.equal, let sides), .apply(.notEqual, let sides):
            guard ScalarConstant(expression.step(sides[1]))?.real == -.infinity,
                let value = expression.operand(sides[0], operands), let row = RowReduction(c, value),
                row.kind == .maximum, row.operand == scores, row.axis == axis
            else { return nil }
            if case .apply(.equal, _) = expression.step(index) { return true }
            return false
        case .argument(let argument): return meaning(operands[argument])
        case .apply, .cast, .real, .integer, .truth: return nil
        }
    }

    /// The meaning of a bool value, below broadcasts.
    private func meaning(_ value: Value) -> Bool? {
        let source = c.expanded(value) ?? value
        if let row = RowReduction(c, kept: source, full: c.shape(scores)), row.axis == axis {
            guard let isHidden = elementIsHidden(row.operand) else { return nil }
            switch row.kind {
            case .any: return isHidden ? nil : false
            case .all: return isHidden ? true : nil
            case .sum, .product, .minimum, .maximum, .argMinimum, .argMaximum: return nil
            }
        }
        guard let (expression, operands) = c.map(source) else { return nil }
        return meaning(expression, operands, expression.root)
    }

    /// True where a value says of each score that it is −∞, false where it says that it is not.
    private func elementIsHidden(_ value: Value) -> Bool? {
        guard let (expression, operands) = c.map(value) else { return nil }
        func meaning(_ index: Int) -> Bool? {
            switch expression.step(index) {
            case .apply(.not, let inner): return meaning(inner[0]).map { !$0 }
            case .apply(.equal, let sides), .apply(.notEqual, let sides):
                guard ScalarConstant(expression.step(sides[1]))?.real == -.infinity,
                    let operand = expression.operand(sides[0], operands), c.narrowed(operand) == scores
                else { return nil }
                if case .apply(.equal, _) = expression.step(index) { return true }
                return false
            case .apply, .argument, .cast, .real, .integer, .truth: return nil
            }
        }
        return meaning(expression.root)
    }
}

extension RewriteContext {
    /// What a value is a mere widening of, or the value.
    func narrowed(_ value: Value) -> Value {
        guard let (expression, operands) = map(value), expression.isWidening else { return value }
        return operands[0]
    }
}

extension ScalarExpression {
    /// Whether it only converts its argument to a wider type of the same compute type.
    var isWidening: Bool {
        guard instructions.count == 2, arguments.count == 1, case .cast(0, let type) = instructions[1] else {
            return false
        }
        return type.holds(arguments[0]) && type.computeType == arguments[0].computeType
    }

    /// An instruction.
    func step(_ index: Int) -> Instruction { instructions[index] }

    /// The result's instruction, below conversions between floating-point types.
    var root: Int { peeled(instructions.count - 1) }

    /// An instruction below conversions between floating-point types.
    func peeled(_ index: Int) -> Int {
        let types = self.types
        var index = index
        while case .cast(let operand, let type) = instructions[index], type.isFloatingPoint,
            types[operand].isFloatingPoint
        {
            index = operand
        }
        return index
    }

    /// The operand that an instruction is, below conversions between floating-point types.
    func operand(_ index: Int, _ operands: [Value]) -> Value? {
        guard case .argument(let argument) = step(peeled(index)) else { return nil }
        return operands[argument]
    }
}
