import KernelArchive
import Testing

/// A product of `rows` × `columns` over `depth`.
func product(
    _ key: String, _ rows: Int, _ columns: Int, _ depth: Int, element: String = "f32", family: String = "plain",
    elements: [String]? = nil, kind: String = "contraction"
) -> ArchiveKernel {
    let extents = [("batch", 1), ("rows", rows), ("columns", columns), ("taps", 1), ("depth", depth), ("gates", 1)]
    return ArchiveKernel(
        key: key, name: "name of \(key)", kind: kind, family: family, element: element,
        elements: elements ?? [element, element, element], extents: extents.map { .init($0.0, $0.1) },
        bytes: Double(4 * (rows * depth + depth * columns + rows * columns)),
        operations: 2 * Double(rows * columns * depth))
}

func processor(
    _ fingerprint: String, _ features: [String] = ["avx2", "fma"], kind: String = "cpu", model: String = "Zen",
    threads: Int = 8
) -> ArchiveMachine {
    ArchiveMachine(
        fingerprint: fingerprint, kind: kind, model: model, features: features, cores: threads, threads: threads,
        caches: [32768, 1 << 20, 32 << 20], memory: 1 << 34)
}

@Suite struct NeighbourTests {
    private static let here = processor("here")
    private static let kernel = product("a", 128, 512, 768)

    /// Distances, each from what is documented.
    @Test(arguments: [
        (product("b", 256, 512, 768), 1 + 0.25 * (1 + 0.372)),
        (product("b", 128, 512, 768, family: "other"), 0.5),
        (product("b", 128, 512, 768, elements: ["f32", "f32", "f32", "f32"]), 0.25),
        (product("b", 128, 512, 768, elements: ["f32", "bf16", "f32"]), 0.5),
    ])
    func kernelsLieApart(_ other: ArchiveKernel, _ expected: Double) throws {
        let distance = try #require(ArchiveDistance.between(Self.kernel, other))
        #expect(abs(distance - expected) < 0.02, "\(distance)")
        #expect(ArchiveDistance.between(other, Self.kernel) == distance)
    }

    @Test(arguments: [
        product("b", 128, 512, 768, element: "bf16"), product("b", 128, 512, 768, kind: "attention"),
    ])
    func othersAreNoNeighbours(_ other: ArchiveKernel) {
        #expect(ArchiveDistance.between(Self.kernel, other) == nil)
    }

    /// Machines from the nearest to the farthest.
    @Test func machinesLieApart() throws {
        let order = [
            processor("here", model: "other name is the same machine"), processor("b"), processor("c", threads: 16),
            processor("d", model: "Xeon"), processor("e", ["avx2", "fma", "avx512f", "avx512bw"], model: "Xeon"),
        ]
        let distances = try order.map { try #require(ArchiveDistance.between(Self.here, $0)) }
        #expect(distances[0] == 0)
        #expect(distances == distances.sorted() && Set(distances).count == distances.count, "\(distances)")
        #expect(ArchiveDistance.between(Self.here, processor("gpu", kind: "cuda")) == nil)
        #expect(ArchiveDistance.between(Self.here, ArchiveMachine(fingerprint: "bare")) == nil)
    }

    private func append(
        _ archive: KernelArchive, _ number: Int, _ seconds: Double, _ kernel: ArchiveKernel, _ machine: ArchiveMachine
    ) throws {
        try archive.describe(kernel)
        try archive.describe(machine)
        try archive.append(
            record(
                number, .timed(seconds: seconds, championSeconds: 1, isWin: seconds < 1), kernel: kernel.key,
                machine: machine.fingerprint))
    }

    @Test func theNearestComeFirst() throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            let elsewhere = processor("elsewhere", model: "Xeon")
            for number in 1...5 { try append(archive, number, 1 / Double(number), Self.kernel, Self.here) }
            for (number, seconds) in [(20, 0.5), (21, 0.4), (22, 0.6), (23, 1.5)] {
                try append(archive, number, seconds, product("twice", 256, 512, 768), Self.here)
            }
            try append(archive, 30, 0.001, Self.kernel, elsewhere)
            try append(archive, 40, 0.001, product("far", 4096, 4096, 4096), Self.here)
            try append(archive, 50, 0.001, product("half", 128, 512, 768, element: "bf16"), Self.here)
            try append(archive, 60, 0.001, Self.kernel, processor("gpu", kind: "cuda"))
            try archive.append(record(70, .refused(reason: "wrong"), kernel: "a", machine: "here"))
            let found = try archive.neighbours(of: Self.kernel, on: Self.here, limit: 16)
            // The fastest of this kernel here, the same kernel on the other machine, then two of twice the rows.
            #expect(found.map(\.record.key.schedule) == ["tile=5", "tile=30", "tile=21", "tile=20"])
            #expect(found.map(\.distance) == found.map(\.distance).sorted())
            #expect(found[0].distance == 0 && !found.contains(where: \.isImported))
            #expect(found[3].kernelName == "name of twice")
            #expect(try archive.neighbours(of: Self.kernel, on: Self.here, limit: 2).count == 2)
            // What a cost model learns from holds slow ones and refusals too, of the nearest first.
            let lessons = try archive.examples(of: Self.kernel, on: Self.here, limit: 100)
            let texts = lessons.map(\.schedule)
            #expect(Set(texts.prefix(6)) == Set([1, 2, 3, 4, 5, 70].map { "tile=\($0)" }) && texts[6] == "tile=30")
            #expect(Set(texts.suffix(4)) == Set([20, 21, 22, 23].map { "tile=\($0)" }) && texts.count == 11)
            #expect(lessons.filter { $0.relativeSeconds == nil }.map(\.schedule) == ["tile=70"])
            let widths = Set(lessons.map(\.features.count))
            #expect(widths == [KernelArchive.features(Self.kernel, Self.here).count])
            let rows = lessons.suffix(4).map { zip($0.features, lessons[0].features).map { $0 - $1 }.max() ?? 0 }
            #expect(rows.allSatisfy { $0 > 0.9 }, "twice as much of something is a step of one: \(rows)")
            #expect(try archive.examples(of: Self.kernel, on: Self.here, limit: 3).count == 3)
            let own = try archive.records(kernel: "a", machine: "here")
            #expect(own.map(\.key.schedule) == [5, 4, 3, 2, 1, 70].map { "tile=\($0)" })
            // A kernel that was never seen finds the same.
            let fresh = try archive.neighbours(of: product("new", 128, 512, 768), on: Self.here, limit: 1)
            #expect(fresh.map(\.record.key.schedule) == ["tile=5"])
        }
    }

    /// What another claims answers for no key, is no record of this archive, and comes after what was seen here.
    @Test func importsOnlySuggest() throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            try append(archive, 1, 0.5, Self.kernel, Self.here)
            let lie = record(
                9, .timed(seconds: 1e-12, championSeconds: 1, isWin: true), kernel: "a", machine: "here")
            var renamed = Self.kernel
            renamed.family = "a lie"
            for _ in 0..<2 {
                try archive.add([lie], kernels: [renamed], machines: [], signer: "somebody")
            }
            #expect(archive[lie.key] == nil)
            #expect(archive.records.map(\.key.schedule) == ["tile=1"])
            #expect(try archive.records(kernel: "a", machine: "here").count == 1)
            #expect(try archive.contents().records.count == 1)
            #expect(try archive.contents().kernels == [Self.kernel])
            #expect(try archive.examples(of: Self.kernel, on: Self.here, limit: 9).map(\.schedule) == ["tile=1"])
            let found = try archive.neighbours(of: Self.kernel, on: Self.here, limit: 16)
            #expect(found.map(\.record.key.schedule) == ["tile=1", "tile=9"])
            #expect(found.map(\.isImported) == [false, true])
            let statistics = try archive.statistics()
            #expect(statistics.records == 1 && statistics.imported == 1)
            #expect(statistics.signers == [.init(name: "somebody", records: 1)])
            // Judged here, the same candidate is a record of its own.
            try archive.append(record(9, .refused(reason: "wrong"), kernel: "a", machine: "here"))
            #expect(archive[lie.key]?.outcome == .refused(reason: "wrong"))
        }
    }

    @Test func whatIsCounted() throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            try append(archive, 1, 0.5, Self.kernel, Self.here)
            try append(archive, 2, 2, Self.kernel, Self.here)
            try archive.append(record(3, .refused(reason: "wrong"), kernel: "b", machine: "here", time: 5000))
            let statistics = try archive.statistics()
            #expect(statistics.agents == [.init(name: "random", records: 3, accepted: 2, won: 1)])
            #expect(statistics.kernels == 2 && statistics.families == 1)
            #expect(statistics.machines == [.init(machine: Self.here, records: 3)])
            #expect(statistics.oldest == 1000 && statistics.newest == 5000)
            #expect(statistics.bytes > 0)
        }
    }
}

@Suite struct PruningTests {
    /// Ten trials of each of two kernels, dated by their number; the fastest is the oldest.
    private static func fill(_ archive: KernelArchive) throws {
        for kernel in ["a", "b"] {
            for number in 1...10 {
                try archive.append(
                    record(
                        number, .timed(seconds: Double(number), championSeconds: 1, isWin: false), kernel: kernel,
                        machine: kernel == "a" ? "m" : "n", time: Int64(number)))
            }
        }
        try archive.describe(processor("n", model: "Xeon Gold"))
        try archive.add([record(99, .refused(reason: "r"), time: 50)], kernels: [], machines: [], signer: "s")
    }

    /// What is asked, what goes, and what is left of both kernels.
    @Test(arguments: [
        (ArchivePruning(before: 8), 14, "a8 a9 a10 b8 b9 b10", 1), (ArchivePruning(machine: "XEON"), 10, "a1", 1),
        (ArchivePruning(machine: "n"), 10, "a1", 1), (ArchivePruning(imported: true), 1, "b10", 0),
        // The fastest stay, though they are the oldest.
        (ArchivePruning(most: 5), 16, "a1 b1 a10 b10", 1), (ArchivePruning(most: 0), 21, "", 0),
    ])
    func forgetsWhatIsAsked(_ pruning: ArchivePruning, _ removed: Int, _ left: String, _ imported: Int) throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            try Self.fill(archive)
            #expect(try archive.prune(pruning) == removed)
            let kept = Set(
                archive.records.map { $0.key.kernel + $0.key.schedule.dropFirst("tile=".count) })
            for name in left.split(separator: " ") { #expect(kept.contains(String(name)), "\(name): \(kept)") }
            #expect(kept.count == 20 - removed + (1 - imported))
            let statistics = try archive.statistics()
            #expect(statistics.imported == imported)
            let kernels = Set(archive.records.map(\.key.kernel)).union(imported > 0 ? ["k"] : [])
            #expect(statistics.kernels == kernels.count)
            #expect(try archive.damage() == nil)
        }
    }

    @Test func theFileBecomesAsSmallAsAsked() throws {
        try withFolder { folder in
            let archive = try KernelArchive(path: folder + "/a")
            for number in 0..<3000 {
                try archive.append(record(number, .refused(reason: "no \(number)"), kernel: "k\(number % 30)"))
            }
            // The log of writes goes first.
            #expect(try archive.prune(ArchivePruning(imported: true)) == 0)
            let before = try archive.statistics()
            #expect(try archive.prune(ArchivePruning(bytes: before.bytes / 2)) > 0)
            let after = try archive.statistics()
            #expect(after.bytes <= before.bytes / 2)
            #expect(after.records > 600, "\(after.records): more than needed went")
        }
    }
}

extension ArchivePruning {
    fileprivate init(
        before: Int64? = nil, machine: String? = nil, imported: Bool = false, most: Int? = nil, bytes: Int? = nil
    ) {
        self.init()
        self.before = before
        self.machine = machine
        self.imported = imported
        self.most = most
        self.bytes = bytes
    }
}
