import KernelSwarm
import KernelWorker

extension TrialProfile {
    /// Bytes of a line of the caches.
    private static let lineBytes = 64.0
    /// No processor executes more instructions a cycle: whoever reports more has not counted.
    private static let mostPerCycle = 16.0

    /// Adds what was counted of a kernel that touches `bytes`. What was not counted stays unknown.
    mutating func add(_ counters: CounterReport, bytes: Double) {
        if let misses = counters.perCall(.lastLevelMisses), bytes > 0 {
            self[.lastLevelShare] = misses * Self.lineBytes / bytes
        }
        // What is counted for a thousand instructions needs some.
        guard let instructions = counters.perCall(.instructions), instructions > 0 else { return }
        self[.instructions] = instructions
        if let cycles = counters.perCall(.cycles), cycles > 0, instructions / cycles <= Self.mostPerCycle {
            self[.instructionsPerCycle] = instructions / cycles
        }
        func perThousand(_ counter: EventCounter) -> Double? {
            counters.perCall(counter).map { $0 / instructions * 1000 }
        }
        self[.l1Misses] = perThousand(.l1Misses)
        self[.branchMisses] = perThousand(.branchMisses)
        self[.tlbMisses] = perThousand(.tlbMisses)
    }
}
