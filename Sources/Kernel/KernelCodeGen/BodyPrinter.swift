import ElementTypes
import KernelIR

/// Prints the nodes of a `ScalarBody` as C statements, one point at a time or `lanes` points at once along one axis.
///
/// In vector form the C variable of the lane axis holds the index of lane 0. Values that do not depend on the lane are
/// computed as scalars and splatted where a vector needs them.
package struct BodyPrinter {
    /// C text of a value and whether it is a vector.
    package struct Text: Hashable, Sendable {
        package var text: String
        package var isVector: Bool

        /// Makes a text.
        package init(_ text: String, isVector: Bool) {
            self.text = text
            self.isVector = isVector
        }
    }

    /// The kernel's parameters; C pointers `p0`, `p1` … point at them.
    package var parameters: [KernelParameter]
    /// Prints indices.
    package var index: IndexPrinter
    /// Elements of a vector.
    package var lanes: Int
    /// The axis along which lanes lie; nil prints scalars.
    package var laneAxis: LoopAxis?
    /// Whether lane 0 always stands at a multiple of `lanes`, which turns many divisions into constants.
    package var isAligned = true
    /// Texts of slots, rows and the accumulator.
    package var slot: (Int) -> Text = { Text("slot\($0)", isVector: false) }
    /// Text of a kept row value at the current inner point.
    package var row: (Int) -> Text = { Text("row\($0)", isVector: false) }
    /// Text of the accumulator.
    package var accumulator = Text("accumulator", isVector: false)
    /// Compute type of the accumulator.
    package var accumulatorType = ElementType.f32
    /// Text of a scan node after its update.
    package var scan: (Int) -> Text = { Text("scan\($0)", isVector: false) }
    /// C variables (an int64_t, and a vector of them) that take note of positions outside of their axes; nil where the
    /// function has no way to tell.
    package var outside: (scalar: String, vector: String)?
    /// Whether the language has a type of 16-bit reals; else f16 is loaded and stored by functions.
    package var hasHalf = true
    /// A function of one f32 number that gives 1 + erf(x), where the language has one (scalars alone).
    package var errorSum: String?
    /// Text of a loaded value (by its node) that was read before, of the load's compute type.
    package var loaded: (Int) -> String? = { _ in nil }
    /// Compute types of slots and storage types of rows.
    package var slotTypes: [ElementType] = []
    /// Storage types of rows.
    package var rowTypes: [ElementType] = []

    private static let block = Variable(.axis, 1_000_000)
    private static let lane = Variable(.axis, 1_000_001)

    /// Makes a printer of scalars, or of vectors along `laneAxis`.
    package init(parameters: [KernelParameter], index: IndexPrinter, lanes: Int, laneAxis: LoopAxis?) {
        self.parameters = parameters
        self.index = index
        self.lanes = lanes
        self.laneAxis = laneAxis
        guard let laneAxis else { return }
        self.index.names[Self.lane] = "lane"
        self.index.ranges[Self.lane] = .init(lower: 0, upper: IntegerExpression(lanes - 1))
        let start = index.names[laneAxis.variable] ?? laneAxis.variable.name
        self.index.names[Self.block] = "(\(start) / \(lanes))"
        self.index.block = (Self.block, lanes, start)
        self.index.ranges[Self.block] = .init(
            lower: 0, upper: laneAxis.extent.floorDivided(by: IntegerExpression(lanes), index.ranges) - 1)
    }

    /// How an integer expression varies over the lanes.
    enum LaneForm {
        case uniform(IntegerExpression)
        case linear(base: IntegerExpression, stride: Int)
        case general(IntegerExpression)
    }

    /// The form of an expression; `vectors` are the value variables that differ between lanes.
    func laneForm(_ expression: IntegerExpression, vectors: Set<Variable> = []) -> LaneForm {
        guard let laneAxis else { return .uniform(expression) }
        let inLanes = split(expression, laneAxis)
        if !vectors.isEmpty, inLanes.variables.contains(where: vectors.contains) { return .general(inLanes) }
        if !inLanes.contains(Self.lane) { return .uniform(inLanes) }
        if let stride = inLanes.linearCoefficient(of: Self.lane)?.constantValue {
            return .linear(base: inLanes.substituting(index.ranges) { $0 == Self.lane ? 0 : nil }, stride: stride)
        }
        return .general(inLanes)
    }

    private func split(_ expression: IntegerExpression, _ laneAxis: LoopAxis) -> IntegerExpression {
        let lane = IntegerExpression(Self.lane)
        let start =
            isAligned ? IntegerExpression(Self.block) * lanes : IntegerExpression(laneAxis.variable)
        return expression.substituting(index.ranges) { $0 == laneAxis.variable ? start + lane : nil }
    }

    /// Splits a mask into conditions equal for all lanes and conditions that differ.
    func splitMask(
        _ mask: [IntegerExpression], vectors: Set<Variable>
    ) -> (uniform: [IntegerExpression], lanes: [IntegerExpression]) {
        var uniform: [IntegerExpression] = []
        var differing: [IntegerExpression] = []
        for condition in mask {
            switch laneForm(condition, vectors: vectors) {
            case .uniform(let expression): uniform.append(expression)
            case .linear, .general:
                guard let laneAxis else { continue }
                let expression = split(condition, laneAxis)
                if index.ranges.isNonNegative(expression) { continue }
                // e ≥ 0 holds exactly when e // lanes ≥ 0, which often no longer depends on the lane.
                let coarse = expression.floorDivided(by: IntegerExpression(lanes), index.ranges)
                if coarse.contains(Self.lane) || coarse.variables.contains(where: vectors.contains) {
                    differing.append(expression)
                } else {
                    uniform.append(coarse)
                }
            }
        }
        return (uniform, differing)
    }

    /// Statements that compute every node that `wanted` needs, and the texts of all nodes computed. `suffix` tells apart
    /// several copies of the same body.
    package func print(
        _ body: ScalarBody, wanted: [Int], suffix: String = ""
    ) -> (statements: [String], values: [Int: Text]) {
        var needed = [Bool](repeating: false, count: body.nodes.count)
        for node in wanted { needed[node] = true }
        for node in stride(from: body.nodes.count - 1, through: 0, by: -1) where needed[node] {
            for operand in operands(body.nodes[node]) { needed[operand] = true }
        }
        let types = body.types(
            parameters: parameters, slots: slotTypes, rows: rowTypes, accumulator: accumulatorType)
        let rounded = Self.productsRoundedAlone(body, types)
        var statements: [String] = []
        var values: [Int: Text] = [:]
        var printer = self
        var vectors: Set<Variable> = []
        for node in body.nodes.indices where needed[node] {
            let name = "n\(node)\(suffix)"
            let (lines, text) =
                sumWithError(body, node, name, types, values)
                ?? printer.print(
                    body.nodes[node], node, name, types, values, vectors, isRoundedAlone: rounded[node])
            statements += lines
            values[node] = text
            let variable = Variable(.value, node)
            printer.index.names[variable] = text.isVector ? "\(text.text)[lane]" : text.text
            if text.isVector { vectors.insert(variable) }
        }
        return (statements, values)
    }

    /// Products in f32 that an addition takes: PyTorch rounds each by itself, so they must not become fused multiply-adds.
    /// Where a value is rounded to integers later, as activations are for int8 products, the difference of one bit would grow
    /// to a whole step. Sums of products, whose terms no addition of the body takes, stay free.
    private static func productsRoundedAlone(_ body: ScalarBody, _ types: [ElementType]) -> [Bool] {
        var rounded = [Bool](repeating: false, count: body.nodes.count)
        for case .apply(let operation, let operands) in body.nodes
        where operation == .add || operation == .subtract || operation == .negate {
            for operand in operands where types[operand] == .f32 {
                if case .apply(.multiply, _) = body.nodes[operand] { rounded[operand] = true }
            }
        }
        return rounded
    }

    /// 1 + erf(x) by the language's own function: nil where a node is anything else.
    private func sumWithError(
        _ body: ScalarBody, _ node: Int, _ name: String, _ types: [ElementType], _ values: [Int: Text]
    ) -> ([String], Text)? {
        guard let errorSum, case .apply(.add, let terms) = body.nodes[node], terms.count == 2, types[node] == .f32,
            let one = terms.firstIndex(where: { body.nodes[$0] == .real(bits: (1.0).bitPattern, .f32) }),
            case .apply(.errorFunction, let arguments) = body.nodes[terms[1 - one]],
            let argument = arguments.first.flatMap({ values[$0] }), !argument.isVector
        else { return nil }
        return (["const float \(name) = \(errorSum)(\(argument.text));"], Text(name, isVector: false))
    }

    private func operands(_ node: ScalarBody.Node) -> [Int] {
        func values(_ expressions: [IntegerExpression]) -> [Int] {
            expressions.flatMap { $0.variables.filter { $0.kind == .value }.map(\.index) }
        }
        switch node {
        case .load(_, let index, let mask): return values([index] + mask)
        case .integerExpression(let expression): return values([expression])
        case .condition(let mask): return values(mask)
        case .position(let operand, let extent, let mask): return [operand] + values([extent] + mask)
        case .real, .integer, .truth, .slot, .row, .accumulator: return []
        case .apply(_, let operands): return operands
        case .cast(let operand, _), .scan(_, let operand): return [operand]
        }
    }

    private func print(
        _ node: ScalarBody.Node, _ number: Int, _ name: String, _ types: [ElementType], _ values: [Int: Text],
        _ vectors: Set<Variable>, isRoundedAlone: Bool
    ) -> ([String], Text) {
        let type = types[number]
        func define(_ text: String, isVector: Bool) -> ([String], Text) {
            let cType = isVector ? CTypes.vector(type) : CTypes.scalar(type)
            return (["const \(cType) \(name) = \(text);"], Text(name, isVector: isVector))
        }
        func inLoop(_ text: String) -> ([String], Text) {
            (
                [
                    "\(CTypes.vector(type)) \(name);",
                    "for (int lane = 0; lane < LANES; ++lane) \(name)[lane] = \(text);",
                ], Text(name, isVector: true)
            )
        }
        switch node {
        case .load(let parameter, let expression, let mask):
            if let text = loaded(number) { return define(text, isVector: false) }
            let element = parameters[parameter].element
            let (uniform, differing) = splitMask(mask, vectors: vectors)
            let condition = index.condition(uniform)
            func guarded(_ text: String, _ zero: String) -> String {
                condition.map { "(\($0)) ? \(text) : \(zero)" } ?? text
            }
            func scalarLoad(_ expression: IntegerExpression) -> String {
                loadText(element, "p\(parameter)[\(index.print(expression))]")
            }
            if differing.isEmpty {
                switch laneForm(expression, vectors: vectors) {
                case .uniform(let expression):
                    return define(guarded(scalarLoad(expression), "0"), isVector: false)
                case .linear(let base, 1):
                    let text = "*(const \(CTypes.storageVector(element))_u *)(p\(parameter) + \(index.print(base)))"
                    // To gcc an unaligned vector is of another type than the zeros beside it.
                    let vector = "(\(CTypes.vector(type)))"
                    return define(
                        guarded(
                            condition == nil
                                ? CTypes.loadVector(element, text) : "\(vector)(\(CTypes.loadVector(element, text)))",
                            "\(vector){0}"), isVector: true)
                case .linear, .general: break
                }
            }
            let condition2 = index.condition(uniform + differing)
            let each = laneAxis.map { split(expression, $0) } ?? expression
            let loaded = condition2.map { "((\($0)) ? \(scalarLoad(each)) : 0)" } ?? scalarLoad(each)
            // A vector bool is a mask of 0 and −1.
            return inLoop(element == .bool ? "-\(loaded)" : loaded)
        case .integerExpression(let expression):
            switch laneForm(expression, vectors: vectors) {
            case .uniform(let expression): return define(index.print(expression), isVector: false)
            case .linear(let base, let stride):
                return define("splat_l(\(index.print(base))) + IOTA * INT64_C(\(stride))", isVector: true)
            case .general(let expression): return inLoop(index.print(expression))
            }
        case .condition(let mask):
            let (uniform, differing) = splitMask(mask, vectors: vectors)
            if differing.isEmpty { return define(index.condition(uniform) ?? "1", isVector: false) }
            return inLoop("(\(index.condition(uniform + differing) ?? "1")) ? -1 : 0")
        case .position(let operand, let extent, let mask):
            guard let text = values[operand] else { preconditionFailure("operand printed before its use") }
            let (lines, result) = define(
                text.isVector
                    ? "max_lv(min_lv(\(text.text), splat_l(\(index.print(extent - 1)))), (vl){0})"
                    : "max_ls(min_ls(\(text.text), \(index.print(extent - 1))), 0)", isVector: text.isVector)
            return (lines + report(text, extent, mask, vectors), result)
        case .real(let bits, let type):
            return ([], Text(CTypes.real(Double(bitPattern: bits), type), isVector: false))
        case .integer(let value):
            return ([], Text(value == .min ? "INT64_MIN" : "INT64_C(\(value))", isVector: false))
        case .truth(let value): return ([], Text(value ? "1" : "0", isVector: false))
        case .apply(let operation, let operands):
            let texts = operands.compactMap { values[$0] }
            let isVector = texts.contains(where: \.isVector)
            let prepared = zip(texts, operands).map { text, operand in
                isVector ? splat(text, types[operand]) : text.text
            }
            let letter = CTypes.letter(types[operation == .select ? operands[1] : operands[0]])
            let form = isVector ? "v" : "s"
            let text = CScalarTable.text(operation, letter, form, prepared)
            return define(isRoundedAlone ? "rounded_f\(form)(\(text))" : text, isVector: isVector)
        case .cast(let operand, let element):
            guard let text = values[operand] else { preconditionFailure("operand printed before its use") }
            return define(
                CScalarTable.cast(text.text, from: types[operand], to: element, text.isVector ? "v" : "s"),
                isVector: text.isVector)
        case .slot(let slot): return ([], self.slot(slot))
        case .row(let row): return ([], self.row(row))
        case .accumulator: return ([], accumulator)
        case .scan(let kind, let operand):
            let state = scan(number)
            guard let text = values[operand] else { preconditionFailure("operand printed before its use") }
            let value = state.isVector ? splat(text, type) : text.text
            let (copies, copy) = define(state.text, isVector: state.isVector)
            if Self.isCompensated(kind, type) {
                // Running sums go on too long for plain additions; PyTorch's are in f64. What each addition lost is given
                // to the next (Kahan 1965), except after an overflow.
                let (sum, lost) = (state.text, "\(state.text)_lost")
                let name = state.isVector ? CTypes.vector(type) : CTypes.scalar(type)
                let zero = Reductions.initial(.sum, type, isVector: state.isVector)
                let form = "\(CTypes.letter(type))\(state.isVector ? "v" : "s")"
                let select = "sel_\(form)"
                /// A comparison of vectors of f64 has wider lanes than a mask.
                func mask(_ comparison: String) -> String { form == "dv" ? "mask_lv(\(comparison))" : comparison }
                let terms =
                    kind == .sum
                    ? ["{ const \(name) start = \(sum), term = \(value) - \(lost);"]
                    : [
                        // The greater of both, and a logarithm that is added to it.
                        "{ const \(name) apart = \(sum) - \(value), start = max_\(form)(\(value), \(sum));",
                        "const \(name) near = \(select)(\(mask("(apart != apart) & (\(sum) == \(value))")), \(zero), apart);",
                        "const \(name) term = log1p_\(form)(exp_\(form)(-abs_\(form)(near))) "
                            + "- \(select)(\(mask("\(value) > \(sum)")), \(zero), \(lost));",
                    ]
                let lines =
                    terms + [
                        "const \(name) next = start + term, rest = (next - start) - term;",
                        "\(lost) = \(select)(\(mask("rest - rest == \(zero)")), rest, \(zero)); \(sum) = next; }",
                    ]
                return (lines + copies, copy)
            }
            let combined = Self.combine(kind, CTypes.letter(type), state.isVector ? "v" : "s", state.text, value)
            return (["\(state.text) = \(combined);"] + copies, copy)
        }
    }

    /// Whether a running combination keeps what each step has lost, in a variable beside its own that begins as zero.
    static func isCompensated(_ kind: ReductionKind, _ type: ElementType) -> Bool {
        type.isFloatingPoint && (kind == .sum || (kind == .logSumExp && type.computeType == .f32))
    }

    /// Statements that take note of a position outside of its axis.
    private func report(
        _ position: Text, _ extent: IntegerExpression, _ mask: [IntegerExpression], _ vectors: Set<Variable>
    ) -> [String] {
        guard let outside else { return [] }
        let (uniform, differing) = splitMask(mask, vectors: vectors)
        let limit = index.print(extent)
        if differing.isEmpty {
            let x = position.text
            let statement =
                position.isVector
                ? "\(outside.vector) |= (\(x) < 0) | (\(x) >= \(limit));"
                : "\(outside.scalar) |= (\(x) < 0) | (\(x) >= \(limit));"
            return [index.condition(uniform).map { "if (\($0)) \(statement)" } ?? statement]
        }
        let x = position.isVector ? "\(position.text)[lane]" : position.text
        let condition = index.condition(uniform + differing) ?? "1"
        return [
            "for (int lane = 0; lane < LANES; ++lane) "
                + "\(outside.scalar) |= (\(condition)) && (\(x) < 0 || \(x) >= \(limit));"
        ]
    }

    /// Text of an element's value, in its compute type, from the text of what is stored.
    func loadText(_ element: ElementType, _ text: String) -> String {
        element == .f16 && !hasHalf ? "load_f16(\(text))" : CTypes.load(element, text)
    }

    private func storeText(_ element: ElementType, _ text: String) -> String {
        element == .f16 && !hasHalf ? "store_f16(\(text))" : CTypes.store(element, text)
    }

    /// The vector text of a value of a compute type.
    package func splat(_ text: Text, _ type: ElementType) -> String {
        text.isVector ? text.text : "splat_\(CTypes.letter(type))(\(text.text))"
    }

    /// How a reduction combines two values of the same form.
    package static func combine(
        _ kind: ReductionKind, _ letter: String, _ suffix: String, _ a: String, _ b: String
    ) -> String {
        switch kind {
        case .sum: letter == "l" ? "add_l\(suffix)(\(a), \(b))" : "(\(a) + \(b))"
        case .product: letter == "l" ? "mul_l\(suffix)(\(a), \(b))" : "(\(a) * \(b))"
        case .minimum: letter == "b" ? "(\(a) & \(b))" : "min_\(letter)\(suffix)(\(b), \(a))"
        case .maximum: letter == "b" ? "(\(a) | \(b))" : "max_\(letter)\(suffix)(\(b), \(a))"
        case .any: "(\(a) | \(b))"
        case .all: "(\(a) & \(b))"
        case .argMinimum, .argMaximum: preconditionFailure("arg-reductions combine pairs")
        case .logSumExp: "logaddexp_\(letter)\(suffix)(\(a), \(b))"
        }
    }

    /// The statement that performs a store of a printed body's value.
    package func statement(_ store: Store, _ values: [Int: Text], _ types: [ElementType]) -> String {
        guard let value = values[store.value] else { preconditionFailure("stored value was not printed") }
        let element = parameters[store.parameter].element
        var printer = self
        var vectors: Set<Variable> = []
        for (node, text) in values {
            printer.index.names[Variable(.value, node)] = text.isVector ? "\(text.text)[lane]" : text.text
            if text.isVector { vectors.insert(Variable(.value, node)) }
        }
        let (uniform, differing) = printer.splitMask(store.mask, vectors: vectors)
        let form = printer.laneForm(store.index, vectors: vectors)
        if laneAxis != nil, differing.isEmpty, store.combine == nil, case .linear(let base, 1) = form {
            let vector = CTypes.storageVector(element)
            let text =
                "*(\(vector)_u *)(p\(store.parameter) + \(printer.index.print(base))) = "
                + CTypes.storeVector(element, splat(value, types[store.value])) + ";"
            return printer.index.condition(uniform).map { "if (\($0)) \(text)" } ?? text
        }
        func scalarStore(_ expression: IntegerExpression, _ valueText: String) -> String {
            let place = "p\(store.parameter)[\(printer.index.print(expression))]"
            guard let kind = store.combine else { return "\(place) = \(storeText(element, valueText));" }
            let old = loadText(element, place)
            let combined = Self.combine(kind, CTypes.letter(types[store.value]), "s", old, valueText)
            return "\(place) = \(storeText(element, combined));"
        }
        if laneAxis == nil {
            let text = scalarStore(store.index, value.text)
            return printer.index.condition(store.mask).map { "if (\($0)) \(text)" } ?? text
        }
        if case .uniform(let expression) = form, !value.isVector, differing.isEmpty {
            let text = scalarStore(expression, value.text)
            return printer.index.condition(uniform).map { "if (\($0)) \(text)" } ?? text
        }
        let each = laneAxis.map { split(store.index, $0) } ?? store.index
        let laneValue = value.isVector ? "\(value.text)[lane]" : value.text
        let inner = scalarStore(each, laneValue)
        let condition = printer.index.condition(uniform + differing)
        return "for (int lane = 0; lane < LANES; ++lane) { "
            + (condition.map { "if (\($0)) \(inner)" } ?? inner) + " }"
    }
}
