/// An extension of an instruction set that kernels may be generated for. Present means: the processor has it and the
/// system lets programs use its registers.
package enum InstructionFeature: String, CaseIterable, Hashable, Comparable, Sendable {
    case sse42, avx, f16c, fma, bmi2, avx2
    /// 8-bit dot products on 256-bit vectors.
    case avxVNNI = "avxvnni"
    case avx512f, avx512bw, avx512vl, avx512dq, avx512cd
    case avx512vbmi
    /// 8-bit dot products on 512-bit vectors.
    case avx512vnni
    /// bf16 dot products and conversions on 512-bit vectors.
    case avx512bf16
    /// Arithmetic in fp16 on 512-bit vectors.
    case avx512fp16
    /// The tile registers of AMX.
    case amxTile = "amx_tile"
    case amxBF16 = "amx_bf16"
    case amxINT8 = "amx_int8"
    case amxFP16 = "amx_fp16"
    case neon

    /// Orders as declared, which is roughly by age.
    package static func < (a: Self, b: Self) -> Bool { a.order < b.order }

    private var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
