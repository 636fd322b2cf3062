import ElementTypes
import Glibc
import JudgeSelfTest
import KernelIR
import KernelJudge
import OpenCLDevice
import Safetensors
import Testing

private let hasOpenCLDevice = (try? OpenCLDevice()) != nil

/// Candidates for a device of blocks of threads, in OpenCL C on whatever runs it (PoCL where there is no GPU): the judge and its
/// worker there find what they find on the processor.
@Suite(.enabled(if: hasOpenCLDevice, "there is no OpenCL device; install pocl-opencl-icd"), .serialized)
struct DeviceCorpusTests {
    /// A body of the kernel over `x` and `y` with `i` and `n`, and what must become of it: `y[i] = x[i] · x[i]`.
    struct Entry: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var body: String
        /// Kinds of refusal that name the reason; none for an honest candidate.
        var reasons: [String] = []
        var counters = 0
        /// Whether `x` is a constant, which all runs of a check share.
        var isConstant = false
        /// Seconds for a request.
        var timeLimit = 30.0
    }

    static let entries: [Entry] = [
        .init(testDescription: "honest", body: "if (i < n) y[i] = x[i] * x[i];"),
        .init(
            testDescription: "honest, with counters that it leaves zero",
            body: """
                if (i < n) y[i] = x[i] * x[i];
                if (get_local_id(0) == 0 && atomic_inc(counters) == (int)get_num_groups(0) - 1) atomic_xchg(counters, 0);
                """, counters: 1),
        .init(testDescription: "zeros", body: "if (i < n) y[i] = 0;", reasons: ["inaccurate"]),
        .init(testDescription: "does nothing", body: "", reasons: ["unwritten"]),
        .init(testDescription: "one missing", body: "if (i < n - 1) y[i] = x[i] * x[i];", reasons: ["unwritten"]),
        .init(
            testDescription: "only round shapes", body: "if (i < n / 16 * 16) y[i] = x[i] * x[i];",
            reasons: ["unwritten", "inaccurate"]),
        .init(
            testDescription: "writes past the end",
            body: "if (i < n) y[i] = x[i] * x[i]; if (i == 0) y[n] = 1;", reasons: ["damagedFence"]),
        .init(
            testDescription: "writes before the start",
            body: "if (i < n) y[i] = x[i] * x[i]; if (i == 0) y[-1] = 1;", reasons: ["damagedFence"]),
        .init(
            testDescription: "changes its input",
            body: "if (i < n) { y[i] = x[i] * x[i]; ((__global float *)x)[i] = 0; }", reasons: ["inputChanged"]),
        .init(
            testDescription: "changes a constant",
            body: "if (i < n) y[i] = x[i] * x[i]; if (i == 0 && x[0] < 1000) ((__global float *)x)[0] = 2000;",
            reasons: ["inputChanged"], isConstant: true),
        .init(
            testDescription: "reports a code", body: "if (i < n) y[i] = x[i] * x[i]; if (i == 0) *status = 3;",
            reasons: ["failed"]),
        .init(
            testDescription: "leaves its counters",
            body: "if (i < n) y[i] = x[i] * x[i]; if (i == 0) atomic_inc(counters);", reasons: ["damagedFence"],
            counters: 1),
        .init(
            testDescription: "adds to what is there", body: "if (i < n) y[i] += x[i] * x[i];",
            reasons: ["unwritten", "wrongOutput", "inaccurate", "unstable"]),
        .init(testDescription: "is no program", body: "this is none", reasons: ["notLoaded"]),
        .init(
            testDescription: "writes where nothing is",
            body: "if (i < n) y[i] = x[i] * x[i]; if (i == 0) y[(long)1 << 40] = 1;",
            reasons: ["crashed", "outOfBounds"]),
        .init(
            testDescription: "never ends",
            body: "volatile __global float *z = y; while (z[0] == z[0] || i >= 0) z[0] = 1;",
            reasons: ["timedOut"], timeLimit: 3),
    ]

    @Test(arguments: entries) func isJudgedByWhatItDoes(_ entry: Entry) async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let path = workshop.directory + "/candidate.images"
        let text = Array(Self.source(entry).utf8)
        let layout = try SafetensorsLayout([.init(name: "program", type: .u8, shape: [text.count])])
        let bytes = layout.file(contents: [text])
        let file = try #require(fopen(path, "wb"))
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        let blocks = (IntegerExpression(Variable(.symbol, 0)) + 63).floorDivided(by: 64, VariableRanges())
        let candidate = CandidateKernel(
            libraryPath: path, symbol: "candidate", arguments: [.parameter(0), .parameter(1)],
            parts: .grid(blocks: blocks, threads: 64, sharedBytes: 0, overlaps: false, counters: entry.counters))
        var oracle = CorpusRegion.square.oracle
        oracle.parameters[0].isConstant = entry.isConstant
        let evidence = RegionEvidence(oracle: oracle, seed: 3)
        // As searches judge on devices.
        let judge = workshop.judge(
            audits: false, arguments: ["opencl"], timeLimit: entry.timeLimit, restarts: false)
        switch await judge.judge(candidate, against: nil, evidence: evidence) {
        case .correct(let timing, _):
            #expect(entry.reasons.isEmpty, "it was accepted")
            #expect(timing.seconds > 0)
        case .refused(let refusal): #expect(entry.reasons.contains(refusal.kind), "\(refusal)")
        }
    }

    private static func source(_ entry: Entry) -> String {
        """
        __kernel __attribute__((reqd_work_group_size(64, 1, 1)))
        void candidate(__global const float *x, __global float *y,
        \(entry.counters > 0 ? "volatile __global int *counters, " : "")const long n, __global int *status) {
            const long i = get_global_id(0);
            \(entry.body)
        }
        """
    }
}
