import Base
import CPUDevice
import DeviceAPI
import ElementTypes
import Foundation
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import KernelSwarm
import PackageRuntime
import ReferenceInterpreter
import SearchControl
import SearchEvents
import Synchronization
import Testing
import WorkFolders

@testable import PackageBuilder

/// Decisions about whole models: every one of them gives the same results, and the search keeps what wins.
@Suite struct CoverTests {
    /// A map before a convolution with bias and ReLU, pooled by a sum over space, a norm, two sibling products, their sum, a residual
    /// and a softmax, and a product of which two maps take some columns each; beside it a convolution of an input of many
    /// channels.
    private static func model() throws -> Pipeline.Model {
        var b = GraphBuilder(name: "covers")
        let image = TensorType(.f32, [1, 3, 9, 7])
        let wide = TensorType(.f32, [1, 8, 5, 4])
        b.graph.inputs = [GraphPort(name: "x", type: image), GraphPort(name: "z", type: wide)]
        let pixels = try b.leaf(.input(0, image))
        let x = try b.map([pixels]) { $0.apply(.hyperbolicTangent, $1[0]) }
        let w = try b.leaf(.parameter("w", TensorType(.f32, [20, 3, 3, 3])))
        let bias = try b.leaf(.parameter("bias", TensorType(.f32, [20, 1, 1])))
        let p = try b.leaf(.parameter("p", TensorType(.f32, [20, 20])))
        let q = try b.leaf(.parameter("q", TensorType(.f32, [20, 20])))
        let c = try b.add(
            .convolve(Convolve(stride: [1, 1], paddingLow: [1, 1], paddingHigh: [1, 1], dilation: [1, 1])), [x, w])
        let zero = try b.leaf(.constant([0], TensorType(.f32, [])))
        let h = try b.map([c, bias, zero]) { $0.apply(.maximum, $0.apply(.add, $1[0], $1[1]), $1[2]) }
        let s = try b.add(.reduce(Reduce(.sum, axes: [2, 3])), [h])
        let squares = try b.add(
            .reduce(Reduce(.sum, axes: [1])), [try b.map([s]) { $0.apply(.multiply, $1[0], $1[0]) }])
        let scale = try b.map([try b.expand(try b.reshape(squares, [1, 1]), [1, 20]), s]) {
            $0.apply(.multiply, $1[1], $0.apply(.reciprocalSquareRoot, $0.apply(.add, $1[0], $0.real(1, .f32))))
        }
        let left = try b.add(.contract(.matrixProduct(batchRank: 0)), [scale, p])
        let right = try b.add(.contract(.matrixProduct(batchRank: 0)), [scale, q])
        let t = try b.map([left, right]) { $0.apply(.add, $0.apply(.hyperbolicTangent, $1[0]), $1[1]) }
        let r = try b.map([t, s]) { $0.apply(.add, $1[0], $1[1]) }
        let most = try b.reshape(try b.add(.reduce(Reduce(.maximum, axes: [1])), [r]), [1, 1])
        let e = try b.map([r, most]) { $0.apply(.exp, $0.apply(.subtract, $1[0], $1[1])) }
        let total = try b.reshape(try b.add(.reduce(Reduce(.sum, axes: [1])), [e]), [1, 1])
        let y = try b.map([e, total]) { $0.apply(.divide, $1[0], $1[1]) }
        let v = try b.leaf(.parameter("v", TensorType(.f32, [20, 8])))
        let columns = try b.add(.contract(.matrixProduct(batchRank: 0)), [y, v])
        let first = try b.map([try b.add(.view(.slice(axis: 1, start: 0, count: 6, step: 1)), [columns])]) {
            $0.apply(.hyperbolicTangent, $1[0])
        }
        let second = try b.map([try b.add(.view(.slice(axis: 1, start: 6, count: 2, step: 1)), [columns])]) {
            $0.apply(.absolute, $1[0])
        }
        let z = try b.leaf(.input(1, wide))
        let u = try b.leaf(.parameter("u", TensorType(.f32, [6, 8, 1, 1])))
        let third = try b.add(
            .convolve(Convolve(stride: [1, 1], paddingLow: [0, 0], paddingHigh: [0, 0], dilation: [1, 1])), [z, u])
        b.graph.outputs = [("y", y), ("h", h), ("first", first), ("second", second), ("third", third)].map {
            GraphOutput(name: $0.0, value: $0.1)
        }
        let tensors = MemoryTensors(tensors: [
            "w": numbers(540, seed: 1), "bias": numbers(20, seed: 2), "p": numbers(400, seed: 3),
            "q": numbers(400, seed: 4), "v": numbers(160, seed: 6), "u": numbers(48, seed: 7),
        ])
        var record = ReferenceRecord(drawnFor: b.graph, samples: [], sets: 1, seed: 5)
        try record.evaluate(b.graph, tensors: tensors)
        return Pipeline.Model(graph: b.graph, tensors: tensors, record: record)
    }

    private struct Bench {
        let model: Pipeline.Model
        let device: CPUDevice
        let maker: PackageMaker
        let folder: TemporaryFolder

        init() async throws {
            model = try CoverTests.model()
            device = try CPUDevice(threads: 2)
            folder = try TemporaryFolder()
            let emitter = KernelEmitter(CPUTarget(device.limits))
            let objects = KernelObjects(
                toolchain: try await CToolchain.find(), flags: emitter.compilerFlags, folder: folder)
            maker = PackageMaker(
                model: model, limits: device.limits, generator: CodeGenerator(emitter), objects: objects,
                folder: folder,
                constants: try ConstantWorkshop(TestWorker.command))
        }

        var form: ModelForm {
            get throws { try ModelForm(FormChoices(), try ModelForm.rewritten(model.graph, FormChoices())) }
        }

        /// By the rules of a device that gains by fewer launches.
        var fusedForm: ModelForm {
            get throws {
                var rules = FormChoices()
                rules.mergesSiblings = true
                rules.cover = Cover(fewRows: 8)
                return try ModelForm(rules, try ModelForm.rewritten(model.graph, rules))
            }
        }

        func space(_ form: ModelForm) -> FormSpace {
            let count = form.program.launches.count { !$0.isConstant }
            return FormSpace(form, seconds: Array(repeating: 1, count: count), threads: 2)
        }

        /// Largest difference of a form's outputs from the truth.
        func error(_ form: ModelForm) async throws -> Double {
            let path = folder.newFile("m.hearth")
            defer { removeTree(path) }
            try await maker.make(form, to: path)
            let session = try Session(try LoadedPackage(path: path, device: device, verified: true))
            let set = try #require(model.record?.sets.first)
            let inputs = set.inputs.map {
                HostTensor(TensorDescription($0.element, $0.shape), bytes: $0.bytes)
            }
            let outputs = try session.run(inputs)
            var worst = 0.0
            for (output, truth) in zip(outputs, set.truth) {
                let value = try #require(TensorValue(truth.element, truth.shape, bytes: output.bytes))
                for (a, b) in zip(value.doubles, truth.doubles) { worst = max(worst, abs(a - b)) }
            }
            return worst
        }
    }

    /// Where the rules merge siblings, the search may take them apart, and what it leaves open stays as it is.
    @Test func startsFromTheRules() async throws {
        let bench = try await Bench()
        var rules = FormChoices()
        rules.mergesSiblings = true
        let form = try ModelForm(rules, try ModelForm.rewritten(bench.model.graph, rules))
        let choices = bench.space(form).choices
        #expect(choices.first { $0.name == "siblings.merge" }?.values == [1, 0])
        #expect(FormSpace.form(choices, Schedule(), from: rules) == rules)
        let apart = FormSpace.form(choices, Schedule(["siblings.merge": 0]), from: rules)
        #expect(!apart.mergesSiblings)
    }

    @Test func everyDecisionGivesTheSameResults() async throws {
        let bench = try await Bench()
        let usual = try bench.fusedForm
        let choices = bench.space(usual).choices
        let families = Set(choices.map { String($0.name.prefix { $0 != "." }) })
        #expect(families == Set(["siblings", "threads"] + Cover.Family.allCases.map(\.rawValue)))
        for choice in choices { #expect(Speciality(choice: choice.name) != nil, "\(choice.name)") }
        var schedules = [Schedule()]
        for choice in choices { schedules.append(Schedule([choice.name: choice.values[1]])) }
        schedules.append(Schedule(Dictionary(uniqueKeysWithValues: choices.map { ($0.name, $0.values[1]) })))
        let evaluator = CoverEvaluator(
            region: SearchRegion(key: "", choices: choices, weight: 1), model: bench.model, form: usual, path: "",
            folder: bench.folder, search: Self.search { _, _ in .refused(reason: "") }, machine: ""
        ) { _, _ in }
        var launches = Set<Int>()
        for schedule in schedules {
            let form = try evaluator.form(schedule)
            launches.insert(form.program.launches.count { !$0.isConstant })
            let error = try await bench.error(form)
            #expect(error < 2e-6, "\(schedule): \(error)")
        }
        // Decisions are real: they change how many kernels there are.
        #expect(launches.count > 2)
    }

    private static func search(
        trials: Int = 100, _ compare: @escaping @Sendable (String, String) async -> CoverComparison
    ) -> CoverSearch {
        CoverSearch(budget: SearchBudget(trials: trials), seed: 1, archive: nil, toolchain: "", compare: compare)
    }

    /// Runs a search in which a package's time is 100 plus the sum of what its decisions cost; returns report and winner.
    private static func run(
        cost: @escaping @Sendable (FormChoices) -> Double,
        refuse: @escaping @Sendable (FormChoices) -> Bool = { _ in false },
        isConfirmed: Bool = true, goal: SearchGoal = SearchGoal(), hints: [String] = [],
        bytes: @escaping @Sendable (FormChoices) -> Double = { _ in 0 },
        identity: @escaping @Sendable (FormChoices) -> UInt64? = { _ in nil },
        compared: @escaping @Sendable (FormChoices) -> Void = { _ in },
        events: @escaping @Sendable (SearchEvent) -> Void = { _ in }
    ) async throws -> (CoverReport, ModelForm) {
        let bench = try await Bench()
        let form = try bench.form
        let made = Mutex<[String: FormChoices]>(["start": form.choices])
        var search = search { candidate, champion in
            let (a, b) = made.withLock { ($0[candidate] ?? FormChoices(), $0[champion] ?? FormChoices()) }
            compared(a)
            if refuse(a) { return .refused(reason: "disagrees: by order of the test") }
            let (ours, theirs) = (100 + cost(a), 100 + cost(b))
            let isWin = theirs / ours > 1.02 && (isConfirmed || champion != "start")
            return .timed(seconds: ours, championSeconds: theirs, isWin: isWin)
        }
        search.goal = goal
        search.hints = try hints.map { try SearchHint(parsing: $0) }
        search.identity = { path in
            made.withLock { identity($0[path] ?? FormChoices()) }.map { number in
                CoverIdentity(frame: [ContentHash.of("\(number)")], source: nil, program: ContentHash.of("code"))
            }
        }
        search.bytes = { path in made.withLock { bytes($0[path] ?? FormChoices()) } }
        let count = form.program.launches.count { !$0.isConstant }
        return try await search.run(
            form, at: "start", model: bench.model, seconds: Array(repeating: 1, count: count), folder: bench.folder,
            device: bench.device.limits, events: events
        ) { form, path in made.withLock { $0[path] = form.choices } }
    }

    @Test func theFastestFormWins() async throws {
        let (report, form) = try await Self.run { choices in
            (choices.mergesSiblings ? -10 : 0) + (choices.usesOneThread ? -20 : 0)
        }
        #expect(form.choices.mergesSiblings && form.choices.usesOneThread)
        // Decisions that cost nothing may come along.
        #expect(report.winner.contains("siblings.merge=1") && report.winner.contains("threads.count=1"))
        #expect(report.trials > 8)
        #expect(report.defaultSeconds == 100)
        #expect(abs((report.bestSeconds ?? 0) - 70) < 1e-9)
    }

    /// Decisions that become the same package are compared once, whichever of them came first.
    @Test func equalPackagesAreComparedOnce() async throws {
        // Only merging and threads make a difference to the code.
        @Sendable func number(_ choices: FormChoices) -> UInt64 {
            (choices.mergesSiblings ? 1 : 0) + (choices.usesOneThread ? 2 : 0)
        }
        for isKnown in [true, false] {
            let compared = Mutex<[UInt64]>([])
            let (report, form) = try await Self.run(
                cost: { ($0.mergesSiblings ? -10 : 0) + ($0.usesOneThread ? 5 : 0) },
                identity: { isKnown ? number($0) : nil },
                compared: { choices in compared.withLock { $0.append(number(choices)) } })
            let seen = compared.withLock { $0 }
            #expect(form.choices.mergesSiblings && !form.choices.usesOneThread)
            // Winners are compared twice, and once more at the end; the first is what the others are compared with.
            let different = Set(seen).count
            #expect(different >= 3 && (seen.count <= different + 3) == isKnown, "\(isKnown) \(seen)")
            #expect((report.trials == different) == isKnown)
        }
    }

    /// Packages are the same where plan, weights and code are, and code is where its text or its bytes are.
    @Test func packagesHaveIdentities() async throws {
        func hash(_ text: String) -> ContentHash { ContentHash.of(text) }
        func identity(_ plan: String, _ source: String?, _ program: String?) -> CoverIdentity {
            CoverIdentity(frame: [hash(plan)], source: source.map(hash), program: program.map(hash))
        }
        let one = identity("plan", "text", "bytes")
        #expect(one.isSame(as: one) && one.isSame(as: identity("plan", "text", "linked again")))
        #expect(one.isSame(as: identity("plan", "other names", "bytes")))
        #expect(!one.isSame(as: identity("plan", "other", "other")) && !one.isSame(as: identity("p", "text", "bytes")))
        #expect(!identity("plan", nil, nil).isSame(as: identity("plan", nil, nil)))
        // Built twice from the same decisions, and from others.
        let bench = try await Bench()
        var choices = try bench.form.choices
        var made: [CoverIdentity] = []
        for merges in [false, false, true] {
            choices.mergesSiblings = merges
            let path = bench.folder.newFile("m.hearth")
            defer { removeTree(path) }
            try await bench.maker.make(
                try ModelForm(choices, try ModelForm.rewritten(bench.model.graph, choices)), to: path)
            made.append(try #require(CoverIdentity(package: path)))
        }
        #expect(made[0].isSame(as: made[1]) && !made[0].isSame(as: made[2]))
        #expect(CoverIdentity(package: bench.folder.newFile("none")) == nil)
    }

    @Test func refusedFormsDoNotWin() async throws {
        let (report, form) = try await Self.run(cost: { $0.usesOneThread ? -50 : 0 }, refuse: { $0.usesOneThread })
        #expect(!form.choices.usesOneThread && report.winner.isEmpty)
        #expect(report.refusals["disagrees", default: 0] > 0)
    }

    @Test func gainsWithinTheMarginDoNotCount() async throws {
        let (report, form) = try await Self.run { $0.usesOneThread ? -1.5 : 0 }
        #expect(form.choices == FormChoices() && report.winner.isEmpty)
    }

    /// Less memory wins where it is asked for, at up to 1.1 times the time, and more memory never does.
    @Test func theSmallestFormWinsWhereMemoryCounts() async throws {
        let (report, form) = try await Self.run(
            cost: { ($0.usesOneThread ? 30.0 : 0) + ($0.mergesSiblings ? 5 : 0) }, goal: SearchGoal(.memory),
            bytes: { $0.usesOneThread ? 50 : $0.mergesSiblings ? 90 : 100 })
        #expect(form.choices.mergesSiblings && !form.choices.usesOneThread)
        #expect(report.bestSeconds.map { abs($0 - 105) < 1e-9 } == true)
    }

    /// A limit is searched for, whatever it costs, and the time decides among what keeps it.
    @Test func limitsAreSearchedFor() async throws {
        let goal = SearchGoal(.latency, [try SearchConstraint(parsing: "memory<95B")])
        let (_, form) = try await Self.run(
            cost: { ($0.mergesSiblings ? 40.0 : 0) + ($0.usesOneThread ? -5 : 0) }, goal: goal,
            bytes: { $0.mergesSiblings ? 90 : 100 })
        #expect(form.choices.mergesSiblings && form.choices.usesOneThread)
    }

    /// A hint is followed, also where it costs time, and what it leaves open is searched.
    @Test(arguments: ["model: threads.count=1", "*: threads=1"]) func hintsAreFollowed(_ hint: String) async throws {
        let (report, form) = try await Self.run(
            cost: { ($0.usesOneThread ? 50.0 : 0) + ($0.mergesSiblings ? -10 : 0) }, hints: [hint])
        #expect(form.choices.usesOneThread && form.choices.mergesSiblings)
        #expect(report.winner == "siblings.merge=1 threads.count=1" && report.defaultSeconds == 150)
    }

    @Test func wrongHintsAreNamed() async throws {
        let error = await #expect(throws: ControlError.self) {
            _ = try await Self.run(cost: { _ in 0 }, hints: ["model: threads.count=99"])
        }
        let said = error?.description ?? ""
        #expect(said.hasPrefix("--hint 'model: threads.count=99': 'threads.count' of model (model) takes "), "\(said)")
        #expect(said.hasSuffix(", 1, not 99"), "\(said)")
    }

    /// Every trial is told of, with its win or refusal right after it, between the opening and the end.
    @Test func eventsTellTheWholeSearch() async throws {
        let told = Mutex<[SearchEvent]>([])
        let (report, _) = try await Self.run(
            cost: { $0.mergesSiblings ? -10 : 0 }, refuse: { $0.usesOneThread },
            events: { event in told.withLock { $0.append(event) } })
        let events = told.withLock { $0 }
        guard case .region(let opening)? = events.first, case .closed(let closing)? = events.last else {
            Issue.record("no opening or no end")
            return
        }
        #expect(opening.region == "model" && opening.choices.contains { $0.hasPrefix("threads.count: ") })
        #expect(closing.agent == report.agent && closing.bestSeconds == report.bestSeconds)
        let record = SearchRecord(events.map { TimedEvent(at: 0, $0) })
        #expect(record.trials == report.trials && record.regions[0].refusals == report.refusals)
        #expect(record.regions[0].champions.last?.seconds == report.bestSeconds)
        #expect(record.regions[0].champions.first?.agent == "default-first")
        for (event, next) in zip(events, events.dropFirst()) {
            switch next {
            case .win, .refusal:
                guard case .trial = event else {
                    Issue.record("\(next) follows \(event)")
                    continue
                }
            default: break
            }
        }
    }

    @Test func aWinnerMustBeatTheRulesOnceMore() async throws {
        // Wins against intermediate champions do not add up to one against the rules.
        let (report, form) = try await Self.run(cost: { $0.usesOneThread ? -50 : 0 }, isConfirmed: false)
        #expect(form.choices == FormChoices() && report.winner.isEmpty && report.bestSeconds == 100)
    }
}
