import ElementTypes
import KernelIR

/// Prints index expressions and bodies on whole tiles. An axis is a column or a row of positions, so that values are shaped by
/// the axes that they hang on.
struct TritonPrinter {
    /// An axis in scope.
    struct Axis {
        /// Positions as a tensor of two dimensions (or a number).
        var text: String
        /// Condition under which a position is one of the axis; nil where all are.
        var guardText: String?
        /// Whether positions are a number, the same for the whole tile.
        var isNumber = false
    }

    /// Why there is no text.
    struct Unsupported: Error { var reason: String }

    let parameters: [KernelParameter]
    let ranges: VariableRanges
    /// By variable.
    var axes: [Variable: Axis]
    /// Before the names of values.
    var prefix = "n"

    /// The text of an expression, in parentheses.
    func print(_ expression: IntegerExpression) throws(Unsupported) -> String {
        var parts: [String] = []
        for term in expression.terms {
            var factors: [String] = term.coefficient == 1 ? [] : ["\(term.coefficient)"]
            for atom in term.atoms { factors.append(try print(atom)) }
            parts.append(factors.joined(separator: " * "))
        }
        if expression.constant != 0 || parts.isEmpty { parts.append("\(expression.constant)") }
        return "(" + parts.joined(separator: " + ") + ")"
    }

    private func print(_ atom: IntegerAtom) throws(Unsupported) -> String {
        switch atom {
        case .variable(let variable):
            switch variable.kind {
            case .symbol: return variable.name
            case .value: throw Unsupported(reason: "an index that is computed")
            case .axis:
                guard let axis = axes[variable] else { throw Unsupported(reason: "axis \(variable.name) of no tile") }
                return axis.text
            }
        case .floorDivide(let a, let b):
            let isPlain = ranges.isNonNegative(a) && ranges.isNonNegative(b - 1)
            return isPlain ? "(\(try print(a)) // \(try print(b)))" : "floor_divide(\(try print(a)), \(try print(b)))"
        case .modulo(let a, let b):
            let isPlain = ranges.isNonNegative(a) && ranges.isNonNegative(b - 1)
            return isPlain ? "(\(try print(a)) % \(try print(b)))" : "floor_remainder(\(try print(a)), \(try print(b)))"
        case .minimum(let a, let b): return "tl.minimum(\(try print(a)), \(try print(b)))"
        case .maximum(let a, let b): return "tl.maximum(\(try print(a)), \(try print(b)))"
        }
    }

    /// Address of an element and the condition under which it may be touched, of one shape.
    func place(
        _ parameter: Int, _ index: IntegerExpression, _ mask: [IntegerExpression]
    ) throws(Unsupported) -> (address: String, condition: String?) {
        let open = mask.filter { !ranges.isNonNegative($0) }
        let inIndex = index.variables
        var conditions: [String] = []
        for variable in inIndex.sorted() {
            if let condition = axes[variable]?.guardText { conditions.append("(\(condition))") }
        }
        for expression in open { conditions.append("(\(try print(expression)) >= 0)") }
        // A condition on an axis that the address does not hang on gives the address that axis.
        var text = try print(index)
        for variable in Set(open.flatMap(\.variables)).sorted() where !inIndex.contains(variable) {
            if let axis = axes[variable], !axis.isNumber { text += " + \(axis.text) * 0" }
        }
        return ("p\(parameter) + (\(text))", conditions.isEmpty ? nil : conditions.joined(separator: " & "))
    }

    /// A load as it lies in memory.
    func load(
        _ parameter: Int, _ index: IntegerExpression, _ mask: [IntegerExpression]
    ) throws(Unsupported) -> String {
        let (address, condition) = try place(parameter, index, mask)
        return condition.map { "tl.load(\(address), mask=\($0), other=0)" } ?? "tl.load(\(address))"
    }

    /// Statements that compute `wanted`, and the names of all nodes that were computed.
    func print(
        _ body: ScalarBody, wanted: [Int]
    ) throws(Unsupported) -> (statements: [String], values: [Int: String]) {
        var needed = [Bool](repeating: false, count: body.nodes.count)
        for node in wanted { needed[node] = true }
        for node in body.nodes.indices.reversed() where needed[node] {
            switch body.nodes[node] {
            case .apply(_, let operands): for operand in operands { needed[operand] = true }
            case .cast(let operand, _), .scan(_, let operand), .position(let operand, _, _): needed[operand] = true
            case .load, .integerExpression, .condition, .real, .integer, .truth, .slot, .row, .accumulator: break
            }
        }
        let types = body.types(parameters: parameters)
        var statements: [String] = []
        var values: [Int: String] = [:]
        for node in body.nodes.indices where needed[node] {
            let text: String
            switch body.nodes[node] {
            case .accumulator:
                values[node] = "acc"
                continue
            case .load(let parameter, let index, let mask):
                let element = parameters[parameter].element
                let loaded = try load(parameter, index, mask)
                switch element {
                case .f64, .f8e4m3, .f8e5m2: throw Unsupported(reason: element.rawValue)
                case .f32, .i64: text = loaded
                case .f16, .bf16: text = "\(loaded).to(tl.float32)"
                case .i32, .i16, .i8, .u8: text = "\(loaded).to(tl.int64)"
                case .bool: text = "(\(loaded) != 0)"
                }
            case .integerExpression(let expression):
                text = "tl.full((1, 1), 0, tl.int64) + \(try print(expression))"
            case .condition(let mask):
                var conditions = ["tl.full((1, 1), 1, tl.int1)"]
                for expression in mask where !ranges.isNonNegative(expression) {
                    conditions.append("(\(try print(expression)) >= 0)")
                }
                text = conditions.joined(separator: " & ")
            case .real(let bits, let type):
                guard type == .f32 else { throw Unsupported(reason: "a constant of \(type.rawValue)") }
                text = "tl.full((1, 1), \(Self.literal(Double(bitPattern: bits))), tl.float32)"
            case .integer(let value): text = "tl.full((1, 1), \(value), tl.int64)"
            case .truth(let value): text = "tl.full((1, 1), \(value ? 1 : 0), tl.int1)"
            case .apply(let operation, let operands):
                let type = types[operands[operation == .select ? 1 : 0]]
                guard let found = TritonScalarTable.text(operation, type, operands.map { values[$0] ?? "" }) else {
                    throw Unsupported(reason: "\(operation.rawValue) of \(type.rawValue)")
                }
                text = found
            case .cast(let operand, let element):
                guard let found = TritonScalarTable.cast(values[operand] ?? "", from: types[operand], to: element)
                else { throw Unsupported(reason: "a cast to \(element.rawValue)") }
                text = found
            case .slot, .row, .scan, .position: throw Unsupported(reason: "a value of a row")
            }
            values[node] = "\(prefix)\(node)"
            statements.append("\(prefix)\(node) = \(text)")
        }
        return (statements, values)
    }

    private static func literal(_ value: Double) -> String {
        value.isFinite ? "\(value)" : value.isNaN ? "float(\"nan\")" : value < 0 ? "-float(\"inf\")" : "float(\"inf\")"
    }
}
