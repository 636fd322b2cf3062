import Base

extension ScalarExpression: CustomStringConvertible {
    /// Printed as `add(a0, multiply(a1, 0.5))`; shared steps are named first: `t1 = exp(a0); add(t1, t1)`. Numbers are f32
    /// unless they end in `d` (f64) or `i` (i64). An expression whose steps stand in another order than
    /// `ScalarBuilder.finish` gives them is printed step by step after the word `steps`.
    package var description: String {
        let nested = text(naming: usesBySteps.map { $0 > 1 })
        var scanner = TextScanner(nested)
        if let reread = try? scanner.scalarExpression(arguments), reread == self { return nested }
        return "steps " + text(naming: instructions.map { _ in true })
    }

    private var usesBySteps: [Int] {
        var uses = [Int](repeating: 0, count: instructions.count)
        for instruction in instructions {
            for operand in instruction.operands where uses.indices.contains(operand) { uses[operand] += 1 }
        }
        return uses
    }

    /// The text in which the chosen steps get names; in the nested form leaves never do.
    private func text(naming isNamed: [Bool]) -> String {
        let namesLeaves = isNamed.allSatisfy { $0 } && !isNamed.isEmpty
        var texts: [String] = []
        var lets: [String] = []
        func operand(_ index: Int) -> String { texts.indices.contains(index) ? texts[index] : "t\(index)" }
        for (index, instruction) in instructions.enumerated() {
            var text: String
            switch instruction {
            case .argument(let argument): text = "a\(argument)"
            case .real(let bits, let type): text = printed(Double(bitPattern: bits)) + (type == .f64 ? "d" : "")
            case .integer(let value): text = "\(value)i"
            case .truth(let value): text = "\(value)"
            case .apply(let operation, let operands):
                text = "\(operation.rawValue)(\(operands.map(operand).joined(separator: ", ")))"
            case .cast(let index, let type): text = "\(type.rawValue)(\(operand(index)))"
            }
            if isNamed[index], index + 1 < instructions.count, namesLeaves || !instruction.operands.isEmpty {
                lets.append("t\(index) = \(text)")
                text = "t\(index)"
            }
            texts.append(text)
        }
        return (lets + [texts.last ?? ""]).joined(separator: "; ")
    }

    /// Reads the printed form back, over arguments of these storage types.
    package init(parsing text: String, arguments: [ElementType]) throws(TextError) {
        var scanner = TextScanner(text)
        self = try scanner.scalarExpression(arguments)
        if !scanner.isAtEnd { throw scanner.failure("the end of the text") }
    }
}

extension TextScanner {
    /// A scalar expression in its printed form.
    package mutating func scalarExpression(_ arguments: [ElementType]) throws(TextError) -> ScalarExpression {
        let isListed = acceptWord("steps")
        var reader = ScalarReader(arguments, sharing: !isListed)
        while true {
            let start = self
            let name = word()
            if name.hasPrefix("t"), let number = Int(name.dropFirst()), accept("=") {
                reader.named[number] = try reader.step(&self)
                try expect(";")
            } else {
                self = start
                let result = try reader.step(&self)
                return reader.finish(result)
            }
        }
    }
}

/// Collects the steps of a scalar expression while its text is read.
private struct ScalarReader {
    /// Steps that have names.
    var named: [Int: Int] = [:]
    private var builder: ScalarBuilder
    private var listed: [ScalarExpression.Instruction] = []
    private let isSharing: Bool
    private let arguments: [ElementType]

    init(_ arguments: [ElementType], sharing: Bool) {
        builder = ScalarBuilder(arguments)
        isSharing = sharing
        self.arguments = arguments
    }

    func finish(_ result: Int) -> ScalarExpression {
        isSharing
            ? builder.finish(.init(index: result)) : ScalarExpression(arguments: arguments, instructions: listed)
    }

    private mutating func emit(_ instruction: ScalarExpression.Instruction) -> Int {
        if isSharing { return builder.emit(instruction).index }
        listed.append(instruction)
        return listed.count - 1
    }

    /// Reads one term and returns the number of its step.
    mutating func step(_ scanner: inout TextScanner) throws(TextError) -> Int {
        scanner.depth += 1
        defer { scanner.depth -= 1 }
        guard scanner.depth < 200 else { throw scanner.failure("at most 200 nested parentheses") }
        let start = scanner
        let name = scanner.word()
        let number = Int(name.dropFirst())
        if name == "true" || name == "false" { return emit(.truth(name == "true")) }
        if name != "nan", scanner.accept("(") {
            var operands: [Int] = []
            repeat { operands.append(try step(&scanner)) } while scanner.accept(",")
            try scanner.expect(")")
            if let operation = ScalarOperation(rawValue: name) { return emit(.apply(operation, operands)) }
            if let type = ElementType(rawValue: name), operands.count == 1 { return emit(.cast(operands[0], type)) }
            scanner = start
            throw scanner.failure("a scalar operation or element type")
        }
        if name.hasPrefix("a"), let number { return emit(.argument(number)) }
        if name.hasPrefix("t"), let number {
            if let step = named[number] { return step }
            scanner = start
            throw scanner.failure("the name of an earlier step")
        }
        scanner = start
        if let value = try? scanner.integer(), scanner.accept("i") { return emit(.integer(Int64(value))) }
        scanner = start
        let value = try scanner.double()
        return emit(.real(bits: value.bitPattern, scanner.accept("d") ? .f64 : .f32))
    }
}
