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
            head + Self.rounding(dialect) + CPrelude.scalarForm(CPrelude.arithmetic) + Self.conversions(dialect)
            + CPrelude.scalarBytes + Self.elementary(dialect) + Self.scalarElementary
    }

    /// What stands before CUDA C++ whose warps are to run out of step: then what a barrier should have ordered happens in another order.
    package static let outOfStep = "#define OUT_OF_STEP\n"

    static let cuda = """
        typedef signed char int8_t; typedef unsigned char uint8_t; typedef short int16_t; typedef unsigned short uint16_t;
        typedef int int32_t; typedef unsigned int uint32_t; typedef long long int64_t; typedef unsigned long long uint64_t;
        #define INT64_C(x) x##LL
        #define INT64_MAX 0x7fffffffffffffffLL
        #define INT64_MIN (-0x7fffffffffffffffLL - 1)
        #define FORCE static __device__ __forceinline__
        #define GLOBAL
        #define SHARED __shared__
        #define LOCAL
        #define ALIGNED __align__(16)
        #define BLOCK ((int)blockIdx.x)
        #ifdef OUT_OF_STEP
        // Each time other warps come late to a barrier, and late out of it.
        FORCE void come_late() {
            unsigned now, began;
            asm volatile("mov.u32 %0, %%clock;" : "=r"(began));
            if (((began * 2654435761u >> 20) ^ (threadIdx.x / 32) ^ blockIdx.x) & 1)
                do asm volatile("mov.u32 %0, %%clock;" : "=r"(now)); while (now - began < 4096);
        }
        FORCE void meet_late() { come_late(); __syncthreads(); come_late(); }
        FORCE int thread_late() { come_late(); return threadIdx.x; }
        #define __syncthreads() meet_late()
        #define THREAD thread_late()
        #else
        #define THREAD ((int)threadIdx.x)
        #endif
        #define BARRIER __syncthreads()
        #define BARRIER_ALL __syncthreads()
        // Counting orders what the block has written before its barrier, and what it reads after the next.
        #define FENCE
        #define UNROLL _Pragma("unroll")
        #define UNROLL4 _Pragma("unroll 4")
        #define KEEP_LOOP _Pragma("unroll 1")
        #if __CUDA_ARCH__ >= 900
        #define OVERLAP_BEGIN asm volatile("griddepcontrol.launch_dependents;")
        #define OVERLAP_WAIT asm volatile("griddepcontrol.wait;" ::: "memory")
        #else
        #define OVERLAP_BEGIN
        #define OVERLAP_WAIT
        #endif
        FORCE int32_t count_up(int32_t *counter) {
            int32_t r;
            #if __CUDA_ARCH__ >= 700
            asm volatile("atom.add.acq_rel.gpu.global.s32 %0, [%1], 1;" : "=r"(r) : "l"(counter) : "memory");
            #else
            __threadfence(); r = atomicAdd(counter, 1); __threadfence();
            #endif
            return r;
        }
        // Without `nc`: ptxas moves reads of constants to after a kernel's wait for the one before it.
        FORCE uint4 stream16(const void *p) {
            uint4 r;
            asm volatile("ld.global.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];"
                : "=r"(r.x), "=r"(r.y), "=r"(r.z), "=r"(r.w) : "l"(p));
            return r;
        }
        FORCE void fetch_ahead(const void *p) { asm volatile("prefetch.global.L1 [%0];" :: "l"(p)); }
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
        FORCE uint16_t store_bf16(float x) { uint16_t r; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r) : "f"(x)); return r; }
        // Quotient and root without the branches of the exact ones, across which no read is moved: an approximation and one
        // Newton step by its exact remainder, which is left out where it is no number (zeros, infinities). Both sides are scaled
        // where the reciprocal would be no normal number.
        FORCE float div_fs(float a, float b) {
            const float s = fabsf(b) > 0x1p100f ? 0x1p-32f : fabsf(b) < 0x1p-100f ? 0x1p32f : 1.0f;
            const float x = a * s, y = b * s;
            float t;
            asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(t) : "f"(y));
            const float q = x * t, c = fmaf(fmaf(-q, y, x), t, q);
            return c == c ? c : q;
        }
        // 2^n · 2^f with n and f from x · log₂e, f as two terms; beyond the range of n, f takes the rest.
        FORCE float exp_fs(float x) {
            float s, j, r;
            asm("fma.rn.sat.f32 %0, %1, 0f3BBB989D, 0f3F000000;" : "=f"(s) : "f"(x));
            asm("fma.rm.f32 %0, %1, 0f437C0000, 0f4B400001;" : "=f"(j) : "f"(s));
            const float n = j - 12583039.0f;
            const float f = fmaf(x, 0x1.4ae0cp-26f, fmaf(x, 0x1.715476p+0f, -n));
            asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(f));
            return r * __int_as_float(__float_as_int(j) << 23);
        }
        // 1 + erf(x), as GELU needs it: 2^-P(|x|) on one side and 2 less that on the other, with P a polynomial for
        // -log₂(1 - erf) whose error in the sum is 5.9e-8 (a fit with weights; half a unit of the sum's last place); NaN stays.
        FORCE float erf_sum_fs(float x) {
            float c, r;
            asm("min.NaN.f32 %0, %1, 0f40ACCCCD;" : "=f"(c) : "f"(fabsf(x)));
            float p = -0x1.35c48ap-18f;
            p = fmaf(p, c, 0x1.535604p-14f); p = fmaf(p, c, -0x1.21c866p-11f); p = fmaf(p, c, 0x1.b0b414p-10f);
            p = fmaf(p, c, 0x1.53c222p-11f); p = fmaf(p, c, -0x1.ce1beap-6f); p = fmaf(p, c, 0x1.301384p-3f);
            p = fmaf(p, c, 0x1.d63aa4p-1f); p = fmaf(p, c, 0x1.a0beap+0f);
            asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(p * -fabsf(x)));
            return x < 0 ? r : 2 - r;
        }
        FORCE float near_sqrt(float x) {
            float t, q;
            asm("rsqrt.approx.f32 %0, %1;" : "=f"(t) : "f"(x));
            asm("sqrt.approx.f32 %0, %1;" : "=f"(q) : "f"(x));
            const float c = fmaf(fmaf(-q, q, x), 0.5f * t, q);
            return fabsf(c - q) <= q * 0x1p-20f ? c : q;
        }
        #define MATH(NAME, F, D) FORCE float NAME##_fs(float x) { return F(x); } FORCE double NAME##_ds(double x) { return D(x); }
        #define __builtin_copysign copysign
        #define __builtin_sqrt sqrt

        """ + matrixUnits

    /// Copies into shared memory that run beside, and matrix products of warps.
    private static let matrixUnits = """
        // What is computed from `x` from here on is not computed earlier.
        #define AS_NEW(x) asm volatile("" : "+r"(x))
        #define COPIES_COMMIT asm volatile("cp.async.commit_group;" ::: "memory")
        #define COPIES_WAIT(N) asm volatile("cp.async.wait_group %0;" :: "n"(N) : "memory")
        // Nothing is read where `isThere` does not hold: zeros are written. The address must be one of global memory even then.
        FORCE void copy16(uint32_t to, const void *from, int isThere) {
            asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                :: "r"(to), "l"(from), "r"(isThere ? 16 : 0) : "memory");
        }
        // For what is read once, in runs: the level-2 cache takes two lines at a time.
        FORCE void copy_ahead(uint32_t to, const void *from, int isThere) {
            asm volatile("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p cp.async.cg.shared.global.L2::256B [%0], [%1], 16; }"
                :: "r"(to), "l"(from), "r"(isThere) : "memory");
        }
        // Four words, of no value where they are not wanted.
        FORCE void load_wanted(uint32_t *x, uint32_t from, int isWanted) {
            asm volatile("{ .reg .pred p; setp.ne.s32 p, %5, 0; @p ld.shared.v4.u32 {%0, %1, %2, %3}, [%4]; }"
                : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(from), "r"(isWanted));
        }
        FORCE void put16(uint32_t to, const uint32_t *w) {
            asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};"
                :: "r"(to), "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3]) : "memory");
        }
        FORCE void load_matrices(uint32_t *x, uint32_t from) {
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(from) : "memory");
        }
        FORCE void load_matrices_turned(uint32_t *x, uint32_t from) {
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(from) : "memory");
        }
        #define MULTIPLY(TYPE) \\
        FORCE void multiply_##TYPE(float *c, const uint32_t *x, const uint32_t *y) { \\
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." #TYPE "." #TYPE ".f32 {%0, %1, %2, %3}, " \\
                "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \\
                : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) \\
                : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1])); \\
        } \\
        FORCE void multiply_##TYPE##_from(float *r, const uint32_t *x, const uint32_t *y, const float *c) { \\
            asm("mma.sync.aligned.m16n8k16.row.col.f32." #TYPE "." #TYPE ".f32 {%0, %1, %2, %3}, " \\
                "{%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};" \\
                : "=f"(r[0]), "=f"(r[1]), "=f"(r[2]), "=f"(r[3]) \\
                : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), \\
                "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3])); \\
        }
        MULTIPLY(bf16)
        MULTIPLY(f16)
        // Units read 11 bits of a factor: those that are nearest, and those of the rest, cut off at most one. Of an infinity and of
        // what is no number the rest is no number, and stays one as nothing is added to its bits.
        FORCE void split_tf32(uint32_t *x, uint32_t *low) {
            const uint32_t high = (*x + 0x1000u) & 0xffffe000u;
            *low = __float_as_uint(__uint_as_float(*x) - __uint_as_float(high));
            *x = high;
        }
        // What is no number stays none, and what rounding carries beyond the greatest is infinite.
        FORCE uint32_t round_tf32(uint32_t x) {
            uint32_t r; asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "r"(x)); return r;
        }
        FORCE void multiply_tf32(float *c, const uint32_t *x, const uint32_t *y) {
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, "
                "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
        }
        #define ANY_OF_BLOCK(x) __syncthreads_or(x)
        // The same, which compilers do not know.
        FORCE int hidden(int x) { asm volatile("" : "+r"(x)); return x; }
        // Bytes without a sign on the left, with one on the right.
        FORCE void multiply_bytes(int *c, const uint32_t *x, uint2 y) {
            asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, "
                "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y.x), "r"(y.y));
        }
        // NaN where either is.
        FORCE float max_nan(float x, float y) {
            float r; asm("max.NaN.f32 %0, %1, %2;" : "=f"(r) : "f"(x), "f"(y)); return r;
        }
        FORCE uint32_t pair_bf16(float low, float high) {
            uint32_t r; asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low)); return r;
        }
        FORCE uint32_t pair_f16(float low, float high) {
            uint32_t r; asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low)); return r;
        }
        FORCE uint32_t and_or(uint32_t a, uint32_t b, uint32_t c) {
            uint32_t r; asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(r) : "r"(a), "r"(b), "r"(c)); return r;
        }
        // Pairs; subnormal numbers are numbers, and adding -0 keeps the sign of zeros.
        #define FMA_PAIR(TYPE) FORCE uint32_t fma_pair_##TYPE(uint32_t a, uint32_t b, uint32_t c) { \\
            uint32_t r; asm("fma.rn." #TYPE "x2 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c)); return r; }
        FMA_PAIR(bf16) FMA_PAIR(f16)
        #if __CUDA_ARCH__ >= 890
        FORCE uint32_t halves_f8e4m3(uint16_t x) {
            uint32_t r; asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(r) : "h"(x)); return r;
        }
        #else
        FORCE uint32_t half_f8e4m3(uint32_t x) {
            const uint32_t m = x & 0x7f, s = x << 8 & 0x8000;
            const uint32_t small = (uint32_t)store_f16((float)(int32_t)m * 0x1p-9f);
            return s | (m == 0x7f ? 0x7e00 : m < 8 ? small : (m << 7) + 0x2000);
        }
        FORCE uint32_t halves_f8e4m3(uint16_t x) { return half_f8e4m3(x & 255) | half_f8e4m3(x >> 8) << 16; }
        #endif
        // A score with its term of the mask; what nobody sees may score anything, as keys of a cache that were never written do.
        FORCE float masked_fs(float term, float factor, float score)
        { return term == -__builtin_inff() ? term : fma_fs(term, factor, score); }
        FORCE float exp2_near(float x) { float r; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }

        """ + groupUnits

    private static let openCL = """
        #pragma OPENCL EXTENSION cl_khr_fp64 : enable
        #pragma OPENCL FP_CONTRACT OFF
        typedef char int8_t; typedef uchar uint8_t; typedef short int16_t; typedef ushort uint16_t;
        typedef int int32_t; typedef uint uint32_t; typedef long int64_t; typedef ulong uint64_t;
        #define INT64_C(x) x##L
        #define INT64_MAX 0x7fffffffffffffffL
        #define INT64_MIN (-0x7fffffffffffffffL - 1)
        #define FORCE static inline
        #define GLOBAL __global
        #define SHARED __local
        #define LOCAL __local
        #define ALIGNED __attribute__((aligned(16)))
        #define BLOCK ((int)get_group_id(0))
        #define THREAD ((int)get_local_id(0))
        #define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
        #define BARRIER_ALL barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
        #define FENCE mem_fence(CLK_GLOBAL_MEM_FENCE)
        #define UNROLL __attribute__((opencl_unroll_hint))
        #define UNROLL4 __attribute__((opencl_unroll_hint(4)))
        #define KEEP_LOOP
        #define OVERLAP_BEGIN
        #define OVERLAP_WAIT
        FORCE int32_t count_up(__global int32_t *counter) { return atomic_inc((volatile __global int32_t *)counter); }
        FORCE uint4 stream16(__global const void *p) { return *(__global const uint4 *)p; }
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
        FORCE float div_fs(float a, float b) { return a / b; }
        FORCE float fma_fs(float a, float b, float c) { return fma(a, b, c); }
        FORCE double fma_ds(double a, double b, double c) { return fma(a, b, c); }
        #define MATH(NAME, F, D) FORCE float NAME##_fs(float x) { return D(x); } FORCE double NAME##_ds(double x) { return D(x); }

        """

    private static func rounding(_ dialect: SIMTDialect) -> String {
        let round = dialect == .cuda ? ("rintf", "rint") : ("rint", "rint")
        let root = dialect == .cuda ? "near_sqrt" : "sqrtf"
        let shared = """
            MATH(round, \(round.0), \(round.1))
            MATH(trunc, truncf, trunc)
            MATH(floor, floorf, floor)
            MATH(ceil, ceilf, ceil)
            MATH(sqrt, \(root), sqrt)
            #ifdef __CUDACC_RTC__
            FORCE float rounded_fs(float x) { float r; asm("mul.rn.f32 %0, %1, 0f3F800000;" : "=f"(r) : "f"(x)); return r; }
            #else
            FORCE float rounded_fs(float x) { return x; }
            #endif
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

    /// The functions of `CPrelude.elementary`, but for those that CUDA's head has.
    private static func elementary(_ dialect: SIMTDialect) -> String {
        let text = CPrelude.scalarForm(CPrelude.elementary)
        return dialect == .cuda
            ? text.replacing("float exp_fs(float x) {", with: "float exp_plain_fs(float x) {") : text
    }

    /// Conversions between storage and compute types, as in the C prelude.
    private static func conversions(_ dialect: SIMTDialect) -> String {
        (dialect == .cuda ? "" : roundToBF16) + sharedConversions
    }

    private static let roundToBF16 = """
        FORCE uint16_t store_bf16(float x) {
            uint32_t u = (uint32_t)bits_fs(x);
            return x != x ? (uint16_t)((u >> 16) | 0x40) : (uint16_t)((u + 0x7FFF + ((u >> 16) & 1)) >> 16);
        }

        """

    private static let sharedConversions = """
        FORCE float load_bf16(uint16_t x) { return unbits_fs((int32_t)((uint32_t)x << 16)); }
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
            FORCE double pow_ds(double a, double b) { return pow(a, b); }

            """
}
