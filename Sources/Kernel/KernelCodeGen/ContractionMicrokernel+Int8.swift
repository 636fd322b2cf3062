import ElementTypes
import KernelIR

extension ContractionMicrokernel {
    /// The register tile over bytes: every step multiplies four left bytes of a row with four bytes of each column
    /// (`vpdpbusd`). Its left factor has no sign: bytes with one are raised by 128 (their sign bit flips), and the sums begin
    /// at what that adds too much. i32 sums are exact, so their order does not matter.
    func int8Function(rows: Int, vectors: Int) -> String {
        let columns = plan.panelColumns
        var lines = [
            "FORCE void \(name(rows, vectors))(const int8_t *restrict left, int64_t stride, const int8_t *restrict right, "
                + "int64_t depth, const char *ahead, int32_t *restrict tile) {", "    (void)ahead;",
            "    const int8_t *restrict b = right;",
        ]
        for vector in 0..<vectors {
            let start = "*(const vi_u *)(right + depth * \(columns) + \(vector * plan.lanes * 4))"
            lines.append("    vi " + (0..<rows).map { "c\($0)_\(vector) = \(start)" }.joined(separator: ", ") + ";")
        }
        let turn = plan.unroll * 4
        lines.append("    int64_t k = 0;")
        lines.append("    for (; k + \(turn) <= depth; k += \(turn)) {")
        if plan.prefetch < 0 {
            let lineCount = prefetchedLines(vectors)
            for line in 0..<lineCount { lines.append("        __builtin_prefetch(ahead + \(64 * line), 0, 2);") }
            lines.append("        ahead += \(64 * lineCount);")
        }
        for turn in 0..<plan.unroll { lines += int8Body(rows, vectors, offset: turn * 4) }
        lines.append("    }")
        if plan.unroll > 1 {
            lines.append("    for (; k < depth; k += 4) {")
            lines += int8Body(rows, vectors, offset: 0)
            lines.append("    }")
        }
        for row in 0..<rows {
            for vector in 0..<vectors {
                lines.append("    *(vi *)(tile + \(row * columns + vector * plan.lanes)) = c\(row)_\(vector);")
            }
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    private func int8Body(_ rows: Int, _ vectors: Int, offset: Int) -> [String] {
        var lines = ["        {"]
        for vector in 0..<vectors {
            let place = "b + (k + \(offset)) * \(plan.panelColumns) + \(vector * plan.lanes * 4)"
            lines.append("        const vi b\(vector) = *(const vi_u *)(\(place));")
            if plan.prefetch > 0 {
                lines.append("        __builtin_prefetch((const char *)(\(place)) + \(plan.prefetch), 0, 3);")
            }
        }
        for row in 0..<rows {
            let bytes = "splat_i(*(const four_bytes *)(left + \(row) * stride + k + \(offset)))"
            let value = plan.isLeftUnsigned ? bytes : "\(bytes) ^ splat_i(INT32_MIN | 0x808080)"
            let sums = (0..<vectors).map { "c\(row)_\($0) = dot_int8(c\(row)_\($0), x, b\($0));" }
            lines.append("        { const vi x = \(value); \(sums.joined(separator: " ")) }")
        }
        return lines + ["        }"]
    }

    /// Declarations that the tile needs beyond the prelude.
    static var int8Opening: String {
        """
        #include <immintrin.h>
        #ifndef HEARTH_DOT_INT8
        #define HEARTH_DOT_INT8
        typedef int32_t four_bytes __attribute__((may_alias, aligned(1)));
        #if LANES == 16
        FORCE vi dot_int8(vi c, vi a, vi b) { return (vi)_mm512_dpbusd_epi32((__m512i)c, (__m512i)a, (__m512i)b); }
        #else
        FORCE vi dot_int8(vi c, vi a, vi b) { return (vi)_mm256_dpbusd_avx_epi32((__m256i)c, (__m256i)a, (__m256i)b); }
        #endif
        #endif

        """
    }
}
