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

    /// Whether it is nothing but a byte as a wider integer: such a conversion stays with the products that want it, which
    /// multiply the bytes themselves.
    package var widensByte: Bool {
        arguments.count == 1 && (arguments[0] == .i8 || arguments[0] == .u8) && instructions.count > 1
            && instructions.allSatisfy {
                switch $0 {
                case .argument: true
                case .cast(_, let type): type == .i16 || type == .i32 || type == .i64
                case .real, .integer, .truth, .apply: false
                }
            }
    }

    /// What is wrong, or nil: operands in range, arities and types that fit.
    package var fault: String? {
        guard !instructions.isEmpty else { return "empty scalar expression" }
        // The types can be derived only where every reference is to something earlier.
        for (index, instruction) in instructions.enumerated() {
            if instruction.operands.contains(where: { $0 < 0 || $0 >= index }) { return "operand after its use" }
            switch instruction {
            case .argument(let argument):
                if !arguments.indices.contains(argument) { return "argument \(argument) of \(arguments.count)" }
            case .apply(let operation, let operands):
                if operands.count != operation.arity { return "\(operation.rawValue) of \(operands.count) operands" }
            case .real, .integer, .truth, .cast: break
            }
        }
        let types = self.types
        for instruction in instructions {
            switch instruction {
            case .real(_, let type):
                if type != .f32 && type != .f64 { return "real constant of type \(type.rawValue)" }
            case .argument, .integer, .truth, .cast: break
            case .apply(let operation, let operands):
                let values = operation == .select ? Array(operands.dropFirst()) : operands
                if Set(values.map { types[$0] }).count > 1 {
                    return "\(operation.rawValue) of mixed types \(values.map { types[$0].rawValue })"
                }
                if operation == .select, types[operands[0]] != .bool { return "select without a bool condition" }
            }
        }
        return nil
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
        case .f32, .f16, .bf16, .f8e4m3, .f8e5m2: real(value, .f32)
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

    /// The finished expression with `result` as its value: only the steps it needs, each operand before its first use in
    /// the order in which the result reads them, so that equal functions are equal values however they were built.
    package func finish(_ result: Term) -> ScalarExpression {
        var renamed = [Int](repeating: -1, count: expression.instructions.count)
        var kept: [ScalarExpression.Instruction] = []
        var pending = [result.index]
        while let index = pending.last {
            let instruction = expression.instructions[index]
            let operands = instruction.operands
            if renamed[index] >= 0 {
                pending.removeLast()
            } else if let missing = operands.first(where: { renamed[$0] < 0 }) {
                pending.append(missing)
            } else {
                kept.append(instruction.withOperands(operands.map { renamed[$0] }))
                renamed[index] = kept.count - 1
                pending.removeLast()
            }
        }
        return ScalarExpression(arguments: expression.arguments, instructions: kept)
    }
}

extension ScalarExpression.Instruction {
    /// The earlier instructions that it reads.
    package var operands: [Int] {
        switch self {
        case .argument, .real, .integer, .truth: []
        case .apply(_, let operands): operands
        case .cast(let operand, _): [operand]
        }
    }

    /// The same step on other operands, as many as it has.
    package func withOperands(_ operands: [Int]) -> Self {
        switch self {
        case .argument, .real, .integer, .truth: self
        case .apply(let operation, _): .apply(operation, operands)
        case .cast(_, let type): .cast(operands[0], type)
        }
    }
}
