/// A scalar function of n arguments, as a list of instructions that refer to earlier ones; the last is the result.
///
/// Values are computed in the compute type of their element type: f32 for f32, f16 and bf16; f64; i64 for integers; bool.
package struct ScalarExpression: Hashable, Sendable {
    /// One step.
    package enum Instruction: Hashable, Sendable {
        /// The k-th argument, converted from its storage type.
        case argument(Int)
        /// A floating-point constant of compute type f32 or f64, by its bits as a double.
        case real(bits: UInt64, ElementType)
        /// An integer constant.
        case integer(Int64)
        /// A truth value.
        case truth(Bool)
        /// An operation on earlier instructions.
        case apply(ScalarOperation, [Int])
        /// Rounds or wraps an earlier instruction to what a storage type can hold; floating point to integer truncates,
        /// anything to bool compares with 0.
        case cast(Int, ElementType)
    }

    /// Storage types of the arguments.
    package var arguments: [ElementType]
    /// The steps.
    package var instructions: [Instruction]

    /// Makes an expression.
    package init(arguments: [ElementType], instructions: [Instruction]) {
        self.arguments = arguments
        self.instructions = instructions
    }

    /// The function that returns its only argument.
    package static func identity(_ element: ElementType) -> Self {
        Self(arguments: [element], instructions: [.argument(0)])
    }

    /// The compute type of every instruction.
    package var types: [ElementType] {
        var types: [ElementType] = []
        for instruction in instructions {
            switch instruction {
            case .argument(let index): types.append(arguments[index].computeType)
            case .real(_, let type): types.append(type)
            case .integer: types.append(.i64)
            case .truth: types.append(.bool)
            case .apply(let operation, let operands): types.append(operation.resultType(operands.map { types[$0] }))
            case .cast(_, let type): types.append(type.computeType)
            }
        }
        return types
    }

    /// The compute type of the result.
    package var resultType: ElementType { types.last ?? .f32 }

    /// What is wrong, or nil: operands in range, arities and types that fit.
    package var fault: String? {
        guard !instructions.isEmpty else { return "empty scalar expression" }
        let types = self.types
        for (index, instruction) in instructions.enumerated() {
            switch instruction {
            case .argument(let argument):
                if !arguments.indices.contains(argument) { return "argument \(argument) of \(arguments.count)" }
            case .real(_, let type):
                if type != .f32 && type != .f64 { return "real constant of type \(type.rawValue)" }
            case .integer, .truth: break
            case .apply(let operation, let operands):
                if operands.count != operation.arity { return "\(operation.rawValue) of \(operands.count) operands" }
                if operands.contains(where: { $0 < 0 || $0 >= index }) { return "operand after its use" }
                let values = operation == .select ? Array(operands.dropFirst()) : operands
                if Set(values.map { types[$0] }).count > 1 {
                    return "\(operation.rawValue) of mixed types \(values.map { types[$0].rawValue })"
                }
                if operation == .select, types[operands[0]] != .bool { return "select without a bool condition" }
            case .cast(let operand, _):
                if operand < 0 || operand >= index { return "operand after its use" }
            }
        }
        return nil
    }
}

extension ScalarExpression: CustomStringConvertible {
    /// Printed as `add(a0, multiply(a1, 0.5))`; shared steps are repeated by number in a `let` list.
    package var description: String {
        var uses = [Int](repeating: 0, count: instructions.count)
        for case .apply(_, let operands) in instructions { for operand in operands { uses[operand] += 1 } }
        for case .cast(let operand, _) in instructions { uses[operand] += 1 }
        var texts: [String] = []
        var lets: [String] = []
        for (index, instruction) in instructions.enumerated() {
            var text: String
            switch instruction {
            case .argument(let argument): text = "a\(argument)"
            case .real(let bits, let type):
                text = "\(Double(bitPattern: bits))" + (type == .f64 ? "d" : "")
            case .integer(let value): text = "\(value)i"
            case .truth(let value): text = "\(value)"
            case .apply(let operation, let operands):
                text = "\(operation.rawValue)(\(operands.map { texts[$0] }.joined(separator: ", ")))"
            case .cast(let operand, let type): text = "\(type.rawValue)(\(texts[operand]))"
            }
            if uses[index] > 1, text.contains("(") {
                lets.append("t\(index) = \(text)")
                text = "t\(index)"
            }
            texts.append(text)
        }
        return (lets + [texts.last ?? ""]).joined(separator: "; ")
    }
}

/// Builds a scalar expression with ordinary operators; equal instructions are shared.
package struct ScalarBuilder {
    /// A value under construction.
    package struct Term: Sendable {
        package let index: Int
    }

    /// What has been built so far.
    package private(set) var expression: ScalarExpression
    private var known: [ScalarExpression.Instruction: Int] = [:]

    /// Starts an expression over arguments of these storage types.
    package init(_ arguments: [ElementType]) {
        expression = ScalarExpression(arguments: arguments, instructions: [])
    }

    /// Adds an instruction, or finds an equal one.
    package mutating func emit(_ instruction: ScalarExpression.Instruction) -> Term {
        if let index = known[instruction] { return Term(index: index) }
        expression.instructions.append(instruction)
        known[instruction] = expression.instructions.count - 1
        return Term(index: expression.instructions.count - 1)
    }

    /// The k-th argument.
    package mutating func argument(_ index: Int) -> Term { emit(.argument(index)) }
    /// A constant of compute type f32 or f64.
    package mutating func real(_ value: Double, _ type: ElementType = .f32) -> Term {
        emit(.real(bits: value.bitPattern, type))
    }
    /// An integer constant.
    package mutating func integer(_ value: Int64) -> Term { emit(.integer(value)) }
    /// A truth value.
    package mutating func truth(_ value: Bool) -> Term { emit(.truth(value)) }
    /// A constant of the given compute type.
    package mutating func number(_ value: Double, _ type: ElementType) -> Term {
        switch type.computeType {
        case .f64: real(value, .f64)
        case .f32, .f16, .bf16: real(value, .f32)
        case .i64, .i32, .i16, .i8, .u8: integer(Int64(value))
        case .bool: truth(value != 0)
        }
    }
    /// An operation on earlier terms.
    package mutating func apply(_ operation: ScalarOperation, _ operands: Term...) -> Term {
        emit(.apply(operation, operands.map(\.index)))
    }
    /// Rounds or converts to a storage type.
    package mutating func cast(_ operand: Term, _ type: ElementType) -> Term { emit(.cast(operand.index, type)) }

    /// The compute type of a term.
    package func type(of term: Term) -> ElementType { expression.types[term.index] }

    /// Inlines another expression with its arguments bound to terms of this one.
    package mutating func inline(_ other: ScalarExpression, _ arguments: [Term]) -> Term {
        var terms: [Term] = []
        for instruction in other.instructions {
            switch instruction {
            case .argument(let index): terms.append(arguments[index])
            case .real, .integer, .truth: terms.append(emit(instruction))
            case .apply(let operation, let operands):
                terms.append(emit(.apply(operation, operands.map { terms[$0].index })))
            case .cast(let operand, let type): terms.append(emit(.cast(terms[operand].index, type)))
            }
        }
        guard let result = terms.last else { preconditionFailure("an empty scalar expression has no value") }
        return result
    }

    /// The finished expression with `result` as its value and unused steps dropped.
    package func finish(_ result: Term) -> ScalarExpression {
        var needed = [Bool](repeating: false, count: result.index + 1)
        needed[result.index] = true
        for index in stride(from: result.index, through: 0, by: -1) where needed[index] {
            switch expression.instructions[index] {
            case .argument, .real, .integer, .truth: break
            case .apply(_, let operands): for operand in operands { needed[operand] = true }
            case .cast(let operand, _): needed[operand] = true
            }
        }
        var renamed = [Int](repeating: -1, count: needed.count)
        var kept: [ScalarExpression.Instruction] = []
        for index in needed.indices where needed[index] {
            switch expression.instructions[index] {
            case .argument, .real, .integer, .truth: kept.append(expression.instructions[index])
            case .apply(let operation, let operands): kept.append(.apply(operation, operands.map { renamed[$0] }))
            case .cast(let operand, let type): kept.append(.cast(renamed[operand], type))
            }
            renamed[index] = kept.count - 1
        }
        return ScalarExpression(arguments: expression.arguments, instructions: kept)
    }
}
