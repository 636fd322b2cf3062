/// The text that stands before all kernels of a dialect: types and the scalar functions that `BodyPrinter` calls, the same
/// as in the C prelude.
package struct SIMTPrelude: Sendable {
    /// The text.
    package let text: String

    /// Makes the prelude of a dialect.
    package init(_ dialect: SIMTDialect) {
        let head =
            switch dialect {
            case .cuda: Self.cuda
            case .openCL: Self.openCL
            }
        text =
            head + Self.rounding(dialect) + CPrelude.scalarForm(CPrelude.arithmetic) + Self.conversions
            + CPrelude.scalarForm(CPrelude.elementary) + Self.scalarElementary
    }

    private static let cuda = """
        typedef signed char int8_t; typedef unsigned char uint8_t; typedef short int16_t; typedef unsigned short uint16_t;
        typedef int int32_t; typedef unsigned int uint32_t; typedef long long int64_t; typedef unsigned long long uint64_t;
        #define INT64_C(x) x##LL
        #define INT64_MAX 0x7fffffffffffffffLL
        #define INT64_MIN (-0x7fffffffffffffffLL - 1)
        #define FORCE static __device__ __forceinline__
        #define __builtin_inff() __int_as_float(0x7f800000)
        #define __builtin_nanf(x) __int_as_float(0x7fc00000)
        #define __builtin_inf() __longlong_as_double(0x7ff0000000000000LL)
        #define __builtin_nan(x) __longlong_as_double(0x7ff8000000000000LL)
        FORCE int32_t bits_fs(float x) { return __float_as_int(x); }
        FORCE float unbits_fs(int32_t x) { return __int_as_float(x); }
        FORCE int64_t bits_ds(double x) { return __double_as_longlong(x); }
        FORCE double unbits_ds(int64_t x) { return __longlong_as_double(x); }
        FORCE float load_f16(uint16_t x) { float r; asm("cvt.f32.f16 %0, %1;" : "=f"(r) : "h"(x)); return r; }
        FORCE uint16_t store_f16(float x) { uint16_t r; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(r) : "f"(x)); return r; }
        FORCE float fma_fs(float a, float b, float c) { return fmaf(a, b, c); }
        FORCE double fma_ds(double a, double b, double c) { return fma(a, b, c); }
        #define MATH(NAME, F, D) FORCE float NAME##_fs(float x) { return F(x); } FORCE double NAME##_ds(double x) { return D(x); }
        #define __builtin_copysign copysign
        #define __builtin_sqrt sqrt

        """

    private static let openCL = """
        #pragma OPENCL EXTENSION cl_khr_fp64 : enable
        typedef char int8_t; typedef uchar uint8_t; typedef short int16_t; typedef ushort uint16_t;
        typedef int int32_t; typedef uint uint32_t; typedef long int64_t; typedef ulong uint64_t;
        #define INT64_C(x) x##L
        #define INT64_MAX 0x7fffffffffffffffL
        #define INT64_MIN (-0x7fffffffffffffffL - 1)
        #define FORCE static inline
        #define __builtin_inff() as_float(0x7f800000)
        #define __builtin_nanf(x) as_float(0x7fc00000)
        #define __builtin_inf() as_double(0x7ff0000000000000L)
        #define __builtin_nan(x) as_double(0x7ff8000000000000L)
        #define __builtin_copysign copysign
        #define __builtin_sqrt sqrt
        FORCE int32_t bits_fs(float x) { return as_int(x); }
        FORCE float unbits_fs(int32_t x) { return as_float(x); }
        FORCE int64_t bits_ds(double x) { return as_long(x); }
        FORCE double unbits_ds(int64_t x) { return as_double(x); }
        FORCE float load_f16(uint16_t x) {
            uint32_t s = (uint32_t)(x & 0x8000) << 16, e = (x >> 10) & 31, m = x & 1023;
            if (e == 31) return as_float(s | 0x7f800000 | (m << 13));
            float r = e ? as_float(((e + 112) << 23) | (m << 13)) : (float)m * 0x1p-24f;
            return as_float(as_uint(r) | s);
        }
        FORCE uint16_t store_f16(float x) {
            uint32_t u = as_uint(x), s = (u >> 16) & 0x8000, a = u & 0x7fffffff;
            if (a > 0x7f800000) return (uint16_t)(s | 0x7e00);
            if (a >= 0x477ff000) return (uint16_t)(s | 0x7c00);
            if (a < 0x38800000) return (uint16_t)(s | (uint32_t)rint(as_float(a) * 0x1p24f));
            return (uint16_t)(s | ((a - 0x38000000 + 0xfff + ((a >> 13) & 1)) >> 13));
        }
        FORCE float fma_fs(float a, float b, float c) { return fma(a, b, c); }
        FORCE double fma_ds(double a, double b, double c) { return fma(a, b, c); }
        #define MATH(NAME, F, D) FORCE float NAME##_fs(float x) { return D(x); } FORCE double NAME##_ds(double x) { return D(x); }

        """

    private static func rounding(_ dialect: SIMTDialect) -> String {
        let round = dialect == .cuda ? ("rintf", "rint") : ("rint", "rint")
        let shared = """
            MATH(round, \(round.0), \(round.1))
            MATH(trunc, truncf, trunc)
            MATH(floor, floorf, floor)
            MATH(ceil, ceilf, ceil)
            MATH(sqrt, sqrtf, sqrt)
            FORCE float sel_fs(int m, float a, float b) { return m ? a : b; }
            FORCE int32_t sel_is(int m, int32_t a, int32_t b) { return m ? a : b; }
            FORCE int sel_bs(int m, int a, int b) { return m ? a : b; }
            FORCE int64_t sel_ls(int m, int64_t a, int64_t b) { return m ? a : b; }
            FORCE double sel_ds(int m, double a, double b) { return m ? a : b; }
            FORCE int mask_ls(int64_t m) { return m != 0; }
            FORCE int mask_is(int m) { return m; }
            FORCE int32_t toint_fs(float x) { return (int32_t)x; }
            FORCE int64_t toint_ds(double x) { return (int64_t)x; }
            FORCE float tofloat_is(int32_t x) { return (float)x; }
            FORCE float tofloat_ds(double x) { return (float)x; }
            FORCE double todouble_fs(float x) { return (double)x; }
            FORCE double todouble_ls(int64_t x) { return (double)x; }

            """
        return shared
    }

    /// Conversions between storage and compute types, as in the C prelude.
    private static let conversions = """
        FORCE float load_bf16(uint16_t x) { return unbits_fs((int32_t)((uint32_t)x << 16)); }
        FORCE uint16_t store_bf16(float x) {
            uint32_t u = (uint32_t)bits_fs(x);
            return x != x ? (uint16_t)((u >> 16) | 0x40) : (uint16_t)((u + 0x7FFF + ((u >> 16) & 1)) >> 16);
        }
        FORCE float round_bf16s(float x) { return load_bf16(store_bf16(x)); }
        FORCE float round_f16s(float x) { return load_f16(store_f16(x)); }
        FORCE float round_f32s(float x) { return x; }
        FORCE int64_t to_l_fs(float x) { return x != x || x >= 9.2233720e18f || x < -9.2233720e18f ? INT64_MIN : (int64_t)x; }
        FORCE int64_t to_l_ds(double x) { return x != x || x >= 9.2233720368547758e18 || x < -9.2233720368547758e18 ? INT64_MIN : (int64_t)x; }

        """

    /// Rare functions in scalar form, through the dialect's own mathematics.
    private static let scalarElementary =
        CPrelude.rareScalars + """
            FORCE double expm1_ds(double x) { return expm1(x); }
            FORCE double log1p_ds(double x) { return log1p(x); }
            FORCE double tanh_ds(double x) { return tanh(x); }
            FORCE double erf_ds(double x) { return erf(x); }
            FORCE double sin_ds(double x) { return sin(x); }
            FORCE double cos_ds(double x) { return cos(x); }
            FORCE float atan2_fs(float a, float b) { return (float)atan2((double)a, (double)b); }
            FORCE double atan2_ds(double a, double b) { return atan2(a, b); }

            """
}
