/// What is known of a candidate beside its time: what the compiler made of it, and how near it comes to what the machine gives. Names
/// and units are those of `Documentation/archive-format.md`.
package struct TrialProfile: Hashable, Sendable {
    /// One number.
    package enum Fact: String, CaseIterable, Sendable {
        /// Registers of a thread.
        case registers
        /// Bytes of local memory of a thread: spilled registers, and arrays that are not in registers.
        case localBytes = "local_bytes"
        /// Bytes of shared memory of a block.
        case sharedBytes = "shared_bytes"
        /// Part of the threads that a processor holds at most which run at once, in 0...1; then as registers and as shared memory alone
        /// would allow it.
        case occupancy
        case registerOccupancy = "occupancy_by_registers"
        case sharedOccupancy = "occupancy_by_shared"
        /// Bytes of machine code of a processor's kernel, with that of its packings.
        case codeBytes = "code_bytes"
        /// Bytes that the kernel touches, each once, in its time, by those that memory gives as measured. Above 1 where caches hold them.
        case memoryShare = "memory_share"
        /// Operations of the kernel's products in its time, by those that the device does as measured.
        case computeShare = "compute_share"
        /// Instructions of a call, on all threads and with what they execute while they wait for each other.
        case instructions
        /// Instructions by cycles, of a thread on the average.
        case instructionsPerCycle = "instructions_per_cycle"
        /// Reads that missed the first cache of data, branches that were guessed wrong, and reads that missed the first table of pages,
        /// for a thousand instructions.
        case l1Misses = "l1_misses_per_1000"
        case branchMisses = "branch_misses_per_1000"
        case tlbMisses = "tlb_misses_per_1000"
        /// Bytes that the last cache lacked (64 a miss) by the bytes that the kernel touches, each once.
        case lastLevelShare = "last_level_share"
    }

    private var numbers: [Fact: Double] = [:]

    /// Nothing is known.
    package init() {}

    /// Facts by name; names that are not known here are passed over.
    package init(_ named: [String: Double]) {
        for fact in Fact.allCases { self[fact] = named[fact.rawValue] }
    }

    /// Facts by name.
    package var named: [String: Double] {
        Dictionary(uniqueKeysWithValues: numbers.map { ($0.key.rawValue, $0.value) })
    }

    /// Whether nothing is known.
    package var isEmpty: Bool { numbers.isEmpty }

    /// A fact; nil where it is not known. What is no finite number of 0 or more is not kept.
    package subscript(fact: Fact) -> Double? {
        get { numbers[fact] }
        set { numbers[fact] = newValue.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil } }
    }
}

extension TrialProfile {
    /// Below this part of the threads that a processor holds, few are left to hide what others wait for.
    private static let lowOccupancy = 0.25

    /// Whether memory or arithmetic is more than half busy.
    var isBusy: Bool { max(self[.memoryShare] ?? 0, self[.computeShare] ?? 0) > 0.5 }

    /// Kinds of decisions of which less should be tried, as the profile says: what spills holds too much at once, and so does what
    /// leaves room for few threads. Nothing where the machine is used well.
    package var lessOf: Set<Speciality> {
        var less: Set<Speciality> = []
        if let local = self[.localBytes], local > 0 { less.formUnion([.tiling, .vectors, .pipelining]) }
        if let occupancy = self[.occupancy], occupancy < Self.lowOccupancy {
            // Few threads that keep the machine busy, as those of matrix units do, are no fault.
            if !isBusy, self[.sharedOccupancy] == occupancy { less.formUnion([.pipelining, .tiling]) }
            if !isBusy, self[.registerOccupancy] == occupancy { less.formUnion([.tiling, .pipelining]) }
        }
        return less
    }
}
