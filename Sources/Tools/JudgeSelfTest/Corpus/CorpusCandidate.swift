/// A candidate written by hand, and what must become of it.
package struct CorpusCandidate: Sendable {
    /// Its name.
    package var name: String
    /// Rows of the list of failures (`FailureList`) that it stands for.
    package var rows: [Int]
    /// What it is to compute.
    package var region: CorpusRegion
    /// Kinds of refusal that name the reason; none for an honest candidate.
    package var reasons: [String]
    /// Whether the library is looked at before; without it the runs alone must find out.
    package var audits: Bool
    /// For the compiler, besides the corpus's own.
    package var flags: [String]
    package var isGang: Bool
    package var isPacked: Bool
    package var hasShared: Bool
    /// C text without what all share.
    package var source: String

    init(
        _ name: String, rows: [Int] = [], _ region: CorpusRegion = .softmax, reasons: [String] = [],
        audits: Bool = false,
        flags: [String] = [], isGang: Bool = false, isPacked: Bool = false, hasShared: Bool = false, source: String
    ) {
        self.name = name
        self.rows = rows
        self.region = region
        self.reasons = reasons
        self.audits = audits
        self.flags = flags
        self.isGang = isGang
        self.isPacked = isPacked
        self.hasShared = hasShared
        self.source = source
    }

    /// All of them: honest ones first.
    package static let all = honest + work + memory + numbers + conduct

    /// What stands before every source: the kernel's signature and honest building blocks.
    package static let prelude = #"""
        // What the candidates of this corpus share: the kernel's signature and honest building blocks.
        #define _GNU_SOURCE
        #include <math.h>
        #include <stdint.h>
        #include <string.h>

        #define KERNEL(name) \
            int32_t name(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts)

        // Softmax: buffers are in[rows, columns] and out[rows, columns]; dims are rows, columns.
        #define SOFTMAX_ARGUMENTS \
            const float *in = buffers[0]; \
            float *out = buffers[1]; \
            int64_t rows = dims[0], columns = dims[1]; \
            int64_t first = rows * part / parts, last = rows * (part + 1) / parts; \
            (void)in; (void)out; (void)first; (void)last; (void)columns; (void)workspace

        static inline void softmax_row(const float *in, float *out, int64_t columns) {
            float top = -INFINITY, sum = 0;
            for (int64_t i = 0; i < columns; i++) top = in[i] > top || in[i] != in[i] ? in[i] : top;
            for (int64_t i = 0; i < columns; i++) sum += out[i] = expf(in[i] - top);
            for (int64_t i = 0; i < columns; i++) out[i] /= sum;
        }

        // Product: buffers are x[8, 96], w[96, 48] (constant) and y[8, 48].
        enum { M = 8, K = 96, N = 48 };
        """#
}
