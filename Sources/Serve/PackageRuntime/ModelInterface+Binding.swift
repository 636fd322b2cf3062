import ElementTypes
import ModelPackage

extension ModelInterface {
    /// Values of the symbols for inputs of these types, after all checks. `value` reads an input that is one integer.
    package func bind(_ inputs: [TensorDescription], value: (Int) -> Int) throws(RuntimeError) -> [Int] {
        guard inputs.count == self.inputs.count else {
            throw .wrongCount(what: "inputs", expected: self.inputs.map(\.name), found: inputs.count)
        }
        for (port, input) in zip(self.inputs, inputs)
        where port.type.element != input.element || port.type.shape.count != input.shape.count {
            throw mismatch(port, input)
        }
        var values: [Int] = []
        values.reserveCapacity(symbols.count)
        for (index, binding) in symbols.enumerated() { values.append(try find(index, binding, inputs, value)) }
        for (port, input) in zip(self.inputs, inputs) {
            for (extent, found) in zip(port.type.shape, input.shape) where extent.evaluate(values) != found {
                throw mismatch(port, input)
            }
        }
        for condition in guards {
            guard let left = condition.left.evaluate(values), let right = condition.right.evaluate(values),
                condition.relation.holds(left, right)
            else { throw .guardFailed(condition: condition.text, values: describe(condition, values)) }
        }
        return values
    }

    /// Types of the outputs for these values of the symbols.
    package func outputs(for values: [Int]) throws(RuntimeError) -> [TensorDescription] {
        try describe(outputs, values, "output")
    }

    /// Types of ports for these values of the symbols; `what` names the ports in errors.
    func describe(_ ports: [Port], _ values: [Int], _ what: String) throws(RuntimeError) -> [TensorDescription] {
        var descriptions: [TensorDescription] = []
        for port in ports {
            var shape: [Int] = []
            for extent in port.type.shape {
                guard let value = extent.evaluate(values), value >= 0 else {
                    throw .sizeOverflow(what: "the shape \(port.type) of \(what) '\(port.name)'")
                }
                shape.append(value)
            }
            descriptions.append(TensorDescription(port.type.element, shape))
        }
        return descriptions
    }

    private func find(_ index: Int, _ binding: Binding, _ inputs: [TensorDescription], _ value: (Int) -> Int)
        throws(RuntimeError) -> Int
    {
        let found: Int
        switch binding.source {
        case .value(let input): found = value(input)
        case .extent(let input, let axis):
            guard let (coefficient, constant) = linearSource(of: index),
                inputs[input].shape[axis] >= constant, (inputs[input].shape[axis] - constant) % coefficient == 0
            else { throw mismatch(self.inputs[input], inputs[input]) }
            found = (inputs[input].shape[axis] - constant) / coefficient
        }
        let symbol = binding.symbol
        // Extents beyond 31 bits could only occur in tensors without elements, and would overflow sizes.
        let maximum = symbol.maximum ?? Int(Int32.max)
        guard found >= symbol.minimum, found <= maximum else {
            throw .outOfRange(
                input: self.inputs[binding.source.input].name, place: binding.source.place, symbol: symbol.name,
                minimum: symbol.minimum, maximum: found > maximum ? maximum : symbol.maximum, found: found)
        }
        return found
    }

    private func mismatch(_ port: Port, _ input: TensorDescription) -> RuntimeError {
        .wrongInput(name: port.name, expected: port.type.description, found: input.description)
    }

    /// Such as `s0 is 7 (dimension 1 of input 'x')`, for every symbol of the condition.
    private func describe(_ condition: Guard, _ values: [Int]) -> String {
        let variables = Set(condition.left.variables + condition.right.variables).sorted()
        return variables.map { variable in
            let source = symbols[variable.index].source
            return
                "\(variable.name) is \(values[variable.index]) (\(source.place) of input '\(inputs[source.input].name)')"
        }.joined(separator: ", ")
    }
}

extension ModelInterface.SymbolSource {
    /// The input that holds the symbol.
    fileprivate var input: Int {
        switch self {
        case .extent(let input, _), .value(let input): input
        }
    }

    /// Where in the input, in words.
    fileprivate var place: String {
        switch self {
        case .extent(_, let axis): "dimension \(axis)"
        case .value: "the value"
        }
    }
}

extension IntegerExpression {
    /// The value with symbol `s<i>` at `values[i]`; nil when it cannot be computed.
    func evaluate(_ values: [Int]) -> Int? { constantValue ?? evaluate { values[$0.index] } }
}
