import ElementTypes
import KernelIR

/// What the emitters of attention, recurrence and sorting share: declarations, rows evaluated into workspace, and small
/// vector routines.
struct CellFrame {
    /// The kernel.
    let kernel: Kernel
    /// Elements of a vector.
    let lanes: Int
    /// Prints indices; knows the kernel's axes.
    let index: IndexPrinter
    /// Prefix of all names at file scope.
    let symbol: String

    /// Declares the axes that loops of the kernel run over.
    init(_ kernel: Kernel, symbol: String, axes: [LoopAxis], _ target: CPUTarget) {
        self.kernel = kernel
        self.symbol = symbol
        lanes = max(4, target.vectorBytes / 4)
        var ranges = kernel.ranges
        for axis in axes { ranges.declare(axis.variable, extent: axis.extent) }
        index = IndexPrinter(ranges)
    }

    /// Pointers `p0`, `p1` … to the parameters among `arguments`, and the symbols' values.
    func opening(_ arguments: [EmittedKernel.Argument]) -> [String] {
        var lines: [String] = []
        for (position, argument) in arguments.enumerated() {
            guard case .parameter(let number) = argument else { continue }
            lines.append(pointer(number, at: position))
        }
        return lines + symbols
    }

    /// Declares the pointer to a parameter that stands at a position among the buffers.
    func pointer(_ number: Int, at position: Int) -> String {
        let parameter = kernel.parameters[number]
        let type = CTypes.storage(parameter.element)
        let constant = parameter.access == .read ? "const " : ""
        return "\(constant)\(type) *const p\(number) = (\(constant)\(type) *)buffers[\(position)]; (void)p\(number);"
    }

    /// Declares the symbols' values.
    var symbols: [String] {
        kernel.symbols.enumerated().map { "const int64_t \($1.name) = dims[\($0)]; (void)\($1.name);" }
            + ["(void)buffers; (void)dims; (void)workspace; (void)part; (void)parts;"]
    }

    /// A function of the ABI around its lines.
    func function(_ name: String, _ lines: [String]) -> String {
        """
        int32_t \(name)(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts);
        int32_t \(name)(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
        \(lines.joined(separator: "\n"))
        return 0;
        }

        """
    }

    /// Parameters that a function reads.
    static func sources(_ functions: [ScalarFunction?]) -> Set<Int> {
        var found: Set<Int> = []
        for case .load(let parameter, _, _) in functions.compactMap({ $0 }).flatMap(\.body.nodes) {
            found.insert(parameter)
        }
        return found
    }

    /// `function` with its result rounded to a storage type.
    func rounded(_ function: ScalarFunction, to element: ElementType) -> ScalarFunction {
        let types = function.body.types(parameters: kernel.parameters)
        if types[function.result] == element { return function }
        if let load = function.plainLoad, kernel.parameters[load.parameter].element == element { return function }
        var rounded = function
        rounded.result = rounded.body.emit(.cast(function.result, element))
        return rounded
    }

    /// Loops that evaluate `function` at `start..<limit` of an axis and store what they find at `target[axis]` as
    /// f32, bf16 or f64; `start` is a multiple of the lanes.
    func evaluate(
        _ function: ScalarFunction, along axis: LoopAxis, to target: String, as element: ElementType = .f32,
        start: String = "0", limit: String
    ) -> [String] {
        let function = rounded(function, to: element)
        let variable = axis.variable.name
        var lines = ["{ int64_t \(variable) = \(start);"]
        for isVector in [true, false] {
            let printer = BodyPrinter(
                parameters: kernel.parameters, index: index, lanes: lanes, laneAxis: isVector ? axis : nil)
            let (statements, values) = printer.print(function.body, wanted: [function.result])
            guard let value = values[function.result] else { preconditionFailure("the result was not printed") }
            if isVector {
                let stored = CTypes.storeVector(element, printer.splat(value, element))
                lines.append("for (; \(variable) + LANES <= \(limit); \(variable) += LANES) {")
                lines += statements
                lines.append("*(\(CTypes.storageVector(element))_u *)(\(target) + \(variable)) = \(stored);")
            } else {
                lines.append("for (; \(variable) < \(limit); ++\(variable)) {")
                lines += statements
                lines.append("\(target)[\(variable)] = \(CTypes.store(element, value.text));")
            }
            lines.append("}")
        }
        return lines + ["}"]
    }

    /// An operand that lies in memory as a matrix with constant strides.
    struct Direct {
        /// The parameter, and the C text of the first element's position.
        var parameter: Int
        var base: String
        /// Elements between rows and between columns, as C text; `columnIsUnit` when the latter is 1.
        var rowStride: String
        var columnStride: String
        var columnIsUnit: Bool
        var element: ElementType
    }

    /// How `function` lies in memory over the axes `row` and `column`; nil when it must be evaluated.
    func direct(_ function: ScalarFunction, row: LoopAxis, column: LoopAxis) -> Direct? {
        guard let load = function.plainLoad, index.condition(load.mask) == nil,
            !load.index.variables.contains(where: { $0.kind == .value }),
            let rowStride = load.index.linearCoefficient(of: row.variable),
            let columnStride = load.index.linearCoefficient(of: column.variable),
            (rowStride.variables + columnStride.variables).allSatisfy({ $0.kind == .symbol })
        else { return nil }
        let base = load.index.substituting(index.ranges) {
            $0 == row.variable || $0 == column.variable ? 0 : nil
        }
        return Direct(
            parameter: load.parameter, base: index.print(base), rowStride: index.print(rowStride),
            columnStride: index.print(columnStride), columnIsUnit: columnStride == 1,
            element: kernel.parameters[load.parameter].element)
    }

    /// A function `NAME(source, sourceStride, target, targetStride)` that transposes LANES × LANES 4-byte elements.
    func transposition(_ name: String) -> String {
        var lines = [
            "static void \(name)(const float *s, int64_t ss, float *t, int64_t ts) {"
        ]
        for row in 0..<lanes { lines.append("vf x0_\(row) = *(const vf_u *)(s + \(row) * ss);") }
        var stage = 0
        var step = 1
        while step < lanes {
            for row in 0..<lanes where row & step == 0 {
                let (a, b) = ("x\(stage)_\(row)", "x\(stage)_\(row + step)")
                let low = (0..<lanes).map { $0 & step == 0 ? $0 : lanes + $0 - step }
                let high = (0..<lanes).map { $0 & step == 0 ? $0 + step : lanes + $0 }
                lines.append("const vf x\(stage + 1)_\(row) = \(Self.shuffle(a, b, low));")
                lines.append("const vf x\(stage + 1)_\(row + step) = \(Self.shuffle(a, b, high));")
            }
            stage += 1
            step *= 2
        }
        for row in 0..<lanes { lines.append("*(vf_u *)(t + \(row) * ts) = x\(stage)_\(row);") }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// Statements that leave in `result` the sums over the lanes of `values` (as many as there are lanes), one a lane.
    func laneSums(_ values: [String], result: String) -> [String] {
        var lines: [String] = []
        var current = values
        var step = 1
        while step < lanes {
            var next: [String] = []
            for pair in stride(from: 0, to: current.count, by: 2) {
                let (a, b) = (current[pair], current[pair + 1])
                let own = (0..<lanes).map { $0 & step == 0 ? $0 : lanes + $0 }
                let other = (0..<lanes).map { $0 & step == 0 ? $0 + step : lanes + $0 - step }
                let name = "\(result)_\(step)_\(pair / 2)"
                lines.append("const vf \(name) = \(Self.shuffle(a, b, own)) + \(Self.shuffle(a, b, other));")
                next.append(name)
            }
            current = next
            step *= 2
        }
        return lines + ["const vf \(result) = \(current[0]);"]
    }

    private static func shuffle(_ a: String, _ b: String, _ lanes: [Int]) -> String {
        "__builtin_shufflevector(\(a), \(b), \(lanes.map(String.init).joined(separator: ", ")))"
    }
}

/// Carves a thread's workspace into 64-byte aligned areas.
struct WorkspaceLayout {
    /// Bytes so far.
    private(set) var bytes = IntegerExpression(0)
    /// Declarations of the areas.
    private(set) var lines = ["char *area = (char *)workspace; (void)area;"]

    /// Adds an area of `count` elements that the C pointer `name` points at.
    mutating func add(_ name: String, _ type: String, _ width: Int, _ count: IntegerExpression, _ index: IndexPrinter) {
        let size: IntegerExpression
        if let constant = count.constantValue {
            size = IntegerExpression((constant * width + 63) / 64 * 64)
        } else {
            // Sixteen elements more than wanted, in whole lines.
            size = (count + 15).floorDivided(by: 16, index.ranges) * (16 * width)
        }
        lines.append("\(type) *const \(name) = (\(type) *)area; area += \(index.print(size)); (void)\(name);")
        bytes = bytes + size
    }
}
