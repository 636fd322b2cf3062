/// What kernels read of groups of warps, clusters of blocks and barriers that count bytes (PTX ISA, "wgmma", "mbarrier").
extension SIMTPrelude {
    /// Products of groups of four warps out of shared memory: `c` of 64 rows, 16 summed elements of rows of 128 swizzled bytes.
    static var groupUnits: String {
        func multiply(_ type: String, _ columns: Int) -> String {
            let count = columns / 2
            let registers = (0..<count).map { "%\($0)" }.joined(separator: ", ")
            let operands = (0..<count).map { "\"+f\"(c[\($0)])" }.joined(separator: ", ")
            return """
                FORCE void multiply_group_\(type)_\(columns)(float *c, uint64_t a, uint64_t b) {
                    asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n\(columns)k16.f32.\(type).\(type) "
                        "{\(registers)}, %\(count), %\(count + 1), p, 1, 1, 0, 0; }" : \(operands) : "l"(a), "l"(b));
                }

                """
        }
        // As `multiply`, but what is summed may begin anew, the left factor may be in registers (each warp has 16 rows, as
        // for `mma.sync`), and the right one may lie with its columns side by side.
        func other(_ name: String, _ type: String, _ columns: Int, kept: Bool, turned: Bool) -> String {
            let count = columns / 2
            let registers = (0..<count).map { "%\($0)" }.joined(separator: ", ")
            let operands = (0..<count).map { "\"+f\"(c[\($0)])" }.joined(separator: ", ")
            let left = kept ? "{" + (0..<4).map { "%\(count + $0)" }.joined(separator: ", ") + "}" : "%\(count)"
            let lefts = kept ? (0..<4).map { "\"r\"(a[\($0)])" }.joined(separator: ", ") : "\"l\"(a)"
            let next = count + (kept ? 4 : 1)
            let turns = kept ? (turned ? ", 1" : ", 0") : ", 0, 0"
            return """
                FORCE void multiply_group_\(name)_\(type)_\(columns)(float *c, \(kept ? "const uint32_t *a" : "uint64_t a"), uint64_t b, int isMore = 1) {
                    asm volatile("{ .reg .pred p; setp.ne.b32 p, %\(next + 1), 0; wgmma.mma_async.sync.aligned.m64n\(columns)k16.f32.\(type).\(type) "
                        "{\(registers)}, \(left), %\(next), p, 1, 1\(turns); }" : \(operands) : \(lefts), "l"(b), "r"(isMore));
                }

                """
        }
        let attention = ["bf16", "f16"].flatMap { type in
            SIMTGroupFlashWriter.scoreColumns.flatMap { columns in
                [
                    other("new", type, columns, kept: false, turned: false),
                    other("kept", type, columns, kept: true, turned: false),
                ]
            } + SIMTGroupFlashWriter.valueColumns.map { other("turned", type, $0, kept: true, turned: true) }
        }
        let columns = Set(SIMTMatrixWriter.groupColumns + SIMTSpecialisedWriter.columns).sorted()
        let products = columns.flatMap { columns in ["bf16", "f16"].map { multiply($0, columns) } }
        return """
            #if __CUDA_ARCH__ >= 900
            #define CLUSTER_BARRIER asm volatile("barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;" ::: "memory")
            FORCE float of_cluster(uint32_t at, int block) {
                float r;
                asm volatile("{ .reg .b32 a; mapa.shared::cluster.u32 a, %1, %2; ld.shared::cluster.f32 %0, [a]; }"
                    : "=f"(r) : "r"(at), "r"(block));
                return r;
            }
            // The last meeting orders nothing: it keeps shared memory until all have read it.
            #define CLUSTER_LEAVE asm volatile("barrier.cluster.arrive.relaxed.aligned; barrier.cluster.wait.aligned;" ::: "memory")
            FORCE void of_cluster4(float *x, uint32_t at, int block) {
                asm volatile("{ .reg .b32 a; mapa.shared::cluster.u32 a, %4, %5; ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [a]; }"
                    : "=f"(x[0]), "=f"(x[1]), "=f"(x[2]), "=f"(x[3]) : "r"(at), "r"(block));
            }
            #define CLUSTER_SUM(N) FORCE float cluster_sum_##N(uint32_t at) { \\
                float r = 0; UNROLL for (int i = 0; i < N; ++i) r += of_cluster(at, i); return r; }
            CLUSTER_SUM(2) CLUSTER_SUM(4) CLUSTER_SUM(8)
            #define CLUSTER_SUMS(N) FORCE void cluster_sums_##N(float *r, uint32_t at, int run) { \\
                if (run % 4) { UNROLL for (int i = 0; i < run; ++i) r[i] = cluster_sum_##N(at + 4 * i); return; } \\
                UNROLL for (int q = 0; q < run; q += 4) { float x[N][4]; \\
                    UNROLL for (int i = 0; i < N; ++i) of_cluster4(x[i], at + 4 * q, i); \\
                    UNROLL for (int e = 0; e < 4; ++e) { r[q + e] = 0; UNROLL for (int i = 0; i < N; ++i) r[q + e] += x[i][e]; } } }
            CLUSTER_SUMS(2) CLUSTER_SUMS(4) CLUSTER_SUMS(8)
            // Barriers in shared memory that count arrivals and copied bytes; `parity` is that of the phase that is waited for.
            FORCE void barrier_begin(uint32_t at, int count) {
                asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(at), "r"(count) : "memory");
            }
            #define BARRIERS_BEGUN asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory")
            FORCE void barrier_expect(uint32_t at, int bytes) {
                asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(at), "r"(bytes) : "memory");
            }
            FORCE void barrier_arrive(uint32_t at) {
                asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(at) : "memory");
            }
            FORCE void barrier_arrive_of(uint32_t at, int block) {
                asm volatile("{ .reg .b32 a; mapa.shared::cluster.u32 a, %0, %1; mbarrier.arrive.shared::cluster.b64 _, [a]; }"
                    :: "r"(at), "r"(block) : "memory");
            }
            // Arrives when all copies that the thread has begun are there.
            FORCE void barrier_copies(uint32_t at) {
                asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" :: "r"(at) : "memory");
            }
            FORCE void barrier_wait(uint32_t at, int parity) {
                asm volatile("{ .reg .pred p; again: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1; @!p bra again; }"
                    :: "r"(at), "r"(parity) : "memory");
            }
            FORCE void bulk_copy(uint32_t to, const void *from, int bytes, uint32_t barrier) {
                asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
                    :: "r"(to), "l"(from), "r"(bytes), "r"(barrier) : "memory");
            }
            // To the same place of all blocks of a cluster that the mask names, each of which has a barrier there.
            FORCE void bulk_copy_all(uint32_t to, const void *from, int bytes, uint32_t barrier, int mask) {
                asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
                    "[%0], [%1], %2, [%3], %4;"
                    :: "r"(to), "l"(from), "r"(bytes), "r"(barrier), "h"((uint16_t)mask) : "memory");
            }
            #endif
            #define WARP_BARRIER __syncwarp()
            #ifdef __CUDA_ARCH_FEAT_SM90_ALL
            #define GROUP_FENCE asm volatile("wgmma.fence.sync.aligned;" ::: "memory")
            #define GROUP_COMMIT asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory")
            #define GROUP_WAIT(N) asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(N) : "memory")
            #define REGISTERS_DOWN(N) asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" :: "n"(N))
            #define REGISTERS_UP(N) asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" :: "n"(N))
            #define GROUP_SEES asm volatile("fence.proxy.async.shared::cta;" ::: "memory")
            FORCE uint64_t group_tile(uint32_t at) {
                return (uint64_t)((at & 0x3ffff) >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62;
            }
            // Rows of 128 bytes hold the columns of one summed element: eight rows follow another eight after 1024 bytes.
            FORCE uint64_t group_turned(uint32_t at) {
                return (uint64_t)((at & 0x3ffff) >> 4) | 64ull << 16 | 64ull << 32 | 1ull << 62;
            }
            #define GROUP_MEET(N) asm volatile("bar.sync %0, 128;" :: "n"(N) : "memory")
            \((products + attention).joined())#endif

            """
    }
}
