import Base
import ElementTypes
import GraphIR
import ReferenceInterpreter
import Testing

/// Which graphs keep the rows of a batch apart: what is claimed is held against rows that are run alone.
@Suite struct IndependentRowsTests {
    /// A graph over `s0` rows and what is claimed of it.
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var isApart: Bool
        var build: @Sendable (inout TestGraph) throws -> Value
        var testDescription: String { name }

        init(_ name: String, apart: Bool, _ build: @escaping @Sendable (inout TestGraph) throws -> Value) {
            (self.name, isApart, self.build) = (name, apart, build)
        }
    }

    private static let n = Dimension(Variable(.symbol, 0))

    static let rows: [Row] = [
        Row("a layer and a softmax over features", apart: true) { g in
            let x = try g.contract(try g.input([n, 4]), try g.weight("w", [4, 6]), "bk kn bn")
            let bias = try g.b.expand(try g.weight("b", [6]), [n, 6])
            return try g.softmax(try g.apply(.add, x, bias), 1)
        },
        Row("a softmax over rows", apart: false) { g in try g.softmax(try g.input([n, 4]), 0) },
        Row("less the mean of all rows", apart: false) { g in
            let x = try g.input([n, 4])
            let mean = try g.reduce(.sum, x, [0], keep: true)
            return try g.apply(.subtract, x, try g.b.expand(mean, [n, 4]))
        },
        Row("rows and tokens as one axis, and back", apart: true) { g in
            let flat = try g.b.reshape(try g.input([n, 3, 4]), [n * 3, 4])
            let y = try g.contract(flat, try g.weight("w", [4, 4]), "bk kn bn")
            return try g.b.reshape(try g.apply(.exp, y), [n, 3, 4])
        },
        Row("tokens before rows as one axis", apart: false) { g in
            let turned = try g.view(.permute([1, 0, 2]), try g.input([n, 3, 4]))
            return try g.b.reshape(try g.b.reshape(turned, [n * 3, 4]), [n, 3, 4])
        },
        Row("tokens before rows, and back", apart: true) { g in
            let turned = try g.view(.permute([1, 0, 2]), try g.input([n, 3, 4]))
            return try g.view(.permute([1, 0, 2]), try g.apply(.exp, turned))
        },
        Row("attention of heads", apart: true) { g in
            let x = try g.view(.permute([0, 2, 1, 3]), try g.b.reshape(try g.input([n, 3, 8]), [n, 3, 2, 4]))
            let y = try g.b.add(.attend(Attend(hasMask: false, isCausal: true, scale: 0.5)), [x, x, x])
            return try g.b.reshape(try g.view(.permute([0, 2, 1, 3]), y), [n, 3, 8])
        },
        Row("products of rows with rows", apart: false) { g in
            let x = try g.input([n, 4])
            let y = try g.contract(x, x, "bk ck bc")
            return try g.contract(y, x, "bc ck bk")
        },
        Row("products of each row with itself", apart: true) { g in
            let x = try g.input([n, 3, 4])
            return try g.contract(x, x, "bik bjk bij")
        },
        Row("images, windows and a mean", apart: true) { g in
            let x = try g.input([n, 2, 6, 6])
            let convolve = Convolve(
                stride: [1, 1], paddingLow: [1, 1], paddingHigh: [1, 1], dilation: [1, 1], groups: 1)
            let y = try g.b.add(.convolve(convolve), [x, try g.weight("w", [3, 2, 3, 3])])
            let window = Window(
                .maximum, size: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], roundsUp: false)
            return try g.reduce(.sum, try g.b.add(.window(window), [y]), [2, 3])
        },
        Row("words of a table", apart: true) { g in
            let words = try g.input([n, 3], .i64)
            return try g.b.add(.gather(Gather(axes: [0], at: 0)), [try g.weight("table", [8, 4]), words])
        },
        Row("rows in another order", apart: false) { g in
            let x = try g.input([n, 4])
            let order = try g.reduce(.maximum, try g.input([n, 2], .i64), [1])
            return try g.b.add(.gather(Gather(axes: [0], at: 0)), [x, order])
        },
        Row("one token of each row, found by the row's number", apart: true) { g in
            let x = try g.input([n, 4, 3])
            let token = try g.reduce(.maximum, try g.input([n, 2], .i64), [1])
            return try g.b.add(.gather(Gather(axes: [0, 1], at: 0)), [x, try g.b.leaf(.iota(n)), token])
        },
        Row("another row's token", apart: false) { g in
            let x = try g.input([n, 4, 3])
            let token = try g.reduce(.maximum, try g.input([n, 2], .i64), [1])
            return try g.b.add(.gather(Gather(axes: [0, 1], at: 0)), [x, token, token])
        },
        Row("the row's number added", apart: false) { g in
            let number = try g.b.cast(try g.b.leaf(.iota(n)), .f32)
            return try g.apply(.add, try g.input([n]), number)
        },
        Row("divided by how many there are", apart: false) { g in
            let count = try g.b.cast(try g.b.leaf(.dimension(n)), .f32)
            return try g.apply(.divide, try g.input([n, 2]), try g.b.expand(count, [n, 2]))
        },
        Row("running sums along tokens", apart: true) { g in
            try g.b.add(.scan(Scan(.sum, axis: 1)), [try g.input([n, 4])])
        },
        Row("running sums along rows", apart: false) { g in
            try g.b.add(.scan(Scan(.sum, axis: 0)), [try g.input([n, 4])])
        },
        Row("sorted in each row", apart: true) { g in
            try g.b.add(.sort(Sort(axis: 1, isDescending: true, limit: 2)), [try g.input([n, 4])])
        },
        Row("rows turned about", apart: false) { g in try g.view(.flip([0]), try g.input([n, 4])) },
        Row("all rows but the first, and it", apart: false) { g in
            let x = try g.input([n, 4])
            let rest = try g.view(.slice(axis: 0, start: 1, count: n - 1, step: 1), x)
            let first = try g.view(.slice(axis: 0, start: 0, count: 1, step: 1), x)
            return try g.b.add(.concatenate(axis: 0), [rest, first])
        },
        Row("halves of each row beside each other", apart: true) { g in
            let x = try g.input([n, 4])
            let low = try g.view(.slice(axis: 1, start: 0, count: 2, step: 1), x)
            let high = try g.view(.slice(axis: 1, start: 2, count: 2, step: 1), x)
            let padding = View.pad(low: [0, 0], high: [0, 1], value: .init(0))
            return try g.view(padding, try g.b.add(.concatenate(axis: 1), [high, low]))
        },
        Row("a recurrent layer over tokens", apart: true) { g in
            let x = try g.view(.permute([1, 0, 2]), try g.input([n, 3, 4]))
            let zeros = try g.b.expand(try g.number(0), [n, 2])
            let weights = [try g.weight("a", [6, 4]), try g.weight("b", [6, 2])]
            let y = try g.b.add(.recur(Recur(.gru, hasBias: false, isReverse: false)), [x, zeros] + weights)
            return try g.view(.permute([1, 0, 2]), y)
        },
        Row("a recurrent layer over rows", apart: false) { g in
            let x = try g.b.reshape(try g.input([n, 4]), [n, 1, 4])
            let zeros = try g.b.expand(try g.number(0), [1, 2])
            let weights = [try g.weight("a", [6, 4]), try g.weight("b", [6, 2])]
            let y = try g.b.add(.recur(Recur(.gru, hasBias: false, isReverse: false)), [x, zeros] + weights)
            return try g.b.reshape(y, [n, 2])
        },
        Row("marks in each row", apart: true) { g in
            let x = try g.input([n, 4])
            let mark = try g.b.expand(try g.number(7), [n, 2])
            let places = try g.constant([0, 3], [2], .i64)
            return try g.b.add(.scatter(Scatter(.add, axes: [1], at: 1)), [x, mark, places])
        },
        Row("sums into other rows", apart: false) { g in
            let x = try g.input([n, 4])
            let order = try g.reduce(.maximum, try g.input([n, 2], .i64), [1])
            return try g.b.add(.scatter(Scatter(.add, axes: [0], at: 0)), [x, x, order])
        },
        Row("an input that all rows share", apart: false) { g in
            let scale = try g.input([4])
            return try g.apply(.multiply, try g.input([n, 4]), try g.b.expand(scale, [n, 4]))
        },
        Row("an output of no rows", apart: false) { g in
            _ = try g.input([n, 4])
            return try g.weight("w", [4])
        },
    ]

    private static func graph(_ row: Row) throws -> Graph {
        var builder = TestGraph()
        builder.b.graph.symbols = [Symbol(name: "rows", minimum: 1, maximum: 64, hint: 5)]
        let value = try row.build(&builder)
        return builder.finished(value)
    }

    @Test(arguments: rows) func isFound(_ row: Row) throws {
        #expect(try Self.graph(row).independentRows == (row.isApart ? 0 : nil))
    }

    /// Row by row the same as all at once.
    @Test(arguments: rows.filter(\.isApart)) func rowsAloneGiveTheSame(_ row: Row) throws {
        let graph = try Self.graph(row)
        var random = SeededRandom(seed: 5)
        let inputs = graph.inputs.map { randomTensor($0.type, &random) }
        var interpreter = Interpreter(graph, tensors: RandomTensors(graph))
        let together = try interpreter.run(inputs)
        for place in 0..<5 {
            let alone = try interpreter.run(inputs.map { Self.row(place, of: $0) })
            #expect(difference(alone, together.map { Self.row(place, of: $0) }) == 0, "row \(place)")
        }
    }

    @Test func statesAndConditionsMixRows() throws {
        var builder = TestGraph()
        builder.b.graph.symbols = [Symbol(name: "rows", minimum: 1, maximum: 64, hint: 5)]
        let value = try builder.apply(.exp, try builder.input([Self.n, 4]))
        var graph = builder.finished(value)
        #expect(graph.independentRows == 0)
        graph.guards = [Guard(expression: Self.n - 2, isLowerBound: true, reason: "two")]
        #expect(graph.independentRows == nil)
        graph.guards = []
        graph.states = [GraphPort(name: "last", type: TensorType(.f32, [4]))]
        graph.updates = [.init(state: 0, value: graph.outputs[0].value)]
        #expect(graph.independentRows == nil)
    }

    private static func row(_ place: Int, of tensor: TensorValue) -> TensorValue {
        let size = tensor.doubles.count / tensor.shape[0]
        let part = Array(tensor.doubles[place * size..<(place + 1) * size])
        let shape = [1] + tensor.shape.dropFirst()
        return tensor.element.isInteger
            ? TensorValue(tensor.element, shape, integers: part.map { Int64($0) })
            : TensorValue(tensor.element, shape, part)
    }
}
