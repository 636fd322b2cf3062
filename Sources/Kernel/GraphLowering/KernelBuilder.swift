import Base
import ElementTypes
import GraphIR
import KernelIR

/// A scalar body under construction: nodes, their types and what has been pulled already.
struct BodyBuilder {
    /// A value at an index, read only where a mask holds.
    struct Point: Hashable {
        var value: Value
        var index: [IntegerExpression]
        var mask: [IntegerExpression]
    }

    private(set) var body = ScalarBody()
    private(set) var types: [ElementType] = []
    private var numbers: [ScalarBody.Node: Int] = [:]
    var pulled: [Point: Int] = [:]

    /// Adds a node of a compute type, or finds an equal one.
    mutating func emit(_ node: ScalarBody.Node, _ type: ElementType) -> Int {
        if let number = numbers[node] { return number }
        body.nodes.append(node)
        types.append(type)
        numbers[node] = body.nodes.count - 1
        return body.nodes.count - 1
    }

    mutating func apply(_ operation: ScalarOperation, _ operands: Int...) -> Int {
        emit(.apply(operation, operands), operation.resultType(operands.map { types[$0] }))
    }

    /// A constant of a compute type.
    mutating func number(_ value: Double, _ element: ElementType) -> Int {
        switch element.computeType {
        case .f64: emit(.real(bits: value.bitPattern, .f64), .f64)
        case .f32, .f16, .bf16, .f8e4m3, .f8e5m2: emit(.real(bits: value.bitPattern, .f32), .f32)
        case .i64, .i32, .i16, .i8, .u8: emit(.integer(Int64(value)), .i64)
        case .bool: emit(.truth(value != 0), .bool)
        }
    }

    /// Converts to a storage type. Roundings between narrow floating types inside one kernel are dropped: values stay in
    /// f32 until they are stored, as `torch.compile` keeps them too.
    mutating func cast(_ operand: Int, _ element: ElementType) -> Int {
        // A rounding to 8 bits is meant, as one to integers is.
        if element.isFloatingPoint, element.byteCount > 1, element.computeType == types[operand] { return operand }
        if element == .i64, types[operand] == .i64 { return operand }
        if element == .bool, types[operand] == .bool { return operand }
        return emit(.cast(operand, element), element.computeType)
    }
}

/// What a kernel under construction already has at hand instead of reading it from memory.
struct LocalValue {
    /// The index at which it stands for the value; nil accepts any (the only path leads through bijective views).
    var index: [IntegerExpression]?
    var node: ScalarBody.Node
    var type: ElementType
    /// Nodes that stand for what lies further along an axis, each `step` after the one before it: told by the constant part of
    /// the place, which is `start` for the first.
    var further: (axis: Int, start: Int, step: Int, nodes: [ScalarBody.Node])?
    /// What it is multiplied by.
    var factor: SplitFactors?

    /// What stands for the value at a place.
    func node(at place: [IntegerExpression]) -> ScalarBody.Node? {
        guard let further else { return index == nil || index == place ? node : nil }
        let number = (place[further.axis].constant - further.start) / further.step
        return number == 0 ? node : further.nodes.indices.contains(number - 1) ? further.nodes[number - 1] : nil
    }
}

/// Builds one kernel: collects parameters and pulls values as scalar expressions.
struct KernelBuilder {
    let program: ProgramBuilder
    /// Buffers in the order of the kernel's parameters.
    private(set) var buffers: [BufferID] = []
    private(set) var access: [KernelParameter.Access] = []
    /// Ranges of symbols, axes and values.
    var ranges: VariableRanges
    /// Values computed in this kernel.
    var locals: [Value: LocalValue] = [:]
    /// Values that were read from memory, by parameter.
    private var operands: [Int: Value] = [:]
    /// Copies that this kernel reads in place of values' own buffers.
    var copies: [Value: BufferID] = [:]
    /// Values that this kernel computes: they are never read from their own buffers here.
    var roots: Set<Value> = []
    private var axisCount = 0

    init(_ program: ProgramBuilder) {
        self.program = program
        ranges = program.graph.ranges
    }

    private var graph: Graph { program.graph }

    /// A new loop axis.
    mutating func axis(_ extent: IntegerExpression) -> LoopAxis {
        let variable = Variable(.axis, axisCount)
        axisCount += 1
        ranges.declare(variable, extent: extent)
        return LoopAxis(variable, extent)
    }

    /// One new axis for each extent of a shape.
    mutating func axes(_ shape: Shape) -> [LoopAxis] { shape.map { axis($0) } }

    /// The parameter that is bound to a buffer.
    mutating func parameter(_ buffer: BufferID, _ use: KernelParameter.Access) -> Int {
        if let number = buffers.firstIndex(of: buffer) {
            if access[number] != use { access[number] = .readWrite }
            return number
        }
        buffers.append(buffer)
        access.append(use)
        return buffers.count - 1
    }

    /// Element of a buffer, in elements from its start.
    func address(_ buffer: BufferID, _ index: [IntegerExpression]) -> IntegerExpression {
        zip(index, program.buffers[buffer].strides).reduce(IntegerExpression(0)) { $0 + $1.0 * $1.1 }
    }

    /// A store of a body's node to a value's buffer at an index.
    mutating func store(_ value: Value, _ index: [IntegerExpression], _ node: Int) throws(LoweringError) -> Store {
        let buffer = try program.buffer(value)
        return Store(parameter: parameter(buffer, .write), index: address(buffer, index), value: node)
    }

    /// The finished kernel as a launch.
    func launch(_ name: String, _ body: Kernel.Body, nodes: [NodeID], results: [Value], isConstant: Bool)
        -> LoweredLaunch
    {
        var symbols = Set<Variable>()
        for buffer in buffers {
            for extent in program.buffers[buffer].type.shape { symbols.formUnion(extent.variables) }
        }
        symbols.formUnion(body.symbols)
        let parameters = zip(buffers, access).map { buffer, access in
            let description = program.buffers[buffer]
            return KernelParameter(
                element: description.type.element, count: elementCount(description.type.shape), access: access,
                isConstant: description.isConstant)
        }
        var written: [Int: Value] = [:]
        for result in results {
            if let buffer = program.known(result), let number = buffers.firstIndex(of: buffer) {
                written[number] = result
            }
        }
        let kernel = Kernel(
            name: name, parameters: parameters, symbols: symbols.filter { $0.kind == .symbol }.sorted(),
            ranges: graph.ranges, body: body)
        return LoweredLaunch(
            kernel: Coalescer.coalesce(kernel), buffers: buffers, nodes: nodes,
            operands: operands, results: written, isConstant: isConstant
        )
    }

    /// Parameters as far as they are known, for the types of loads.
    var parameterStubs: [KernelParameter] {
        zip(buffers, access).map { buffer, access in
            KernelParameter(
                element: program.buffers[buffer].type.element, count: 0, access: access, isConstant: false)
        }
    }

    /// Whether a value comes from its buffer.
    func readsFromMemory(_ value: Value) -> Bool {
        locals[value] == nil && !roots.contains(value) && program.partition.isMaterialised(value)
            && !program.isInline(value)
    }

    // MARK: Pulling

    /// The node of `body` that is `value` at `index`; outside of `mask` (conditions ≥ 0) nothing is read and the result is 0
    /// or unspecified.
    mutating func pull(
        _ value: Value, _ index: [IntegerExpression], _ mask: [IntegerExpression] = [], _ body: inout BodyBuilder
    ) throws(LoweringError) -> Int {
        let point = BodyBuilder.Point(value: value, index: index, mask: mask)
        if let number = body.pulled[point] { return number }
        let number = try pullFresh(value, index, mask, &body)
        body.pulled[point] = number
        return number
    }

    private mutating func pullFresh(
        _ value: Value, _ index: [IntegerExpression], _ mask: [IntegerExpression], _ body: inout BodyBuilder
    ) throws(LoweringError) -> Int {
        if let local = locals[value], let node = local.node(at: index) {
            let number = body.emit(node, local.type)
            guard let factor = local.factor else { return number }
            return body.apply(.multiply, number, factor.emitFactor(&body))
        }
        let node = graph.nodes[value.node]
        if readsFromMemory(value) {
            let buffer: BufferID
            if let copy = copies[value] { buffer = copy } else { buffer = try program.buffer(value) }
            let number = parameter(buffer, .read)
            operands[number] = value
            return body.emit(
                .load(parameter: number, index: address(buffer, index), mask: mask),
                program.buffers[buffer].type.element.computeType)
        }
        let type = graph.type(value)
        switch node.operation {
        case .leaf(let leaf):
            switch leaf {
            case .constant(let elements, let type): return body.number(elements.first ?? 0, type.element)
            case .iota: return body.emit(.integerExpression(index[0]), .i64)
            case .dimension(let expression): return body.emit(.integerExpression(expression), .i64)
            case .input, .parameter, .state, .carried, .looped: throw error(value, "a leaf without a buffer")
            }
        case .map(let expression):
            var operands: [Int] = []
            for operand in node.operands { operands.append(try pull(operand, index, mask, &body)) }
            return inline(expression, operands, &body)
        case .view(let view):
            let operand = node.operands[0]
            guard let source = view.source(index, of: graph.type(operand).shape, ranges) else {
                throw error(value, "a view without an index map")
            }
            if source.mask.isEmpty { return try pull(operand, source.index, mask, &body) }
            let inner = try pull(operand, source.index, mask + source.mask, &body)
            guard case .pad(_, _, let padding) = view else { return inner }
            if padding.value == 0, case .load = body.body.nodes[inner] { return inner }
            let condition = body.emit(.condition(source.mask), .bool)
            return body.apply(.select, condition, inner, body.number(padding.value, type.element))
        case .concatenate(let axis):
            return try pullPieces(node, axis, index, mask, &body)
        case .gather(let gather):
            return try pullGather(node, gather, index, mask, &body)
        case .reduce, .scan, .scatter, .contract, .convolve, .attend, .recur, .window, .sort:
            throw error(value, "a value that needs a kernel of its own is not in memory")
        }
    }

    private mutating func pullPieces(
        _ node: Node, _ axis: Int, _ index: [IntegerExpression], _ mask: [IntegerExpression], _ body: inout BodyBuilder
    ) throws(LoweringError) -> Int {
        var start = IntegerExpression(0)
        var pieces: [(condition: [IntegerExpression], value: Int)] = []
        for operand in node.operands {
            let extent = graph.type(operand).shape[axis]
            var inner = index
            inner[axis] = index[axis] - start
            let conditions = [inner[axis], extent - 1 - inner[axis]].filter { !ranges.isNonNegative($0) }
            start = start + extent
            // A piece that cannot contain the point is left out.
            if conditions.contains(where: { ranges.isNonNegative($0 * -1 - 1) }) { continue }
            pieces.append((conditions, try pull(operand, inner, mask + conditions, &body)))
        }
        guard var result = pieces.last?.value else { throw error(nil, "an empty concatenation") }
        for piece in pieces.dropLast().reversed() {
            let condition = body.emit(.condition(piece.condition), .bool)
            result = body.apply(.select, condition, piece.value, result)
        }
        return result
    }

    private mutating func pullGather(
        _ node: Node, _ gather: Gather, _ index: [IntegerExpression], _ mask: [IntegerExpression],
        _ body: inout BodyBuilder
    ) throws(LoweringError) -> Int {
        let data = graph.type(node.operands[0])
        let positions = graph.type(node.operands[1]).shape.count
        let indexPart = Array(index[gather.at..<gather.at + positions])
        var others = (index[..<gather.at] + index[(gather.at + positions)...])[...]
        var inner: [IntegerExpression] = []
        for axis in data.shape.indices {
            if let which = gather.axes.firstIndex(of: axis) {
                let number = try pull(node.operands[1 + which], indexPart, mask, &body)
                inner.append(try indirect(number, data.shape[axis], mask, &body))
            } else {
                inner.append(others.removeFirst())
            }
        }
        return try pull(node.operands[0], inner, mask, &body)
    }

    /// An index expression for a computed position, which counts where `mask` holds; positions that are loop expressions
    /// stay symbolic.
    mutating func indirect(
        _ number: Int, _ extent: Dimension, _ mask: [IntegerExpression] = [], _ body: inout BodyBuilder
    ) throws(LoweringError) -> IntegerExpression {
        if case .integerExpression(let expression) = body.body.nodes[number],
            ranges.isNonNegative(expression), ranges.isNonNegative(extent - 1 - expression)
        {
            return expression
        }
        if case .integer(let constant) = body.body.nodes[number], constant >= 0,
            ranges.isNonNegative(extent - 1 - IntegerExpression(Int(constant)))
        {
            return IntegerExpression(Int(constant))
        }
        let variable = Variable(.value, body.emit(.position(number, extent: extent, mask: mask), .i64))
        ranges.declare(variable, extent: extent)
        return IntegerExpression(variable)
    }

    /// Inlines a map's expression over pulled operands.
    func inline(_ expression: ScalarExpression, _ operands: [Int], _ body: inout BodyBuilder) -> Int {
        var numbers: [Int] = []
        for instruction in expression.instructions {
            switch instruction {
            case .argument(let index): numbers.append(operands[index])
            case .real(let bits, let type): numbers.append(body.emit(.real(bits: bits, type), type))
            case .integer(let value): numbers.append(body.emit(.integer(value), .i64))
            case .truth(let value): numbers.append(body.emit(.truth(value), .bool))
            case .apply(let operation, let operands):
                let inner = operands.map { numbers[$0] }
                numbers.append(body.emit(.apply(operation, inner), operation.resultType(inner.map { body.types[$0] })))
            case .cast(let operand, let element): numbers.append(body.cast(numbers[operand], element))
            }
        }
        return numbers[numbers.count - 1]
    }

    /// An error about a value.
    func error(_ value: Value?, _ reason: String) -> LoweringError {
        guard let value else { return LoweringError(node: "?", origin: "", reason: reason) }
        let node = graph.nodes[value.node]
        return LoweringError(
            node: "%\(value.node.rawValue) \(node.operation.name)", origin: node.origin, reason: reason)
    }
}
