import Base
import ElementTypes
import KernelJudge
import Testing

@Suite struct AgreementTests {
    /// Truth 1, 2, … 64, a witness that errs by `witness` and a candidate that errs by `candidate` in all elements.
    private func outcome(candidate: Double, witness: Double, element: ElementType = .f32) -> Agreement.Outcome {
        let truth = (1...64).map { Double($0) }
        return Agreement.compare(
            truth.map { $0 + candidate },
            AgreementInput(element: element, truth: truth, witness: truth.map { $0 + witness }))
    }

    @Test(arguments: [(3.9e-3, true), (-3.9e-3, true), (4.1e-3, false)]) func allowsFourTimesTheWitness(
        error: Double, passes: Bool
    ) {
        if case .agrees = outcome(candidate: error, witness: 1e-3) {
            #expect(passes)
        } else {
            #expect(!passes)
        }
    }

    /// An exact witness leaves the floor: 64 elements with a root mean square of 37 may be off by 1.2 units of that.
    @Test(arguments: [(ElementType.f32, 0x1p-23), (.f16, 0x1p-10), (.bf16, 0x1p-7)]) func hasAFloor(
        element: ElementType, epsilon: Double
    ) {
        #expect(passes(outcome(candidate: 1.1 * epsilon * 37, witness: 0, element: element)))
        #expect(!passes(outcome(candidate: 1.3 * epsilon * 37, witness: 0, element: element)))
    }

    private func passes(_ outcome: Agreement.Outcome) -> Bool {
        switch outcome {
        case .agrees: true
        case .wrong, .inaccurate: false
        }
    }

    /// truth, witness, candidate, whether it passes, for elements that are not finite.
    @Test(arguments: [
        (Double.infinity, Double.infinity, Double.infinity, true), (.infinity, .infinity, -.infinity, false),
        (.infinity, .infinity, 1, false), (.nan, .nan, .nan, true), (.nan, .nan, 0, false),
        // f16 overflows where double does not: either is right, nothing else.
        (1e5, .infinity, .infinity, true), (1e5, .infinity, 1e5, true), (1e5, .infinity, .nan, false),
        (1e5, .infinity, 0, false), (1, 1, .nan, false), (1, 1, .infinity, false),
    ]) func followsInfinities(truth: Double, witness: Double, candidate: Double, expected: Bool) {
        let input = AgreementInput(element: .f16, truth: [truth, 1], witness: [witness, 1])
        #expect(passes(Agreement.compare([candidate, 1], input)) == expected)
    }

    /// truth, witness, candidate; whether it passes where sums may be taken in any order, and where elements are subtracted from each other.
    @Test(arguments: [
        (Double.infinity, Double.infinity, Double.infinity, true, true), (.infinity, .infinity, .nan, false, true),
        (.infinity, .infinity, -.infinity, false, true), (.infinity, .infinity, 3, false, false),
        (.nan, .nan, 0, false, false), (.nan, .nan, .infinity, false, true),
        // Overflow in another order is the order's affair.
        (1e5, .infinity, .nan, true, true), (1e5, .infinity, 0, true, true), (.infinity, .nan, 7, true, true),
        (1, 1, .nan, false, true), (1, 1, .infinity, false, false), (1, 1, 2, false, false), (1, 1, 1, true, true),
    ]) func orderDecidesNothingElse(
        truth: Double, witness: Double, candidate: Double, inAnyOrder: Bool, spreading: Bool
    ) {
        for (specials, expected) in [(AgreementInput.Specials.determined, inAnyOrder), (.spread, spreading)] {
            let input = AgreementInput(
                element: .f16, truth: [truth, 1], witness: [witness, 1], specials: specials)
            #expect(passes(Agreement.compare([candidate, 1], input)) == expected, "\(specials)")
        }
    }

    @Test func integersAreExactButForTies() {
        let exact = AgreementInput(element: .i64, truth: [1, 2, 3], witness: [1, 2, 4])
        #expect(passes(Agreement.compare([1, 2, 3], exact)))
        #expect(passes(Agreement.compare([1, 2, 4], exact)))
        #expect(Agreement.compare([1, 3, 3], exact) == .wrong(index: 1))
        let tied = AgreementInput(element: .i64, truth: [1, 2], witness: [1, 2]) { index, value in
            index == 1 && value == 7
        }
        #expect(passes(Agreement.compare([1, 7], tied)))
        #expect(Agreement.compare([7, 7], tied) == .wrong(index: 0))
    }

    /// Four outputs whose witness is exact by luck do not show that a rounding more is wrong; a tf32 product is.
    @Test(arguments: [(3e-7, true), (2e-3, false)]) func fewElementsProveLittle(error: Double, expected: Bool) {
        let truth = [1.0, 2.06, -1.7, 0.4]
        let input = AgreementInput(element: .f32, truth: truth, witness: truth)
        #expect(passes(Agreement.compare(truth.map { $0 + error }, input)) == expected)
    }

    @Test func longSumsMayRoundMore() {
        let truth = (0..<100).map { Double($0 - 50) }
        let candidate = truth.map { $0 * (1 + 3e-7) }
        func input(_ terms: Int) -> AgreementInput {
            AgreementInput(element: .f32, truth: truth, witness: truth, summedTerms: terms)
        }
        #expect(!passes(Agreement.compare(candidate, input(1))))
        #expect(passes(Agreement.compare(candidate, input(4096))))
        // What tf32 or bf16 products cost is far beyond.
        #expect(!passes(Agreement.compare(truth.map { $0 * (1 + 1e-4) }, input(4096))))
    }

    /// Sums as a micro-kernel makes them pass beside a witness that sums in double; products of bf16 or tf32 do not.
    @Test(arguments: [16, 96, 768, 4608]) func honestSumsPass(terms: Int) {
        var random = SeededRandom(seed: UInt64(terms))
        var truth: [Double] = []
        var plain: [Double] = []
        var narrow: [Double] = []
        for _ in 0..<64 {
            var sums = (truth: 0.0, plain: Float(0), narrow: Float(0))
            for _ in 0..<terms {
                // Sums of uniform numbers: near enough to normal, and quick.
                let x = Float(random.uniform() + random.uniform() - random.uniform() - random.uniform())
                let w = Float(random.uniform() + random.uniform() - random.uniform() - random.uniform())
                sums.truth += Double(x) * Double(w)
                sums.plain += x * w
                sums.narrow += Float(bitPattern: (x.bitPattern + 0x1000) & 0xFFFF_E000) * w
            }
            truth.append(sums.truth)
            plain.append(Double(sums.plain))
            narrow.append(Double(sums.narrow))
        }
        let input = AgreementInput(
            element: .f32, truth: truth, witness: truth.map { Double(Float($0)) }, summedTerms: terms)
        #expect(passes(Agreement.compare(plain, input)))
        #expect(!passes(Agreement.compare(narrow, input)))
    }

    @Test func modelsAreJudgedByTheSameRule() {
        let reference = AgreementInput(element: .f32, truth: [1, 2], witness: [1, 2.0001])
        let good = ModelAgreement([.init(name: "y", values: [1, 2.0002], reference: reference)])
        #expect(good.passes)
        let bad = ModelAgreement([
            .init(name: "y", values: [1, 2.001], reference: reference),
            .init(name: "z", values: [1], reference: reference),
            .init(name: "w", values: [1, .nan], reference: reference),
        ])
        #expect(!bad.passes)
        #expect(bad.findings[1].outcome == .wrongCount(expected: 2, found: 1))
        guard case .inaccurate(element: 1, got: 2.001, expected: 2, _) = bad.findings[0].outcome,
            case .wrong(element: 1, _, expected: 2) = bad.findings[2].outcome
        else {
            Issue.record("\(bad.findings)")
            return
        }
    }

    @Test(arguments: ElementType.allCases) func elementsRoundTrip(element: ElementType) {
        let values: [Double] = element == .bool ? [0, 1, 1, 0] : element == .u8 ? [0, 255, 7] : [0, 1, -2, 96]
        let bytes = ElementCoding.encode(values, element)
        #expect(bytes.count == values.count * element.byteCount)
        #expect(bytes.withUnsafeBytes { ElementCoding.decode($0, element) } == values)
    }
}
