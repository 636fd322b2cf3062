import DeviceAPI
import KernelIR

extension CPUTarget {
    /// What code generation needs of a CPU's limits.
    package init(_ limits: DeviceLimits) {
        func has(_ features: InstructionFeature...) -> Bool { limits.supports(features) }
        let hasAVX512 = has(.avx512f, .avx512bw, .avx512vl, .avx512dq)
        var flags: [String] = []
        let spellings: [(InstructionFeature, [String])] = [
            (.sse42, ["-msse4.2"]), (.avx, ["-mavx"]), (.f16c, ["-mf16c"]), (.fma, ["-mfma"]), (.bmi2, ["-mbmi2"]),
            (.avx2, ["-mavx2"]), (.avx512f, ["-mavx512f", "-mprefer-vector-width=512"]), (.avx512bw, ["-mavx512bw"]),
            (.avx512vl, ["-mavx512vl"]), (.avx512dq, ["-mavx512dq"]), (.avx512cd, ["-mavx512cd"]),
            (.avx512vbmi, ["-mavx512vbmi"]), (.avx512vnni, ["-mavx512vnni"]), (.avx512bf16, ["-mavx512bf16"]),
            (.amxTile, ["-mamx-tile"]), (.amxBF16, ["-mamx-bf16"]), (.amxINT8, ["-mamx-int8"]),
        ]
        for (feature, texts) in spellings where has(feature) { flags += texts }
        // Only where the wider registers do not have them: older compilers do not know this flag.
        if !hasAVX512, has(.avxVNNI) { flags.append("-mavxvnni") }
        self.init(
            vectorBytes: hasAVX512 ? 64 : (has(.avx2) ? 32 : 16), vectorRegisters: hasAVX512 || has(.neon) ? 32 : 16,
            hasFMA: has(.fma) || has(.neon), hasF16Conversion: has(.f16c), hasBF16Dot: has(.avx512bf16),
            hasAMXBF16: has(.amxTile, .amxBF16), hasInt8Dot: hasAVX512 ? has(.avx512vnni) : has(.avx2, .avxVNNI),
            cacheBytes: [limits.caches.l1Data, limits.caches.l2, limits.caches.l3], threads: limits.threads,
            compilerFlags: flags)
        hasAMXInt8 = has(.amxTile, .amxINT8)
        hasOneDNN = limits.libraries.contains { $0.name == "oneDNN" }
    }
}
