import ElementTypes
import GraphIR
import ReferenceInterpreter

extension ConformanceCheck {
    /// Every scalar operation on every element type that it is defined for, against the interpreter.
    static let scalars: [ConformanceCheck] = [ElementType.f32, .f64, .f16, .bf16, .i64, .i32, .i16, .i8, .u8, .bool]
        .map { element in
            .init("scalar operations on \(element)") { bench in
                let (graph, inputs) = try scalarGraph(element)
                try await bench.agree(graph, inputs: inputs, tensors: NamedTensors(), each: true)
            }
        }

    /// Every number of the 8-bit formats of reals as f32, and numbers between them, at the ends and beyond, in those formats.
    static let bytesOfReals: [ConformanceCheck] = [ElementType.f8e4m3, .f8e5m2].map { element in
        .init("conversions of \(element)") { bench in
            guard let format = Float8(element) else { return }
            let numbers = (0..<256).map { format.value(UInt8($0)) }
            var others = zip(numbers, numbers.dropFirst()).map { ($0 + $1) / 2 }
            others += [448, 464, 464.1, 480, 1e9, 57344, 61439, 61440, 65536, 1e-9, 0x1p-10, 0x1p-17, .infinity]
            others += others.map { -$0 } + [.nan, 0, -0.0]
            var b = GraphBuilder(name: "bytes")
            let (stored, wide) = (TensorType(element, [256]), TensorType(.f32, [Dimension(others.count)]))
            b.graph.inputs = [GraphPort(name: "x", type: stored), GraphPort(name: "y", type: wide)]
            let x = try b.cast(try b.leaf(.input(0, stored)), .f32)
            // As f32 again: then they are compared to the bit.
            let y = try b.cast(try b.cast(try b.leaf(.input(1, wide)), element), .f32)
            b.graph.outputs = [GraphOutput(name: "wide", value: x), GraphOutput(name: "narrow", value: y)]
            let inputs = [
                TensorValue(element, [256], numbers), TensorValue(.f32, [others.count], others).roundedToElement(),
            ]
            try await bench.agree(b.graph, inputs: inputs, tensors: NamedTensors())
        }
    }

    /// Values that stand for their kind; each is combined with each.
    private static func values(_ element: ElementType) -> (left: [Double], right: [Double]) {
        if element == .bool { return ([0, 1], [0, 1]) }
        if element.isFloatingPoint {
            let values = [
                0, -0.0, 1, -1, 0.5, -0.5, 0.999, 2.5, -2.5, 0x1p-10, 3, 7.75, -7.75, 12, -12, 0x1p-20, .infinity,
                -.infinity,
                .nan,
            ]
            return (values, values)
        }
        // Division by zero is undefined, and what leaves 64 bits.
        let small: [Double] = [0, 1, 2, 3, 5, 9, 100]
        switch element {
        case .u8: return (small + [127, 128, 200, 255], [1, 2, 3, 5, 250])
        case .i8: return (small + [-1, -3, -7, -100, 127, -128], [1, 2, 3, 5, -1, -2, -7, 100])
        default:
            let (large, most) = element == .i16 ? (257.0, 32767.0) : (65537, 0x1p31 - 1)
            let wide = element == .i64 ? [0x1p40 + 3, -0x1p41 - 5] : []
            let left = small + [-1, -3, -7, -100, large, -large, most, -most - 1] + wide
            return (left, [1, 2, 3, 5, -1, -2, -7, large, -large])
        }
    }

    /// Reals that every type of integers holds once they are cut; for those without a sign, without theirs.
    private static let cut: [Double] = [
        0, -0.0, 1, -1, 0.5, -0.5, 0.999, -0.999, 2.5, -2.5, 3, 7.75, -7.75, 12, -12, 100.5, -100.5, 127, -128, 1e-6,
    ]

    /// Whether PyTorch's programs may apply an operation to a type.
    private static func isDefined(_ operation: ScalarOperation, on element: ElementType) -> Bool {
        switch operation {
        case .equal, .notEqual, .select: true
        case .and, .or, .exclusiveOr, .not: !element.isFloatingPoint
        case .shiftLeft, .shiftRight: element.isInteger
        case .add, .subtract, .multiply, .floorDivide, .truncateDivide, .remainder, .truncateRemainder, .minimum,
            .maximum,
            .negate, .absolute, .sign, .less, .lessOrEqual:
            element != .bool
        case .divide, .power, .arcTangent2, .exp, .expm1, .log, .log1p, .squareRoot, .reciprocalSquareRoot, .sine,
            .cosine, .tangent, .arcSine, .arcCosine, .arcTangent, .hyperbolicTangent, .errorFunction, .logGamma,
            .digamma,
            .errorFunctionInverse, .floor, .ceiling, .truncate, .round, .isNaN:
            element.isFloatingPoint
        }
    }

    private static func scalarGraph(_ element: ElementType) throws -> (Graph, [TensorValue]) {
        let (left, right) = values(element)
        let count = left.count * right.count
        let x = left.flatMap { value in right.map { _ in value } }
        let y = left.flatMap { _ in right }
        func tensor(_ values: [Double]) -> TensorValue {
            element.isInteger
                ? TensorValue(element, [count], integers: values.map { Int64($0) })
                : TensorValue(element, [count], values).roundedToElement()
        }
        var b = GraphBuilder(name: "scalars")
        let type = TensorType(element, [Dimension(count)])
        b.graph.inputs = [GraphPort(name: "x", type: type), GraphPort(name: "y", type: type)]
        let operands = [try b.leaf(.input(0, type)), try b.leaf(.input(1, type))]
        for operation in ScalarOperation.allCases where isDefined(operation, on: element) {
            var scalar = ScalarBuilder([element, element])
            var terms = [scalar.argument(0), scalar.argument(1)]
            if operation == .shiftLeft || operation == .shiftRight {
                // Shifts by less than nothing are undefined.
                terms[1] = scalar.apply(.and, terms[1], scalar.integer(7))
            }
            let result: ScalarBuilder.Term =
                switch operation.arity {
                case 1: scalar.apply(operation, terms[0])
                case 2: scalar.apply(operation, terms[0], terms[1])
                default: scalar.apply(operation, scalar.apply(.less, terms[0], terms[1]), terms[0], terms[1])
                }
            let cast = scalar.type(of: result) == .bool ? result : scalar.cast(result, element)
            let stored = scalar.finish(cast)
            b.graph.outputs.append(GraphOutput(name: operation.rawValue, value: try b.add(.map(stored), operands)))
        }
        var inputs = [tensor(x), tensor(y)]
        if element.isFloatingPoint {
            let type = TensorType(element, [Dimension(cut.count)])
            b.graph.inputs.append(GraphPort(name: "cut", type: type))
            inputs.append(TensorValue(element, [cut.count], cut).roundedToElement())
            let reals = try b.leaf(.input(2, type))
            for target in ElementType.allCases where target.isInteger {
                let value = try b.map([reals]) {
                    $0.cast(target == .u8 ? $0.apply(.absolute, $1[0]) : $1[0], target)
                }
                b.graph.outputs.append(GraphOutput(name: "to \(target)", value: value))
            }
        }
        for target in ElementType.allCases where target != element {
            // Numbers that a type cannot hold have no agreed result.
            if element.isFloatingPoint, target.isInteger { continue }
            let value = try b.map([operands[0]]) { $0.cast($1[0], target) }
            b.graph.outputs.append(GraphOutput(name: "to \(target)", value: value))
        }
        return (b.graph, inputs)
    }
}
