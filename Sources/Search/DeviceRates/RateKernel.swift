import DeviceAPI

/// A kernel that does one thing as fast as a device that runs blocks of threads can, and nothing else.
struct RateKernel {
    /// What is measured.
    enum Subject: Hashable, CaseIterable {
        /// Bytes read from memory.
        case memoryRead
        /// fp32 multiply-adds in registers.
        case fp32
        /// Products of the matrix units that a warp starts (`mma.sync`).
        case bf16, f16, int8
        /// Products of the matrix units that four warps start (`wgmma`, of 9.0a alone), which are faster.
        case groupBF16, groupF16, groupInt8
    }

    let subject: Subject
    /// The kernel's text with its one function `rate(source, target, count, status)`.
    let text: String
    /// Threads of a block.
    let threads: Int
    /// Numbers of blocks for each multiprocessor that are tried.
    let blocks: [Int]
    /// Operations of a block for each of `count` turns; for memory, unused.
    let operations: Double

    /// The kernels of a device; none for dialects without any: what plain OpenCL reaches through a driver such as PoCL is far from
    /// what the hardware can, so that it bounds nothing.
    static func all(for limits: DeviceLimits) -> [RateKernel] {
        guard let blocks = limits.blocks, limits.dialects.contains(.cudaCPlusPlus) else { return [] }
        var subjects: [Subject] = [.memoryRead, .fp32, .bf16, .f16, .int8]
        if blocks.accepts.contains("sm_90a") { subjects += [.groupBF16, .groupF16, .groupInt8] }
        return subjects.map(cuda)
    }

    // MARK: CUDA C++

    private static func cuda(_ subject: Subject) -> RateKernel {
        switch subject {
        case .memoryRead: cudaMemory
        case .fp32: cudaArithmetic
        case .bf16, .f16, .int8: warpProducts(subject)
        case .groupBF16, .groupF16, .groupInt8: groupProducts(subject)
        }
    }

    private static func head(_ threads: Int) -> String {
        """
        extern "C" __global__ void __launch_bounds__(\(threads))
        rate(const uint4 *__restrict__ source, unsigned *target, const long long count, int *status)
        """
    }

    private static var cudaMemory: RateKernel {
        let threads = 512
        return RateKernel(
            subject: .memoryRead,
            text: """
                \(head(threads)) {
                    const long long stride = (long long)gridDim.x * \(threads);
                    unsigned s = 0;
                    long long i = (long long)blockIdx.x * \(threads) + threadIdx.x;
                    for (; i + 7 * stride < count; i += 8 * stride) {
                        uint4 v[8];
                        #pragma unroll
                        for (int k = 0; k < 8; k++)
                            asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                                : "=r"(v[k].x), "=r"(v[k].y), "=r"(v[k].z), "=r"(v[k].w)
                                : "l"(source + i + k * stride));
                        #pragma unroll
                        for (int k = 0; k < 8; k++) s ^= v[k].x ^ v[k].y ^ v[k].z ^ v[k].w;
                    }
                    for (; i < count; i += stride) s ^= source[i].x;
                    if (s == 1) target[0] = 1;
                }
                """, threads: threads, blocks: [1, 2, 4, 8, 16], operations: 0)
    }

    private static var cudaArithmetic: RateKernel {
        let (threads, sums) = (256, 16)
        return RateKernel(
            subject: .fp32,
            text: """
                \(head(threads)) {
                    float a[\(sums)];
                    #pragma unroll
                    for (int k = 0; k < \(sums); k++) a[k] = (float)(threadIdx.x + k);
                    const float x = 1.0f + (float)count * 1e-9f;
                    #pragma unroll 8
                    for (long long i = 0; i < count; i++) {
                        #pragma unroll
                        for (int k = 0; k < \(sums); k++) a[k] = __fmaf_rn(a[k], x, x);
                    }
                    float s = 0;
                    #pragma unroll
                    for (int k = 0; k < \(sums); k++) s += a[k];
                    if (s == 1.5f) target[0] = 1;
                }
                """, threads: threads, blocks: [4, 8], operations: Double(2 * sums * threads))
    }

    /// Element type of factors, type of sums and summed elements of a product in PTX.
    private static func types(_ subject: Subject) -> (factor: String, sum: String, depth: Int) {
        switch subject {
        case .bf16, .groupBF16: ("bf16", "f32", 16)
        case .f16, .groupF16: ("f16", "f32", 16)
        case .int8, .groupInt8: ("s8", "s32", 32)
        case .memoryRead, .fp32: ("f32", "f32", 1)
        }
    }

    /// Numbers near 1 and -1 as pairs of 16 bits, or bytes: what products of zeros would draw less power for.
    private static let noise = "0x3f803f80u ^ ((threadIdx.x * 2654435761u + k * 40503u) & 0x807f807fu)"

    /// `mma.sync.m16n8k16` (k32 for bytes): eight independent sums a warp.
    private static func warpProducts(_ subject: Subject) -> RateKernel {
        let (factor, sum, depth) = types(subject)
        let (threads, sums) = (256, 8)
        let (type, letter) = sum == "f32" ? ("float", "f") : ("int", "r")
        return RateKernel(
            subject: subject,
            text: """
                \(head(threads)) {
                    unsigned a[4], b[2];
                    \(type) d[\(sums)][4] = {};
                    for (int k = 0; k < 4; k++) a[k] = \(noise);
                    for (int k = 0; k < 2; k++) b[k] = \(noise);
                    for (long long i = 0; i < count; i++) {
                        #pragma unroll
                        for (int k = 0; k < \(sums); k++)
                            asm volatile("mma.sync.aligned.m16n8k\(depth).row.col.\(sum).\(factor).\(factor).\(sum) "
                                "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                                : "+\(letter)"(d[k][0]), "+\(letter)"(d[k][1]), "+\(letter)"(d[k][2]), "+\(letter)"(d[k][3])
                                : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
                    }
                    \(type) s = 0;
                    #pragma unroll
                    for (int k = 0; k < \(sums); k++) s += d[k][0] + d[k][1] + d[k][2] + d[k][3];
                    if (s == (\(type))3) target[0] = 1;
                }
                """, threads: threads, blocks: [1, 2, 4],
            operations: Double(2 * 16 * 8 * depth * sums * (threads / 32)))
    }

    /// `wgmma.m64n256k16` (k32 for bytes) on tiles in shared memory (PTX ISA, asynchronous warpgroup matrix instructions): rows of
    /// 128 bytes, swizzled by 128; what they hold is noise.
    private static func groupProducts(_ subject: Subject) -> RateKernel {
        let (factor, sum, depth) = types(subject)
        let (type, letter) = sum == "f32" ? ("float", "f") : ("int", "r")
        let registers = (0..<128).map { "%\($0)" }.joined(separator: ", ")
        let outputs = (0..<128).map { "\"+\(letter)\"(d[\($0)])" }.joined(separator: ", ")
        // Integer products take no signs and no transposition.
        let flags = sum == "f32" ? ", 1, 1, 0, 0" : ""
        return RateKernel(
            subject: subject,
            text: """
                __device__ unsigned long long describe(const void *tile) {
                    // Start address, leading offset (unused when swizzled), stride of 1,024 bytes between groups of eight rows,
                    // swizzle of 128 bytes.
                    const unsigned long long a = (unsigned long long)__cvta_generic_to_shared(tile);
                    return (a & 0x3FFFFull) >> 4 | 1ull << 16 | 64ull << 32 | 1ull << 62;
                }
                \(head(128)) {
                    __shared__ __align__(1024) unsigned left[64 * 32], right[256 * 32];
                    for (int k = threadIdx.x; k < 64 * 32; k += 128) left[k] = \(noise);
                    for (int k = threadIdx.x; k < 256 * 32; k += 128) right[k] = \(noise);
                    asm volatile("fence.proxy.async;" ::: "memory");
                    __syncthreads();
                    const unsigned long long a = describe(left), b = describe(right);
                    \(type) d[128];
                    #pragma unroll
                    for (int k = 0; k < 128; k++) d[k] = 0;
                    for (long long i = 0; i < count; i++) {
                        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
                        #pragma unroll
                        for (int k = 0; k < 8; k++)
                            asm volatile("{ .reg .pred p; setp.eq.b32 p, 0, 0; "
                                "wgmma.mma_async.sync.aligned.m64n256k\(depth).\(sum).\(factor).\(factor) "
                                "{\(registers)}, %128, %129, p\(flags); }"
                                : \(outputs)
                                : "l"(a + 2 * (k & 3)), "l"(b + 2 * (k & 3)));
                        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
                        asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
                    }
                    \(type) s = 0;
                    #pragma unroll
                    for (int k = 0; k < 128; k++) s += d[k];
                    if (s == (\(type))3) target[0] = 1;
                }
                """, threads: 128, blocks: [1, 2, 3],
            operations: Double(2 * 64 * 256 * depth * 8))
    }
}
