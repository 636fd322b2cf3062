import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

extension DeviceSelfTest {
    /// Judges the candidates written by hand, one after another, as searches do; gives how many there were and lines about those whose
    /// verdict is not what it should be. `fillsSharedMemory` says whether the device lets the judge do that.
    package func corpus(fillsSharedMemory: Bool) async -> (judged: Int, wrong: [String]) {
        guard let dialect = compiler.generator.device?.target.dialect else { return (0, []) }
        let candidates = DeviceCandidate.all.filter { fillsSharedMemory || !$0.isOfSharedMemory }
        var wrong: [String] = []
        for (number, one) in candidates.enumerated() {
            let expected = one.reasons.isEmpty ? "acceptance" : one.reasons.joined(separator: " or ")
            let kind: String?
            switch await compile(one.emitted(dialect), "corpus-\(number)") {
            case .failure: kind = "notLoaded"
            case .success(let candidate):
                var settings = JudgeSettings.onDevice()
                settings.timeLimit = one.timeLimit
                let judge = KernelJudge(worker: device, settings: settings)
                kind = await judge.judge(candidate, against: nil, evidence: one.evidence).refusal?.kind
            }
            if one.reasons.isEmpty ? kind != nil : !one.reasons.contains(kind ?? "") {
                wrong.append("\(one.name): \(kind ?? "accepted") where \(expected) is right")
            }
        }
        return (candidates.count, wrong)
    }
}

extension DeviceCandidate {
    /// What it is judged by.
    package var evidence: RegionEvidence {
        var oracle = CorpusRegion.square.oracle
        oracle.parameters[0].isConstant = isConstant
        return RegionEvidence(oracle: oracle, seed: 3)
    }
}
