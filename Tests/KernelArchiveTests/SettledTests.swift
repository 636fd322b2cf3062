import KernelArchive
import Testing

/// How searches ended is remembered beside their trials, and forgotten with them.
@Suite struct SettledTests {
    private static let settled = SettledKernel(
        schedule: "tile=1", choices: "c", agent: "random", trials: 120, seconds: nil, patience: 64)

    @Test func whatASearchEndedWithIsKnownByItsKey() throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            func known(
                _ kernel: String = "k", _ machine: String = "m", _ builder: ArchiveKey.Builder = builder
            ) throws -> SettledKernel? {
                try archive.settled(kernel: kernel, machine: machine, builder: builder)
            }
            // Of what no trial is known, nothing is settled.
            try archive.settle(Self.settled, kernel: "k", machine: "m", builder: builder)
            #expect(try known() == nil)
            try archive.append(record(1, .timed(seconds: 1, championSeconds: 1, isWin: true)))
            try archive.settle(Self.settled, kernel: "k", machine: "m", builder: builder)
            #expect(try known() == Self.settled)
            #expect(try known("l") == nil)
            #expect(try known("k", "n") == nil)
            #expect(try known("k", "m", .init(generator: "8", compiler: builder.compiler)) == nil)
            var later = Self.settled
            (later.schedule, later.seconds) = ("tile=2", 1.5)
            try archive.settle(later, kernel: "k", machine: "m", builder: builder)
            #expect(try known() == later)
        }
    }

    /// A kernel that gets the number of one that is forgotten is not taken for it.
    @Test func itGoesWithItsTrials() throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            for kernel in ["k", "l"] {
                try archive.append(record(1, .refused(reason: "slow"), kernel: kernel, time: kernel == "k" ? 1 : 9))
                try archive.settle(Self.settled, kernel: kernel, machine: "m", builder: builder)
            }
            var old = ArchivePruning()
            old.before = 5
            #expect(try archive.prune(old) == 1)
            #expect(try archive.settled(kernel: "k", machine: "m", builder: builder) == nil)
            #expect(try archive.settled(kernel: "l", machine: "m", builder: builder) == Self.settled)
            try archive.append(record(1, .refused(reason: "slow"), kernel: "k"))
            #expect(try archive.settled(kernel: "k", machine: "m", builder: builder) == nil)
        }
    }
}
