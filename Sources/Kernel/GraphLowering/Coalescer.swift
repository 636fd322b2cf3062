import ElementTypes
import KernelIR

/// Merges adjacent loops whose every index treats them as one: `a·(b's extent)·c + b·c`. Fewer, longer loops vectorise
/// better and need no division to decode.
enum Coalescer {
    /// The kernel with its loops merged as far as possible.
    static func coalesce(_ kernel: Kernel) -> Kernel {
        var kernel = kernel
        switch kernel.body {
        case .nest(let nest):
            var body = Kernel.Body.nest(nest)
            if case .nest(var nest) = merge(&body, nest.axes, kernel.ranges, { $0.axes = $1 }) {
                // All steps share their inner variables, so the longest list stands for all.
                if let inner = nest.steps.map(\.axes).max(by: { $0.count < $1.count }), inner.count > 1,
                    nest.steps.allSatisfy({ $0.axes.isEmpty || $0.axes == inner }),
                    !nest.steps.contains(where: {
                        $0.body.nodes.contains { if case .scan = $0 { true } else { false } }
                    })
                {
                    var body = Kernel.Body.nest(nest)
                    if case .nest(let merged) = merge(
                        &body, inner, kernel.ranges,
                        { nest, axes in
                            for step in nest.steps.indices where !nest.steps[step].axes.isEmpty {
                                nest.steps[step].axes = axes
                            }
                        })
                    {
                        nest = merged
                    }
                }
                kernel.body = .nest(nest)
            }
        case .contraction(let contraction):
            var body = Kernel.Body.contraction(contraction)
            body = mergeContraction(&body, contraction.batch, kernel.ranges) { $0.batch = $1 }
            if case .contraction(let next) = body {
                body = mergeContraction(&body, next.rows, kernel.ranges) { $0.rows = $1 }
            }
            if case .contraction(let next) = body {
                body = mergeContraction(&body, next.columns, kernel.ranges) { $0.columns = $1 }
            }
            if case .contraction(let next) = body {
                body = mergeContraction(&body, next.taps + [next.depth], kernel.ranges) { kernel, axes in
                    guard let last = axes.last else { return }
                    kernel.taps = Array(axes.dropLast())
                    kernel.depth = last
                }
            }
            kernel.body = body
        case .attention, .recurrence, .sort: break
        }
        return kernel
    }

    private static func mergeContraction(
        _ body: inout Kernel.Body, _ axes: [LoopAxis], _ ranges: VariableRanges,
        _ set: (inout ContractionKernel, [LoopAxis]) -> Void
    ) -> Kernel.Body {
        let merged = mergedAxes(body, axes, ranges)
        var result = merged.body
        if case .contraction(var kernel) = result {
            set(&kernel, merged.axes)
            result = .contraction(kernel)
        }
        return result
    }

    private static func merge(
        _ body: inout Kernel.Body, _ axes: [LoopAxis], _ ranges: VariableRanges,
        _ set: (inout NestKernel, [LoopAxis]) -> Void
    ) -> Kernel.Body {
        let merged = mergedAxes(body, axes, ranges)
        var result = merged.body
        if case .nest(var kernel) = result {
            set(&kernel, merged.axes)
            result = .nest(kernel)
        }
        return result
    }

    /// Drops loops of one iteration and merges neighbours, innermost first.
    private static func mergedAxes(
        _ body: Kernel.Body, _ axes: [LoopAxis], _ symbols: VariableRanges
    ) -> (body: Kernel.Body, axes: [LoopAxis]) {
        var body = body
        var axes = axes
        var ranges = symbols
        for axis in axes { ranges.declare(axis.variable, extent: axis.extent) }
        for axis in axes where axis.extent == 1 && axes.count > 1 {
            body = body.mapping {
                $0.contains(axis.variable) ? $0.substituting(ranges) { $0 == axis.variable ? 0 : nil } : $0
            }
            axes.removeAll { $0 == axis }
        }
        var position = axes.count - 2
        while position >= 0 {
            let (outer, inner) = (axes[position], axes[position + 1])
            if canMerge(body, outer, inner) {
                let extent = outer.extent * inner.extent
                ranges.declare(inner.variable, extent: extent)
                body = body.mapping { expression in
                    expression.contains(outer.variable)
                        ? expression.substituting(ranges) { $0 == outer.variable ? 0 : nil } : expression
                }
                axes[position + 1] = LoopAxis(inner.variable, extent)
                axes.remove(at: position)
            }
            position -= 1
            position = min(position, axes.count - 2)
        }
        return (body, axes)
    }

    private static func canMerge(_ body: Kernel.Body, _ outer: LoopAxis, _ inner: LoopAxis) -> Bool {
        var fits = true
        _ = body.mapping { expression in
            guard fits, expression.contains(outer.variable) || expression.contains(inner.variable) else {
                return expression
            }
            guard let a = expression.linearCoefficient(of: outer.variable),
                let b = expression.linearCoefficient(of: inner.variable), a == b * inner.extent
            else {
                fits = false
                return expression
            }
            return expression
        }
        return fits
    }
}
