import ElementTypes
import KernelIR

/// Operands of integer products that fit into a byte: what VNNI and AMX multiply.
enum Int8Operand {
    /// The element type of an operand that is a byte already: loaded as one, or cast to one.
    static func element(_ function: ScalarFunction, _ parameters: [KernelParameter]) -> ElementType? {
        let element: ElementType
        switch function.body.nodes[function.result] {
        case .load(let parameter, _, _): element = parameters[parameter].element
        case .cast(_, let type): element = type
        case .integerExpression, .condition, .real, .integer, .truth, .apply, .slot, .position, .row, .accumulator,
            .scan:
            return nil
        }
        return element == .i8 || element == .u8 ? element : nil
    }

    /// The operand without the casts that widened it from a byte; nil where it may be larger than one.
    static func narrowed(_ function: ScalarFunction, _ parameters: [KernelParameter]) -> ScalarFunction? {
        var function = function
        while element(function, parameters) == nil {
            guard case .cast(let operand, let type) = function.body.nodes[function.result],
                [.i16, .i32, .i64].contains(type)
            else { return nil }
            function.result = operand
        }
        function.body.nodes.removeSubrange((function.result + 1)...)
        return function
    }
}

extension ContractionKernel {
    /// The contraction as one of bytes, where both operands are bytes however they were widened and the target multiplies
    /// those: the right one with a sign, and so few terms that no sum leaves i32.
    func overBytes(_ kernel: Kernel, _ target: CPUTarget) -> ContractionKernel? {
        guard target.hasInt8Dot || target.hasAMXInt8, !operandElement.isFloatingPoint, operandElement != .bool,
            let left = Int8Operand.narrowed(left, kernel.parameters),
            let right = Int8Operand.narrowed(right, kernel.parameters),
            Int8Operand.element(right, kernel.parameters) == .i8,
            let terms = (ContractionPlan.product(taps) * depth.extent).constantValue, terms <= 1 << 15
        else { return nil }
        var result = self
        result.operandElement = .i8
        result.left = left
        result.right = right
        return result
    }
}
