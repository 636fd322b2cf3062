import Base
import ElementTypes
import KernelIR

/// A value as a factor that reads no slot times one that reads slots and constants alone: the element and its row's factor in
/// a product's operand.
struct SplitFactors {
    /// Without slots.
    private(set) var plain: ScalarFunction
    /// Nodes with their types, and the one that is the row's factor.
    private var nodes: [ScalarBody.Node]
    private var types: [ElementType]
    private var factor = 0
    /// Whether each node reads a slot, and whether it reads anything but slots and constants.
    private var readsSlot: [Bool] = []
    private var readsOther: [Bool] = []

    /// Splits the result of a function, whose slots are f32; nil where it is no such product.
    init?(_ function: ScalarFunction, parameters: [KernelParameter], slots: Int) {
        plain = function
        nodes = function.body.nodes
        types = function.body.types(parameters: parameters, slots: Array(repeating: .f32, count: slots))
        for node in nodes {
            switch node {
            case .slot:
                readsSlot.append(true)
                readsOther.append(false)
            case .real, .integer, .truth:
                readsSlot.append(false)
                readsOther.append(false)
            case .apply(_, let operands):
                readsSlot.append(operands.contains { readsSlot[$0] })
                readsOther.append(operands.contains { readsOther[$0] })
            case .cast(let operand, _):
                readsSlot.append(readsSlot[operand])
                readsOther.append(readsOther[operand])
            case .load, .integerExpression, .condition, .position, .row, .accumulator, .scan:
                readsSlot.append(false)
                readsOther.append(true)
            }
        }
        guard let parts = split(function.result), let element = parts.plain, let row = parts.row else { return nil }
        factor = row
        // Nodes keep their numbers, as indices name them; what reads slots is not used.
        let one = ScalarBody.Node.real(bits: (1.0).bitPattern, .f32)
        plain = ScalarFunction(
            body: ScalarBody(nodes: nodes.map { if case .slot = $0 { one } else { $0 } }), result: element)
    }

    /// The row's factor as a node of another body.
    func emitFactor(_ body: inout BodyBuilder) -> Int {
        var numbers: [Int: Int] = [:]
        func emit(_ number: Int) -> Int {
            if let known = numbers[number] { return known }
            let node: ScalarBody.Node
            switch nodes[number] {
            case .apply(let operation, let operands): node = .apply(operation, operands.map(emit))
            case .cast(let operand, let element): node = .cast(emit(operand), element)
            case .slot, .real, .integer, .truth, .load, .integerExpression, .condition, .position, .row, .accumulator,
                .scan:
                node = nodes[number]
            }
            let new = body.emit(node, types[number])
            numbers[number] = new
            return new
        }
        return emit(factor)
    }

    /// The two factors of a node; nil for 1.
    private mutating func split(_ number: Int) -> (plain: Int?, row: Int?)? {
        if !readsSlot[number] { return (number, nil) }
        if !readsOther[number] { return (nil, number) }
        switch nodes[number] {
        case .apply(.multiply, let operands):
            guard let a = split(operands[0]), let b = split(operands[1]) else { return nil }
            return (combined(.multiply, a.plain, b.plain), combined(.multiply, a.row, b.row))
        case .apply(.divide, let operands):
            guard let a = split(operands[0]), let b = split(operands[1]) else { return nil }
            return (combined(.divide, a.plain, b.plain), combined(.divide, a.row, b.row))
        case .cast(let operand, let element) where element.isFloatingPoint && element.byteCount > 1:
            return split(operand)
        case .load, .integerExpression, .condition, .real, .integer, .truth, .apply, .cast, .slot, .position, .row,
            .accumulator, .scan:
            return nil
        }
    }

    private mutating func combined(_ operation: ScalarOperation, _ a: Int?, _ b: Int?) -> Int? {
        guard let b else { return a }
        guard let a else {
            return operation == .multiply ? b : add(.apply(.divide, [add(.real(bits: (1.0).bitPattern, .f32)), b]))
        }
        return add(.apply(operation, [a, b]))
    }

    private mutating func add(_ node: ScalarBody.Node) -> Int {
        nodes.append(node)
        types.append(.f32)
        readsSlot.append(false)
        readsOther.append(false)
        return nodes.count - 1
    }
}
