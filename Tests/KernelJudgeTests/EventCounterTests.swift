import Glibc
import JudgeSelfTest
import KernelJudge
import KernelWorker
import Testing

/// What counters count, on machines that have them and on those that do not.
@Suite struct EventCounterTests {
    /// Touches pages that were not there, on a thread of its own.
    private static let pages = 100
    private static func touchElsewhere() throws {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { _ in
                let bytes = EventCounterTests.pages * 4096
                let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                guard let memory, memory != MAP_FAILED else { return nil }
                madvise(memory, bytes, Int32(MADV_NOHUGEPAGE))
                for page in 0..<EventCounterTests.pages { (memory + 4096 * page).storeBytes(of: 1, as: UInt8.self) }
                munmap(memory, bytes)
                return nil
            }, nil)
        try #require(code == 0)
        pthread_join(thread, nil)
    }

    /// Threads that are started later are counted, between start and stop and at no other time.
    @Test func threadsInheritCounters() throws {
        let counters = EventCounters(EventCounter.software)
        guard counters.given == [.taskClock, .pageFaults] else {
            #expect(Set(counters.absent.keys) == Set([.taskClock, .pageFaults]).subtracting(counters.given))
            return
        }
        #expect(counters.groups.count == 1 && counters.absent.isEmpty)
        let group = counters.groups[0]
        try Self.touchElsewhere()
        let before = group.read()
        #expect(before.values.allSatisfy { $0.value == 0 && $0.running == 0 })
        group.start()
        try Self.touchElsewhere()
        group.stop()
        let after = group.read()
        try Self.touchElsewhere()
        #expect(group.read() == after)
        let counts = EventCounters.counts(before, after)
        #expect(counts[.pageFaults] ?? 0 >= Self.pages, "\(counts)")
        #expect(counts[.taskClock] ?? 0 > 0)
        // A second time counts what came to it.
        group.start()
        try Self.touchElsewhere()
        group.stop()
        let more = EventCounters.counts(after, group.read())
        #expect((Self.pages..<2 * Self.pages + 1000).contains(more[.pageFaults] ?? 0), "\(more)")
    }

    /// Either way: what is given counts, and what is not is said to be absent.
    @Test func hardwareIsGivenOrAbsent() throws {
        let counters = EventCounters(EventCounter.hardware)
        let wanted = EventCounter.hardware.flatMap { $0 }
        #expect(counters.given.count + counters.absent.count == wanted.count)
        #expect(Set(counters.given).union(counters.absent.keys) == Set(wanted))
        #expect(counters.summary.hasPrefix("none (") == counters.given.isEmpty)
        var counts: [EventCounter: Int] = [:]
        for group in counters.groups {
            let before = group.read()
            group.start()
            var sum: UInt64 = 1
            for number in 1..<100_000 as Range<UInt64> { sum = sum &* number ^ (sum >> 3) }
            group.stop()
            #expect(sum != 1)
            counts.merge(EventCounters.counts(before, group.read())) { first, _ in first }
        }
        guard let instructions = counts[.instructions] else { return }
        #expect(instructions > 0)
        if let cycles = counts[.cycles] { #expect(cycles > 0 && instructions / cycles < 16) }
    }

    /// One that is absent takes no other with it, whether it would lead or follow.
    @Test func absentOnesAreLeftOut() {
        let system = Set(EventCounters(EventCounter.software).given)
        let counters = EventCounters([[.instructions, .taskClock, .lastLevelMisses, .pageFaults]])
        #expect(Set(counters.given).intersection([.taskClock, .pageFaults]) == system)
        for group in counters.groups {
            group.start()
            group.stop()
            #expect(group.read().allSatisfy { $0.value.running <= $0.value.enabled })
        }
        #expect(counters.groups.flatMap { $0.read().keys }.count == counters.given.count)
    }

    typealias Reading = EventCounters.Reading

    /// What counted part of the time is scaled to all of it; what never counted is not known, and is not 0.
    @Test(
        arguments: [
            ((0, 0, 0), (100, 50, 50), 100), ((100, 50, 50), (300, 150, 150), 200),
            // A quarter and a third of the time.
            ((0, 0, 0), (100, 40, 10), 400), ((10, 100, 100), (110, 400, 200), 300), ((0, 0, 0), (0, 40, 10), 0),
            // Never scheduled, never enabled, and not since.
            ((0, 0, 0), (0, 40, 0), nil), ((0, 0, 0), (0, 0, 0), nil), ((7, 40, 10), (7, 80, 10), nil),
            // More than all of the time is all of it; backwards is nonsense, and so is what no number holds.
            ((0, 0, 0), (100, 40, 41), 100), ((9, 0, 0), (8, 40, 40), nil), ((0, 9, 0), (8, 8, 40), nil),
            ((0, 0, 0), (.max, 40, 40), nil), ((0, 0, 0), (.max / 2, 40, 10), nil),
        ] as [((UInt64, UInt64, UInt64), (UInt64, UInt64, UInt64), Int?)])
    func multiplexedCountsAreScaled(
        _ start: (UInt64, UInt64, UInt64), _ end: (UInt64, UInt64, UInt64), _ count: Int?
    ) {
        func reading(_ numbers: (UInt64, UInt64, UInt64)) -> Reading {
            Reading(value: numbers.0, enabled: numbers.1, running: numbers.2)
        }
        #expect(EventCounters.scaled(from: reading(start), to: reading(end)) == count)
        let counts = EventCounters.counts([.cycles: reading(start)], [.cycles: reading(end), .taskClock: reading(end)])
        #expect(counts == (count.map { [.cycles: $0] } ?? [:]))
    }

    @Test(
        arguments: [
            (ENOENT, .notGiven), (ENODEV, .notGiven), (EOPNOTSUPP, .notGiven), (EINVAL, .notGiven), (ENOSYS, .notGiven),
            (E2BIG, .notGiven), (EACCES, .forbidden), (EPERM, .forbidden), (EBUSY, .noRoom), (EMFILE, .noRoom),
            (ENFILE, .noRoom), (ENOSPC, .noRoom), (ENOMEM, .noRoom), (EIO, .notGiven),
        ] as [(Int32, EventCounter.Absence)])
    func errorsAreAbsences(_ code: Int32, _ absence: EventCounter.Absence) {
        #expect(EventCounter.Absence(errno: code) == absence)
    }

    /// Reports of nothing are none.
    @Test func reportsHoldCounts() {
        #expect(CounterReport(calls: 0, counts: [.cycles: 1]) == nil && CounterReport(calls: 1, counts: [:]) == nil)
        #expect(CounterReport(calls: 1, counts: [.cycles: -1]) == nil)
        #expect(CounterReport(calls: 4, counts: [.cycles: 10])?.perCall(.cycles) == 2.5)
        #expect(CounterReport(calls: 4, counts: [.cycles: 10])?.perCall(.instructions) == nil)
    }

    /// The worker counts calls of a candidate that it has timed, through the pool's threads and the sandbox.
    @Test func theWorkerCounts() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let candidate = try await workshop.candidate("softmax", region: .softmax)
        let evidence = RegionEvidence(oracle: CorpusRegion.softmax.oracle, seed: 1)
        for (arguments, wanted) in [
            (["--count-software"], EventCounter.software), ([], EventCounter.hardware),
        ] {
            let verdict = await workshop.judge(audits: false, arguments: arguments)
                .judge(candidate, against: nil, evidence: evidence)
            guard case .correct(let timing, _) = verdict else {
                Issue.record("\(verdict)")
                return
            }
            // What this process may count the worker may too.
            let given = EventCounters(wanted).given
            #expect((timing.counters == nil) || !given.isEmpty)
            if wanted == EventCounter.software {
                #expect(Set(timing.counters?.counts.keys.map { $0 } ?? []) == Set(given))
            }
            guard let counters = timing.counters else { continue }
            #expect(counters.calls == timing.calls && Set(counters.counts.keys).isSubset(of: given))
            if given.contains(.taskClock) { #expect(counters.counts[.taskClock] ?? 0 > 0) }
            if let instructions = counters.perCall(.instructions) { #expect(instructions > 0) }
        }
    }

    /// Candidates may neither open counters nor touch those that the worker has.
    @Test(arguments: [
        ("syscall(SYS_perf_event_open, &event, 0, -1, -1, 0)", "perf_event_open"),
        ("for (int i = 3; i < 32; i++) ioctl(i, PERF_EVENT_IOC_DISABLE, 0)", "ioctl"),
        ("for (int i = 3; i < 32; i++) { long word[3]; (void)!read(i, word, 24); }", "read"),
        ("prctl(PR_TASK_PERF_EVENTS_DISABLE)", "prctl"),
    ])
    func candidatesDoNotCount(statement: String, call: String) async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let judge = workshop.judge(audits: false, arguments: ["--count-software"])
        guard try KernelJudge.sandbox(of: judge.command).parts.contains(.calls) else { return }
        var curious = try #require(CorpusCandidate.all.first { $0.name == "softmax" && $0.region == .softmax })
        curious.source = """
            #include <linux/perf_event.h>
            #include <sys/ioctl.h>
            #include <sys/prctl.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            KERNEL(kernel) {
                SOFTMAX_ARGUMENTS;
                struct perf_event_attr event = {.size = sizeof event, .type = PERF_TYPE_SOFTWARE, .exclude_kernel = 1};
                (void)event;
                for (int64_t row = first; row < last; row++) softmax_row(in + row * columns, out + row * columns, columns);
                \(statement);
                return 0;
            }
            """
        let candidate = try await curious.compiled(workshop.toolchain, to: "\(workshop.directory)/curious.so")
        let verdict = await judge.judge(
            candidate, against: nil, evidence: RegionEvidence(oracle: CorpusRegion.softmax.oracle, seed: 1))
        #expect(verdict.refusal == .forbiddenCall(call))
    }
}
