import Base
import ElementTypes
import GraphIR
import GraphLowering
import KernelIR
import ReferenceInterpreter

/// What a launch computes, as values of a graph: the rewritten graph itself, or one with a few nodes more where the launch
/// computes a part of a node.
struct RegionGraph {
    var graph: Graph
    /// The value that a buffer's contents before the call stand for, by parameter.
    var given: [Int: Value]
    /// The value that a buffer's contents after the call stand for, by parameter.
    var wanted: [Int: Value]
    /// The parameter that holds a layer's products with its inputs, where the launch is a cell over time.
    var takesProducts: Int?
    /// Tensors that the added nodes read, by name.
    var added: [String: TensorValue] = [:]

    /// Why a launch cannot be judged alone.
    struct Obstacle: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// Finds the values behind a launch's parameters.
    init(_ program: LoweredProgram, launch index: Int, graph: Graph) throws {
        let launch = program.launches[index]
        self.graph = graph
        given = launch.operands
        wanted = launch.results
        switch launch.kernel.body {
        case .recurrence(let body): try addRecurrence(program, launch, body)
        case .contraction where launch.nodes.isEmpty: try addProjection(program, index)
        case .contraction, .nest, .attention, .sort: break
        }
        for (number, parameter) in launch.kernel.parameters.enumerated() {
            switch parameter.access {
            case .read:
                if given[number] == nil { throw Obstacle("parameter \(number) is no value of the graph") }
            case .write:
                if wanted[number] == nil { throw Obstacle("parameter \(number) is no value of the graph") }
            case .readWrite:
                // An update in place: what stands there before is what the scatter starts from.
                guard let value = wanted[number], case .scatter = graph.nodes[value.node].operation else {
                    throw Obstacle("parameter \(number) is changed in place by other than a scatter")
                }
                given[number] = graph.nodes[value.node].operands[0]
            }
        }
    }

    /// The cell over time reads products with the inputs, which the graph does not name. They are the layer's own inputs when
    /// its input weights are the identity, so the truth is that layer's.
    private mutating func addRecurrence(
        _ program: LoweredProgram, _ launch: LoweredLaunch, _ body: RecurrenceKernel
    ) throws {
        guard let value = wanted.values.first, case .recur(let recur) = graph.nodes[value.node].operation,
            case .load(let parameter, _, _)? = body.projected.body.nodes.first
        else { throw Obstacle("no layer of the graph belongs to it") }
        let node = graph.nodes[value.node]
        let states = recur.cell == .lstm ? 2 : 1
        let projected = program.buffers[launch.buffers[parameter]].type
        guard projected.element == graph.type(node.operands[0]).element else {
            throw Obstacle("its products with the inputs are kept in \(projected.element.rawValue)")
        }
        guard let rows = projected.shape[2].constantValue, rows <= 2048 else {
            throw Obstacle("its truth would take too long")
        }
        var builder = GraphBuilder(graph)
        let matrix = TensorType(projected.element, [Dimension(rows), Dimension(rows)])
        let vector = TensorType(projected.element, [Dimension(rows)])
        let x = try builder.leaf(.parameter(Self.name("projected"), projected))
        let identity = try builder.leaf(.parameter(Self.name("identity"), matrix))
        // Except in the GRU, whose last gate multiplies it by r, the recurrent bias is in the products already.
        let hasBias = recur.hasBias && recur.cell == .gru
        var operands = [x] + node.operands[1...states] + [identity, node.operands[2 + states]]
        if hasBias {
            operands += [try builder.leaf(.parameter(Self.name("zeros"), vector)), node.operands[4 + states]]
        }
        let layer = try builder.node(
            .recur(Recur(recur.cell, hasBias: hasBias, isReverse: recur.isReverse)), operands)
        var ones = [Double](repeating: 0, count: rows * rows)
        for row in 0..<rows { ones[row * rows + row] = 1 }
        added[Self.name("identity")] = TensorValue(projected.element, [rows, rows], ones)
        added[Self.name("zeros")] = TensorValue(projected.element, [rows], [Double](repeating: 0, count: rows))
        given[parameter] = x
        takesProducts = parameter
        wanted = wanted.mapValues { Value(layer, $0.result) }
        graph = builder.graph
    }

    /// The product of a layer's inputs with their weights, and the biases.
    private mutating func addProjection(_ program: LoweredProgram, _ index: Int) throws {
        let launch = program.launches[index]
        guard let output = launch.kernel.parameters.firstIndex(where: { $0.access == .write }),
            program.launches.indices.contains(index + 1),
            case .recurrence = program.launches[index + 1].kernel.body,
            program.launches[index + 1].buffers.contains(launch.buffers[output]),
            let value = program.launches[index + 1].results.values.first,
            case .recur(let recur) = graph.nodes[value.node].operation
        else { throw Obstacle("it computes a part of a node") }
        let node = graph.nodes[value.node]
        let states = recur.cell == .lstm ? 2 : 1
        let type = program.buffers[launch.buffers[output]].type
        let x = graph.type(node.operands[0])
        guard type.element == x.element else { throw Obstacle("its result is kept in \(type.element.rawValue)") }
        var builder = GraphBuilder(graph)
        let flat = try builder.reshape(node.operands[0], [x.shape[0] * x.shape[1], x.shape[2]])
        var sum = try builder.add(
            .contract(.matrixProduct(batchRank: 0, transposed: true)), [flat, node.operands[1 + states]])
        for bias in recur.hasBias ? Array(node.operands[(3 + states)...].prefix(recur.cell == .gru ? 1 : 2)) : [] {
            sum = try builder.map([sum, bias]) { map, terms in map.apply(.add, terms[0], terms[1]) }
        }
        wanted[output] = try builder.reshape(sum, type.shape)
        graph = builder.graph
    }

    private static func name(_ text: String) -> String { "\u{0}\(text)" }
}

/// Tensors of a model and a few more.
struct AddedTensors: TensorSource {
    var tensors: any TensorSource
    var added: [String: TensorValue]

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard let value = added[name] else { return try tensors.withTensor(name, body) }
        return try value.bytes.withUnsafeBytes { try body($0) }
    }
}
