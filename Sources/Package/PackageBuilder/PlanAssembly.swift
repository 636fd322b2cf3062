import Base
import DeviceAPI
import ElementTypes
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import KernelJudge
import ModelPackage

/// Turns a lowered and generated program into a package's plan and the tensors of its weights file.
struct PlanAssembly {
    /// A tensor that the plan reads.
    struct Weight {
        var name: String
        var element: ElementType
        var shape: [Int]
        /// Writes its bytes into the file.
        var fill: (UnsafeMutableRawBufferPointer) throws -> Void

        /// As the package's writer takes it.
        var stored: PackageWriter.Tensor { .init(name: name, element: element, shape: shape, fill: fill) }
    }

    private(set) var plan = Plan()
    private(set) var weights: [Weight] = []
    /// How many launches compute in another way than their element types say, by how.
    private var notes: [String: Int] = [:]
    private let program: LoweredProgram
    private let graph: Graph
    private let folder: ConstantFolder
    private var planBuffer: [BufferID: ID<Plan.Buffer>] = [:]
    private var packedBuffer: [Int: ID<Plan.Buffer>] = [:]
    private var libraryBuffer: ID<Plan.Buffer>?
    private var counterBuffer: ID<Plan.Buffer>?

    init(
        _ form: ModelForm, _ generated: GeneratedProgram, _ groups: LaunchGroups, tensors: any TensorSource,
        folder: ConstantFolder
    ) throws {
        let (program, list) = (form.program, form.list)
        self.program = program
        graph = form.graph
        self.folder = folder
        // Lifetimes of temporaries, in launches of the plan.
        var lifetimes: [BufferID: ClosedRange<Int>] = [:]
        for (position, group) in groups.groups.enumerated() {
            for buffer in group.members.flatMap({ program.launches[$0].buffers }) {
                lifetimes[buffer] = (lifetimes[buffer]?.lowerBound ?? position)...position
            }
        }
        let loops = program.loops.map { loop in
            let first = groups.groups.firstIndex { loop.launches.contains($0.members[0]) } ?? 0
            return first..<first + groups.groups.count { loop.launches.contains($0.members[0]) }
        }
        // What stands there before a loop and is used in it is used in every turn.
        for loop in loops {
            for (buffer, lifetime) in lifetimes
            where lifetime.lowerBound < loop.lowerBound && loop.contains(lifetime.upperBound) {
                lifetimes[buffer] = lifetime.lowerBound...loop.upperBound - 1
            }
        }
        var turns = LaunchTurns()
        for (position, group) in groups.groups.enumerated() {
            var operands: [Plan.Operand] = []
            for index in group.members {
                let emitted = generated.emitted[list.ofLaunch[index].index]
                for argument in emitted.arguments {
                    operands.append(try operand(argument, of: index, at: position, lifetimes))
                }
                if case .grid(let grid) = emitted.parts, grid.counters > 0 {
                    operands.append(counters(4 * grid.counters))
                }
            }
            let first = generated.emitted[list.ofLaunch[group.members[0]].index]
            let members = group.members.map { program.launches[$0].kernel }
            let said = group.members.map { generated.emitted[list.ofLaunch[$0].index].note }
            for note in Set(said.compactMap { $0 }) { notes[note, default: 0] += 1 }
            let names = zip(members, said).map { member, note in note.map { "\(member.name) (\($0))" } ?? member.name }
            plan.launches.append(
                Plan.Launch(
                    kernel: group.joint?.symbol ?? first.symbol, label: names.joined(separator: " + "),
                    operands: operands, dimensions: members.flatMap(\.symbols).map { IntegerExpression($0) },
                    spread: spread(turns.take(group.joint.map { .grid($0.grid) } ?? first.parts), form),
                    workspaceBytes: first.workspaceBytes))
        }
        for (loop, launches) in zip(program.loops, loops) {
            let condition = try place(
                loop.condition, lifetimes[loop.condition] ?? launches.lowerBound...launches.upperBound - 1)
            plan.loops.append(Plan.Loop(launches: launches, condition: condition))
        }
    }

    /// Which launches compute in another way than their element types say, in words; nil where none does.
    var arithmeticNote: String? {
        if notes.isEmpty { return nil }
        return notes.sorted { $0.key < $1.key }.map { "\($0.key) in \($0.value) of \(plan.launches.count) launches" }
            .joined(separator: ", ")
    }

    private func spread(_ parts: EmittedKernel.Parts, _ form: ModelForm) -> Plan.Spread {
        switch parts {
        case .count(let count): .parts(form.choices.usesOneThread ? 1 : count)
        case .gang: .gang
        case .grid(let grid):
            .grid(
                .init(
                    blocks: grid.blocks, threads: grid.threads, sharedBytes: grid.sharedBytes, overlaps: grid.overlaps,
                    call: grid.call))
        }
    }

    /// The plan's operand for an argument of a launch of the program, which is the plan's launch at `position`.
    private mutating func operand(
        _ argument: EmittedKernel.Argument, of index: Int, at position: Int, _ lifetimes: [BufferID: ClosedRange<Int>]
    ) throws -> Plan.Operand {
        let launch = program.launches[index]
        switch argument {
        case .parameter(let number):
            let buffer = launch.buffers[number]
            return .init(try place(buffer, lifetimes[buffer] ?? position...position))
        case .packed(let number): return .init(packed(try folder.packing(launch: index, number)))
        case .library: return .init(library())
        case .shared(let bytes):
            let label = "scratch of \(launch.kernel.name)"
            return .init(
                plan.buffers.append(
                    Plan.Buffer(label: label, byteCount: bytes, placement: .arena(position...position))))
        }
    }

    private mutating func place(
        _ buffer: BufferID, _ lifetime: ClosedRange<Int>
    ) throws -> ID<Plan.Buffer> {
        if let known = planBuffer[buffer] { return known }
        let description = program.buffers[buffer]
        let byteCount = elementCount(description.type.shape) * description.type.element.byteCount
        let placement: Plan.Placement
        switch description.role {
        case .input(let index): placement = .input(index)
        case .output(let index): placement = .output(index)
        case .temporary: placement = .arena(lifetime)
        case .state(let index):
            let name = graph.states[index].name
            placement = .state(name: name, initial: "state.\(name)")
        case .parameter, .literal, .folded:
            let name = weightName(buffer, description)
            weights.append(
                Weight(
                    name: name, element: description.type.element,
                    shape: description.layout.map { description.type.shape[$0].constantValue ?? 0 },
                    fill: { [folder] file in try folder.withBytes(buffer) { file.copyMemory(from: $0) } }))
            placement = .weight(name)
        }
        let id = plan.buffers.append(
            Plan.Buffer(label: description.origin, byteCount: byteCount, placement: placement))
        planBuffer[buffer] = id
        return id
    }

    private func weightName(_ buffer: BufferID, _ description: LoweredBuffer) -> String {
        if case .parameter(let name) = description.role { return name }
        return "constant.\(buffer.rawValue)"
    }

    private mutating func library() -> ID<Plan.Buffer> {
        if let libraryBuffer { return libraryBuffer }
        let id = plan.buffers.append(Plan.Buffer(label: "oneDNN", byteCount: 0, placement: .library("oneDNN")))
        libraryBuffer = id
        return id
    }

    /// Words of its own for a launch to count in, among those of the session: zero at first, and left so by every launch.
    private mutating func counters(_ byteCount: Int) -> Plan.Operand {
        let id =
            counterBuffer
            ?? plan.buffers.append(
                Plan.Buffer(label: "counters", byteCount: 0, placement: .state(name: "(counters)", initial: nil)))
        counterBuffer = id
        let offset = plan.buffers[id].byteCount
        plan.buffers[id].byteCount = offset + IntegerExpression(byteCount)
        return .init(id, byteOffset: offset)
    }

    private mutating func packed(_ number: Int) -> ID<Plan.Buffer> {
        if let known = packedBuffer[number] { return known }
        let operand = folder.packed[number]
        let name = "packed.\(number)"
        weights.append(
            Weight(name: name, element: operand.element, shape: [operand.count]) { file in
                file.copyMemory(from: UnsafeRawBufferPointer(operand.bytes.buffer))
            })
        let byteCount = IntegerExpression(operand.count * operand.element.byteCount)
        let id = plan.buffers.append(Plan.Buffer(label: name, byteCount: byteCount, placement: .weight(name)))
        packedBuffer[number] = id
        return id
    }

    /// Initial contents of the states that the plan uses.
    mutating func addStates(_ tensors: any TensorSource) {
        for (index, state) in graph.states.enumerated() {
            let isUsed = program.buffers.rows.contains { if case .state(index) = $0.role { true } else { false } }
            guard isUsed, elementCount(state.type.shape).constantValue != nil else { continue }
            weights.append(
                Weight(
                    name: "state.\(state.name)", element: state.type.element,
                    shape: state.type.shape.map { $0.constantValue ?? 0 }
                ) { file in try tensors.withTensor(state.name) { file.copyMemory(from: $0) } })
        }
    }
}

extension ModelInterface {
    /// The border of a graph.
    init(_ graph: Graph) throws(BuildError) {
        var bindings: [Binding] = []
        for (number, symbol) in graph.symbols.enumerated() {
            let variable = Variable(.symbol, number)
            var source: SymbolSource?
            for (input, port) in graph.inputs.enumerated() where source == nil {
                for (axis, extent) in port.type.shape.enumerated() where source == nil {
                    if let coefficient = extent.linearCoefficient(of: variable)?.constantValue, coefficient != 0,
                        extent.variables == [variable]
                    {
                        source = .extent(input: input, axis: axis)
                    }
                }
            }
            guard let source else { throw .unboundSymbol(symbol.name) }
            bindings.append(Binding(symbol: symbol, source: source))
        }
        self.init(
            inputs: graph.inputs.map { Port(name: $0.name, type: $0.type) },
            outputs: graph.outputs.map { Port(name: $0.name, type: graph.type($0.value)) }, symbols: bindings,
            guards: graph.guards.map { Guard(0, $0.isLowerBound ? .lessOrEqual : .equal, $0.expression) },
            independentRows: graph.independentRows)
    }
}
