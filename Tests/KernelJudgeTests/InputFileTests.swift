import JudgeSelfTest
import KernelIR
import KernelWorker
import Testing

@testable import KernelJudge

/// Inputs that the worker maps again and again.
@Suite struct InputFileTests {
    @Test(arguments: CorpusRegion.allCases) func casesShareConstantsAlone(_ region: CorpusRegion) throws {
        let evidence = RegionEvidence(oracle: region.oracle, seed: 5)
        for shape in 0..<evidence.shapeCount {
            let parameters = try evidence.parameters(dimensions: evidence.oracle.shapes[shape])
            let file = try InputFile(evidence, shape: shape)
            var taken: [Range<Int>] = []
            var constants: [Int: Int] = [:]
            for key in try evidence.batteryKeys(isSpreading: false, isHost: true) where key.shape == shape {
                for (index, offset) in try file.set(key).enumerated() {
                    switch parameters[index].role {
                    case .output: #expect(offset == -1)
                    case .constant: #expect(constants[index] ?? offset == offset)
                    case .input, .state: taken.append(offset..<offset + parameters[index].byteCount)
                    }
                    if parameters[index].role == .constant { constants[index] = offset }
                }
            }
            taken += constants.map { $1..<$1 + parameters[$0].byteCount }
            taken.sort { $0.lowerBound < $1.lowerBound }
            #expect(zip(taken, taken.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
            #expect(taken.allSatisfy { $0.upperBound <= file.byteCount })
            #expect(throws: Refusal.self) { try file.set(.init(shape, .normal, 99)) }
        }
    }

    /// Inputs that timed calls left behind lie where no case does.
    @Test func otherInputsHaveTheirOwnPlace() throws {
        let evidence = RegionEvidence(oracle: CorpusRegion.softmax.oracle, seed: 5)
        let key = RegionEvidence.CaseKey(0, .normal, 0)
        let file = try InputFile(evidence, shape: 0)
        let input = try #require(
            evidence.oracle.parameters.indices.first { evidence.oracle.parameters[$0].access == .read })
        let bytes = try evidence.makeCase(key).inputs[input]
        let replaced = try file.set(key, inputs: [input: bytes.map { ~$0 }])
        let own = try file.set(key)
        #expect(replaced[input] != own[input])
        #expect(replaced.indices.allSatisfy { $0 == input || replaced[$0] == own[$0] })
    }

    /// What a region's candidates meet is made once.
    @Test func filesAreKept() throws {
        let evidence = RegionEvidence(oracle: CorpusRegion.square.oracle, seed: 5)
        let other = RegionEvidence(oracle: CorpusRegion.square.oracle, seed: 6)
        var files = InputFiles()
        let first = try files.file(evidence, shape: 0)
        #expect(try files.file(other, shape: 0) !== first)
        #expect(try files.file(evidence, shape: 0) === first)
    }
}
