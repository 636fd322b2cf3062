import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

extension DeviceSelfTest {
    /// Judges the candidates written by hand, one after another, as searches do; gives how many there were and lines about those whose
    /// verdict is not what it should be.
    package func corpus() async -> (judged: Int, wrong: [String]) {
        guard let dialect = compiler.generator.device?.target.dialect else { return (0, []) }
        let candidates = DeviceCandidate.all.filter { dialect == .cuda || !$0.isOfGPUs }
        var wrong: [String] = []
        for (number, one) in candidates.enumerated() {
            let expected = one.reasons.isEmpty ? "acceptance" : one.reasons.joined(separator: " or ")
            let kind = await refusal(one, one.emitted(dialect), "corpus-\(number)")
            if one.reasons.isEmpty ? kind != nil : !one.reasons.contains(kind ?? "") {
                wrong.append("\(one.name): \(kind ?? "accepted") where \(expected) is right")
            }
        }
        return (candidates.count, wrong)
    }

    /// The kind of a candidate's refusal, timed as in a search; nil where it is accepted.
    private func refusal(_ one: DeviceCandidate, _ emitted: EmittedKernel, _ name: String) async -> String? {
        guard case .success(let candidate) = await compile(emitted, name) else { return "notLoaded" }
        var settings = JudgeSettings.onDevice()
        settings.timeLimit = one.timeLimit
        let judge = KernelJudge(worker: device, settings: settings)
        if let refusal = await judge.judge(candidate, against: nil, evidence: one.evidence).refusal {
            return refusal.kind
        }
        return await hiddenFault(emitted, name, one.evidence, judge)?.kind
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
