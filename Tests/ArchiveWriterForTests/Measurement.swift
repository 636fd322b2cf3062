import Glibc
import KernelArchive

/// Times of the archive: `Benchmarks/results/2026-11-22-archive.md` states them.
enum Measurement {
    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Milliseconds of calls: the fastest, the middle one, the slowest.
    private static func times(_ count: Int, _ body: (Int) throws -> Void) rethrows -> String {
        var times: [Double] = []
        for number in 0..<count {
            let start = now()
            try body(number)
            times.append((now() - start) * 1e3)
        }
        times.sort()
        func text(_ value: Double) -> String { "\((value * 1e4).rounded() / 1e4)" }
        return "\(text(times[0])) / \(text(times[count / 2])) / \(text(times[count - 1])) ms"
    }

    private static func kernel(_ number: Int) -> ArchiveKernel {
        let (rows, columns, depth) = (1 + number % 97, 64 * (1 + number % 61), 32 * (1 + number % 89))
        let extents = [("batch", 1), ("rows", rows), ("columns", columns), ("taps", 1), ("depth", depth), ("gates", 1)]
        return ArchiveKernel(
            key: "kernel \(number)", name: "product_\(number)", kind: number % 4 == 3 ? "nest" : "contraction",
            family: "\(number % 40)", element: "f32", elements: ["f32", "f32", "f32"],
            extents: extents.map { .init($0.0, $0.1) },
            bytes: Double(4 * (rows * depth + depth * columns + rows * columns)),
            operations: 2 * Double(rows * columns * depth))
    }

    private static func machine(_ number: Int) -> ArchiveMachine {
        ArchiveMachine(
            fingerprint: "machine \(number)", kind: number == 5 ? "cuda" : "cpu", model: "model \(number % 3)",
            features: ["avx2", "fma"] + (number > 2 ? ["avx512f"] : []), cores: 8 << (number % 2), threads: 8,
            caches: [32768, 1 << 20, 1 << (24 + number)], memory: 1 << 36)
    }

    private static func record(_ number: Int, _ kernels: Int) -> ArchiveRecord {
        let schedule =
            "ahead=\(number % 3) algorithm=\(number % 5) columns=\(number % 13) grain=\(number % 7) packing=1 rows=\(number % 11)"
            + " threads=\(number / kernels) unroll=\(number % 4)"
        let key = ArchiveKey(
            kernel: "kernel \(number % kernels)", machine: "machine \(number / kernels % 6)",
            builder: .init(generator: "\(number % 2)", compiler: "clang version 19"), schedule: schedule)
        let outcome: ArchiveRecord.Outcome =
            number % 5 == 0
            ? .refused(reason: "inaccurate: maximum error 3.1e-05 of output 0, allowed 1.2e-05")
            : .timed(seconds: 1e-4 / Double(1 + number % 17), championSeconds: 1e-4, isWin: number % 17 > 3)
        let samples = ArchiveRecord.Samples(speedup: 1.1, low: 1.05, high: 1.2, calls: 40, groups: 9)
        return ArchiveRecord(
            key: key, agent: "agent \(number % 9)", outcome: outcome, samples: number % 5 == 0 ? nil : samples,
            time: Int64(1_700_000_000 + number))
    }

    /// Fills the archive of a path and prints a table.
    static func run(_ path: String, records: Int) throws {
        let kernels = max(1, records / 20)
        do {
            let archive = try KernelArchive(path: path)
            for number in 0..<6 { try archive.describe(machine(number)) }
            for number in 0..<kernels { try archive.describe(kernel(number)) }
            print("append (first / median / slowest):", try times(records) { try archive.append(record($0, kernels)) })
        }
        print("open and close:", try times(50) { _ in try KernelArchive(path: path).close() })
        let archive = try KernelArchive(path: path)
        print("known trial:", times(1000) { _ = archive[record($0 * 31 % records, kernels).key] })
        print(
            "records of a kernel:",
            try times(1000) {
                _ = try archive.records(kernel: "kernel \($0 * 7 % kernels)", machine: "machine \($0 % 6)")
            })
        var found = 0
        print(
            "neighbours of a known kernel:",
            try times(1000) {
                found += try archive.neighbours(of: kernel($0 * 7 % kernels), on: machine($0 % 6), limit: 16).count
            })
        print(
            "neighbours of a new kernel:",
            try times(1000) {
                var new = kernel($0 * 13)
                new.key = "new"
                found += try archive.neighbours(of: new, on: machine($0 % 6), limit: 16).count
            })
        let statistics = try archive.statistics()
        print("found \(found) neighbours; \(statistics.bytes) bytes, \(statistics.bytes / records) a record")
        print("statistics:", try times(5) { _ in _ = try archive.statistics() })
        print("whole:", try times(3) { _ in _ = try archive.damage() })
    }
}
