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

    /// Hash of a kernel, but for its name, under a schedule.
    func key(_ id: KernelID, _ schedule: Schedule) -> ContentHash {
        ContentHash.of("\(kernels[id].canonicalText)\(schedule)")
    }
}

/// All kernels of a program as C text.
package struct GeneratedProgram: Sendable {
    /// By kernel.
    package var emitted: [EmittedKernel]
    /// The whole text.
    package var source: String
    /// Every kernel as text after a line with its symbol and its schedule: `// k0123456789abcdef under tile=4`.
    package var listing: String
    /// The text of each kernel, with what must stand before it: what is compiled.
    var units: [String]

    /// Emits every kernel under its schedule. A kernel's symbol is a hash of what it is and of its schedule, so that the same
    /// kernel of another program is the same text.
    package init(
        _ list: KernelList, schedules: [KernelID: Schedule], emitter: KernelEmitter
    ) throws(EmissionError) {
        emitted = []
        units = []
        listing = ""
        source = emitter.prelude
        for id in list.kernels.ids {
            let kernel = list.kernels[id]
            let schedule = schedules[id] ?? Schedule()
            let result = try emitter.emit(kernel, symbol: "k\(list.key(id, schedule))", schedule)
            source += "\n// kernel \(result.symbol) \(kernel.name): \(schedule.description)\n" + result.source
            let decisions = schedule.description.isEmpty ? "the default schedule" : schedule.description
            listing += "// \(result.symbol) under \(decisions)\n\(kernel)\n"
            units.append(emitter.prelude + result.source)
            emitted.append(result)
        }
    }
}
