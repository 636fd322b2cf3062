import ElementTypes
import KernelIR

/// A constant operand of a product that is computed from codes of few bits and scales: `value = code × scale`, where a scale is
/// shared by whole blocks along the summed axis.
///
/// Models that restore their weights themselves and models whose weights were coded on request look alike here: what counts
/// is the expression, in which bytes are unpacked, shifted, converted and multiplied.
struct CodedOperand {
    /// What a code is.
    enum Kind: Hashable {
        /// A whole number from `lowest` on that fits in 4 or 8 bits after `lowest` is taken off.
        case integer(bits: Int, lowest: Int)
        /// A number of an 8-bit format of reals.
        case real(ElementType)

        /// Bits of a stored code.
        var bits: Int {
            switch self {
            case .integer(let bits, _): bits
            case .real: 8
            }
        }
    }

    let kind: Kind
    /// The code at a point: an i64, or the f32 of a real.
    let code: ScalarFunction
    /// The scale at a point, an f32; nil where there is none.
    let scale: ScalarFunction?
    /// Type that holds every scale exactly.
    let scaleElement: ElementType
    /// Elements along the summed axis that share a scale; the depth where a row does.
    let block: Int

    /// Blocks that kernels know, largest first; a scale for each point is no block.
    private static let blocks = [1024, 512, 256, 128, 64, 32]

    /// The codes in an operand summed along `axis`, of `depth` elements; nil where it is anything else.
    init?(
        _ function: ScalarFunction, along axis: LoopAxis, depth: Int, parameters: [KernelParameter],
        ranges: VariableRanges
    ) {
        guard function.body.loadedParameters.allSatisfy({ parameters[$0].isConstant }) else { return nil }
        var reader = CodeReader(function.body, parameters)
        guard let (code, scales) = reader.split(function.result), let kind = reader.kind(code) else { return nil }
        self.kind = kind
        var product: Int?
        for scale in scales {
            product = product.map { reader.emit(.apply(.multiply, [$0, scale])) } ?? scale
        }
        self.code = ScalarFunction(body: reader.body, result: code)
        guard let product else {
            scale = nil
            scaleElement = .f32
            block = depth
            return
        }
        let scale = ScalarFunction(body: reader.body, result: product)
        self.scale = scale
        scaleElement = reader.element(product).flatMap { [.f16, .bf16].contains($0) ? $0 : nil } ?? .f32
        let sizes = [depth] + Self.blocks.filter { $0 < depth && depth % $0 == 0 }
        guard let block = sizes.first(where: { scale.isUniform(over: $0, of: axis, depth: depth, ranges) })
        else { return nil }
        self.block = block
    }
}

extension ScalarFunction {
    /// Nodes that the result needs.
    fileprivate var neededNodes: Set<Int> {
        var needed: Set<Int> = [result]
        for index in body.nodes.indices.reversed() where needed.contains(index) {
            switch body.nodes[index] {
            case .apply(_, let operands): needed.formUnion(operands)
            case .cast(let operand, _), .position(let operand, _, _), .scan(_, let operand): needed.insert(operand)
            case .load, .integerExpression, .condition, .real, .integer, .truth, .slot, .row, .accumulator: break
            }
        }
        return needed
    }

    /// Whether the value is the same for all points of each block of `size` along an axis.
    fileprivate func isUniform(over size: Int, of axis: LoopAxis, depth: Int, _ ranges: VariableRanges) -> Bool {
        var ranges = ranges
        let (outer, inner) = (Variable(.axis, 930_000), Variable(.axis, 930_001))
        ranges.declare(outer, extent: IntegerExpression(depth / size))
        ranges.declare(inner, extent: IntegerExpression(size))
        let place =
            (size == depth ? 0 : IntegerExpression(outer) * size) + IntegerExpression(inner)
        func varies(_ expression: IntegerExpression) -> Bool {
            if expression.variables.contains(where: { $0.kind == .value }) { return true }
            return expression.substituting(ranges) { $0 == axis.variable ? place : nil }.variables.contains(inner)
        }
        return neededNodes.allSatisfy { index in
            switch body.nodes[index] {
            case .load(_, let index, let mask): !([index] + mask).contains(where: varies)
            case .integerExpression(let expression): !varies(expression)
            case .condition(let mask): !mask.contains(where: varies)
            case .real, .integer, .truth, .apply, .cast: true
            case .position, .slot, .row, .accumulator, .scan: false
            }
        }
    }
}

/// Takes a body apart into codes and scales.
private struct CodeReader {
    private(set) var body: ScalarBody
    private let parameters: [KernelParameter]

    init(_ body: ScalarBody, _ parameters: [KernelParameter]) {
        self.body = body
        self.parameters = parameters
    }

    mutating func emit(_ node: ScalarBody.Node) -> Int { body.emit(node) }

    private func type(_ node: Int) -> ElementType { body.types(parameters: parameters)[node] }

    /// A code and the factors that it is multiplied by; nil where a value is nothing of that kind.
    mutating func split(_ node: Int) -> (code: Int, scales: [Int])? {
        switch body.nodes[node] {
        case .load(let parameter, _, _):
            return Float8(parameters[parameter].element) == nil ? nil : (node, [])
        case .cast(let operand, let element):
            guard [.f32, .f16, .bf16].contains(element) else { return nil }
            if type(operand) == .f32 { return element == .f32 ? split(operand) : nil }
            // Whole numbers of 8 bits are numbers of every type of reals.
            guard type(operand) == .i64, let range = range(operand), range.count <= 256, range.lowerBound >= -256,
                range.upperBound <= 256
            else { return nil }
            return (operand, [])
        case .apply(.multiply, let operands):
            guard type(node) == .f32 else { return nil }
            if let (code, scales) = split(operands[0]) { return (code, scales + [operands[1]]) }
            if let (code, scales) = split(operands[1]) { return (code, scales + [operands[0]]) }
            return nil
        case .apply(.subtract, let operands), .apply(.add, let operands):
            // What is taken off in reals might as well be taken off before.
            guard let (code, scales) = split(operands[0]), scales.isEmpty, type(code) == .i64,
                case .real(let bits, _) = body.nodes[operands[1]],
                let amount = Int64(exactly: Double(bitPattern: bits)), amount.magnitude <= 256
            else { return nil }
            guard case .apply(let operation, _) = body.nodes[node] else { return nil }
            return (emit(.apply(operation, [code, emit(.integer(amount))])), [])
        case .apply(.select, let operands):
            guard let first = split(operands[1]), let second = split(operands[2]) else { return nil }
            let code = emit(.apply(.select, [operands[0], first.code, second.code]))
            if first.scales == second.scales { return (code, first.scales) }
            let scales = [factor(first.scales), factor(second.scales)]
            return (code, [emit(.apply(.select, [operands[0]] + scales))])
        case .apply, .integerExpression, .condition, .real, .integer, .truth, .slot, .position, .row, .accumulator,
            .scan:
            return nil
        }
    }

    private mutating func factor(_ scales: [Int]) -> Int {
        guard let first = scales.first else { return emit(.real(bits: (1.0).bitPattern, .f32)) }
        return scales.dropFirst().reduce(first) { emit(.apply(.multiply, [$0, $1])) }
    }

    /// What a code is; nil where it is none.
    func kind(_ code: Int) -> CodedOperand.Kind? {
        if type(code) == .f32 { return element(code).flatMap { Float8($0) == nil ? nil : .real($0) } }
        guard type(code) == .i64, let range = range(code) else { return nil }
        return range.count <= 256 ? .integer(bits: range.count <= 16 ? 4 : 8, lowest: range.lowerBound) : nil
    }

    /// The type of the elements that a value is one of; nil where it is computed.
    func element(_ node: Int) -> ElementType? {
        switch body.nodes[node] {
        case .load(let parameter, _, _): return parameters[parameter].element
        case .apply(.select, let operands):
            let (first, second) = (element(operands[1]), element(operands[2]))
            return first == second ? first : nil
        case .apply, .cast, .integerExpression, .condition, .real, .integer, .truth, .slot, .position, .row,
            .accumulator, .scan:
            return nil
        }
    }

    /// Bounds of an integer.
    private func range(_ node: Int) -> ClosedRange<Int>? {
        switch body.nodes[node] {
        case .load(let parameter, _, let mask):
            let bounds: ClosedRange<Int>
            switch parameters[parameter].element {
            case .i8: bounds = -128...127
            case .u8: bounds = 0...255
            case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .bool: return nil
            }
            return mask.isEmpty || bounds.contains(0) ? bounds : nil
        case .integer(let value): return Int(value)...Int(value)
        case .cast(let operand, let element):
            guard let inner = range(operand) else { return nil }
            switch element {
            case .i64, .i32, .i16: return inner
            case .i8: return inner.lowerBound >= -128 && inner.upperBound <= 127 ? inner : -128...127
            case .u8: return inner.lowerBound >= 0 && inner.upperBound <= 255 ? inner : 0...255
            case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .bool: return nil
            }
        case .apply(let operation, let operands):
            let bounds = operands.map { range($0) }
            switch operation {
            case .and:
                // A mask that is not negative bounds the result.
                let masks = bounds.compactMap { $0 }.filter { $0.lowerBound >= 0 }
                return masks.map(\.upperBound).min().map { 0...$0 }
            case .shiftRight:
                guard let value = bounds[0], let amount = bounds[1], amount.count == 1,
                    (0..<32).contains(amount.lowerBound)
                else { return nil }
                return value.lowerBound >> amount.lowerBound...value.upperBound >> amount.lowerBound
            case .add:
                guard let a = bounds[0], let b = bounds[1] else { return nil }
                return a.lowerBound + b.lowerBound...a.upperBound + b.upperBound
            case .subtract:
                guard let a = bounds[0], let b = bounds[1] else { return nil }
                return a.lowerBound - b.upperBound...a.upperBound - b.lowerBound
            case .select:
                guard let a = bounds[1], let b = bounds[2] else { return nil }
                return min(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
            case _: return nil
            }
        case .integerExpression, .condition, .real, .truth, .slot, .position, .row, .accumulator, .scan: return nil
        }
    }
}
