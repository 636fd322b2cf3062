internal import CCounters

/// Open counters of this thread and of the threads that it starts from now on. What cannot be counted is left out.
///
/// They are opened before the sandbox closes and before there are other threads: those inherit them, so that no thread that calls generated
/// code needs, or gets, a right to open, read or change one.
package final class EventCounters {
    /// What stands in a counter, and for how many nanoseconds it was asked to count and did: where several share one place in the
    /// processor, each counts part of the time.
    package struct Reading: Hashable, Sendable {
        package var value: UInt64
        package var enabled: UInt64
        package var running: UInt64

        /// Makes a reading.
        package init(value: UInt64, enabled: UInt64, running: UInt64) {
            self.value = value
            self.enabled = enabled
            self.running = running
        }
    }

    /// Counters that count at the same time.
    package final class Group {
        /// The first leads.
        fileprivate var members: [(counter: EventCounter, descriptor: Int32)] = []

        /// What its counters stand at; nil for one that cannot be read.
        package func read() -> [EventCounter: Reading] {
            var counts: [EventCounter: Reading] = [:]
            for (counter, descriptor) in members {
                var count = HearthCount()
                guard hearth_counter_read(descriptor, &count) == 0 else { continue }
                counts[counter] = Reading(value: count.value, enabled: count.enabled, running: count.running)
            }
            return counts
        }

        /// Counts from here on.
        package func start() { if let leader = members.first { _ = hearth_counters_start(leader.descriptor) } }

        /// Counts no more.
        package func stop() { if let leader = members.first { _ = hearth_counters_stop(leader.descriptor) } }

        deinit { for member in members { hearth_counter_close(member.descriptor) } }
    }

    /// Groups with at least one counter.
    package private(set) var groups: [Group] = []
    /// What is not counted, and why.
    package private(set) var absent: [EventCounter: EventCounter.Absence] = [:]

    /// Opens what there is of `wanted`. A counter that does not fit beside those of its group stands alone.
    package init(_ wanted: [[EventCounter]]) {
        for counters in wanted {
            let group = Group()
            for counter in counters {
                let code = Int32(counter.rawValue)
                let joined = hearth_counter_open(code, group.members.first?.descriptor ?? -1)
                if joined >= 0 {
                    group.members.append((counter, joined))
                    continue
                }
                let alone = group.members.isEmpty ? joined : hearth_counter_open(code, -1)
                guard alone >= 0 else {
                    absent[counter] = EventCounter.Absence(errno: -alone)
                    continue
                }
                let own = Group()
                own.members.append((counter, alone))
                groups.append(own)
            }
            if !group.members.isEmpty { groups.append(group) }
        }
    }

    /// What is counted.
    package var given: [EventCounter] {
        groups.flatMap { $0.members.map(\.counter) }.sorted { $0.rawValue < $1.rawValue }
    }

    /// One line for people, such as `instructions, cycles` or `none (…)`.
    package var summary: String {
        guard given.isEmpty else { return given.map(\.description).joined(separator: ", ") }
        // The first reason in the order of the counters, so that the line is the same each time.
        let reason = EventCounter.allCases.lazy.compactMap { self.absent[$0] }.first
        return reason.map { "none (\($0))" } ?? "none"
    }

    /// What was counted between two readings of a group; what cannot be told is left out.
    package static func counts(
        _ before: [EventCounter: Reading], _ after: [EventCounter: Reading]
    ) -> [EventCounter: Int] {
        var counts: [EventCounter: Int] = [:]
        for (counter, end) in after {
            if let start = before[counter], let count = scaled(from: start, to: end) { counts[counter] = count }
        }
        return counts
    }

    /// The count between two readings, as if it had counted all the time that it was asked to (`perf_event_open(2)`, on multiplexing);
    /// nil where it never did, which says nothing, and where the readings make no sense.
    package static func scaled(from start: Reading, to end: Reading) -> Int? {
        guard end.value >= start.value, end.enabled >= start.enabled, end.running > start.running else { return nil }
        let (value, enabled, running) = (
            end.value - start.value, end.enabled - start.enabled, end.running - start.running
        )
        if running >= enabled { return Int(exactly: value) }
        return Int(exactly: (Double(value) * (Double(enabled) / Double(running))).rounded())
    }
}
