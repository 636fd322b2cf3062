import ElementTypes
import KernelIR

/// Generates code for kernels of every kind: the one place that knows which emitter serves which kind.
package struct KernelEmitter: Sendable {
    /// What the code is generated for.
    package let target: CPUTarget
    /// The text that must stand once before all generated functions.
    package let prelude: String

    /// Makes an emitter.
    package init(_ target: CPUTarget) {
        self.target = target
        prelude = CPrelude(target).text
    }

    /// Compiler flags for the generated text: no library calls are assumed away, NaN and infinities behave, and products
    /// followed by sums may use fused instructions.
    package var compilerFlags: [String] {
        ["-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fno-strict-aliasing", "-w"]
            + target.compilerFlags
    }

    /// The decisions that a search may take for a kernel, defaults first.
    package func choices(_ kernel: Kernel) -> [Choice] {
        switch kernel.body {
        case .nest(let nest): return nestChoices(kernel, nest, target)
        case .contraction(let original):
            let body = original.overBytes(kernel, target) ?? original
            return hasMicrokernel(kernel, body)
                ? contractionChoices(kernel, body, target)
                : nestChoices(kernel, original.asNest(element: original.operandElement), target)
        case .attention(let body): return attentionChoices(kernel, body, target)
        case .recurrence(let body): return recurrenceChoices(kernel, body, target)
        case .sort(let body): return sortChoices(kernel, body, target)
        }
    }

    /// The C text of a kernel under a schedule.
    package func emit(_ kernel: Kernel, symbol: String, _ schedule: Schedule) throws(EmissionError) -> EmittedKernel {
        switch kernel.body {
        case .nest(let nest): return try emitNest(kernel, nest, symbol: symbol, schedule, target)
        case .contraction(let original):
            let body = original.overBytes(kernel, target) ?? original
            if hasMicrokernel(kernel, body), schedule[Self.plain] == 0 {
                return try emitContraction(kernel, body, symbol: symbol, schedule, target)
            }
            return try emitNest(
                kernel, original.asNest(element: original.operandElement), symbol: symbol, schedule, target)
        case .attention(let body): return try emitAttention(kernel, body, symbol: symbol, schedule, target)
        case .recurrence(let body): return try emitRecurrence(kernel, body, symbol: symbol, schedule, target)
        case .sort(let body): return try emitSort(kernel, body, symbol: symbol, schedule, target)
        }
    }

    /// Whether register-blocked products exist for the operands; other types run as plain sums.
    func hasMicrokernel(_ kernel: Kernel, _ body: ContractionKernel) -> Bool {
        if body.sums > 1 || !body.storesPoints { return false }
        // A single column leaves the lanes empty, unless they lie along the channels of a depthwise window.
        if ContractionPlan.product(body.columns) == 1,
            DepthwiseShape(kernel, body, lanes: CPrelude.lanes(target)) == nil
        {
            return false
        }
        switch body.operandElement {
        case .f32, .bf16, .f16:
            return body.left.body.types(parameters: kernel.parameters)[body.left.result] == .f32
                && body.right.body.types(parameters: kernel.parameters)[body.right.result] == .f32
        case .i8: return body.overBytes(kernel, target) != nil
        case .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .u8, .bool: return false
        }
    }
}
