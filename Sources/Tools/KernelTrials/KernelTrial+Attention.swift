import ElementTypes
import KernelIR

extension KernelTrial {
    private static func groups(_ stages: [Int]) -> [Schedule] {
        (0..<8).flatMap { tile in stages.map { Schedule(["form": 3, "tile": tile, "stages": $0]) } }
    }

    /// Attention by groups of warps: odd shapes, then layers of models beside what one warp for 16 rows gives.
    static let groupAttentions: [KernelTrial] = [
        attention(
            "groups 37x91 d64", TrialShapes.attention(keyHeads: 3, group: 1, queries: 37, keys: 91, depth: 64, .bf16),
            groups([2, 4])),
        attention(
            "groups 130x330 d128 causal, 4 heads each",
            TrialShapes.attention(keyHeads: 2, group: 4, queries: 130, keys: 330, depth: 128, .bf16, isCausal: true),
            groups([3])),
        attention(
            "groups 250x200 d80 f16, keys 77 on hidden",
            TrialShapes.attention(
                batch: 2, keyHeads: 2, group: 2, queries: 250, keys: 200, depth: 80, .f16, visible: 77), groups([2])),
        attention(
            "groups 120x170 d32 added",
            TrialShapes.attention(keyHeads: 2, group: 1, queries: 120, keys: 170, depth: 32, .f16, isAdded: true),
            groups([3])),
        attention(
            "groups Llama, prompt of 512",
            TrialShapes.attention(keyHeads: 8, group: 4, queries: 512, keys: 512, depth: 128, .bf16, isCausal: true),
            groups([2, 3]) + flash, isTimed: true),
        attention(
            "groups BERT 8x512",
            TrialShapes.attention(
                batch: 8, keyHeads: 16, group: 1, queries: 512, keys: 512, depth: 64, .bf16, visible: 512),
            groups([2, 3, 4]) + flash, isTimed: true),
        attention(
            "groups BERT 128",
            TrialShapes.attention(keyHeads: 16, group: 1, queries: 128, keys: 128, depth: 64, .bf16, visible: 128),
            groups([2]) + flash, isTimed: true),
        attention(
            "groups ViT 197",
            TrialShapes.attention(keyHeads: 12, group: 1, queries: 197, keys: 197, depth: 64, .f16),
            groups([2]) + flash, isTimed: true),
        attention(
            "groups Whisper 1500",
            TrialShapes.attention(keyHeads: 20, group: 1, queries: 1500, keys: 1500, depth: 64, .bf16),
            groups([2, 3, 4]) + flash, isTimed: true),
        attention(
            "groups 4x4096 d128",
            TrialShapes.attention(batch: 4, keyHeads: 16, group: 1, queries: 4096, keys: 4096, depth: 128, .bf16),
            groups([2, 3]) + flash, isTimed: true),
    ]
}
