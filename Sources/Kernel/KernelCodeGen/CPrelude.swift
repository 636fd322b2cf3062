import KernelIR

/// The C text that stands before all generated kernels: vector types of `lanes` elements and the functions that the
/// printers call. Names end in `s` (scalar) or `v` (vector) and carry the compute type: f (f32), d (f64), l (i64), b (bool).
/// A vector bool is an int32 mask of 0 and −1, a scalar bool an int of 0 and 1.
package struct CPrelude: Sendable {
    /// Elements of every vector, whatever the type: the f32 lanes of the target's register.
    package let lanes: Int
    /// The text.
    package let text: String

    /// Makes the prelude of a target.
    package init(_ target: CPUTarget) {
        lanes = max(4, target.vectorBytes / 4)
        text =
            Self.types(lanes) + Self.rounding + Self.bothForms(Self.arithmetic) + Self.conversions
            + Self.bothForms(Self.elementary)
            + Self.elementaryDouble + Self.laneByLane + Self.folds
    }

    private static func types(_ lanes: Int) -> String {
        let vectors = [
            ("vf", "float", 4), ("vd", "double", 8), ("vl", "int64_t", 8), ("vw", "uint64_t", 8), ("vi", "int32_t", 4),
            ("vu", "uint32_t", 4),
            ("vh", "uint16_t", 2), ("vs", "int16_t", 2), ("vc", "int8_t", 1), ("vb", "uint8_t", 1),
            ("vx", "_Float16", 2),
        ]
        var text = """
            #include <stdint.h>
            #define LANES \(lanes)
            #define FORCE static inline __attribute__((always_inline, unused))
            #define CONVERT(x, T) __builtin_convertvector(x, T)

            """
        for (name, element, bytes) in vectors {
            text += "typedef \(element) \(name) __attribute__((vector_size(\(bytes * lanes))));\n"
            text +=
                "typedef \(element) \(name)_u __attribute__((vector_size(\(bytes * lanes)), aligned(\(bytes)), may_alias));\n"
        }
        let iota = (0..<lanes).map(String.init).joined(separator: ", ")
        text += """
            #define IOTA ((vl){\(iota)})
            typedef float float_a __attribute__((may_alias));
            FORCE vi bits_fv(vf x) { return (vi)x; }
            FORCE vf unbits_fv(vi x) { return (vf)x; }
            FORCE int32_t bits_fs(float x) { int32_t r; __builtin_memcpy(&r, &x, 4); return r; }
            FORCE float unbits_fs(int32_t x) { float r; __builtin_memcpy(&r, &x, 4); return r; }
            FORCE vl bits_dv(vd x) { return (vl)x; }
            FORCE vd unbits_dv(vl x) { return (vd)x; }
            FORCE int64_t bits_ds(double x) { int64_t r; __builtin_memcpy(&r, &x, 8); return r; }
            FORCE double unbits_ds(int64_t x) { double r; __builtin_memcpy(&r, &x, 8); return r; }
            FORCE vf splat_f(float x) { return x - (vf){0}; }
            FORCE vd splat_d(double x) { return x - (vd){0}; }
            FORCE vl splat_l(int64_t x) { return x - (vl){0}; }
            FORCE vi splat_i(int32_t x) { return x - (vi){0}; }
            FORCE vi splat_b(int x) { return (-x) - (vi){0}; }
            FORCE vf sel_fv(vi m, vf a, vf b) { return (vf)((m & (vi)a) | (~m & (vi)b)); }
            FORCE vi sel_iv(vi m, vi a, vi b) { return (m & a) | (~m & b); }
            FORCE vi sel_bv(vi m, vi a, vi b) { return (m & a) | (~m & b); }
            FORCE vl sel_lv(vi m, vl a, vl b) { vl w = CONVERT(m, vl); return (w & a) | (~w & b); }
            FORCE vd sel_dv(vi m, vd a, vd b) { vl w = CONVERT(m, vl); return (vd)((w & (vl)a) | (~w & (vl)b)); }
            FORCE float sel_fs(int m, float a, float b) { return m ? a : b; }
            FORCE int32_t sel_is(int m, int32_t a, int32_t b) { return m ? a : b; }
            FORCE int sel_bs(int m, int a, int b) { return m ? a : b; }
            FORCE int64_t sel_ls(int m, int64_t a, int64_t b) { return m ? a : b; }
            FORCE double sel_ds(int m, double a, double b) { return m ? a : b; }
            FORCE vi mask_lv(vl m) { return CONVERT(m, vi); }
            FORCE int mask_ls(int64_t m) { return m != 0; }
            FORCE vi mask_iv(vi m) { return m; }
            FORCE int mask_is(int m) { return m; }
            FORCE float sqrt_fs(float x) { return __builtin_sqrtf(x); }
            FORCE double sqrt_ds(double x) { return __builtin_sqrt(x); }
            #if defined(__x86_64__)
            #define ROUNDED(x) __asm__("" : "+v"(x)); return x
            #elif defined(__aarch64__)
            #define ROUNDED(x) __asm__("" : "+w"(x)); return x
            #else
            #define ROUNDED(x) __asm__("" : "+m"(x)); return x
            #endif
            FORCE vf rounded_fv(vf x) { ROUNDED(x); }
            FORCE float rounded_fs(float x) { ROUNDED(x); }
            FORCE vf sqrt_fv(vf x) { vf r; for (int i = 0; i < LANES; ++i) r[i] = __builtin_sqrtf(x[i]); return r; }
            FORCE vd sqrt_dv(vd x) { vd r; for (int i = 0; i < LANES; ++i) r[i] = __builtin_sqrt(x[i]); return r; }
            FORCE int32_t toint_fs(float x) { return (int32_t)x; }
            FORCE vi toint_fv(vf x) { return CONVERT(x, vi); }
            FORCE int64_t toint_ds(double x) { return (int64_t)x; }
            FORCE vl toint_dv(vd x) { return CONVERT(x, vl); }
            FORCE float tofloat_is(int32_t x) { return (float)x; }
            FORCE vf tofloat_iv(vi x) { return CONVERT(x, vf); }
            FORCE float tofloat_ds(double x) { return (float)x; }
            FORCE vf tofloat_dv(vd x) { return CONVERT(x, vf); }
            FORCE double todouble_fs(float x) { return (double)x; }
            FORCE vd todouble_fv(vf x) { return CONVERT(x, vd); }
            FORCE double todouble_ls(int64_t x) { return (double)x; }
            FORCE vd todouble_lv(vl x) { return CONVERT(x, vd); }
            FORCE float div_fs(float a, float b) { return a / b; }
            FORCE vf div_fv(vf a, vf b) { return a / b; }
            FORCE float fma_fs(float a, float b, float c) { return a * b + c; }
            FORCE vf fma_fv(vf a, vf b, vf c) { return a * b + c; }
            FORCE double fma_ds(double a, double b, double c) { return a * b + c; }
            FORCE vd fma_dv(vd a, vd b, vd c) { return a * b + c; }

            """
        return text
    }

    /// Prints a template once for scalars and once for vectors: `@` becomes `s` or `v`, `F`, `D`, `L`, `U`, `I`, `B` in braces
    /// become the types, and `{SF}(x)` splats a scalar.
    private static func bothForms(_ template: String) -> String {
        let vector = [
            "{F}": "vf", "{D}": "vd", "{L}": "vl", "{U}": "vw", "{I}": "vi", "{B}": "vi", "{SF}": "splat_f",
            "{SD}": "splat_d",
            "{SI}": "splat_i", "{SL}": "splat_l", "{ML}": "mask_lv", "@": "v",
        ]
        return scalarForm(template) + fill(template, vector)
    }

    /// Prints a template once, for scalars.
    static func scalarForm(_ template: String) -> String {
        fill(
            template,
            [
                "{F}": "float", "{D}": "double", "{L}": "int64_t", "{U}": "uint64_t", "{I}": "int32_t", "{B}": "int",
                "{SF}": "",
                "{SD}": "", "{SI}": "", "{SL}": "", "{ML}": "mask_ls", "@": "s",
            ])
    }

    private static func fill(_ template: String, _ table: [String: String]) -> String {
        table.sorted { $0.key > $1.key }.reduce(template) { replace($1.key, with: $1.value, in: $0) }
    }

    private static func replace(_ key: String, with value: String, in text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let range = rest.firstRange(of: key) {
            result += rest[..<range.lowerBound] + value
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
