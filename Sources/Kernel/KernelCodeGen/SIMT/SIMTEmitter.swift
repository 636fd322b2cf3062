import ElementTypes
import KernelIR

/// Generates code for kernels of every kind on devices that run blocks of threads: the counterpart of `KernelEmitter`'s
/// emitters of C.
package struct SIMTEmitter: Sendable {
    /// What the code is generated for.
    package let target: SIMTTarget
    /// The text that must stand once before all generated functions.
    package let prelude: String

    /// Makes an emitter.
    package init(_ target: SIMTTarget) {
        self.target = target
        prelude = SIMTPrelude(target.dialect).text
    }

    /// The decisions that a search may take for a kernel, defaults first.
    package func choices(_ kernel: Kernel) -> [Choice] {
        switch kernel.body {
        case .nest(let body): simtNestChoices(kernel, body, target)
        case .contraction(let body): simtContractionChoices(kernel, body, target)
        case .attention(let body): simtAttentionChoices(kernel, body, target)
        case .recurrence(let body): simtRecurrenceChoices(kernel, body, target)
        case .sort(let body): simtSortChoices(kernel, body, target)
        }
    }

    /// The text of a kernel under a schedule.
    package func emit(_ kernel: Kernel, symbol: String, _ schedule: Schedule) throws(EmissionError) -> EmittedKernel {
        switch kernel.body {
        case .nest(let body): try emitSIMTNest(kernel, body, symbol: symbol, schedule, target)
        case .contraction(let body): try emitSIMTContraction(kernel, body, symbol: symbol, schedule, target)
        case .attention(let body): try emitSIMTAttention(kernel, body, symbol: symbol, schedule, target)
        case .recurrence(let body): try emitSIMTRecurrence(kernel, body, symbol: symbol, schedule, target)
        case .sort(let body): try emitSIMTSort(kernel, body, symbol: symbol, schedule, target)
        }
    }
}
