import ElementTypes
import ReferenceInterpreter
import Testing

@testable import PackageBuilder

/// What is stated of results in fewer bits.
@Suite struct DeviationTests {
    @Test func whatIsNoNumberIsFarAway() {
        let deviation = Deviation([1, .nan, 3], from: [1, 2, 3], width: 3)
        #expect(deviation.relative == .infinity)
        #expect(Deviation([1, 2, .infinity], from: [1, 2, .infinity], width: 1).relative == 0)
    }

    @Test func cosineAndGreatest() {
        let same = Deviation([2, 4, 6, 1, 0, 0], from: [1, 2, 3, 0.5, 0, 0], width: 3)
        #expect(abs(same.cosine - 1) < 1e-12 && same.sameGreatest == 1)
        let across = Deviation([0, 1], from: [1, 0], width: 2)
        #expect(across.cosine == 0 && across.sameGreatest == 0)
        #expect("\(same)".contains("cosine 1.0, greatest element of a row the same in 100.0 %"))
    }

    @Test func perplexityIsOfTheNextToken() {
        // Two rows of three tokens in a vocabulary of 256; scores that are all alike leave every word as likely.
        let tokens = TensorValue(.i64, [2, 3], integers: [0, 5, 255, 7, 7, 1])
        let shape = [2, 3, 256]
        #expect(Perplexity.reads(tokens, shape))
        #expect(!Perplexity.reads(tokens, [2, 3, 255]) && !Perplexity.reads(tokens, [3, 2, 256]))
        #expect(abs(Perplexity.of([Double](repeating: 3, count: 6 * 256), tokens, width: 256) - 256) < 1e-9)
        // A model that is sure of what comes next.
        var scores = [Double](repeating: 0, count: 6 * 256)
        for (place, next) in [(0, 5), (1, 255), (3, 7), (4, 1)] { scores[place * 256 + next] = 50 }
        #expect(abs(Perplexity.of(scores, tokens, width: 256) - 1) < 1e-9)
    }
}
