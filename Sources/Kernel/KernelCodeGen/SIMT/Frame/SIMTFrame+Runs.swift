import ElementTypes
import KernelIR

/// How a device function gives the values of a run.
enum SIMTRunForm: Hashable {
    /// As `float`s: the last argument is `float *x`.
    case values(rounded: ElementType?)
    /// As 32-bit words of bf16 or f16 pairs, or of f32: the last argument is `uint32_t *w`.
    case words(ElementType)
}

extension SIMTFrame {
    /// A load of a body that takes a whole run in wide accesses.
    struct WideLoad {
        let node: Int
        let parameter: Int
        let base: String
        let condition: String?
    }

    /// A device function that evaluates `count` neighbouring points along an axis; the axis's argument is the first of
    /// them, a multiple of `count`. Loads that lie side by side are taken 16 bytes at a time.
    func run(
        _ name: String, _ function: ScalarFunction, over axes: [LoopAxis], along axis: LoopAxis, count: Int,
        _ form: SIMTRunForm
    ) -> String {
        let loops = axes.map { "const \(integer) \($0.variable.name)" }
        let result: String
        switch form {
        case .values: result = "float *x"
        case .words: result = "uint32_t *w"
        }
        var lines = [
            "FORCE void \(symbol)_\(name)(\((runFormals + loops + [result]).joined(separator: ", "))) {"
        ]
        let loads = wideLoads(function, along: axis, count: count)
        for load in loads {
            let element = kernel.parameters[load.parameter].element
            lines += fetch("w\(load.node)", element, count, load)
        }
        if case .words(let element) = form, loads.count == 1, loads[0].node == function.result,
            kernel.parameters[loads[0].parameter].element == element
        {
            lines.append(
                "UNROLL for (int i = 0; i < \(count * element.byteCount / 4); ++i) w[i] = w\(function.result)[i];")
            return (lines + ["}", ""]).joined(separator: "\n")
        }
        var printer = self.printer
        let nodes = Dictionary(uniqueKeysWithValues: loads.map { ($0.node, $0.parameter) })
        let parameters = kernel.parameters
        printer.loaded = { node in
            nodes[node].map { Self.lane("w\(node)", parameters[$0].element, "lane") }
        }
        printer.index.names[axis.variable] = "(\(axis.variable.name) + lane)"
        let (statements, values) = printer.print(function.body, wanted: [function.result])
        guard let value = values[function.result] else { preconditionFailure("the value was not printed") }
        let type = function.body.types(parameters: kernel.parameters)[function.result]
        if case .words(let element) = form, element.byteCount == 2 {
            lines.append("UNROLL for (int i = 0; i < \(count / 2); ++i) w[i] = 0;")
        }
        lines.append("UNROLL for (int lane = 0; lane < \(count); ++lane) {")
        lines += statements
        switch form {
        case .values(let rounded):
            let text = rounded.map { CScalarTable.cast(value.text, from: type, to: $0, "s") } ?? value.text
            lines.append("x[lane] = \(text);")
        case .words(let element):
            let bits = stored(element, value.text, type)
            lines.append(
                element.byteCount == 2
                    ? "w[lane / 2] |= (uint32_t)\(bits) << (lane % 2 * 16);"
                    : "w[lane] = (uint32_t)bits_fs(\(bits));")
        }
        return (lines + ["}", "}", ""]).joined(separator: "\n")
    }

    /// A load that takes whole runs of `count` elements of `element` from one place, its mask aside: then the address of a
    /// run's first element is known from a device function. Nil where the function is anything else.
    func runAddress(
        _ name: String, _ function: ScalarFunction, over axes: [LoopAxis], along axis: LoopAxis, count: Int,
        element: ElementType
    ) -> String? {
        let loads = wideLoads(function, along: axis, count: count)
        guard loads.count == 1, loads[0].node == function.result,
            kernel.parameters[loads[0].parameter].element == element
        else { return nil }
        let loops = axes.map { "const \(integer) \($0.variable.name)" }
        let load = loads[0]
        // A masked run is told by a null address.
        let place = "p\(load.parameter) + \(load.base)"
        let type = "GLOBAL const \(storage(element)) *"
        return """
            FORCE \(type)\(symbol)_\(name)(\((runFormals + loops).joined(separator: ", "))) {
            return \(load.condition.map { "(\($0)) ? \(place) : (\(type))0" } ?? place);
            }

            """
    }

    /// Whether runs of a function along an axis are masked anywhere.
    func isMasked(_ function: ScalarFunction, along axis: LoopAxis, count: Int) -> Bool {
        wideLoads(function, along: axis, count: count).contains { $0.condition != nil }
    }

    /// Arguments of device functions that take runs.
    var runFormals: [String] {
        kernel.parameters.indices.map { number in
            let parameter = kernel.parameters[number]
            let type = (parameter.access == .read ? "const " : "") + storage(parameter.element)
            return "GLOBAL \(type) *p\(number)"
        } + kernel.symbols.map { "const int64_t \($0.name)" }
    }

    /// The loads of a function that take whole runs.
    func wideLoads(_ function: ScalarFunction, along axis: LoopAxis, count: Int) -> [WideLoad] {
        var printer = BodyPrinter(parameters: kernel.parameters, index: index, lanes: count, laneAxis: axis)
        printer.hasHalf = false
        var loads: [WideLoad] = []
        for (node, content) in function.body.nodes.enumerated() {
            guard case .load(let parameter, let expression, let mask) = content,
                !([expression] + mask).contains(where: { $0.variables.contains { $0.kind == .value } }),
                (kernel.parameters[parameter].element.byteCount * count) % 4 == 0,
                case .linear(let base, 1) = printer.laneForm(expression), Self.isMultiple(base, of: count)
            else { continue }
            let (uniform, differing) = printer.splitMask(mask, vectors: [])
            guard differing.isEmpty else { continue }
            loads.append(
                WideLoad(
                    node: node, parameter: parameter, base: printer.index.print(base),
                    condition: printer.index.condition(uniform)))
        }
        return loads
    }

    /// Whether an expression is a multiple of `count` whatever its variables are.
    static func isMultiple(_ expression: IntegerExpression, of count: Int) -> Bool {
        expression.constant % count == 0 && expression.terms.allSatisfy { $0.coefficient % count == 0 }
    }

    /// The widest type in which so many bytes are read and written, and the names of its words; none where it is a word.
    static func wideType(_ bytes: Int) -> (type: String, parts: [String]) {
        bytes % 16 == 0
            ? ("uint4", ["x", "y", "z", "w"]) : bytes % 8 == 0 ? ("uint2", ["x", "y"]) : ("uint32_t", [])
    }

    /// Statements that read a run into an array of words.
    func fetch(_ name: String, _ element: ElementType, _ count: Int, _ load: WideLoad) -> [String] {
        let bytes = count * element.byteCount
        let (type, parts) = Self.wideType(bytes)
        let step = max(1, parts.count) * 4
        var lines = ["uint32_t \(name)[\(bytes / 4)];"]
        var reads: [String] = []
        for number in 0..<bytes / step {
            let place = "((GLOBAL const \(type) *)(p\(load.parameter) + \(load.base)))[\(number)]"
            if parts.isEmpty {
                reads.append("\(name)[\(number)] = \(place);")
            } else {
                let copies = parts.enumerated().map { "\(name)[\(number * step / 4 + $0)] = q.\($1);" }
                reads.append("{ const \(type) q = \(place); \(copies.joined(separator: " ")) }")
            }
        }
        if let condition = load.condition {
            lines.append("if (\(condition)) {")
            lines += reads
            lines.append("} else { UNROLL for (int i = 0; i < \(bytes / 4); ++i) \(name)[i] = 0; }")
        } else {
            lines += reads
        }
        return lines
    }

    /// Text of an element of an array of words as its compute type.
    static func lane(_ words: String, _ element: ElementType, _ lane: String) -> String {
        switch element {
        case .f32: "unbits_fs((int32_t)\(words)[\(lane)])"
        case .bf16: "unbits_fs((int32_t)(\(words)[\(lane) / 2] >> (\(lane) % 2 * 16) << 16))"
        case .f16: "load_f16((uint16_t)(\(words)[\(lane) / 2] >> (\(lane) % 2 * 16)))"
        case .f64:
            "unbits_ds((int64_t)((uint64_t)\(words)[2 * (\(lane)) + 1] << 32 | \(words)[2 * (\(lane))]))"
        case .i64: "(int64_t)((uint64_t)\(words)[2 * (\(lane)) + 1] << 32 | \(words)[2 * (\(lane))])"
        case .i32: "(int64_t)(int32_t)\(words)[\(lane)]"
        case .i16: "(int64_t)(int16_t)(\(words)[\(lane) / 2] >> (\(lane) % 2 * 16))"
        case .i8: "(int64_t)(int8_t)(\(words)[\(lane) / 4] >> (\(lane) % 4 * 8))"
        case .f8e4m3, .f8e5m2:
            "load_\(element.rawValue)((uint8_t)(\(words)[\(lane) / 4] >> (\(lane) % 4 * 8)))"
        case .u8: "(int64_t)(uint8_t)(\(words)[\(lane) / 4] >> (\(lane) % 4 * 8))"
        case .bool: "((uint8_t)(\(words)[\(lane) / 4] >> (\(lane) % 4 * 8)) != 0)"
        }
    }
}
