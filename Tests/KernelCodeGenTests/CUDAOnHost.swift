/// What CUDA text needs to run on the host, in place of the dialect's head: the threads of a block are contexts that take
/// turns at barriers, clusters of blocks run one after another, and the instructions of matrix units are written out as NVIDIA's PTX
/// manual describes their fragments. Copies into shared memory happen as late as the text allows.
enum CUDAOnHost {
    static let head = #"""
        #include <map>
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
        static uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }
        static Dimension blockIdx, threadIdx;
        static long blockThreads = 1, clusterBlocks = 1;
        alignas(1024) static unsigned char arenas[8][1 << 18];
        #define arena arenas[blockIdx.x % clusterBlocks]
        #define __cluster_dims__(...)
        static unsigned current() { return (unsigned)(blockIdx.x % clusterBlocks * blockThreads + threadIdx.x); }

        struct Copy { uint32_t to; const void *from; };
        struct GroupProduct {
            float *c; uint64_t left, right; int columns; float (*value)(uint16_t);
            const uint32_t *kept = nullptr; bool isTurned = false, isMore = true;
        };
        struct Fiber {
            ucontext_t context;
            std::vector<char> stack;
            bool done = false;
            int vote = 0;
            long blockStep = 0, groupStep = 0, warpStep = 0, clusterStep = 0;
            std::vector<std::vector<Copy>> groups;
            std::vector<Copy> open;
            std::vector<std::vector<GroupProduct>> products;
            std::vector<GroupProduct> openProducts;
        };
        static std::vector<Fiber *> fibers;
        static ucontext_t scheduler;
        static uint64_t slots[256][32][4];

        static void yield() {
            const unsigned thread = threadIdx.x, block = blockIdx.x;
            swapcontext(&fibers[current()]->context, &scheduler);
            threadIdx.x = thread;
            blockIdx.x = block;
        }
        /// Waits until every thread of a range that is not done has come as far.
        static void meet(long Fiber::*step, unsigned first, unsigned past) {
            const unsigned me = current();
            const long mine = ++(fibers[me]->*step);
            for (;;) {
                bool all = true;
                for (unsigned i = first; i < past; ++i)
                    all &= fibers[i]->done || fibers[i]->*step >= mine;
                if (all) return;
                yield();
            }
        }
        static void __syncthreads() {
            const unsigned first = current() - threadIdx.x;
            meet(&Fiber::blockStep, first, first + (unsigned)blockThreads);
        }
        static void __syncwarp() {
            const unsigned first = current() - threadIdx.x % 32, past = current() - threadIdx.x + (unsigned)blockThreads;
            meet(&Fiber::warpStep, first, first + 32 < past ? first + 32 : past);
        }
        static int __any_sync(unsigned, int value) {
            fibers[current()]->vote = value;
            __syncwarp();
            int any = 0;
            for (unsigned i = 0; i < 32; ++i) any |= fibers[current() / 32 * 32 + i]->vote;
            __syncwarp();
            return any;
        }
        static unsigned __ballot_sync(unsigned, int value) {
            fibers[current()]->vote = value;
            __syncwarp();
            unsigned bits = 0;
            for (unsigned i = 0; i < 32; ++i) bits |= (fibers[current() / 32 * 32 + i]->vote ? 1u : 0u) << i;
            __syncwarp();
            return bits;
        }
        static int hidden(int x) { return x; }
        static int ANY_OF_BLOCK(int value) {
            const unsigned first = current() - threadIdx.x;
            fibers[current()]->vote = value;
            __syncthreads();
            int any = 0;
            for (unsigned i = 0; i < (unsigned)blockThreads; ++i) any |= fibers[first + i]->vote;
            __syncthreads();
            return any;
        }
        static int __ffs(int value) { return __builtin_ffs(value); }
        /// Four warps that begin at a multiple of 128 threads.
        static void GROUP_MEET(int) {
            const unsigned first = current() - threadIdx.x % 128;
            meet(&Fiber::groupStep, first, first + 128);
        }
        #define CLUSTER_BARRIER meet(&Fiber::clusterStep, 0, (unsigned)fibers.size())
        #define CLUSTER_LEAVE CLUSTER_BARRIER
        static float of_cluster(uint32_t at, int block) {
            float one;
            memcpy(&one, arenas[block] + at, 4);
            return one;
        }
        static float cluster_sum(uint32_t at, int blocks) {
            float r = 0;
            for (int i = 0; i < blocks; ++i) r += of_cluster(at, i);
            return r;
        }
        #define cluster_sum_2(AT) cluster_sum(AT, 2)
        #define cluster_sum_4(AT) cluster_sum(AT, 4)
        #define cluster_sum_8(AT) cluster_sum(AT, 8)
        static void cluster_sums(float *r, uint32_t at, int run, int blocks) {
            for (int i = 0; i < run; ++i) r[i] = cluster_sum(at + 4 * i, blocks);
        }
        #define cluster_sums_2(R, AT, RUN) cluster_sums(R, AT, RUN, 2)
        #define cluster_sums_4(R, AT, RUN) cluster_sums(R, AT, RUN, 4)
        #define cluster_sums_8(R, AT, RUN) cluster_sums(R, AT, RUN, 8)
        /// Every thread of a warp shows up to 32 bytes; all see all until they meet again.
        static uint64_t (*show(const void *value, size_t size))[4] {
            __syncwarp();
            memcpy(slots[current() / 32][threadIdx.x % 32], value, size);
            __syncwarp();
            return slots[current() / 32];
        }
        template <class T> static T __shfl_xor_sync(unsigned, T value, int other, int width = 32) {
            auto all = show(&value, sizeof value);
            T result;
            memcpy(&result, all[threadIdx.x % 32 ^ (unsigned)other], sizeof result);
            return result;
        }
        template <class T> static T __shfl_sync(unsigned, T value, int lane) {
            auto all = show(&value, sizeof value);
            T result;
            memcpy(&result, all[lane % 32], sizeof result);
            return result;
        }
        template <class T> static T atomicAdd(T *at, T value) { const T old = *at; *at += value; return old; }
        FORCE int32_t count_up(int32_t *counter) { return atomicAdd(counter, 1); }
        FORCE uint4 stream16(const void *p) {
            if ((uintptr_t)p % 16) { fprintf(stderr, "a run of 16 bytes is not aligned\n"); abort(); }
            uint4 r; memcpy(&r, p, 16); return r;
        }
        FORCE void fetch_ahead(const void *p) { volatile char c = *(const char *)p; (void)c; }
        FORCE uint32_t __cvta_generic_to_shared(const void *p) { return (uint32_t)((const unsigned char *)p - arena); }

        FORCE int32_t bits_fs(float x) { int32_t r; memcpy(&r, &x, 4); return r; }
        FORCE float unbits_fs(int32_t x) { float r; memcpy(&r, &x, 4); return r; }
        FORCE int64_t bits_ds(double x) { int64_t r; memcpy(&r, &x, 8); return r; }
        FORCE double unbits_ds(int64_t x) { double r; memcpy(&r, &x, 8); return r; }
        FORCE float load_f16(uint16_t x) { _Float16 h; memcpy(&h, &x, 2); return (float)h; }
        FORCE uint16_t store_f16(float x) { _Float16 h = (_Float16)x; uint16_t r; memcpy(&r, &h, 2); return r; }
        FORCE float div_fs(float a, float b) { return a / b; }
        FORCE float near_sqrt(float x) { return sqrtf(x); }
        FORCE float erf_sum_fs(float x) { return 1 + erff(x); }
        FORCE float fma_fs(float a, float b, float c) { return fmaf(a, b, c); }
        FORCE double fma_ds(double a, double b, double c) { return fma(a, b, c); }
        #define MATH(NAME, F, D) FORCE float NAME##_fs(float x) { return F(x); } FORCE double NAME##_ds(double x) { return D(x); }

        static float host_bf16(uint16_t x) { return unbits_fs((int32_t)((uint32_t)x << 16)); }
        static uint16_t to_bf16(float x) {
            uint32_t u = (uint32_t)bits_fs(x);
            return x != x ? (uint16_t)((u >> 16) | 0x40) : (uint16_t)((u + 0x7FFF + ((u >> 16) & 1)) >> 16);
        }
        FORCE uint16_t store_bf16(float x) { return to_bf16(x); }
        FORCE float exp_fs(float x) { return expf(x); }
        FORCE uint32_t pair_bf16(float low, float high) { return to_bf16(low) | (uint32_t)to_bf16(high) << 16; }
        FORCE uint32_t pair_f16(float low, float high) { return store_f16(low) | (uint32_t)store_f16(high) << 16; }
        FORCE float exp2_near(float x) { return exp2f(x); }
        FORCE float masked_fs(float term, float factor, float score)
        { return term == -__builtin_inff() ? term : fma_fs(term, factor, score); }

        FORCE void copy16(uint32_t to, const void *from, int isThere) {
            if ((uintptr_t)from % 16 || to % 16) { fprintf(stderr, "a copy of 16 bytes is not aligned\n"); abort(); }
            if (!from) { fprintf(stderr, "a copy from nowhere\n"); abort(); }
            fibers[current()]->open.push_back({to, isThere ? from : nullptr});
        }
        FORCE void copy_ahead(uint32_t to, const void *from, int isThere) { if (isThere) copy16(to, from, 1); }
        FORCE void load_wanted(uint32_t *x, uint32_t from, int isWanted) {
            // Not numbers where nothing is read.
            if (isWanted) memcpy(x, arena + from, 16); else memset(x, 0xFF, 16);
        }
        FORCE void put16(uint32_t to, const uint32_t *w) { memcpy(arena + to, w, 16); }
        #define AS_NEW(x)
        #define COPIES_COMMIT commit_copies()
        #define COPIES_WAIT(N) wait_copies(N)
        static void commit_copies() {
            Fiber &me = *fibers[current()];
            me.groups.push_back(std::move(me.open));
            me.open.clear();
        }
        static void wait_copies(size_t left) {
            Fiber &me = *fibers[current()];
            while (me.groups.size() > left) {
                for (const Copy &copy : me.groups[0])
                    if (copy.from) memcpy(arena + copy.to, copy.from, 16); else memset(arena + copy.to, 0, 16);
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
        FORCE void split_tf32(uint32_t *x, uint32_t *low) {
            const uint32_t high = (*x + 0x1000u) & 0xffffe000u;
            const float rest = unbits_fs((int32_t)*x) - unbits_fs((int32_t)high);
            // As a GPU writes what is no number.
            *low = rest == rest ? (uint32_t)bits_fs(rest) : 0x7fffffffu;
            *x = high;
        }
        FORCE uint32_t round_tf32(uint32_t x) {
            if ((x & 0x7fffffffu) > 0x7f800000u) return 0x7fffffffu;
            return (x & 0x7f800000u) == 0x7f800000u ? x : (x + 0x1000u) & 0xffffe000u;
        }
        // Units read 11 bits, and cut off what sums have beyond 24.
        FORCE void multiply_tf32(float *c, const uint32_t *x, const uint32_t *y) {
            uint32_t mine[6] = {x[0], x[1], x[2], x[3], y[0], y[1]};
            auto all = show(mine, sizeof mine);
            const unsigned lane = threadIdx.x % 32;
            auto value = [&](unsigned lane, int i) {
                uint32_t r; memcpy(&r, (const char *)all[lane] + 4 * i, 4); return (double)unbits_fs((int32_t)(r & 0xffffe000u));
            };
            for (int e = 0; e < 4; ++e) {
                const unsigned row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
                double sum = c[e];
                for (unsigned k = 0; k < 8; ++k)
                    sum += value(row % 8 * 4 + k % 4, (int)(k / 4 * 2 + row / 8)) * value(column * 4 + k % 4, (int)(4 + k / 4));
                float cut = (float)sum;
                if (fabs((double)cut) > fabs(sum)) cut = nextafterf(cut, 0);
                c[e] = cut;
            }
        }
        FORCE void multiply_bytes(int *c, const uint32_t *x, uint2 y) {
            uint32_t mine[6] = {x[0], x[1], x[2], x[3], y.x, y.y};
            auto all = show(mine, sizeof mine);
            const unsigned lane = threadIdx.x % 32;
            auto byte = [&](unsigned lane, unsigned i, unsigned k) {
                uint32_t r; memcpy(&r, (const char *)all[lane] + 4 * i, 4); return r >> k % 4 * 8 & 255;
            };
            for (unsigned e = 0; e < 4; ++e) {
                const unsigned row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
                for (unsigned k = 0; k < 32; ++k) {
                    const unsigned from = k % 16 / 4;
                    c[e] += (int)byte(row % 8 * 4 + from, k / 16 * 2 + row / 8, k)
                        * (int8_t)byte(column * 4 + from, 4 + k / 16, k);
                }
            }
        }
        FORCE float max_nan(float x, float y) { return x != x || y != y ? unbits_fs(0x7fffffff) : x > y ? x : y; }
        FORCE uint32_t __byte_perm(uint32_t x, uint32_t y, uint32_t which) {
            const uint64_t both = x | (uint64_t)y << 32;
            uint32_t r = 0;
            for (int i = 0; i < 4; ++i) r |= (uint32_t)(both >> ((which >> 4 * i & 7) * 8) & 255) << 8 * i;
            return r;
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
        FORCE uint32_t fma_pair_bf16(uint32_t a, uint32_t b, uint32_t c) {
            auto one = [](uint32_t a, uint32_t b, uint32_t c) {
                return (uint32_t)to_bf16(fmaf(host_bf16((uint16_t)a), host_bf16((uint16_t)b), host_bf16((uint16_t)c)));
            };
            return one(a, b, c) | one(a >> 16, b >> 16, c >> 16) << 16;
        }
        FORCE uint32_t fma_pair_f16(uint32_t a, uint32_t b, uint32_t c) {
            auto one = [](uint32_t a, uint32_t b, uint32_t c) {
                return (uint32_t)store_f16(fmaf(load_f16((uint16_t)a), load_f16((uint16_t)b), load_f16((uint16_t)c)));
            };
            return one(a, b, c) | one(a >> 16, b >> 16, c >> 16) << 16;
        }
        FORCE uint32_t halves_f8e4m3(uint16_t x) {
            uint32_t r = 0;
            for (int i = 0; i < 2; ++i) {
                const unsigned b = x >> (8 * i) & 255, m = b & 127;
                const float value = m == 127 ? NAN : ldexpf((float)(m < 8 ? m : 8 + m % 8), (m < 8 ? 1 : (int)(m / 8)) - 10);
                r |= (uint32_t)store_f16(b & 128 ? -value : value) << (16 * i);
            }
            return r;
        }
        /// Products of groups of warps, done as late as the text allows.
        #define GROUP_FENCE
        #define GROUP_SEES
        #define GROUP_COMMIT commit_products()
        #define GROUP_WAIT(N) wait_products(N)
        FORCE uint64_t group_tile(uint32_t at) {
            if (at % 16) { fprintf(stderr, "a tile is not aligned\n"); abort(); }
            return at;
        }
        static uint16_t swizzled(uint64_t tile, unsigned row, unsigned k) {
            const uint32_t flat = (uint32_t)tile + row * 128 + k * 2;
            uint16_t r; memcpy(&r, arena + (flat ^ (flat >> 7 & 7) << 4), 2);
            return r;
        }
        static void commit_products() {
            Fiber &me = *fibers[current()];
            me.products.push_back(std::move(me.openProducts));
            me.openProducts.clear();
        }
        static void wait_products(size_t left) {
            Fiber &me = *fibers[current()];
            while (me.products.size() > left) {
                for (const GroupProduct &p : me.products[0]) {
                    // Left factors in registers are those of all lanes when the product is done.
                    uint32_t lefts[32][4] = {};
                    if (p.kept) {
                        auto all = show(p.kept, 16);
                        for (int lane = 0; lane < 32; ++lane) memcpy(lefts[lane], all[lane], 16);
                    }
                    for (int i = 0; i < p.columns / 2; ++i) {
                        const unsigned row = threadIdx.x / 32 % 4 * 16 + threadIdx.x % 32 / 4 + i % 4 / 2 * 8;
                        const unsigned column = i / 4 * 8 + threadIdx.x % 4 * 2 + i % 2;
                        float sum = p.isMore ? p.c[i] : 0;
                        for (unsigned k = 0; k < 16; ++k) {
                            const uint32_t pair = lefts[row % 8 * 4 + k % 8 / 2][k / 8 * 2 + row % 16 / 8];
                            const uint16_t a = p.kept ? (uint16_t)(pair >> (k % 2 * 16)) : swizzled(p.left, row, k);
                            const uint16_t b = p.isTurned ? swizzled(p.right, k, column) : swizzled(p.right, column, k);
                            sum += p.value(a) * p.value(b);
                        }
                        p.c[i] = sum;
                    }
                }
                me.products.erase(me.products.begin());
            }
        }
        #define GROUP_PRODUCT(N) \
        FORCE void multiply_group_bf16_##N(float *c, uint64_t a, uint64_t b) { \
            fibers[current()]->openProducts.push_back({c, a, b, N, host_bf16}); } \
        FORCE void multiply_group_f16_##N(float *c, uint64_t a, uint64_t b) { \
            fibers[current()]->openProducts.push_back({c, a, b, N, [](uint16_t h) { return load_f16(h); }}); }
        GROUP_PRODUCT(16) GROUP_PRODUCT(32) GROUP_PRODUCT(64) GROUP_PRODUCT(96) GROUP_PRODUCT(128) GROUP_PRODUCT(160)
        GROUP_PRODUCT(192) GROUP_PRODUCT(224) GROUP_PRODUCT(256)

        #define GROUP_ATTENTION(TYPE, VALUE, N) \
        FORCE void multiply_group_new_##TYPE##_##N(float *c, uint64_t a, uint64_t b, int isMore) { \
            fibers[current()]->openProducts.push_back({c, a, b, N, VALUE, nullptr, false, isMore != 0}); } \
        FORCE void multiply_group_kept_##TYPE##_##N(float *c, const uint32_t *a, uint64_t b, int isMore) { \
            fibers[current()]->openProducts.push_back({c, 0, b, N, VALUE, a, false, isMore != 0}); } \
        FORCE void multiply_group_turned_##TYPE##_##N(float *c, const uint32_t *a, uint64_t b) { \
            fibers[current()]->openProducts.push_back({c, 0, b, N, VALUE, a, true}); }
        #define GROUP_ATTENTIONS(N) \
        GROUP_ATTENTION(bf16, host_bf16, N) GROUP_ATTENTION(f16, [](uint16_t h) { return load_f16(h); }, N)
        GROUP_ATTENTIONS(16) GROUP_ATTENTIONS(32) GROUP_ATTENTIONS(48) GROUP_ATTENTIONS(64) GROUP_ATTENTIONS(128)
        FORCE uint64_t group_turned(uint32_t at) { return group_tile(at); }

        /// Barriers of blocks that count arrivals and bytes; what is copied is there when all have arrived, not before.
        struct Barrier {
            int count = 0, pending = 0;
            long expected = 0, phase = 0;
            struct Part { uint32_t to; const void *from; int bytes; };
            std::vector<Part> parts;
        };
        static std::map<uint32_t, Barrier> barriers[8];
        static Barrier &barrier(uint32_t at, unsigned block) {
            auto found = barriers[block].find(at);
            if (found == barriers[block].end()) { fprintf(stderr, "a barrier was not begun\n"); abort(); }
            return found->second;
        }
        static unsigned ownBlock() { return (unsigned)(blockIdx.x % clusterBlocks); }
        static void complete(unsigned block, Barrier &b) {
            if (b.pending < 0) { fprintf(stderr, "too many arrivals\n"); abort(); }
            long bytes = 0;
            for (auto &part : b.parts) bytes += part.bytes < 0 ? 0 : part.bytes;
            if (b.pending || bytes != b.expected) return;
            for (auto &part : b.parts) {
                if (part.from) memcpy(arenas[block] + part.to, part.from, (size_t)abs(part.bytes));
                else memset(arenas[block] + part.to, 0, (size_t)abs(part.bytes));
            }
            b.parts.clear(); b.expected = 0; b.pending = b.count; ++b.phase;
        }
        FORCE void barrier_begin(uint32_t at, int count) {
            Barrier b; b.count = b.pending = count;
            barriers[ownBlock()][at] = b;
        }
        #define BARRIERS_BEGUN
        static void arrive(uint32_t at, unsigned block) { Barrier &b = barrier(at, block); --b.pending; complete(block, b); }
        FORCE void barrier_arrive(uint32_t at) { arrive(at, ownBlock()); }
        FORCE void barrier_arrive_of(uint32_t at, int block) { arrive(at, (unsigned)block); }
        FORCE void barrier_expect(uint32_t at, int bytes) { barrier(at, ownBlock()).expected += bytes; arrive(at, ownBlock()); }
        /// Copies of 16 bytes count no bytes at a barrier.
        FORCE void barrier_copies(uint32_t at) {
            Fiber &me = *fibers[current()];
            Barrier &b = barrier(at, ownBlock());
            for (const Copy &copy : me.open) b.parts.push_back({copy.to, copy.from, -16});
            me.open.clear();
            arrive(at, ownBlock());
        }
        FORCE void barrier_wait(uint32_t at, int parity) {
            Barrier &b = barrier(at, ownBlock());
            while ((b.phase & 1) == parity) yield();
        }
        FORCE void bulk_copy_all(uint32_t to, const void *from, int bytes, uint32_t at, int mask) {
            if ((uintptr_t)from % 16 || to % 16 || bytes % 16 || bytes <= 0) { fprintf(stderr, "a copy is not aligned\n"); abort(); }
            for (unsigned block = 0; block < 8; ++block)
                if (mask >> block & 1) {
                    Barrier &b = barrier(at, block);
                    b.parts.push_back({to, from, bytes});
                    complete(block, b);
                }
        }
        FORCE void bulk_copy(uint32_t to, const void *from, int bytes, uint32_t at) { bulk_copy_all(to, from, bytes, at, 1 << ownBlock()); }
        #define WARP_BARRIER __syncwarp()
        #define REGISTERS_DOWN(N)
        #define REGISTERS_UP(N)

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
            fibers[current()]->done = true;
        }
        /// Runs all blocks, one after another.
        static void emulate(long blocks, long threads, long cluster, void (*kernel)(void **), void **values) {
            std::vector<std::vector<char>> stacks;
            entry = kernel; arguments = values; blockThreads = threads; clusterBlocks = cluster;
            if (blocks % cluster) { fprintf(stderr, "blocks do not fill their clusters\n"); abort(); }
            for (long block = 0; block < blocks; block += cluster) {
                memset(arenas, 0xFF, sizeof arenas[0] * cluster);
                for (auto &all : barriers) all.clear();
                for (long i = 0; i < threads * cluster; ++i) {
                    Fiber *fiber = new Fiber;
                    if (stacks.empty()) fiber->stack.resize(1 << 16);
                    else { fiber->stack = std::move(stacks.back()); stacks.pop_back(); }
                    getcontext(&fiber->context);
                    fiber->context.uc_stack.ss_sp = fiber->stack.data();
                    fiber->context.uc_stack.ss_size = fiber->stack.size();
                    fiber->context.uc_link = &scheduler;
                    makecontext(&fiber->context, trampoline, 0);
                    fibers.push_back(fiber);
                }
                for (long left = 1; left > 0;) {
                    left = 0;
                    for (long i = 0; i < threads * cluster; ++i) {
                        if (fibers[i]->done) continue;
                        threadIdx.x = (unsigned)(i % threads);
                        blockIdx.x = (unsigned)(block + i / threads);
                        swapcontext(&scheduler, &fibers[i]->context);
                        left += !fibers[i]->done;
                    }
                }
                for (Fiber *fiber : fibers) { stacks.push_back(std::move(fiber->stack)); delete fiber; }
                fibers.clear();
            }
        }

        """#

    /// What stands after the kernel.
    static let tail = """
        static void call_tested(void **values) { invoke(tested, values); }
        extern "C" void emulate_tested(void **values, long blocks, long threads, long cluster) {
            emulate(blocks, threads, cluster, call_tested, values);
        }

        """
}
