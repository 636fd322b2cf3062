import COneDNN
import CProcessor
import CThreadPool
import DeviceAPI
import ElementTypes

extension CPUDevice {
    /// Asks the processor what it can do.
    static func detectLimits(threads: Int) -> DeviceLimits {
        var processor = HearthProcessor()
        hearth_processor(&processor)
        let features = featureBits.filter { processor.features & UInt32($0.bit.rawValue) != 0 }.map(\.feature)
        var limits = DeviceLimits(
            name: "cpu", kind: .cpu, vendor: text(of: processor.vendor), model: text(of: processor.model),
            features: features, cores: Int(hearth_allowed_cpus()), threads: threads,
            caches: .init(
                l1Data: Int(processor.l1_data), l2: Int(processor.l2), l3: Int(processor.l3),
                l3SharedBy: Int(processor.l3_shared_by)),
            memoryBytes: Int(processor.memory), vectorBytes: vectorBytes(features),
            elementTypes: ElementType.allCases, dialects: [.c], readsHostMemory: true, capturesGraphs: true)
        if hearth_onednn() != nil {
            limits.libraries = [.init(name: "oneDNN", version: String(cString: hearth_onednn_version()))]
        }
        return limits
    }

    private static func vectorBytes(_ features: [InstructionFeature]) -> Int {
        if features.contains(.avx512f) { return 64 }
        return features.contains(.avx2) ? 32 : 16
    }

    private static func text<Characters>(of characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static var featureBits: [(bit: HearthFeature, feature: InstructionFeature)] {
        [
            (HEARTH_HAS_SSE42, .sse42), (HEARTH_HAS_AVX, .avx), (HEARTH_HAS_F16C, .f16c), (HEARTH_HAS_FMA, .fma),
            (HEARTH_HAS_BMI2, .bmi2), (HEARTH_HAS_AVX2, .avx2), (HEARTH_HAS_AVXVNNI, .avxVNNI),
            (HEARTH_HAS_AVX512F, .avx512f), (HEARTH_HAS_AVX512BW, .avx512bw), (HEARTH_HAS_AVX512VL, .avx512vl),
            (HEARTH_HAS_AVX512DQ, .avx512dq), (HEARTH_HAS_AVX512CD, .avx512cd),
            (HEARTH_HAS_AVX512VBMI, .avx512vbmi), (HEARTH_HAS_AVX512VNNI, .avx512vnni),
            (HEARTH_HAS_AVX512BF16, .avx512bf16), (HEARTH_HAS_AVX512FP16, .avx512fp16),
            (HEARTH_HAS_AMX_TILE, .amxTile), (HEARTH_HAS_AMX_BF16, .amxBF16), (HEARTH_HAS_AMX_INT8, .amxINT8),
            (HEARTH_HAS_AMX_FP16, .amxFP16), (HEARTH_HAS_NEON, .neon),
        ]
    }
}
