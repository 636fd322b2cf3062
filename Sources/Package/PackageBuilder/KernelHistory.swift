import Base
import DeviceAPI
import ElementTypes
import KernelArchive
import KernelIR
import KernelSwarm

/// What the archive is told of kernels and machines, and asked about them.
struct KernelHistory: Sendable {
    let archive: KernelArchive
    let machine: ArchiveMachine

    /// Most suggestions of a region, and most trials of neighbours that its cost model learns from.
    private static let limit = 16
    private static let examples = 144

    /// The history of a machine, which the archive knows from here on.
    init(_ archive: KernelArchive, on limits: DeviceLimits) {
        self.archive = archive
        machine = ArchiveMachine(limits)
        // Memory that fails costs what it would have told, not the search.
        try? archive.describe(machine)
    }

    /// What was fast for this kernel or its neighbours, the nearest first. Whatever it says, the judge decides.
    func suggestions(for kernel: ArchiveKernel) -> [Schedule] {
        try? archive.describe(kernel)
        let neighbours = (try? archive.neighbours(of: kernel, on: machine, limit: Self.limit)) ?? []
        return neighbours.compactMap { Schedule(parsing: $0.record.key.schedule) }
    }

    /// What was found of this kernel and its neighbours, for the cost model.
    func examples(for kernel: ArchiveKernel) -> [SearchExample] {
        let found = (try? archive.examples(of: kernel, on: machine, limit: Self.examples)) ?? []
        return found.compactMap { example in
            Schedule(parsing: example.schedule).map { schedule in
                SearchExample(
                    schedule: schedule, relativeSeconds: example.relativeSeconds, features: example.features,
                    distance: example.distance, profile: example.profile.isEmpty ? nil : TrialProfile(example.profile))
            }
        }
    }

    /// Tells a region what is known of it and of kernels like it.
    func inform(_ region: inout SearchRegion, of kernel: ArchiveKernel) {
        region.suggestions = suggestions(for: kernel)
        region.examples = examples(for: kernel)
        region.features = KernelArchive.features(kernel, machine)
    }
}

extension KernelHistory {
    /// The fastest winner among what was judged here of a kernel, with its agent, where the same generator and compiler made it.
    func champion(of kernel: ArchiveKernel, by builder: ArchiveKey.Builder) -> (schedule: Schedule, agent: String)? {
        for record in (try? archive.records(kernel: kernel.key, machine: machine.fingerprint)) ?? [] {
            guard case .timed(_, _, true) = record.outcome, record.key.builder == builder,
                let schedule = Schedule(parsing: record.key.schedule)
            else { continue }
            return (schedule, record.agent)
        }
        return nil
    }
}

extension KernelHistory {
    /// What a search of a kernel among these choices ended with here, where the same generator and compiler made its candidates and
    /// it might spend at least `budget`.
    func settled(
        _ kernel: ArchiveKernel, _ choices: [Choice], by builder: ArchiveKey.Builder, within budget: SearchBudget
    ) -> (schedule: Schedule, agent: String)? {
        guard
            let known = try? archive.settled(kernel: kernel.key, machine: machine.fingerprint, builder: builder),
            known.choices == Self.name(choices), known.trials >= budget.trials, known.patience >= budget.patience,
            known.seconds.map({ $0 >= budget.seconds ?? .infinity }) ?? true,
            let schedule = Schedule(parsing: known.schedule)
        else { return nil }
        return (schedule, known.agent)
    }

    /// Names choices: without a vendor's library, or without Triton, there are others.
    private static func name(_ choices: [Choice]) -> String {
        ContentHash.of(choices.map { "\($0.name): \($0.values)" }.joined(separator: "; ")).description
    }

    /// Remembers that a search ended for `reason` with this schedule of a kernel; one that was broken off settles nothing.
    func settle(
        _ kernel: ArchiveKernel, _ choices: [Choice], by builder: ArchiveKey.Builder, _ schedule: Schedule,
        agent: String, after reason: StopReason, of budget: SearchBudget
    ) {
        if reason == .cancelled { return }
        // Memory that fails costs a search another time, not this one.
        try? archive.settle(
            SettledKernel(
                schedule: schedule.description, choices: Self.name(choices), agent: agent, trials: budget.trials,
                seconds: reason == .seconds ? budget.seconds : nil, patience: budget.patience),
            kernel: kernel.key, machine: machine.fingerprint, builder: builder)
    }
}

extension ArchiveMachine {
    /// A device as the archive knows it.
    init(_ limits: DeviceLimits) {
        let architecture = limits.blocks.map { [$0.architecture] } ?? []
        self.init(
            fingerprint: limits.fingerprint, kind: limits.kind.rawValue, model: limits.model,
            features: limits.features.map(\.rawValue) + architecture, cores: limits.cores, threads: limits.threads,
            caches: [limits.caches.l1Data, limits.caches.l2, limits.caches.l3], memory: limits.memoryBytes)
    }
}

extension ArchiveKernel {
    /// A kernel as the archive knows it, with its symbols at `dimensions`.
    init(_ kernel: Kernel, dimensions: [Int]) {
        func value(_ expression: IntegerExpression) -> Int {
            let value = expression.evaluate { variable in
                kernel.symbols.firstIndex(of: variable).map { dimensions[$0] } ?? 0
            }
            return max(0, value ?? 0)
        }
        func extent(_ name: String, _ axes: [LoopAxis]) -> Extent {
            // Saturates: a size that no machine has is as far away as any other.
            Extent(
                name,
                axes.reduce(1) { product, axis in
                    let (next, overflow) = product.multipliedReportingOverflow(by: value(axis.extent))
                    return overflow ? Int.max : next
                })
        }
        let text = kernel.canonicalText
        let (kind, element, extents): (String, ElementType, [Extent])
        var operations = KernelLimits.operations(kernel, dimensions: dimensions).count
        switch kernel.body {
        case .nest(let nest):
            let inner = nest.steps.map { extent("", $0.axes).value }
            (kind, element) = ("nest", kernel.parameters.first?.element ?? .f32)
            extents = [
                extent("outer", nest.axes), Extent("inner", inner.max() ?? 1), Extent("steps", nest.steps.count),
                Extent("rows", nest.rows.count),
            ]
            let points = Double(extents[0].value)
            operations = zip(nest.steps, inner).reduce(0) { sum, step in
                sum + points * Double(step.1) * Double(step.0.body.nodes.count)
            }
        case .contraction(let body):
            (kind, element) = ("contraction", body.operandElement)
            extents = [
                extent("batch", body.batch), extent("rows", body.rows), extent("columns", body.columns),
                extent("taps", body.taps), extent("depth", [body.depth]), Extent("gates", body.gates),
            ]
        case .attention(let body):
            (kind, element) = ("attention", body.operandElement)
            extents = [
                extent("batch", [body.batch]), extent("keyHeads", [body.keyHeads]), extent("group", [body.group]),
                extent("queries", [body.queries]), extent("keys", [body.keys]), extent("depth", [body.depth]),
                extent("valueDepth", [body.valueDepth]),
            ]
        case .recurrence(let body):
            (kind, element) = ("recurrence", .f32)
            extents = [
                extent("time", [body.time]), extent("batch", [body.batch]), extent("hidden", [body.hidden]),
                extent("gate", [body.gate]), extent("depth", [body.depth]),
            ]
        case .sort(let body):
            (kind, element) = ("sort", kernel.parameters.first?.element ?? .f32)
            extents = [extent("outer", body.axes), extent("along", [body.axis])]
        }
        let bytes = kernel.parameters.reduce(0.0) { $0 + Double(value($1.count)) * Double($1.element.byteCount) }
        self.init(
            key: ContentHash.of(text).description, name: kernel.name, kind: kind, family: Self.family(of: text),
            element: element.rawValue, elements: kernel.parameters.map(\.element.rawValue), extents: extents,
            bytes: bytes, operations: operations)
    }

    /// The decisions about a whole model, whose names belong to the graph's structure.
    init(model graph: String, parameterBytes: Double) {
        self.init(
            key: "model \(ContentHash.of(graph))", name: "", kind: Self.modelKind, family: Self.family(of: graph),
            element: "", elements: [], extents: [], bytes: parameterBytes, operations: 0)
    }

    /// Hash of a text whose numbers are left out: kernels of one structure and other sizes share it. Numbers that are parts of
    /// names (`i0`, `p2`, `f32`) say what is what, and stay.
    static func family(of text: String) -> String {
        var kept: [UInt8] = []
        var isName = false
        for byte in text.utf8 {
            let isDigit = byte >= 48 && byte <= 57
            if isDigit, !isName {
                if kept.last != UInt8(ascii: "#") { kept.append(UInt8(ascii: "#")) }
                continue
            }
            isName = isDigit || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || byte == UInt8(ascii: "%")
            kept.append(byte)
        }
        return ContentHash.of(kept).description
    }
}
