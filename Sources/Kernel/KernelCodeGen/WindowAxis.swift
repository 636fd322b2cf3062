import ElementTypes
import KernelIR

/// A result axis and a tap axis that together make a position: `stride × result + dilation × tap`, times `unit` elements.
struct WindowAxis: Hashable {
    let result: LoopAxis
    let tap: LoopAxis
    let stride: Int
    let dilation: Int
    /// Elements between neighbouring positions.
    let unit: Int
    let resultCount: Int
    let tapCount: Int

    /// Positions that `count` neighbouring results see.
    func positions(_ count: Int) -> Int { stride * (count - 1) + dilation * (tapCount - 1) + 1 }

    /// Finds the result axis of a tap. The index must be linear in both, and the mask a function of the position alone.
    init?(_ tap: LoopAxis, among rows: [LoopAxis], index: IntegerExpression, mask: [IntegerExpression]) {
        guard let step = index.linearCoefficient(of: tap.variable)?.constantValue, step > 0,
            let tapCount = tap.extent.constantValue
        else { return nil }
        var best: WindowAxis?
        for row in rows where row.extent != 1 {
            guard let move = index.linearCoefficient(of: row.variable)?.constantValue, move > 0,
                let count = row.extent.constantValue
            else { continue }
            let unit = greatestCommonDivisor(step, move)
            let (stride, dilation) = (move / unit, step / unit)
            // The position must be reachable by one of the two alone.
            guard stride == 1 || dilation == 1 else { continue }
            let isShared = mask.allSatisfy { condition in
                guard let a = condition.linearCoefficient(of: row.variable)?.constantValue,
                    let b = condition.linearCoefficient(of: tap.variable)?.constantValue
                else { return false }
                return a * dilation == b * stride
            }
            guard isShared else { continue }
            let found = WindowAxis(
                result: row, tap: tap, stride: stride, dilation: dilation, unit: unit, resultCount: count,
                tapCount: tapCount)
            if best.map({ found.stride + found.dilation < $0.stride + $0.dilation }) ?? true { best = found }
        }
        guard let best else { return nil }
        self = best
    }

    private init(
        result: LoopAxis, tap: LoopAxis, stride: Int, dilation: Int, unit: Int, resultCount: Int, tapCount: Int
    ) {
        self.result = result
        self.tap = tap
        self.stride = stride
        self.dilation = dilation
        self.unit = unit
        self.resultCount = resultCount
        self.tapCount = tapCount
    }

    /// What a variable of the pair becomes at a position; nil for other variables.
    func value(_ variable: Variable, at position: IntegerExpression) -> IntegerExpression? {
        if variable == result.variable { return dilation == 1 ? 0 : position }
        if variable == tap.variable { return dilation == 1 ? position : 0 }
        return nil
    }
}
