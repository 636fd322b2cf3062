/// What CUDA text needs to run on the host, in place of the dialect's head: the threads of a block are contexts that take
/// turns at barriers, blocks run one after another, and the instructions of matrix units are written out as NVIDIA's PTX
/// manual describes their fragments. Copies into shared memory happen as late as the text allows.
enum CUDAOnHost {
    static let head = #"""
        #include <math.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <ucontext.h>
        #include <utility>
        #include <vector>

        #define FORCE static inline
        #define GLOBAL
        #define SHARED static
        #define LOCAL
        #define ALIGNED __attribute__((aligned(16)))
        #define UNROLL
        #define UNROLL4
        #define KEEP_LOOP
        #define OVERLAP_BEGIN
        #define OVERLAP_WAIT
        #define __shared__ static
        #define __global__
        #define __launch_bounds__(...)
        #define BLOCK ((int)blockIdx.x)
        #define THREAD ((int)threadIdx.x)
        #define BARRIER __syncthreads()
        #define BARRIER_ALL __syncthreads()
        #define FENCE
        #define __threadfence()

        struct Dimension { unsigned x; };
        struct uint2 { uint32_t x, y; };
        struct uint4 { uint32_t x, y, z, w; };
        struct float4 { float x, y, z, w; };
        static Dimension blockIdx, threadIdx;
        alignas(128) static unsigned char arena[1 << 18];

        struct Copy { uint32_t to; const void *from; };
        struct Fiber {
            ucontext_t context;
            std::vector<char> stack;
            bool done = false;
            long blockStep = 0, warpStep = 0;
            std::vector<std::vector<Copy>> groups;
            std::vector<Copy> open;
        };
        static std::vector<Fiber *> fibers;
        static ucontext_t scheduler;
        static uint64_t slots[64][32][4];
        static uint64_t answers[64][32][4];

        static void yield() {
            const unsigned me = threadIdx.x;
            swapcontext(&fibers[me]->context, &scheduler);
            threadIdx.x = me;
        }
        /// Waits until every thread of a range that is not done has come as far.
        static void meet(long Fiber::*step, unsigned first, unsigned past) {
            const unsigned me = threadIdx.x;
            const long mine = ++(fibers[me]->*step);
            for (;;) {
                bool all = true;
                for (unsigned i = first; i < past; ++i)
                    all &= fibers[i]->done || fibers[i]->*step >= mine;
                if (all) return;
                yield();
            }
        }
        static void __syncthreads() { meet(&Fiber::blockStep, 0, (unsigned)fibers.size()); }
        static void __syncwarp() {
            const unsigned first = threadIdx.x / 32 * 32;
            meet(&Fiber::warpStep, first, first + 32 < fibers.size() ? first + 32 : (unsigned)fibers.size());
        }
        /// Every thread of a warp shows up to 32 bytes; all see all until they meet again.
        static uint64_t (*show(const void *value, size_t size))[4] {
            __syncwarp();
            memcpy(slots[threadIdx.x / 32][threadIdx.x % 32], value, size);
            __syncwarp();
            return slots[threadIdx.x / 32];
        }
        template <class T> static T __shfl_xor_sync(unsigned, T value, int other, int width = 32) {
            auto all = show(&value, sizeof value);
            T result;
            memcpy(&result, all[threadIdx.x % 32 ^ (unsigned)other], sizeof result);
            return result;
        }
        template <class T> static T atomicAdd(T *at, T value) { const T old = *at; *at += value; return old; }
        FORCE int32_t count_up(int32_t *counter) { return atomicAdd(counter, 1); }
        FORCE uint4 stream16(const void *p) {
            if ((uintptr_t)p % 16) { fprintf(stderr, "a run of 16 bytes is not aligned\n"); abort(); }
            uint4 r; memcpy(&r, p, 16); return r;
        }
        FORCE uint32_t __cvta_generic_to_shared(const void *p) { return (uint32_t)((const unsigned char *)p - arena); }

        FORCE int32_t bits_fs(float x) { int32_t r; memcpy(&r, &x, 4); return r; }
        FORCE float unbits_fs(int32_t x) { float r; memcpy(&r, &x, 4); return r; }
        FORCE int64_t bits_ds(double x) { int64_t r; memcpy(&r, &x, 8); return r; }
        FORCE double unbits_ds(int64_t x) { double r; memcpy(&r, &x, 8); return r; }
        FORCE float load_f16(uint16_t x) { _Float16 h; memcpy(&h, &x, 2); return (float)h; }
        FORCE uint16_t store_f16(float x) { _Float16 h = (_Float16)x; uint16_t r; memcpy(&r, &h, 2); return r; }
        FORCE float fma_fs(float a, float b, float c) { return fmaf(a, b, c); }
        FORCE double fma_ds(double a, double b, double c) { return fma(a, b, c); }
        #define MATH(NAME, F, D) FORCE float NAME##_fs(float x) { return F(x); } FORCE double NAME##_ds(double x) { return D(x); }

        static float host_bf16(uint16_t x) { return unbits_fs((int32_t)((uint32_t)x << 16)); }
        static uint16_t to_bf16(float x) {
            uint32_t u = (uint32_t)bits_fs(x);
            return x != x ? (uint16_t)((u >> 16) | 0x40) : (uint16_t)((u + 0x7FFF + ((u >> 16) & 1)) >> 16);
        }
        FORCE uint32_t pair_bf16(float low, float high) { return to_bf16(low) | (uint32_t)to_bf16(high) << 16; }
        FORCE uint32_t pair_f16(float low, float high) { return store_f16(low) | (uint32_t)store_f16(high) << 16; }
        FORCE float exp2_near(float x) { return exp2f(x); }

        FORCE void copy16(uint32_t to, const void *from) {
            if ((uintptr_t)from % 16 || to % 16) { fprintf(stderr, "a copy of 16 bytes is not aligned\n"); abort(); }
            if (from) fibers[threadIdx.x]->open.push_back({to, from}); else memset(arena + to, 0, 16);
        }
        FORCE void put16(uint32_t to, const uint32_t *w) { memcpy(arena + to, w, 16); }
        #define COPIES_COMMIT commit_copies()
        #define COPIES_WAIT(N) wait_copies(N)
        static void commit_copies() {
            Fiber &me = *fibers[threadIdx.x];
            me.groups.push_back(std::move(me.open));
            me.open.clear();
        }
        static void wait_copies(size_t left) {
            Fiber &me = *fibers[threadIdx.x];
            while (me.groups.size() > left) {
                for (const Copy &copy : me.groups[0]) memcpy(arena + copy.to, copy.from, 16);
                me.groups.erase(me.groups.begin());
            }
        }
        static void load(uint32_t *x, uint32_t from, bool isTurned) {
            auto all = show(&from, 4);
            const unsigned lane = threadIdx.x % 32;
            for (int i = 0; i < 4; ++i) {
                uint16_t pair[2];
                for (int e = 0; e < 2; ++e) {
                    const unsigned row = isTurned ? lane % 4 * 2 + e : lane / 4, column = isTurned ? lane / 4 : lane % 4 * 2 + e;
                    uint32_t place; memcpy(&place, all[i * 8 + row], 4);
                    if (place % 16) { fprintf(stderr, "a row of a matrix is not aligned\n"); abort(); }
                    memcpy(pair + e, arena + place + column * 2, 2);
                }
                x[i] = pair[0] | (uint32_t)pair[1] << 16;
            }
        }
        FORCE void load_matrices(uint32_t *x, uint32_t from) { load(x, from, false); }
        FORCE void load_matrices_turned(uint32_t *x, uint32_t from) { load(x, from, true); }
        static void multiply(float *c, const uint32_t *x, const uint32_t *y, float (*value)(uint16_t)) {
            uint32_t mine[6] = {x[0], x[1], x[2], x[3], y[0], y[1]};
            auto all = show(mine, sizeof mine);
            const unsigned lane = threadIdx.x % 32;
            auto word = [&](unsigned lane, int i) { uint32_t r; memcpy(&r, (const char *)all[lane] + 4 * i, 4); return r; };
            for (int e = 0; e < 4; ++e) {
                const unsigned row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
                float sum = c[e];
                for (unsigned k = 0; k < 16; ++k) {
                    const uint32_t a = word(row % 8 * 4 + k % 8 / 2, (int)(k / 8 * 2 + row / 8));
                    const uint32_t b = word(column * 4 + k % 8 / 2, (int)(4 + k / 8));
                    sum += value((uint16_t)(a >> (k % 2 * 16))) * value((uint16_t)(b >> (k % 2 * 16)));
                }
                c[e] = sum;
            }
        }
        FORCE void multiply_bf16(float *c, const uint32_t *x, const uint32_t *y) { multiply(c, x, y, host_bf16); }
        FORCE void multiply_f16(float *c, const uint32_t *x, const uint32_t *y) {
            multiply(c, x, y, [](uint16_t h) { return load_f16(h); });
        }

        FORCE void multiply_bf16_from(float *r, const uint32_t *x, const uint32_t *y, const float *c) {
            float sums[4] = {c[0], c[1], c[2], c[3]};
            multiply_bf16(sums, x, y);
            memcpy(r, sums, sizeof sums);
        }
        FORCE void multiply_f16_from(float *r, const uint32_t *x, const uint32_t *y, const float *c) {
            float sums[4] = {c[0], c[1], c[2], c[3]};
            multiply_f16(sums, x, y);
            memcpy(r, sums, sizeof sums);
        }
        FORCE uint32_t and_or(uint32_t a, uint32_t b, uint32_t c) { return (a & b) | c; }
        FORCE uint32_t halves_f8e4m3(uint16_t x) {
            uint32_t r = 0;
            for (int i = 0; i < 2; ++i) {
                const unsigned b = x >> (8 * i) & 255, m = b & 127;
                const float value = m == 127 ? NAN : ldexpf((float)(m < 8 ? m : 8 + m % 8), (m < 8 ? 1 : (int)(m / 8)) - 10);
                r |= (uint32_t)store_f16(b & 128 ? -value : value) << (16 * i);
            }
            return r;
        }

        template <class T> struct Unpack { static T get(void *p) { return *(T *)p; } };
        template <class T> struct Unpack<T *> { static T *get(void *p) { return (T *)p; } };
        template <class... A, size_t... I>
        static void invoke(void (*f)(A...), void **values, std::index_sequence<I...>) { f(Unpack<A>::get(values[I])...); }
        template <class... A> static void invoke(void (*f)(A...), void **values) {
            invoke(f, values, std::index_sequence_for<A...>());
        }

        static void (*entry)(void **);
        static void **arguments;
        static void trampoline() {
            entry(arguments);
            fibers[threadIdx.x]->done = true;
        }
        /// Runs all blocks, one after another.
        static void emulate(long blocks, long threads, void (*kernel)(void **), void **values) {
            entry = kernel; arguments = values;
            for (long block = 0; block < blocks; ++block) {
                blockIdx.x = (unsigned)block;
                memset(arena, 0xFF, sizeof arena);
                for (long i = 0; i < threads; ++i) {
                    Fiber *fiber = new Fiber;
                    fiber->stack.resize(1 << 16);
                    getcontext(&fiber->context);
                    fiber->context.uc_stack.ss_sp = fiber->stack.data();
                    fiber->context.uc_stack.ss_size = fiber->stack.size();
                    fiber->context.uc_link = &scheduler;
                    makecontext(&fiber->context, trampoline, 0);
                    fibers.push_back(fiber);
                }
                for (long left = threads; left > 0;) {
                    left = 0;
                    for (long i = 0; i < threads; ++i) {
                        if (fibers[i]->done) continue;
                        threadIdx.x = (unsigned)i;
                        swapcontext(&scheduler, &fibers[i]->context);
                        left += !fibers[i]->done;
                    }
                }
                for (Fiber *fiber : fibers) delete fiber;
                fibers.clear();
            }
        }

        """#

    /// What stands after the kernel.
    static let tail = """
        static void call_tested(void **values) { invoke(tested, values); }
        extern "C" void emulate_tested(void **values, long blocks, long threads) {
            emulate(blocks, threads, call_tested, values);
        }

        """
}
