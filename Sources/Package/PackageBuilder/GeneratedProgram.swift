import Base
import ElementTypes
import GraphLowering
import KernelCodeGen
import KernelIR

/// Tag of the distinct kernels of a program.
package enum KernelTag: Sendable {}
/// A distinct kernel: equal kernels of several launches share one.
package typealias KernelID = ID<KernelTag>

/// The distinct kernels of a lowered program and which launch uses which.
package struct KernelList: Sendable {
    /// Distinct kernels.
    package var kernels: Table<KernelTag, Kernel>
    /// For each launch of the program, its kernel.
    package var ofLaunch: [KernelID]

    /// Finds equal kernels; names do not count.
    package init(_ program: LoweredProgram) {
        kernels = Table()
        ofLaunch = []
        var known: [Kernel: KernelID] = [:]
        for launch in program.launches {
            var key = launch.kernel
            key.name = ""
            if let id = known[key] {
                ofLaunch.append(id)
            } else {
                let id = kernels.append(launch.kernel)
                known[key] = id
                ofLaunch.append(id)
            }
        }
    }
}

/// All kernels of a program as C text.
package struct GeneratedProgram: Sendable {
    /// By kernel.
    package var emitted: [EmittedKernel]
    /// The whole text.
    package var source: String

    /// Emits every kernel under its schedule; kernel n gets the symbol `k<n>`.
    package init(
        _ list: KernelList, schedules: [KernelID: Schedule], emitter: KernelEmitter
    ) throws(EmissionError) {
        emitted = []
        source = emitter.prelude
        for id in list.kernels.ids {
            let kernel = list.kernels[id]
            let result = try emitter.emit(kernel, symbol: "k\(id.rawValue)", schedules[id] ?? Schedule())
            source += "\n// \(kernel.name): \((schedules[id] ?? Schedule()).description)\n" + result.source
            emitted.append(result)
        }
    }
}
