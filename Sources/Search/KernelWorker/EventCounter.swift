internal import CCounters
internal import Glibc

/// Something that the processor, or the kernel of the system, counts while a candidate runs. The numbers travel between processes.
package enum EventCounter: Int, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case instructions
    case cycles
    case branchMisses
    /// Reads that missed the first cache of data.
    case l1Misses
    /// Lines that the last cache lacked.
    case lastLevelMisses
    /// Reads that missed the first table of pages.
    case tlbMisses
    /// Nanoseconds on a processor.
    case taskClock
    /// Pages that were not there at the first touch.
    case pageFaults

    /// What processors count, in groups that count at the same time. Three fit beside what others may use of a processor's four to eight
    /// counters; a group that is too large would never count.
    package static let hardware: [[EventCounter]] = [
        [.instructions, .cycles, .branchMisses], [.l1Misses, .lastLevelMisses, .tlbMisses],
    ]

    /// What the kernel counts itself, on any machine: for tests.
    package static let software: [[EventCounter]] = [[.taskClock, .pageFaults]]

    /// Such as `branch misses`.
    package var description: String {
        switch self {
        case .instructions: "instructions"
        case .cycles: "cycles"
        case .branchMisses: "branch misses"
        case .l1Misses: "L1 read misses"
        case .lastLevelMisses: "last-level misses"
        case .tlbMisses: "TLB read misses"
        case .taskClock: "task clock"
        case .pageFaults: "page faults"
        }
    }

    /// Why something is not counted.
    package enum Absence: Hashable, Sendable, CustomStringConvertible {
        /// The processor, or the virtual machine, does not count it.
        case notGiven
        /// The system forbids it, by `perf_event_paranoid` or by a filter of system calls.
        case forbidden
        /// All places in the processor, or all descriptors, are taken.
        case noRoom

        /// What an error of `perf_event_open` says.
        package init(errno code: Int32) {
            switch code {
            case EACCES, EPERM: self = .forbidden
            case EBUSY, EMFILE, ENFILE, ENOMEM, ENOSPC: self = .noRoom
            // ENOENT, ENODEV, EOPNOTSUPP and EINVAL are of events, ENOSYS and E2BIG of systems: whatever else it is, nothing is counted.
            default: self = .notGiven
            }
        }

        /// Such as `virtual machine, or a processor without them`.
        package var description: String {
            switch self {
            case .notGiven: "this machine gives none, as most virtual machines do not"
            case .forbidden: "the system forbids them: perf_event_paranoid is above 2, or a filter of system calls"
            case .noRoom: "others use them all"
            }
        }
    }
}

/// What was counted of a candidate. What is not in `counts` is not known.
package struct CounterReport: Hashable, Sendable {
    /// Calls that were counted.
    package var calls: Int
    /// Counts of all these calls together, on all threads.
    package var counts: [EventCounter: Int]

    /// Makes a report; nil where nothing was counted.
    package init?(calls: Int, counts: [EventCounter: Int]) {
        guard calls > 0, !counts.isEmpty, counts.values.allSatisfy({ $0 >= 0 }) else { return nil }
        self.calls = calls
        self.counts = counts
    }

    /// Of one call.
    package func perCall(_ counter: EventCounter) -> Double? { counts[counter].map { Double($0) / Double(calls) } }

    func write(to writer: inout WireWriter) {
        writer.put(calls)
        writer.put(counts.sorted { $0.key.rawValue < $1.key.rawValue }) { writer, count in
            writer.put(count.key.rawValue)
            writer.put(count.value)
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        let calls = try reader.integer()
        var counts: [EventCounter: Int] = [:]
        var last = -1
        _ = try reader.list { (reader) throws(WireError) in
            let code = try reader.integer()
            // Each once, in the order of the numbers.
            guard code > last, let counter = EventCounter(rawValue: code) else {
                throw WireError(offset: 0, expected: "a known counter")
            }
            last = code
            counts[counter] = try reader.integer()
        }
        guard let report = CounterReport(calls: calls, counts: counts) else {
            throw WireError(offset: 0, expected: "counts of 0 or more")
        }
        self = report
    }
}
