import Base
import ElementTypes
import GraphIR
import KernelIR

/// Lowers a partitioned graph: owns the buffers and collects the launches.
final class ProgramBuilder {
    let graph: Graph
    let partition: Partition
    var buffers = Table<BufferTag, LoweredBuffer>()
    var launches: [LoweredLaunch] = []
    private var bufferOf: [Value: BufferID] = [:]
    /// Convolutions whose results lie channels last.
    let channelsLast: Set<NodeID>
    /// Convolutions that read a copy of an input, channels last.
    let turned: Set<NodeID>
    /// Values that maps store as outputs lie, whatever way their operands lie: those that nothing else reads.
    private let asOutputs: Set<Value>
    private var copies: [Value: BufferID] = [:]
    /// What loops carry, by loop and place.
    var carried: [[Int]: BufferID] = [:]
    /// When what is lowered now is computed (`Graph.stages`).
    var stage = 0
    /// Where the launches of the loop that is lowered now begin.
    var loopStart = 0
    var loops: [LoweredLoop] = []

    init(
        _ graph: Graph, _ partition: Partition, channelsLast: Set<NodeID>, turned: Set<NodeID>, turnsOutputs: Bool
    ) {
        self.turned = turned
        var asOutputs = turnsOutputs ? Set(graph.outputs.map(\.value)) : []
        for id in graph.nodes.ids { asOutputs.subtract(graph.nodes[id].operands) }
        self.asOutputs = asOutputs.filter { value in
            partition.producer[value].map { if case .map = partition.groups[$0].kind { true } else { false } } ?? false
        }
        self.graph = graph
        self.partition = partition
        self.channelsLast = channelsLast
    }

    /// Leaves that are written as numbers into kernels instead of being read.
    func isInline(_ value: Value) -> Bool {
        guard partition.producer[value] == nil, case .leaf(let leaf) = graph.nodes[value.node].operation else {
            return false
        }
        switch leaf {
        case .constant(let elements, _): return elements.count == 1
        case .iota, .dimension: return true
        case .input, .parameter, .state, .carried, .looped: return false
        }
    }

    /// The buffer of a value if there is one already.
    func known(_ value: Value) -> BufferID? { bufferOf[value] }

    /// Binds a value to a buffer.
    func bind(_ value: Value, _ buffer: BufferID) { bufferOf[value] = buffer }

    /// The buffer of a value that stands in memory.
    func buffer(_ value: Value) throws(LoweringError) -> BufferID {
        if let buffer = bufferOf[value] { return buffer }
        let node = graph.nodes[value.node]
        let type = graph.type(value)
        var role = LoweredBuffer.Role.temporary
        if case .leaf(let leaf) = node.operation, partition.producer[value] == nil {
            switch leaf {
            case .input(let index, _): role = .input(index)
            case .parameter(let name, _): role = .parameter(name)
            case .state(let index, _): role = .state(index)
            case .constant(let elements, _): role = .literal(elements)
            case .carried(let loop, let place, _), .looped(let loop, let place, _):
                let buffer = carriedBuffer(loop, place)
                bufferOf[value] = buffer
                return buffer
            case .iota, .dimension:
                throw LoweringError(
                    node: node.operation.name, origin: node.origin, reason: "a computed leaf has no buffer")
            }
        } else if partition.isConstant[value.node.index] {
            role = .folded
        }
        let layout = asOutputs.contains(value) ? Array(type.shape.indices) : Layouts.preferred(value, self)
        let buffer = buffers.append(LoweredBuffer(role: role, type: type, layout: layout, origin: node.origin))
        bufferOf[value] = buffer
        return buffer
    }

    /// A buffer for something between the kernels of one node.
    func scratch(_ type: TensorType, isConstant: Bool, _ origin: String) -> BufferID {
        buffers.append(
            LoweredBuffer(
                role: isConstant ? .folded : .temporary, type: type, layout: Array(type.shape.indices), origin: origin))
    }
}

extension ProgramBuilder {
    /// A copy, channels last, of a value that stands in memory; written once. Pixels begin at multiples of 16 bytes, with zeros after their
    /// channels.
    func channelsLastCopy(_ value: Value) throws(LoweringError) -> BufferID {
        if let copy = copies[value] { return copy }
        var type = graph.type(value)
        if let channels = type.shape[1].constantValue {
            let run = max(1, 16 / type.element.byteCount)
            type.shape[1] = Dimension((channels + run - 1) / run * run)
        }
        let target = buffers.append(
            LoweredBuffer(
                role: .temporary, type: type, layout: Layouts.channelsLast(type.shape.count),
                origin: graph.nodes[value.node].origin))
        try copy(value, from: try buffer(value), to: target, "turned_\(value.node.rawValue)")
        copies[value] = target
        return target
    }
}

/// Physical orders of tensors in memory.
enum Layouts {
    /// The second axis last.
    static func channelsLast(_ rank: Int) -> [Int] { [0] + Array(2..<rank) + [1] }

    /// Channels last for what convolutions make and for what follows them element by element; row-major otherwise.
    static func preferred(_ value: Value, _ program: ProgramBuilder) -> [Int] {
        let type = program.graph.type(value)
        let rowMajor = Array(type.shape.indices)
        guard type.shape.count >= 3, let number = program.partition.producer[value] else { return rowMajor }
        let group = program.partition.groups[number]
        let anchor = program.graph.nodes[group.anchor]
        if anchor.operation.isConvolution {
            guard program.channelsLast.contains(group.anchor) else { return rowMajor }
            let shape = program.graph.type(Value(group.anchor)).shape
            return shape == type.shape ? channelsLast(shape.count) : rowMajor
        }
        return following(value, program, depth: 0) ?? rowMajor
    }

    /// The layout of the first operand of the same rank that has a layout of its own.
    private static func following(_ value: Value, _ program: ProgramBuilder, depth: Int) -> [Int]? {
        guard depth < 8 else { return nil }
        let node = program.graph.nodes[value.node]
        let rank = program.graph.type(value).shape.count
        switch node.operation {
        case .map, .window, .concatenate:
            for operand in node.operands {
                guard program.graph.type(operand).shape.count == rank else { continue }
                if program.partition.isMaterialised(operand) {
                    guard let buffer = program.known(operand) else { continue }
                    let layout = program.buffers[buffer].layout
                    if layout != Array(layout.indices) { return layout }
                } else if let layout = following(operand, program, depth: depth + 1) {
                    return layout
                }
            }
            return nil
        case .view(.slice), .view(.pad), .view(.flip):
            return program.partition.isMaterialised(node.operands[0])
                ? program.known(node.operands[0]).flatMap { buffer in
                    let layout = program.buffers[buffer].layout
                    return layout == Array(layout.indices) ? nil : layout
                } : following(node.operands[0], program, depth: depth + 1)
        case .leaf, .reduce, .scan, .view, .gather, .scatter, .contract, .convolve, .attend, .recur, .sort: return nil
        }
    }
}
