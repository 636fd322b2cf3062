import ElementTypes
import KernelCodeGen
import KernelIR

/// A candidate for a device of blocks of threads, written by hand: `y[i] = x[i] · x[i]` for `n` elements (`CorpusRegion.square`), and
/// what must become of it.
package struct DeviceCandidate: Sendable {
    /// Threads of a block.
    package static let threads = 64

    /// Its name.
    package var name: String
    /// Statements over `x`, `y`, `n`, the element `i` of the thread, `counters` and `status`.
    package var body: String
    /// Kinds of refusal that name the reason; none for an honest candidate.
    package var reasons: [String]
    /// Words that its blocks count in.
    package var counters: Int
    /// Whether `x` is a constant, which all runs of a check share.
    package var isConstant: Bool
    /// Seconds for a request.
    package var timeLimit: Double
    /// Whether only what the judge does on GPUs that run CUDA C++ finds it: poison in shared memory, or warps out of step.
    package var isOfGPUs: Bool

    private init(
        _ name: String, _ body: String, reasons: [String] = [], counters: Int = 0, isConstant: Bool = false,
        timeLimit: Double = 30, isOfGPUs: Bool = false
    ) {
        self.name = name
        self.body = body
        self.reasons = reasons
        self.counters = counters
        self.isConstant = isConstant
        self.timeLimit = timeLimit
        self.isOfGPUs = isOfGPUs
    }

    /// All of them: honest ones first.
    package static let all: [DeviceCandidate] = [
        .init("honest", "if (i < n) y[i] = x[i] * x[i];"),
        .init(
            "honest, with counters that it leaves zero",
            """
            if (i < n) y[i] = x[i] * x[i];
            if (THREAD == 0 && count_up(counters) == (int)((n + 63) / 64) - 1) *counters = 0;
            """, counters: 1),
        .init(
            "honest, through shared memory",
            """
            SHARED float tile[64];
            tile[63 - THREAD] = i < n ? x[i] : 0;
            BARRIER;
            if (i < n) y[i] = tile[63 - THREAD] * x[i];
            """),
        .init("zeros", "if (i < n) y[i] = 0;", reasons: ["inaccurate"]),
        .init("does nothing", "", reasons: ["unwritten"]),
        .init("one missing", "if (i < n - 1) y[i] = x[i] * x[i];", reasons: ["unwritten"]),
        .init("only round shapes", "if (i < n / 16 * 16) y[i] = x[i] * x[i];", reasons: ["unwritten", "inaccurate"]),
        .init(
            "writes past the end", "if (i < n) y[i] = x[i] * x[i]; if (i == 0) y[n] = 1;", reasons: ["damagedFence"]),
        .init(
            "writes before the start", "if (i < n) y[i] = x[i] * x[i]; if (i == 0) y[-1] = 1;",
            reasons: ["damagedFence"]),
        .init(
            "changes its input", "if (i < n) { y[i] = x[i] * x[i]; ((GLOBAL float *)x)[i] = 0; }",
            reasons: ["inputChanged"]),
        .init(
            "changes a constant",
            "if (i < n) y[i] = x[i] * x[i]; if (i == 0 && x[0] < 1000) ((GLOBAL float *)x)[0] = 2000;",
            reasons: ["inputChanged"], isConstant: true),
        .init("reports a code", "if (i < n) y[i] = x[i] * x[i]; if (i == 0) *status = 3;", reasons: ["failed"]),
        .init(
            "leaves its counters", "if (i < n) y[i] = x[i] * x[i]; if (i == 0) count_up(counters);",
            reasons: ["damagedFence"], counters: 1),
        .init(
            "adds to what is there", "if (i < n) y[i] += x[i] * x[i];",
            reasons: ["unwritten", "wrongOutput", "inaccurate", "unstable"]),
        .init("is no program", "this is none", reasons: ["notLoaded"]),
        .init(
            "writes where nothing is", "if (i < n) y[i] = x[i] * x[i]; if (i == 0) y[(int64_t)1 << 40] = 1;",
            reasons: ["crashed", "outOfBounds"]),
        .init(
            "never ends", "volatile GLOBAL float *z = y; while (z[0] == z[0] || i >= 0) z[0] = 1;",
            reasons: ["timedOut"], timeLimit: 3),
        // A barrier is missing after the sum: warps that keep step read before the next turn overwrites.
        .init(
            "overwrites what the other warp may not have read",
            """
            SHARED float tile[64];
            const float value = (i ^ 32) < n ? x[i ^ 32] : 0;
            float sum = 0;
            for (int turn = 0; turn < 2; ++turn) {
                tile[THREAD] = turn == 0 ? value * value : 0;
                BARRIER;
                sum += tile[THREAD ^ 32];
            }
            if (i < n) y[i] = sum;
            """, reasons: ["race", "inaccurate", "wrongOutput", "unstable"], isOfGPUs: true),
        // Padding that nobody wrote, times zero: right as long as an earlier kernel left numbers there.
        .init(
            "pads with what shared memory holds",
            """
            SHARED float tile[128];
            tile[THREAD] = i < n ? x[i] : 0;
            BARRIER;
            if (i < n) y[i] = tile[THREAD] * x[i] + 0.0f * tile[THREAD + 64];
            """, reasons: ["unwritten", "wrongOutput", "inaccurate", "unstable"], isOfGPUs: true),
    ]

    /// The kernel in a dialect; needs the dialect's prelude before it.
    package func emitted(_ dialect: SIMTDialect) -> EmittedKernel {
        let head =
            switch dialect {
            case .cuda: "extern \"C\" __global__ void candidate"
            case .openCL: "__kernel __attribute__((reqd_work_group_size(\(Self.threads), 1, 1))) void candidate"
            }
        let counted = counters > 0 ? "GLOBAL int32_t *counters, " : ""
        let source = """
            \(head)(GLOBAL const float *x, GLOBAL float *y, \(counted)const int64_t n, GLOBAL int32_t *status) {
                const int64_t i = (int64_t)BLOCK * \(Self.threads) + THREAD;
                \(body)
            }
            """
        let count = IntegerExpression(Variable(.symbol, 0))
        return EmittedKernel(
            symbol: "candidate", source: source, arguments: [.parameter(0), .parameter(1)], packings: [],
            workspaceBytes: 0,
            parts: .grid(
                .init(
                    blocks: (count + IntegerExpression(Self.threads - 1)).floorDivided(
                        by: IntegerExpression(Self.threads), VariableRanges()),
                    threads: Self.threads, counters: counters)))
    }
}
