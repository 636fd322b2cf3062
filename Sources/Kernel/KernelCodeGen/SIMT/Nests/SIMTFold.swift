import ElementTypes
import KernelIR

/// Combines the accumulators `a0`, `a1` … of a team's threads (and their positions `q0` …), in a fixed order; every thread gets
/// the result.
struct SIMTFold {
    let plan: SIMTNestPlan
    let dialect: SIMTDialect

    /// Whether a team's threads are neighbours that shuffles reach.
    private var isShuffled: Bool { dialect.hasShuffles && plan.team.neighbours == 1 }

    /// Shared memory of all folds.
    var declarations: [String] {
        if plan.team == .thread || (plan.team == .warp && dialect.hasShuffles) { return [] }
        let count = max(1, plan.threads / (isShuffled ? 32 : 1))
        return [dialect.shared("double", "fold_d", count), dialect.shared("int64_t", "fold_l", count)]
    }

    /// A slot that a step reduces to.
    struct Reduced {
        let kind: ReductionKind
        let type: ElementType
        let slot: Int
        /// Whether it is the position that is asked for.
        let isArg: Bool

        /// Text that makes its accumulators those of nothing.
        var start: String {
            "a\(slot) = \(Reductions.initial(kind, type, isVector: false));\(isArg ? " q\(slot) = -1;" : "")"
        }

        /// Text that merges a value, and its position, into the accumulators.
        func merge(_ value: String, _ at: String) -> String {
            isArg
                ? "if (\(at) >= 0) { \(Reductions.argFold(kind, "a\(slot)", "q\(slot)", value, at)) }"
                : "a\(slot) = \(BodyPrinter.combine(kind, CTypes.letter(type), "s", "a\(slot)", value));"
        }
    }

    /// Statements that combine the accumulators of a slot; shared memory for positions is declared once (`isFirst`).
    func statements(_ reduced: Reduced, isFirst: Bool = true) -> [String] {
        let (type, slot, isArg) = (reduced.type, reduced.slot, reduced.isArg)
        let cType = CTypes.scalar(type)
        let memory = type.computeType == .f64 || type.computeType == .f32 ? "fold_d" : "fold_l"
        guard isShuffled else {
            // In pairs, as shuffles do: long sums lose less than one after the other.
            let partner = "(int)\(dialect.thread) + ((member ^ other) - member) * \(plan.team.neighbours)"
            return (isArg && isFirst ? [dialect.shared("int64_t", "at\(slot)", plan.threads)] : []) + [
                "for (int other = \(plan.width / 2); other > 0; other /= 2) {", dialect.barrier,
                "\(memory)[\(dialect.thread)] = a\(slot);\(isArg ? " at\(slot)[\(dialect.thread)] = q\(slot);" : "")",
                dialect.barrier, "const \(cType) v = (\(cType))\(memory)[\(partner)];",
                isArg ? "const int64_t w = at\(slot)[\(partner)];" : "", reduced.merge("v", "w"), "}",
            ]
        }
        var lines = [
            "for (int other = 16; other > 0; other /= 2) {",
            "const \(cType) v = __shfl_xor_sync(0xffffffffu, a\(slot), other, 32);",
            isArg ? "const int64_t w = __shfl_xor_sync(0xffffffffu, q\(slot), other, 32);" : "",
            reduced.merge("v", "w"), "}",
        ]
        guard plan.team == .block, plan.threads > 32 else { return lines }
        let warps = plan.threads / 32
        lines += [dialect.barrier, "if (threadIdx.x % 32 == 0) \(memory)[threadIdx.x / 32] = a\(slot);"]
        if isArg {
            // Values of integers and their positions must not share the array.
            lines += [
                dialect.barrier, isFirst ? "__shared__ int64_t at\(slot)[\(warps)];" : "",
                "if (threadIdx.x % 32 == 0) at\(slot)[threadIdx.x / 32] = q\(slot);",
            ]
        }
        return lines + [
            dialect.barrier, "a\(slot) = (\(cType))\(memory)[0];\(isArg ? " q\(slot) = at\(slot)[0];" : "")",
            "for (int other = 1; other < \(warps); ++other) {",
            "const \(cType) v = (\(cType))\(memory)[other];\(isArg ? " const int64_t w = at\(slot)[other];" : "")",
            reduced.merge("v", "w"), "}",
        ]
    }
}
