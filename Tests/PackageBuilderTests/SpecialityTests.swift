import GraphLowering
import KernelCodeGen
import KernelIR
import KernelSwarm
import KernelTrials
import Testing

/// Every decision belongs to somebody.
@Suite struct SpecialityTests {
    private static let processor: CPUTarget = {
        var target = CPUTarget(
            vectorBytes: 64, vectorRegisters: 32, hasFMA: true, hasF16Conversion: true, hasBF16Dot: true,
            hasAMXBF16: true, hasInt8Dot: true, cacheBytes: [32768, 1 << 20, 32 << 20], threads: 8, compilerFlags: [])
        target.hasOneDNN = true
        return target
    }()

    private static func device(_ dialect: SIMTDialect, _ architecture: String) -> SIMTTarget {
        var target = SIMTTarget(
            dialect: dialect, architecture: architecture, warp: dialect == .cuda ? 32 : 1, threads: 1024,
            sharedBytes: 227 << 10, multiprocessors: 132, l2Bytes: 50 << 20)
        target.hasTriton = dialect == .cuda
        target.hasProductLibrary = dialect == .cuda
        target.hasConvolutionLibrary = dialect == .cuda
        return target
    }

    /// Names of all choices of all kinds of kernels on all kinds of devices, with those about whole models.
    private static let names: Set<String> = {
        let devices = [device(.cuda, "sm_90a"), device(.cuda, "sm_80"), device(.openCL, "opencl")]
        var names: Set<String> = []
        for trial in KernelTrial.all {
            names.formUnion(KernelEmitter(processor).choices(trial.kernel).map(\.name))
            for device in devices { names.formUnion(SIMTEmitter(device).choices(trial.kernel).map(\.name)) }
        }
        names.formUnion(["siblings.merge", "threads.count"] + Cover.Family.allCases.map { "\($0.rawValue).%12" })
        return names
    }()

    @Test func everyChoiceHasASpeciality() {
        for name in Self.names.sorted() { #expect(Speciality(choice: name) != nil, "\(name) has none") }
        #expect(Self.names.count > 50)
        let found = Set(Self.names.compactMap { Speciality(choice: $0) })
        #expect(found == Set(Speciality.allCases))
    }

    /// No name stands in the table that no generator uses.
    @Test func everySpecialityHasItsChoices() {
        let families = Set(Self.names.map { String($0.prefix { $0 != "." }) })
        for name in Speciality.names.sorted() {
            #expect(Self.names.contains(name) || families.contains(name), "\(name)")
        }
    }
}
