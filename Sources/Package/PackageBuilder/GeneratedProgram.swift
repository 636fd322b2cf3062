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
    /// Kernels that compute constants. A kernel that also runs is listed once more for that.
    package var constant: Set<KernelID>

    /// Finds equal kernels; names do not count.
    package init(_ program: LoweredProgram) {
        kernels = Table()
        ofLaunch = []
        constant = []
        var known: [[Kernel]: KernelID] = [:]
        for launch in program.launches {
            var key = launch.kernel
            key.name = ""
            // Constants are computed on the host, whatever runs the rest.
            let keys = launch.isConstant ? [key, key] : [key]
            if let id = known[keys] {
                ofLaunch.append(id)
            } else {
                let id = kernels.append(launch.kernel)
                known[keys] = id
                if launch.isConstant { constant.insert(id) }
                ofLaunch.append(id)
            }
        }
    }

    /// The kernels that run, in the order of their first launches: `region.0`, `region.1`, … of searches and reports.
    var regions: [KernelID] {
        var found: [KernelID] = []
        var seen = constant
        for id in ofLaunch where seen.insert(id).inserted { found.append(id) }
        return found
    }

    /// Names of the regions by kernel.
    var regionNames: [KernelID: String] {
        Dictionary(uniqueKeysWithValues: regions.enumerated().map { ($0.element, "region.\($0.offset)") })
    }

    /// Hash of a kernel, but for its name, under a schedule.
    func key(_ id: KernelID, _ schedule: Schedule) -> ContentHash {
        ContentHash.of("\(kernels[id].canonicalText)\(schedule)")
    }
}

/// All kernels of a program as text.
package struct GeneratedProgram: Sendable {
    /// By kernel.
    package var emitted: [EmittedKernel]
    /// The whole text of what runs: on the host with all that is computed there, else in the device's dialect.
    package var source: String
    /// Every kernel as text after a line with its symbol, its region and its schedule: `// k0123456789abcdef region.3 under tile=4`.
    package var listing: String
    /// The C text of each kernel of the host and of each packing, with what must stand before it: what is compiled.
    var units: [String]
    /// Each kernel of a device that is not the host.
    var deviceUnits: [DeviceUnit]

    /// A kernel of a device, to be compiled by itself.
    struct DeviceUnit: Hashable, Sendable {
        var symbol: String
        /// With what must stand before it.
        var text: String
        /// Set where the text is in Triton.
        var triton: TritonSource?

        /// A unit of text that stands complete.
        init(symbol: String, text: String) {
            self.symbol = symbol
            self.text = text
        }

        /// The unit of an emitted kernel.
        init(_ emitted: EmittedKernel, _ generator: CodeGenerator) {
            symbol = emitted.symbol
            triton = emitted.triton
            text = (emitted.triton == nil ? generator.prelude : TritonPrelude.text) + emitted.source
        }
    }

    /// Emits every kernel under its schedule. A kernel's symbol is a hash of what it is and of its schedule, so that the same
    /// kernel of another program is the same text.
    package init(
        _ list: KernelList, schedules: [KernelID: Schedule], generator: CodeGenerator
    ) throws(EmissionError) {
        emitted = []
        units = []
        deviceUnits = []
        listing = ""
        source = generator.prelude
        var symbols: Set<String> = []
        let regions = list.regionNames
        for id in list.kernels.ids {
            let kernel = list.kernels[id]
            let schedule = schedules[id] ?? Schedule()
            let symbol = "k\(list.key(id, schedule))"
            let isConstant = list.constant.contains(id)
            let isForHost = generator.device == nil || isConstant
            let result =
                isConstant
                ? try generator.host.emit(kernel, symbol: symbol, schedule)
                : try generator.emit(kernel, symbol: symbol, schedule)
            emitted.append(result)
            guard symbols.insert(isForHost ? symbol : "device \(symbol)").inserted else { continue }
            if isForHost {
                units.append(generator.host.prelude + result.source)
            } else {
                deviceUnits.append(DeviceUnit(result, generator))
                if !result.packings.isEmpty { units.append(generator.host.prelude + result.packingSource) }
            }
            guard isForHost == (generator.device == nil) else { continue }
            // What is compiled by itself stands among the rest for people only.
            let text = result.triton == nil ? result.source : "#if 0 // Triton\n\(result.source)#endif\n"
            let note = [result.note, result.author].compactMap { $0.map { "; \($0)" } }.joined()
            source += "\n// kernel \(result.symbol) \(kernel.name): \(schedule.description)\(note)\n" + text
            let decisions = (schedule.description.isEmpty ? "the default schedule" : schedule.description) + note
            let region = regions[id].map { " \($0)" } ?? ""
            listing += "// \(result.symbol)\(region) under \(decisions)\n\(kernel)\n"
        }
        // A library without functions is a library, one without objects is none.
        if units.isEmpty { units.append(generator.host.prelude) }
    }

    /// Adds the kernels of launches that several share.
    mutating func add(_ groups: LaunchGroups, _ generator: CodeGenerator) {
        var symbols: Set<String> = []
        for case let joint? in groups.groups.map(\.joint) where symbols.insert(joint.symbol).inserted {
            deviceUnits.append(DeviceUnit(symbol: joint.symbol, text: generator.prelude + joint.source))
            source += "\n#if 0 // a launch of its own text\n\(joint.source)#endif\n"
        }
    }

    /// Gives launches the shared memory that compiled kernels ask for, and second sizes the threads that fill a processor.
    mutating func adopt(_ images: [DeviceImages.Image]) {
        let asked = Dictionary(images.map { ($0.name, $0.sharedBytes) }) { first, _ in first }
        let threads = Dictionary(images.map { ($0.name, CubinFacts($0.bytes)?.threadsBesideAttention) }) { first, _ in
            first
        }
        emitted = emitted.map {
            $0.asking(sharedBytes: asked[$0.symbol] ?? nil).filling(threads: threads[$0.symbol] ?? nil)
        }
    }
}
