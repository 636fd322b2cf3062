import DeviceAPI
import ElementTypes
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import KernelWorker
import MappedFiles

/// What makes profiles of a kernel's candidates on a device: what the kernel has to do, and what the device gives as measured.
struct ProfileMaker: Sendable {
    /// Bytes of all buffers, and operations of products.
    private var bytes = 0.0
    private var operations = 0.0
    /// Bytes and operations a second; nil where they are not known.
    private var memoryRate: Double?
    private var operationRate: Double?
    private var room: ProcessorRoom?

    /// Profiles of nothing.
    init() {}

    /// Profiles of a kernel with its symbols at `dimensions`.
    init(_ kernel: Kernel, identity: ArchiveKernel, dimensions: [Int], _ limits: DeviceLimits) {
        bytes = identity.bytes
        let work = KernelLimits.operations(kernel, dimensions: dimensions)
        operations = work.count
        room = limits.blocks.flatMap { ProcessorRoom(architecture: $0.architecture) }
        guard let rates = limits.rates else { return }
        memoryRate = rates.memoryRead.allThreads
        let rate = KernelLimits.rate(work.element, limits, rates)
        operationRate = rate.isFinite ? rate : nil
    }

    /// The profile of a candidate that takes `seconds` a call; `cubin` says what its compiler made, where it made one, and
    /// `counters` what was counted of its calls, where anything was.
    func profile(
        _ kernel: CandidateKernel, cubin: CubinFacts?, seconds: Double, counters: CounterReport? = nil
    ) -> TrialProfile {
        var profile = TrialProfile()
        if let counters { profile.add(counters, bytes: bytes) }
        if seconds > 0 {
            if let memoryRate, memoryRate > 0, bytes > 0 { profile[.memoryShare] = bytes / seconds / memoryRate }
            if let operationRate, operationRate > 0, operations > 0 {
                profile[.computeShare] = operations / seconds / operationRate
            }
        }
        switch kernel.parts {
        case .grid(_, let threads, let askedBytes, _, _, nil):
            guard let cubin, cubin.registers > 0 else { break }
            profile[.registers] = Double(cubin.registers)
            profile[.localBytes] = Double(cubin.localBytes)
            profile[.sharedBytes] = Double(cubin.sharedBytes + askedBytes)
            guard let room else { break }
            let occupancy = cubin.occupancy(threads: threads, askedBytes: askedBytes, in: room)
            profile[.occupancy] = occupancy.all
            profile[.registerOccupancy] = occupancy.byRegisters
            profile[.sharedOccupancy] = occupancy.byShared
        // A library's code is not ours to look at.
        case .grid: break
        case .count, .gang:
            let bytes = (try? MappedFile(path: kernel.libraryPath))?.withUnsafeBytes { ObjectFacts.codeBytes($0) }
            profile[.codeBytes] = (bytes ?? nil).map { Double($0) }
        }
        return profile
    }
}
