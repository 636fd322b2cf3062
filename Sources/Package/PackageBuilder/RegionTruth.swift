import Base
import ElementTypes
import GraphIR
import GraphLowering
import KernelIR
import KernelJudge
import ReferenceInterpreter

/// What is true of one launch: the interpreter evaluates the graph's values that the kernel computes, from the values that it
/// reads. Bytes cross in the buffers' physical layouts.
struct RegionTruth: RegionOracle {
    let parameters: [KernelParameter]
    let symbols: [Variable]
    let shapes: [[Int]]
    let allowsSpecialValues: Bool
    let allowsSubnormals: Bool
    let mixesElements: Bool
    let distributions: [InputDistribution]
    private let domains: [Domain]
    private let region: RegionGraph
    private let buffers: [LoweredBuffer]
    private let hints: [Variable: Int]
    private let body: Kernel.Body
    private let oracle: Interpreter
    private let tensors: any TensorSource

    /// What a parameter may hold, before its symbols have values.
    private enum Domain {
        case plain(InputDomain)
        /// Positions below the least of these extents.
        case positions([Dimension])
        /// What is added to scores of attention, in rows of so many.
        case mask(Dimension)
    }

    /// The truth of a launch. Throws `RegionGraph.Obstacle` where it cannot be judged alone.
    init(
        _ program: LoweredProgram, launch index: Int, graph: Graph, tensors: any TensorSource, folder: ConstantFolder,
        record: ReferenceRecord?
    ) throws {
        let launch = program.launches[index]
        let kernel = launch.kernel
        let buffers = launch.buffers.map { program.buffers[$0] }
        let region = try RegionGraph(program, launch: index, graph: graph)
        let bounds = region.positionBounds
        domains = try kernel.parameters.indices.map { number in
            let parameter = kernel.parameters[number]
            guard parameter.access != .write else { return .plain(.real) }
            if parameter.isConstant {
                return .plain(.fixed(try folder.withBytes(launch.buffers[number]) { Array($0) }))
            }
            if parameter.element.isFloatingPoint {
                return Self.real(region, number, kernel, buffers[number])
            }
            if parameter.element == .bool { return .plain(.boolean) }
            if let bounds = bounds[number] { return .positions(bounds) }
            return .plain(.integer(Self.range(buffers[number], record)))
        }
        self.region = region
        self.buffers = buffers
        body = kernel.body
        parameters = kernel.parameters
        symbols = kernel.symbols
        hints = Dictionary(
            uniqueKeysWithValues: graph.symbols.enumerated().map { (Variable(.symbol, $0), $1.hint) })
        shapes = Self.shapes(kernel.symbols, graph)
        let specials = SpecialInputs(region, kernel)
        (allowsSpecialValues, allowsSubnormals) = (specials.areAllowed, specials.allowSubnormals)
        (mixesElements, distributions) = (specials.mixElements, specials.distributions)
        let known = AddedTensors(tensors: tensors, added: region.added)
        oracle = Interpreter(region.graph, tensors: known, policy: .exact)
        self.tensors = known
    }

    func domain(of parameter: Int, dimensions: [Int]) -> InputDomain {
        switch domains[parameter] {
        case .plain(let domain): domain
        case .mask(let extent): .mask(row: value(extent, dimensions))
        case .positions(let extents): .index(below: extents.map { value($0, dimensions) }.min() ?? 1)
        }
    }

    func answer(dimensions: [Int], inputs: [[UInt8]]) throws(OracleError) -> [OracleOutput] {
        var given: [Value: TensorValue] = [:]
        for (number, operand) in region.given {
            let buffer = buffers[number]
            let physical = buffer.layout.map { value(buffer.type.shape[$0], dimensions) }
            guard let stored = TensorValue(buffer.type.element, physical, bytes: inputs[number]) else {
                throw OracleError("operand \(number) has \(inputs[number].count) bytes")
            }
            given[operand] = stored.permuted(inverse(buffer.layout))
        }
        let outputs = parameters.indices.filter { parameters[$0].access != .read }
        let wanted = outputs.compactMap { region.wanted[$0] }
        // Symbols that none of its buffers shows keep the values that they were exported with.
        var known = hints
        for (symbol, value) in zip(symbols, dimensions) { known[symbol] = value }
        let truth: [TensorValue]
        var rounded: [TensorValue]
        do throws(InterpreterError) {
            truth = try oracle.evaluate(wanted, given: given, symbols: known)
            rounded = try Interpreter.witness(region.graph, tensors: tensors, truth: truth) {
                witness throws(InterpreterError) in
                try witness.evaluate(wanted, given: given, symbols: known)
            }
            if case .attention = body, truth.contains(where: { !$0.doubles.allSatisfy(\.isFinite) }) {
                // What keys hold that nobody sees reaches results or does not, as blocks of them are left out or not.
                var other = oracle
                other.skipsHidden = true
                let skipped = try other.evaluate(wanted, given: given, symbols: known)
                for place in truth.indices { rounded[place] = rounded[place].doubting(truth[place], skipped[place]) }
            }
        } catch {
            throw OracleError("\(error)")
        }
        var answers: [OracleOutput] = []
        for (position, number) in outputs.enumerated() {
            let layout = buffers[number].layout
            // What infinities make of a layer says nothing of how it rounds.
            let isFinite = truth[position].doubles.allSatisfy(\.isFinite)
            if isFinite, amplifiesRounding(truth[position].doubles, rounded[position].doubles) {
                throw OracleError(
                    "the layer's state feeds back so strongly that PyTorch's own roundings decide its course")
            }
            answers.append(
                OracleOutput(
                    truth: truth[position].permuted(layout).doubles,
                    witness: rounded[position].permuted(layout).doubles,
                    summedTerms: summedTerms(dimensions)))
        }
        return answers
    }

    /// What floating-point numbers an input may hold.
    private static func real(
        _ region: RegionGraph, _ number: Int, _ kernel: Kernel, _ buffer: LoweredBuffer
    ) -> Domain {
        switch kernel.body {
        // The truth of a cell over time takes its products with the inputs through an identity, whose zeros make NaN of an infinity.
        case .recurrence: return region.takesProducts == number ? .plain(.finite) : .plain(.real)
        case .attention:
            guard region.isMask(number), let row = buffer.type.shape.last else { return .plain(.real) }
            return .mask(row)
        case .nest, .contraction, .sort: return .plain(.real)
        }
    }

    private func value(_ expression: IntegerExpression, _ dimensions: [Int]) -> Int {
        expression.evaluate { variable in
            symbols.firstIndex(of: variable).map { dimensions[$0] } ?? hints[variable] ?? 0
        } ?? 0
    }

    /// Terms of the sum behind an element where the witness does not show how sums round: that of a layer whose state feeds back
    /// shows one of many courses (PyTorch's fused cell and its separate operations err up to ten times differently).
    private func summedTerms(_ dimensions: [Int]) -> Int {
        switch body {
        case .recurrence(let body): [body.time, body.depth].reduce(1) { $0 * value($1.extent, dimensions) }
        case .nest, .contraction, .attention, .sort: 1
        }
    }

    /// Whether a recurrent layer made a thousand roundings out of one: then two right courses differ by chance, and comparing
    /// them tells nothing.
    private func amplifiesRounding(_ truth: [Double], _ witness: [Double]) -> Bool {
        guard case .recurrence = body else { return false }
        let largest = truth.reduce(0) { max($0, abs($1)) }
        return zip(truth, witness).contains { abs($0 - $1) > 1024 * ElementType.f32.epsilon * largest }
    }

    /// The shape that the model was exported with, an odd one beside it, and further ones that only the full battery has: the least, one of
    /// about half and one that is larger by an eighth; those that the model allows.
    private static func shapes(_ symbols: [Variable], _ graph: Graph) -> [[Int]] {
        guard !symbols.isEmpty else { return [[]] }
        let sizes = OtherSizes(graph, moving: Set(symbols.map(\.index)))
        return sizes.tried.map { values in symbols.map { values[$0.index] } }
    }

    /// Integers that are fair where none is a position: those of the recorded input, or small positive ones, by which a
    /// kernel may divide.
    private static func range(_ buffer: LoweredBuffer, _ record: ReferenceRecord?) -> ClosedRange<Int> {
        guard case .input(let input) = buffer.role, let set = record?.sets.first,
            let values = set.inputs[input].integers, let least = values.min(), let most = values.max()
        else { return 1...7 }
        // One number alone would tell nothing.
        return least == most ? Int(min(least, least &- 1))...Int(most) : Int(least)...Int(most)
    }

    private func inverse(_ layout: [Int]) -> [Int] {
        var result = layout
        for (position, axis) in layout.enumerated() { result[axis] = position }
        return result
    }
}

extension RegionGraph {
    /// For parameters that hold positions in a tensor, directly or through other values of the region: the extents of the
    /// axes that they point into.
    var positionBounds: [Int: [Dimension]] {
        let isGiven = Set(given.values)
        var bounds: [Value: [Dimension]] = [:]
        var seen: Set<Value> = []
        /// Adds an extent to all given integers that a position is computed from.
        func trace(_ value: Value, _ extent: Dimension) {
            guard !graph.type(value).element.isFloatingPoint else { return }
            if isGiven.contains(value) {
                bounds[value, default: []].append(extent)
                return
            }
            for operand in graph.nodes[value.node].operands { trace(operand, extent) }
        }
        func visit(_ value: Value) {
            guard !isGiven.contains(value) || wanted.values.contains(value), seen.insert(value).inserted else { return }
            let node = graph.nodes[value.node]
            switch node.operation {
            case .gather(let gather):
                let shape = graph.type(node.operands[0]).shape
                for (position, axis) in zip(node.operands.dropFirst(), gather.axes) { trace(position, shape[axis]) }
            case .scatter(let scatter):
                let shape = graph.type(node.operands[0]).shape
                for (position, axis) in zip(node.operands.dropFirst(2), scatter.axes) { trace(position, shape[axis]) }
            case .leaf, .map, .reduce, .scan, .view, .concatenate, .contract, .convolve, .attend, .recur, .window,
                .sort:
                break
            }
            for operand in node.operands { visit(operand) }
        }
        for value in wanted.values.sorted() { visit(value) }
        return given.compactMapValues { bounds[$0] }
    }
}

extension TensorValue {
    /// This witness of `truth`, with what `other` has where that is another infinity, NaN or finite where the truth is not.
    fileprivate func doubting(_ truth: TensorValue, _ other: TensorValue) -> TensorValue {
        guard truth.element.isFloatingPoint else { return self }
        let expected = truth.doubles
        let values = zip(doubles, zip(expected, other.doubles)).map { value, pair -> Double in
            let (truth, other) = pair
            let isSame = truth.isFinite ? other.isFinite : truth == other || (truth.isNaN && other.isNaN)
            return isSame ? value : other
        }
        return TensorValue(element, shape, values)
    }

    /// Axis i of the result is axis `axes[i]` of this tensor.
    func permuted(_ axes: [Int]) -> TensorValue {
        if axes == Array(axes.indices) { return self }
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        let target = axes.map { shape[$0] }
        let steps = axes.map { strides[$0] }
        var index = [Int](repeating: 0, count: target.count)
        var offset = 0
        var order: [Int] = []
        order.reserveCapacity(count)
        for _ in 0..<count {
            order.append(offset)
            var axis = target.count - 1
            while axis >= 0 {
                index[axis] += 1
                offset += steps[axis]
                if index[axis] < target[axis] { break }
                offset -= steps[axis] * target[axis]
                index[axis] = 0
                axis -= 1
            }
        }
        if let integers { return TensorValue(element, target, integers: order.map { integers[$0] }) }
        let values = doubles
        return TensorValue(element, target, order.map { values[$0] })
    }
}
