import ElementTypes
import Glibc
import KernelArchive
import KernelCodeGen
import KernelIR
import JudgeSelfTest
import KernelJudge
import KernelSwarm
import Testing

/// How the rooms meet: the swarm proposes, the emitter writes, the compiler compiles, the judge says yes or no, the archive
/// remembers. The builder does the same with regions of a model.
private actor RegionEvaluator: CandidateEvaluator {
    let kernel: Kernel
    let emitter: KernelEmitter
    let workshop: Workshop
    let judge: KernelJudge
    let evidence: RegionEvidence
    let archive: KernelArchive
    private var champion: CandidateKernel?
    private(set) var judged = 0

    init(kernel: Kernel, emitter: KernelEmitter, workshop: Workshop, oracle: any RegionOracle, archive: KernelArchive) {
        self.kernel = kernel
        self.emitter = emitter
        self.workshop = workshop
        self.archive = archive
        judge = workshop.judge(audits: true)
        evidence = RegionEvidence(oracle: oracle, seed: 3)
    }

    nonisolated func key(_ schedule: Schedule) -> ArchiveKey {
        ArchiveKey(
            kernel: "product", machine: "here", builder: .init(generator: "1", compiler: ""),
            schedule: schedule.description)
    }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        // Compilation runs beside itself, judging one after another.
        var compiled: [Result<CandidateKernel, Refusal>?] = []
        for candidate in batch {
            compiled.append(archive[key(candidate.schedule)] == nil ? await compile(candidate.schedule) : nil)
        }
        var verdicts: [TrialVerdict] = []
        for (candidate, result) in zip(batch, compiled) {
            guard let result else {
                verdicts.append(Self.verdict(archive[key(candidate.schedule)]!.outcome))
                continue
            }
            let outcome = await judged(result)
            verdicts.append(Self.verdict(outcome))
            try? archive.append(
                ArchiveRecord(key: key(candidate.schedule), agent: candidate.agent, outcome: outcome))
        }
        return verdicts
    }

    private func judged(_ result: Result<CandidateKernel, Refusal>) async -> ArchiveRecord.Outcome {
        judged += 1
        switch result {
        case .failure(let refusal): return .refused(reason: refusal.description)
        case .success(let candidate):
            switch await judge.judge(candidate, against: champion, evidence: evidence) {
            case .refused(let refusal): return .refused(reason: refusal.description)
            case .correct(let timing, _):
                if champion == nil || timing.isWin { champion = candidate }
                return .timed(
                    seconds: timing.seconds, championSeconds: timing.incumbentSeconds, isWin: timing.isWin)
            }
        }
    }

    private func compile(_ schedule: Schedule) async -> Result<CandidateKernel, Refusal> {
        do {
            let emitted = try emitter.emit(kernel, symbol: "k", schedule)
            let path = "\(workshop.directory)/\(judged)-\(abs(schedule.description.hashValue)).so"
            try await workshop.toolchain.compile(
                emitter.prelude + emitted.source, flags: emitter.compilerFlags, to: path)
            return .success(CandidateKernel(emitted, libraryPath: path))
        } catch {
            return .failure(.notCompiled(reason: "\(error)"))
        }
    }

    private static func verdict(_ outcome: ArchiveRecord.Outcome) -> TrialVerdict {
        switch outcome {
        case .refused(let reason): .refused(reason: reason)
        case .timed(let seconds, _, let isWin): .timed(seconds: seconds, isWin: isWin)
        }
    }
}

extension CandidateKernel {
    /// An emitted kernel that was compiled into a library of its own.
    fileprivate init(_ emitted: EmittedKernel, libraryPath: String) {
        self.init(
            libraryPath: libraryPath, symbol: emitted.symbol,
            arguments: emitted.arguments.map { argument in
                switch argument {
                case .parameter(let index): .parameter(index)
                case .packed(let index): .packed(index)
                case .library: .library
                case .shared(let bytes): .shared(bytes: bytes)
                }
            },
            packings: emitted.packings.map {
                Packing(symbol: $0.symbol, sources: $0.sources, byteCount: $0.count * $0.element.byteCount)
            }, workspaceBytes: emitted.workspaceBytes,
            parts: {
                switch emitted.parts {
                case .count(let count): .count(count)
                case .gang: .gang
                case .grid: preconditionFailure("generated for the host")
                }
            }())
    }
}

@Suite struct SearchTests {
    /// `y[8, 48] = x[8, 96] · w[96, 48]`.
    private static let kernel: Kernel = {
        func axis(_ number: Int, _ extent: Int) -> LoopAxis {
            LoopAxis(Variable(.axis, number), IntegerExpression(extent))
        }
        let (m, n, k) = (axis(0, 8), axis(1, 48), axis(2, 96))
        func variable(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
        var left = ScalarBody()
        let x = left.emit(.load(parameter: 0, index: variable(m) * 96 + variable(k), mask: []))
        var right = ScalarBody()
        let w = right.emit(.load(parameter: 1, index: variable(k) * 48 + variable(n), mask: []))
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        return Kernel(
            name: "product", parameters: CorpusRegion.product.oracle.parameters, symbols: [], ranges: VariableRanges(),
            body: .contraction(
                ContractionKernel(
                    batch: [], rows: [m], columns: [n], taps: [], depth: k, left: .init(body: left, result: x),
                    right: .init(body: right, result: w), operandElement: .f32, epilogue: epilogue,
                    stores: [Store(parameter: 2, index: variable(m) * 48 + variable(n), value: sum)])))
    }()

    /// The swarm searches real schedules of a real kernel on the portable target; every one of them is judged correct, and
    /// searching again asks the judge nothing.
    @Test func searchesAndResumes() async throws {
        let workshop = try await Workshop()
        defer { workshop.clean() }
        let target = CPUTarget(
            vectorBytes: 16, vectorRegisters: 16, hasFMA: false, hasF16Conversion: false, hasBF16Dot: false,
            hasAMXBF16: false, hasInt8Dot: false, cacheBytes: [32768, 1 << 20, 32 << 20], threads: 2, compilerFlags: [])
        let emitter = KernelEmitter(target)
        let region = SearchRegion(key: "product", choices: emitter.choices(Self.kernel), weight: 1)
        #expect(region.scheduleCount > 4)
        let path = workshop.directory + "/archive.sqlite"
        var trials: [[Trial]] = []
        for round in 0..<2 {
            let evaluator = RegionEvaluator(
                kernel: Self.kernel, emitter: emitter, workshop: workshop, oracle: CorpusRegion.product.oracle,
                archive: try KernelArchive(path: path))
            var swarm = Swarm(regions: [region], budget: SearchBudget(trials: 6), seed: 2)
            _ = await swarm.run(evaluator, batchSize: 3, clock: { 0 })
            #expect(swarm.views[0].champion != nil)
            #expect(swarm.views[0].refusals.isEmpty, "\(swarm.views[0].refusals)")
            #expect(await evaluator.judged == (round == 0 ? swarm.trials.count : 0))
            trials.append(swarm.trials)
        }
        #expect(trials[0] == trials[1])
    }
}
