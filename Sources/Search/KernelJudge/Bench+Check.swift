internal import ElementTypes
internal import KernelIR
internal import KernelWorker

extension Bench {
    /// Runs a candidate on cases of one shape and compares everything with the truth. Each case runs twice: in order with
    /// buffers that end at unmapped memory, then in reverse order with buffers that begin behind it, each time over other
    /// poison. Both must agree to the bit.
    mutating func check(
        _ candidate: CandidateKernel, _ evidence: RegionEvidence, _ keys: [RegionEvidence.CaseKey],
        _ settings: JudgeSettings
    ) throws(Refusal) -> [OutputErrors] {
        let cases = try Self.cases(evidence, keys)
        let runs =
            cases.indices.map { CheckJob.Run(set: $0, endsAtGuard: true, poison: 0xCD) }
            + cases.indices.reversed().map { CheckJob.Run(set: $0, endsAtGuard: false, poison: 0xFF) }
        let outputs = try run(candidate, evidence, cases, runs, settings)
        var errors: [OutputErrors] = []
        var pools = [Pool](repeating: Pool(), count: evidence.written.count)
        for (index, inputCase) in cases.enumerated() {
            let first = outputs[index]
            let second = outputs[runs.count - 1 - index]
            errors += try compare(
                first, second, inputCase, evidence, isSpreading: candidate.spreading != nil, &pools)
        }
        for (output, parameter) in evidence.written.enumerated() where !pools[output].members.isEmpty {
            errors.append(try pools[output].errors(parameter, evidence.oracle.parameters[parameter].element))
        }
        return errors
    }

    /// What an output held beside one infinity after another. Each draw is little, and of hundreds some find the witness lucky: how precise
    /// a candidate is they say together.
    private struct Pool {
        var members: [(inputs: String, values: [Double], input: AgreementInput)] = []

        /// Errors over all draws.
        func errors(_ parameter: Int, _ element: ElementType) throws(Refusal) -> OutputErrors {
            var all = members[0].input
            all.truth = members.flatMap(\.input.truth)
            all.witness = members.flatMap(\.input.witness)
            let values = members.flatMap(\.values)
            switch Agreement.compare(values, all) {
            case .agrees(let found):
                return OutputErrors(parameter: parameter, inputs: members[0].inputs, errors: found)
            case .wrong(let index):
                throw .wrongOutput(place(index, parameter), got: values[index], expected: all.truth[index])
            case .inaccurate(let index, let found):
                throw .inaccurate(place(index, parameter), got: values[index], expected: all.truth[index], found)
            }
        }

        private func place(_ index: Int, _ parameter: Int) -> OutputPlace {
            var rest = index
            for member in members {
                if rest < member.values.count {
                    return OutputPlace(inputs: member.inputs, parameter: parameter, element: rest)
                }
                rest -= member.values.count
            }
            return OutputPlace(inputs: members[0].inputs, parameter: parameter, element: index)
        }
    }

    /// Bytes of the written parameters of every run over cases of one shape. `inputs` stand in for those of the first case, by their
    /// parameter.
    mutating func run(
        _ candidate: CandidateKernel, _ evidence: RegionEvidence, _ cases: [RegionEvidence.Case],
        inputs: [Int: [UInt8]] = [:], _ runs: [CheckJob.Run], _ settings: JudgeSettings
    ) throws(Refusal) -> [[[UInt8]]] {
        let dimensions = cases[0].dimensions
        let parameters = try evidence.parameters(dimensions: dimensions)
        let placed = try files.file(evidence, shape: cases[0].key.shape)
        var sets: [[Int]] = []
        for (place, each) in cases.enumerated() {
            sets.append(
                place == 0 && !inputs.isEmpty
                    ? try placed.set(each.key, inputs: inputs) : try placed.set(each.key))
        }
        let written = parameters.indices.filter { parameters[$0].role.isWritten }
        let runBytes = written.reduce(0) { $0 + aligned(parameters[$1].byteCount) }
        let outputs = try SharedFile(byteCount: runBytes * runs.count)
        let outputsReference = outputs.reference
        let inputsReference = placed.reference
        let asked = sets
        let (reply, _) = try ask([candidate.libraryPath], limit: settings.timeLimit) { numbers throws(Refusal) in
            let call = try candidate.call(
                library: numbers[0], parameters: parameters, symbols: evidence.oracle.symbols, dimensions: dimensions)
            return .check(
                CheckJob(call: call, inputs: inputsReference, sets: asked, outputs: outputsReference, runs: runs))
        }
        guard case .checked(let reports) = reply, reports.count == runs.count else {
            throw .notJudged(reason: "the worker did not answer a check")
        }
        for report in reports { try Self.refuse(report) }
        return runs.indices.map { run in
            var offset = run * runBytes
            return written.map { parameter in
                defer { offset += aligned(parameters[parameter].byteCount) }
                return outputs.bytes(offset, parameters[parameter].byteCount)
            }
        }
    }

    /// Throws what a run did that none may do.
    static func refuse(_ report: RunReport) throws(Refusal) {
        if report.code != 0 { throw .failed(code: report.code) }
        if let damaged = report.damaged { throw .damagedFence(damaged.buffer, byteOffset: damaged.offset) }
        if let input = report.changedInput { throw .inputChanged(.parameter(input)) }
        if report.extraThreads > 0 { throw .startedThreads(count: report.extraThreads) }
        if let state = report.changedState { throw .stateChanged(state) }
    }

    /// Compares both runs of a case with each other and with the truth.
    private func compare(
        _ first: [[UInt8]], _ second: [[UInt8]], _ inputCase: RegionEvidence.Case, _ evidence: RegionEvidence,
        isSpreading: Bool, _ pools: inout [Pool]
    ) throws(Refusal) -> [OutputErrors] {
        let isMixed = evidence.oracle.mixesElements && inputCase.key.distribution.isSpecial
        let specials: AgreementInput.Specials = isMixed ? isSpreading ? .spread : .determined : .followed
        let truths = try evidence.truth(inputCase)
        let floor = evidence.floor(inputCase)
        var errors: [OutputErrors] = []
        var complete: [[Double]] = []
        for (output, parameter) in evidence.written.enumerated() {
            let element = evidence.oracle.parameters[parameter].element
            func place(_ index: Int) -> OutputPlace {
                OutputPlace(inputs: inputCase.name, parameter: parameter, element: index)
            }
            if evidence.oracle.parameters[parameter].access == .write {
                try Self.findUnwritten(first[output], second[output], element.byteCount, place)
            }
            let values = first[output].withUnsafeBytes { ElementCoding.decode($0, element) }
            let truth = truths[output]
            let input = AgreementInput(
                element: element, truth: truth.truth, witness: truth.witness, summedTerms: truth.summedTerms,
                floor: floor, specials: specials, acceptsTie: truth.acceptsTie)
            let compared = truth.positions.map { $0.map { values[$0] } } ?? values
            let summary: ErrorSummary
            switch Agreement.compare(compared, input) {
            case .agrees(let found): summary = found
            case .wrong(let index):
                throw .wrongOutput(
                    place(truth.positions?[index] ?? index), got: compared[index], expected: truth.truth[index])
            case .inaccurate(_, let found) where inputCase.key.distribution == .infinite: summary = found
            case .inaccurate(let index, let found):
                throw .inaccurate(
                    place(truth.positions?[index] ?? index), got: compared[index], expected: truth.truth[index], found)
            }
            if first[output] != second[output] {
                let others = second[output].withUnsafeBytes { ElementCoding.decode($0, element) }
                let index = Self.firstDifference(first[output], second[output]) / element.byteCount
                throw .unstable(place(index), first: values[index], second: others[index])
            }
            if inputCase.key.distribution == .infinite, element.isFloatingPoint {
                pools[output].members.append((inputCase.name, compared, input))
            } else {
                errors.append(OutputErrors(parameter: parameter, inputs: inputCase.name, errors: summary))
            }
            complete.append(values)
            if truth.positions != nil, let accepted = evidence.acceptedOutputs(inputCase.key)?[output] {
                // What truth does not cover is held to the first accepted candidate: both may be off by what is allowed.
                for index in values.indices where !Self.near(values[index], accepted[index], summary, element) {
                    throw .wrongOutput(place(index), got: values[index], expected: accepted[index])
                }
            }
        }
        if truths.contains(where: { $0.positions != nil }) {
            evidence.accept(inputCase.key, complete)
        }
        return errors
    }

    private static func near(_ a: Double, _ b: Double, _ summary: ErrorSummary, _ element: ElementType) -> Bool {
        if a == b || (a.isNaN && b.isNaN) { return true }
        // The sampled elements' largest error may be exceeded among all; twice two bounds leaves room for that.
        return element.isFloatingPoint && abs(a - b) <= 4 * summary.allowedMaximum
    }

    /// An element that holds the poison of its run in both runs was not written.
    private static func findUnwritten(
        _ first: [UInt8], _ second: [UInt8], _ elementBytes: Int, _ place: (Int) -> OutputPlace
    ) throws(Refusal) {
        var count = 0
        var firstIndex: Int?
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                for index in 0..<first.count / elementBytes {
                    let range = index * elementBytes..<(index + 1) * elementBytes
                    guard range.allSatisfy({ first[$0] == 0xCD && second[$0] == 0xFF }) else { continue }
                    count += 1
                    firstIndex = firstIndex ?? index
                }
            }
        }
        if let firstIndex { throw .unwritten(first: place(firstIndex), count: count) }
    }

    static func firstDifference(_ first: [UInt8], _ second: [UInt8]) -> Int {
        first.indices.first { first[$0] != second[$0] } ?? 0
    }
}
