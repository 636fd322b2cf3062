import Base
import ElementTypes
import GraphIR
import ReferenceInterpreter

/// Builds the small graphs of the tests: inputs, weights and the operations that the cases need.
struct TestGraph {
    var b = GraphBuilder(name: "case")

    /// A new input.
    mutating func input(_ shape: Shape, _ element: ElementType = .f32) throws -> Value {
        let type = TensorType(element, shape)
        b.graph.inputs.append(GraphPort(name: "x\(b.graph.inputs.count)", type: type))
        return try b.leaf(.input(b.graph.inputs.count - 1, type))
    }

    /// A weight; equal names are one tensor.
    mutating func weight(_ name: String, _ shape: Shape, _ element: ElementType = .f32) throws -> Value {
        try b.leaf(.parameter(name, TensorType(element, shape)))
    }

    /// A literal constant.
    mutating func constant(_ elements: [Double], _ shape: Shape, _ element: ElementType = .f32) throws -> Value {
        try b.leaf(.constant(elements, TensorType(element, shape)))
    }

    mutating func number(_ value: Double, _ element: ElementType = .f32) throws -> Value {
        try b.scalar(value, element)
    }

    mutating func apply(_ operation: ScalarOperation, _ operands: Value...) throws -> Value {
        try b.map(operands) { scalar, terms in scalar.emit(.apply(operation, terms.map(\.index))) }
    }

    mutating func view(_ view: View, _ operand: Value) throws -> Value { try b.add(.view(view), [operand]) }

    mutating func reduce(_ kind: Reduce.Kind, _ operand: Value, _ axes: [Int], keep: Bool = false) throws -> Value {
        let result = try b.add(.reduce(Reduce(kind, axes: axes)), [operand])
        var shape = b.shape(operand)
        for axis in axes { shape[axis] = 1 }
        return keep ? try b.reshape(result, shape) : result
    }

    mutating func contract(_ left: Value, _ right: Value, _ labels: String) throws -> Value {
        let parts = labels.split(separator: " ").map { $0.unicodeScalars.map { Int($0.value) } }
        return try b.add(.contract(Contract(left: parts[0], right: parts[1], result: parts[2])), [left, right])
    }

    mutating func softmax(_ x: Value, _ axis: Int) throws -> Value {
        let peak = try reduce(.maximum, x, [axis], keep: true)
        let powers = try apply(.exp, try apply(.subtract, x, peak))
        return try apply(.divide, powers, try reduce(.sum, powers, [axis], keep: true))
    }

    /// The graph with these outputs.
    func finished(_ outputs: Value...) -> Graph {
        var graph = b.graph
        graph.outputs = outputs.enumerated().map { GraphOutput(name: "y\($0)", value: $1) }
        return graph
    }
}

/// Weights of any name and type, drawn from a generator seeded by the name.
struct RandomTensors: TensorSource {
    let types: [String: TensorType]

    init(_ graph: Graph) {
        var types: [String: TensorType] = [:]
        for node in graph.nodes.rows {
            if case .leaf(.parameter(let name, let type)) = node.operation { types[name] = type }
        }
        for state in graph.states { types[state.name] = state.type }
        self.types = types
    }

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        var seed: UInt64 = 17
        for byte in name.utf8 { seed = seed &* 31 &+ UInt64(byte) }
        var random = SeededRandom(seed: seed)
        return try (types[name].map { randomTensor($0, &random) }?.bytes ?? []).withUnsafeBytes(body)
    }
}

/// A tensor of small random numbers away from 0; symbolic extents are 5.
func randomTensor(_ type: TensorType, _ random: inout SeededRandom) -> TensorValue {
    let shape = type.shape.map { $0.evaluate { _ in 5 } ?? 0 }
    let count = shape.reduce(1, *)
    if type.element.isInteger {
        return TensorValue(type.element, shape, integers: (0..<count).map { _ in Int64(random.index(below: 4)) })
    }
    let numbers = (0..<count).map { _ in
        type.element == .bool ? Double(random.index(below: 2)) : (random.uniform() * 2 - 1) * 1.5 + 0.125
    }
    return TensorValue(type.element, shape, numbers).roundedToElement()
}

/// The outputs of a graph for random inputs, then its states.
func evaluate(_ graph: Graph, seed: UInt64, edit: (inout [TensorValue]) -> Void = { _ in }) throws -> [TensorValue] {
    var random = SeededRandom(seed: seed)
    var inputs = graph.inputs.map { randomTensor($0.type, &random) }
    edit(&inputs)
    var interpreter = Interpreter(graph, tensors: RandomTensors(graph))
    var results = try interpreter.run(inputs)
    for index in graph.states.indices { results.append(try interpreter.state(index)) }
    return results
}

/// The greatest difference between two results, relative to the greatest magnitude; infinite where NaN, infinities or types
/// do not agree.
func difference(_ a: [TensorValue], _ b: [TensorValue]) -> Double {
    guard a.count == b.count else { return .infinity }
    var worst = 0.0
    for (x, y) in zip(a, b) {
        guard x.element == y.element, x.shape == y.shape else { return .infinity }
        let scale = x.doubles.filter(\.isFinite).map(\.magnitude).max().map { max($0, 1e-30) } ?? 1
        for (p, q) in zip(x.doubles, y.doubles) where p != q && !(p.isNaN && q.isNaN) {
            guard p.isFinite, q.isFinite else { return .infinity }
            worst = max(worst, (p - q).magnitude / scale)
        }
    }
    return worst
}
