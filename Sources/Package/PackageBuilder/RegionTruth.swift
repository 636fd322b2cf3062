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
    private let domains: [InputDomain?]
    private let launch: LoweredLaunch
    private let buffers: [LoweredBuffer]
    private let oracle: Interpreter
    private let witness: Interpreter

    /// The truth of a launch, or nil where it cannot be judged alone: copies, kernels between the launches of one node,
    /// in-place updates, and computed positions whose fair values are not known.
    init?(
        _ program: LoweredProgram, launch index: Int, graph: Graph, tensors: any TensorSource, folder: ConstantFolder,
        record: ReferenceRecord?
    ) throws {
        let launch = program.launches[index]
        let kernel = launch.kernel
        let buffers = launch.buffers.map { program.buffers[$0] }
        for (number, parameter) in kernel.parameters.enumerated() {
            switch parameter.access {
            case .read: if launch.operands[number] == nil { return nil }
            case .write: if launch.results[number] == nil { return nil }
            case .readWrite: return nil
            }
        }
        var domains: [InputDomain?] = []
        for (number, parameter) in kernel.parameters.enumerated() {
            guard parameter.access == .read else {
                domains.append(nil)
                continue
            }
            if parameter.isConstant {
                let bytes = try folder.bytes(launch.buffers[number])
                domains.append(.fixed(Array(UnsafeRawBufferPointer(start: bytes.address, count: bytes.count))))
            } else if parameter.element.isFloatingPoint {
                domains.append(.real)
            } else if parameter.element == .bool {
                domains.append(.boolean)
            } else if case .input(let input) = buffers[number].role, let set = record?.sets.first,
                kernel.symbols.isEmpty
            {
                domains.append(.fixed(set.inputs[input].bytes))
            } else {
                return nil
            }
        }
        self.domains = domains
        self.launch = launch
        self.buffers = buffers
        parameters = kernel.parameters
        symbols = kernel.symbols
        let hints = symbols.map { graph.symbols[$0.index].hint }
        let odd = symbols.map { variable in
            let symbol = graph.symbols[variable.index]
            let wanted = symbol.hint > symbol.minimum ? symbol.hint - 1 : symbol.hint + 1
            return min(max(wanted, symbol.minimum), symbol.maximum ?? wanted)
        }
        shapes = symbols.isEmpty ? [[]] : (odd == hints ? [hints] : [hints, odd])
        // Infinities spread differently through a transformed or reassociated product; elementwise work must keep them.
        allowsSpecialValues = if case .nest = kernel.body { true } else { false }
        oracle = Interpreter(graph, tensors: tensors, policy: .exact)
        witness = Interpreter(graph, tensors: tensors, policy: .roundAfterEachNode)
    }

    func domain(of parameter: Int, dimensions: [Int]) -> InputDomain {
        domains[parameter] ?? .real  // Outputs hold nothing before a call.
    }

    func answer(dimensions: [Int], inputs: [[UInt8]]) throws(OracleError) -> [OracleOutput] {
        func value(_ expression: IntegerExpression) -> Int {
            expression.evaluate { variable in symbols.firstIndex(of: variable).map { dimensions[$0] } ?? 0 } ?? 0
        }
        var given: [Value: TensorValue] = [:]
        for (number, operand) in launch.operands {
            let buffer = buffers[number]
            let physical = buffer.layout.map { value(buffer.type.shape[$0]) }
            guard let stored = TensorValue(buffer.type.element, physical, bytes: inputs[number]) else {
                throw OracleError("operand \(number) has \(inputs[number].count) bytes")
            }
            given[operand] = stored.permuted(inverse(buffer.layout))
        }
        let outputs = parameters.indices.filter { parameters[$0].access != .read }
        let wanted = outputs.compactMap { launch.results[$0] }
        let truth: [TensorValue]
        let rounded: [TensorValue]
        do throws(InterpreterError) {
            truth = try oracle.evaluate(wanted, given: given)
            rounded = try witness.evaluate(wanted, given: given)
        } catch {
            throw OracleError("\(error)")
        }
        var answers: [OracleOutput] = []
        for (position, number) in outputs.enumerated() {
            let layout = buffers[number].layout
            answers.append(
                OracleOutput(
                    truth: truth[position].permuted(layout).doubles,
                    witness: rounded[position].permuted(layout).doubles,
                    summedTerms: summedTerms(value)))
        }
        return answers
    }

    /// Terms of the sum behind an element where the witness accumulates in double and a kernel in f32.
    private func summedTerms(_ value: (IntegerExpression) -> Int) -> Int {
        func count(_ axes: [LoopAxis]) -> Int { axes.reduce(1) { $0 * value($1.extent) } }
        switch launch.kernel.body {
        case .contraction, .attention: return 1  // The witness sums products in f32 itself.
        case .nest(let body): return body.steps.map { count($0.axes) }.max() ?? 1
        case .recurrence(let body): return count([body.time, body.depth])
        case .sort: return 1
        }
    }

    private func inverse(_ layout: [Int]) -> [Int] {
        var result = layout
        for (position, axis) in layout.enumerated() { result[axis] = position }
        return result
    }
}

extension TensorValue {
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
