import Base
import ElementTypes
import Testing

@testable import KernelIR

/// Every rule of the checker finds a kernel that breaks it and no other rule before.
@Suite struct KernelCheckerTests {
    /// Which of the right texts, what is replaced by what, the rule, and what its message holds.
    static let faults: [(text: Int, from: String, to: String, rule: String, message: String)] = [
        (0, "symbols [s0, s2]", "symbols [s0, s2, s0]", "symbols are declared once and are symbols", "twice"),
        (0, "i64[s0]\n", "i64[s1]\n", "counts are over declared symbols", "s1"),
        (
            0, "loop i1 < 4", "loop i0 < 4", "loops have variables of their own and extents over declared symbols",
            "step 0: i0 loops twice"
        ),
        (0, "%11 = add %0, %2", "%11 = add %0, %12", "operands stand before their uses", "%12"),
        (0, "%11 = add %0, %2", "%11 = add %0", "operations have as many operands as they take", "1 of 2"),
        (0, "load p3[i0]", "load p4[i0]", "loads read parameters that may be read", "there is no p4"),
        (0, "load p3[i0]", "load p1[i0]", "loads read parameters that may be read", "p1 is only written"),
        (0, "real 0.1 f32", "real 0.1 f16", "real constants are f32 or f64", "f16"),
        (
            0, "reduce sum %15 to 0", "reduce sum %15 to 1",
            "slots, rows and scans stand in nests, accumulators in epilogues", "slot 0"
        ),
        (
            0, "  keep %13 to 0\n", "", "slots, rows and scans stand in nests, accumulators in epilogues", "row 0"
        ),
        (
            0, "loop i2 < 4", "loop i2 < 5", "slots, rows and scans stand in nests, accumulators in epilogues",
            "no earlier step over equal loops keeps row 0"
        ),
        (
            1, "%0 = load p0[4*i0 + i3]", "%0 = accumulator",
            "slots, rows and scans stand in nests, accumulators in epilogues", "nothing was accumulated"
        ),
        (0, "%11 = add %0, %2", "%11 = add %0, %1", "operands have types that fit", "types"),
        (0, "select %4, %11, %5", "select %1, %11, %5", "operands have types that fit", "not bool"),
        (
            0, "load p3[i0]", "load p3[i2]", "expressions name loops, declared symbols and earlier i64 values",
            "i2 in i2"
        ),
        (
            0, "4*v1]", "4*v0]", "expressions name loops, declared symbols and earlier i64 values", "%0 is f32"
        ),
        (0, "%3 = index (i0 % 2) + min(s0, 4)", "%3 = position %0 of s0", "positions are i64 values", "%0 is f32"),
        (1, "result %0", "result %1", "results are values of the body", "there is no %1"),
        (
            0, "store %2 to p1[i0]", "store %2 to p0[i0]", "writes go to parameters that may be written",
            "p0 is only read"
        ),
        (
            3, "lastCell p3[i2]", "lastCell p3[i0]", "writes are at loops, declared symbols and i64 values",
            "i0 in i0"
        ),
        (4, "positions p1[2*i0 + i1]\n", "", "every parameter that is written has a write", "p1 has none"),
        (
            0, "slots [f32, i64]", "slots [f32]", "reductions fill slots and keeps fill rows that exist",
            "slot 1 of 1"
        ),
        (
            0, "argMaximum %15 at i1", "argMaximum %15", "positions of extrema, and only they, are given",
            "argMaximum"
        ),
        (
            1, "left\n", "gate i7 < 1\nleft\n", "a product's gate has a constant number of operands, two at least", "1"
        ),
        (
            1, "epilogue\n", "rowSum\n  %0 = integer 1\n  result %0\nepilogue\n", "sums over rows are of f32 values",
            "i64"
        ),
        (3, "gate i3 < 4", "gate i3 < 3", "gates are as many as the cell has, and an LSTM has a cell state", "3 of 4"),
        (
            3, "recurrence lstm", "recurrence gru",
            "gates are as many as the cell has, and an LSTM has a cell state", "4 of 3"
        ),
        (
            4, "load p0[4*i0 + i1]", "load p0[12]", "elements at constant places are inside their parameters",
            "p0[12] of 12"
        ),
    ]

    @Test(arguments: faults.indices) func ruleFindsItsFault(_ index: Int) throws {
        let fault = Self.faults[index]
        let right = KernelTextTests.texts[fault.text]
        let wrong = right.replacing(fault.from, with: fault.to, maxReplacements: 1)
        #expect(wrong != right)
        let kernel = try Kernel(parsing: wrong)
        do throws(KernelFault) {
            try KernelChecker.check(kernel)
            Issue.record("nothing was found")
        } catch {
            #expect(error.rule == fault.rule)
            #expect(error.message.contains(fault.message), "\(error)")
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func everyRuleHasAFault() {
        #expect(Set(Self.faults.map(\.rule)) == Set(KernelChecker.rules.map(\.what)))
    }
}
