import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import GraphIR
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelSwarm
import Testing

@testable import PackageBuilder

/// `y[rows, columns] = x[rows, depth] · w[depth, columns]`.
private func product(_ rows: Int, _ columns: Int, _ depth: Int) -> Kernel {
    func axis(_ number: Int, _ extent: Int) -> LoopAxis {
        LoopAxis(Variable(.axis, number), IntegerExpression(extent))
    }
    let (m, n, k) = (axis(0, rows), axis(1, columns), axis(2, depth))
    func variable(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
    var left = ScalarBody()
    let x = left.emit(.load(parameter: 0, index: variable(m) * IntegerExpression(depth) + variable(k), mask: []))
    var right = ScalarBody()
    let w = right.emit(.load(parameter: 1, index: variable(k) * IntegerExpression(columns) + variable(n), mask: []))
    var epilogue = ScalarBody()
    let sum = epilogue.emit(.accumulator)
    func parameter(_ count: Int, _ access: KernelParameter.Access, _ isConstant: Bool) -> KernelParameter {
        KernelParameter(element: .f32, count: IntegerExpression(count), access: access, isConstant: isConstant)
    }
    return Kernel(
        name: "product",
        parameters: [
            parameter(rows * depth, .read, false), parameter(depth * columns, .read, true),
            parameter(rows * columns, .write, false),
        ], symbols: [], ranges: VariableRanges(),
        body: .contraction(
            ContractionKernel(
                batch: [], rows: [m], columns: [n], taps: [], depth: k, left: .init(body: left, result: x),
                right: .init(body: right, result: w), operandElement: .f32, epilogue: epilogue,
                stores: [
                    Store(parameter: 2, index: variable(m) * IntegerExpression(columns) + variable(n), value: sum)
                ])))
}

/// Times by a formula over a kernel's real choices: each has a best value, which of one drifts with the kernel's size, and
/// neighbours interact. Remembers as the builder does.
private actor FormulaEvaluator: CandidateEvaluator {
    let region: SearchRegion
    let kernel: ArchiveKernel
    let size: Double
    let history: KernelHistory?
    private var champion = Double.infinity
    private let goal: Double

    /// A search ends soon after it came within 5 % of `goal`.
    init(_ region: SearchRegion, _ kernel: ArchiveKernel, history: KernelHistory?, goal: Double?) {
        self.region = region
        self.goal = goal ?? 0
        self.kernel = kernel
        self.history = history
        size = kernel.operations
    }

    static func seconds(_ schedule: Schedule, _ choices: [Choice], _ size: Double) -> Double {
        var time = 1.0
        for (place, choice) in choices.enumerated() {
            // One choice drifts with the size.
            let drift = place == 2 ? Int(log2(size)) : 3
            let wanted = (place * 7 + drift) % choice.values.count
            let distance = abs(choice.values.firstIndex(of: schedule[choice])! - wanted)
            time += 0.15 * Double(distance) * Double(1 + place % 3)
            if distance == 0, place > 0, schedule[choices[place - 1]] == choices[place - 1].values[0] { time += 0.1 }
        }
        return time * size * 1e-9
    }

    func evaluate(_ batch: [Candidate]) async -> [TrialVerdict] {
        if champion <= goal * 1.02 { return batch.map { _ in .cancelled } }
        return batch.map { candidate in
            let seconds = Self.seconds(candidate.schedule, region.choices, size)
            let isWin = seconds * 1.02 < champion
            let before = champion.isFinite ? champion : seconds
            if isWin { champion = seconds }
            if let history {
                let key = ArchiveKey(
                    kernel: kernel.key, machine: history.machine.fingerprint,
                    builder: .init(generator: "1", compiler: "c"), schedule: candidate.schedule.description)
                try? history.archive.append(
                    ArchiveRecord(
                        key: key, agent: candidate.agent,
                        outcome: .timed(seconds: seconds, championSeconds: before, isWin: isWin)))
            }
            return .timed(seconds: seconds, isWin: isWin)
        }
    }
}

@Suite struct KernelHistoryTests {
    private static let limits = DeviceLimits(
        name: "cpu", kind: .cpu, vendor: "v", model: "m", features: [], cores: 2, threads: 2,
        caches: .init(l1Data: 32768, l2: 1 << 20, l3: 1 << 25, l3SharedBy: 2), memoryBytes: 1 << 34, vectorBytes: 64,
        elementTypes: [.f32], dialects: [.c], readsHostMemory: true, capturesGraphs: false)
    private static let target = CPUTarget(
        vectorBytes: 64, vectorRegisters: 32, hasFMA: true, hasF16Conversion: true, hasBF16Dot: false,
        hasAMXBF16: false, hasInt8Dot: false, cacheBytes: [32768, 1 << 20, 32 << 20], threads: 2, compilerFlags: [])

    /// Trials until the champion is within 5 % of `goal`.
    private func trials(
        _ kernel: Kernel, seed: UInt64, goal: Double?, _ archive: KernelArchive?, remembers: Bool
    ) async -> (trials: Int, best: Double) {
        let identity = ArchiveKernel(kernel, dimensions: [])
        let history = archive.map { KernelHistory($0, on: Self.limits) }
        var region = SearchRegion(
            key: identity.key, choices: KernelEmitter(Self.target).choices(kernel), weight: 1)
        history?.inform(&region, of: identity)
        let evaluator = FormulaEvaluator(region, identity, history: remembers ? history : nil, goal: goal)
        var swarm = Swarm(
            regions: [region], budget: SearchBudget(trials: 200, patience: 200), seed: seed)
        _ = await swarm.run(evaluator, batchSize: 4, clock: { 0 })
        var best = Double.infinity
        var reached: Int?
        for (place, trial) in swarm.trials.enumerated() {
            guard case .timed(let seconds, _) = trial.verdict else { continue }
            best = min(best, seconds)
            if let goal, reached == nil, best <= goal * 1.05 { reached = place + 1 }
        }
        if goal != nil, reached == nil { return (200, best) }
        return (reached ?? swarm.trials.count, best)
    }

    /// A second search of the same kernel, or of one of other sizes, starts from what won. Of the second, one choice has another
    /// best value, which nothing tells; what is left to find takes a third of the trials at most. What recorded kernels gain
    /// stands in `Benchmarks/swarm-study.md`.
    @Test func secondSearchesStartFromWhatWon() async throws {
        let folder = NSTemporaryDirectory() + "/hearth-history-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (first, similar) = (product(64, 512, 256), product(96, 640, 320))
        var (nothing, same, near) = (0, 0, 0)
        for seed in UInt64(1)...5 {
            let archive = try KernelArchive(path: "\(folder)/\(seed)")
            let known = await trials(first, seed: seed, goal: nil, archive, remembers: true).best
            same += await trials(first, seed: seed + 10, goal: known, archive, remembers: false).trials
            let best = await trials(similar, seed: seed + 20, goal: nil, nil, remembers: false).best
            nothing += await trials(similar, seed: seed + 10, goal: best, nil, remembers: false).trials
            near += await trials(similar, seed: seed + 10, goal: best, archive, remembers: false).trials
        }
        // The default, and the best of before.
        #expect(same == 10)
        #expect(near * 3 <= nothing, "\(near) trials, from nothing \(nothing)")
    }

    /// Kernels of one structure share a family whatever their sizes; others do not.
    @Test func structuresHaveFamilies() {
        let kernels = [product(64, 512, 256), product(96, 640, 320)].map { ArchiveKernel($0, dimensions: []) }
        #expect(kernels[0].key != kernels[1].key)
        #expect(kernels[0].family == kernels[1].family)
        var other = product(64, 512, 256)
        other.parameters[1].element = .bf16
        let changed = ArchiveKernel(other, dimensions: [])
        #expect(changed.family != kernels[0].family)
        #expect(changed.elements == ["f32", "bf16", "f32"])
        #expect(kernels[0].kind == "contraction" && kernels[0].operations == 2 * 64 * 512 * 256)
        #expect(kernels[0].extents.map(\.value) == [1, 64, 512, 1, 256, 1])
    }

    @Test(arguments: [
        ("i0 < 12 f32[8, 96]", "i0 < 640 f32[1, 2]", true), ("load p0", "load p1", false), ("%1 + 2", "%2 + 2", false),
        ("f32", "f16", false), ("", "", true),
    ])
    func numbersAreNoStructure(_ a: String, _ b: String, _ same: Bool) {
        #expect((ArchiveKernel.family(of: a) == ArchiveKernel.family(of: b)) == same)
    }
}
