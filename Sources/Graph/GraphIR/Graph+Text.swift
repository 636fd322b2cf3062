import Base
import ElementTypes

extension Value: CustomStringConvertible {
    /// Printed as `%3`, or `%3.1` for a result other than the first.
    package var description: String { result == 0 ? "%\(node.index)" : "%\(node.index).\(result)" }
}

extension Graph: CustomStringConvertible {
    /// The printed form, one declaration or node a line, which `init(parsing:)` reads back to an equal graph:
    ///
    ///     graph "mlp"
    ///     symbol s0 "batch" 1...64 hint 8
    ///     input "x" f32[s0, 128]
    ///     guard s0 - 2 >= 0 "the batch has at least 2 rows"
    ///     %0 = input 0 : f32[s0, 128]
    ///     %1 = reduce.sum axes [1] %0 : f32[s0]  // model.py:7
    ///     output "y" %1
    package var description: String {
        var lines = ["graph \(quoted(name))"]
        for (index, symbol) in symbols.enumerated() {
            let maximum = symbol.maximum.map { "\($0)" } ?? ""
            lines.append("symbol s\(index) \(quoted(symbol.name)) \(symbol.minimum)...\(maximum) hint \(symbol.hint)")
        }
        lines += inputs.map { "input \(quoted($0.name)) \($0.type)" }
        lines += states.map { "state \(quoted($0.name)) \($0.type)" }
        lines += guards.map { "guard \($0.expression) \($0.isLowerBound ? ">=" : "==") 0 \(quoted($0.reason))" }
        lines += nodes.ids.map { line($0) }
        lines += loops.map(\.description)
        lines += outputs.map { "output \(quoted($0.name)) \($0.value)" }
        lines += updates.map { "update \($0.state) \($0.value)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The printed form of one node.
    package func line(_ id: NodeID) -> String {
        let node = nodes[id]
        var parts = ["%\(id.index) =", operationText(node)]
        if !node.operands.isEmpty { parts.append(node.operands.map(\.description).joined(separator: ", ")) }
        parts.append(": " + node.results.map(\.description).joined(separator: ", "))
        return parts.joined(separator: " ") + (node.origin.isEmpty ? "" : "  // \(escaped(node.origin))")
    }

    /// A map prints its arguments' types only where they are not those of its operands.
    private func operationText(_ node: Node) -> String {
        guard case .map(let expression) = node.operation else { return "\(node.operation)" }
        let found = node.operands.map { operand in
            nodes.rows.indices.contains(operand.node.index)
                && nodes[operand.node].results.indices.contains(operand.result) ? type(operand).element : nil
        }
        return found == expression.arguments
            ? "map \(expression)"
            : "map [\(expression.arguments.map(\.rawValue).joined(separator: ", "))] \(expression)"
    }
}

extension Operation: CustomStringConvertible {
    /// The printed form without operands: name, then what distinguishes it. The type of a leaf is that of its result.
    package var description: String {
        func list(_ dimensions: [IntegerExpression]) -> String {
            "[\(dimensions.map(\.description).joined(separator: ", "))]"
        }
        switch self {
        case .leaf(.input(let index, _)): return "input \(index)"
        case .leaf(.parameter(let name, _)): return "parameter \(quoted(name))"
        case .leaf(.state(let index, _)): return "state \(index)"
        case .leaf(.constant(let elements, _)):
            return "constant [\(elements.map { printed($0) }.joined(separator: ", "))]"
        case .leaf(.iota(let extent)): return "iota \(list([extent]))"
        case .leaf(.dimension(let value)): return "dimension \(list([value]))"
        case .leaf(.carried(let loop, let place, _)): return "carried \(loop) \(place)"
        case .leaf(.looped(let loop, let place, _)): return "looped \(loop) \(place)"
        case .map(let expression): return "map \(expression)"
        case .reduce(let reduce): return "reduce.\(reduce.kind.rawValue) axes \(reduce.axes)"
        case .scan(let scan): return "scan.\(scan.kind.rawValue) axis \(scan.axis)"
        case .view(.reshape(let shape)): return "view.reshape \(list(shape))"
        case .view(.permute(let axes)): return "view.permute \(axes)"
        case .view(.expand(let shape)): return "view.expand \(list(shape))"
        case .view(.slice(let axis, let start, let count, let step)):
            return "view.slice axis \(axis) start \(list([start])) count \(list([count])) step \(step)"
        case .view(.flip(let axes)): return "view.flip \(axes)"
        case .view(.pad(let low, let high, let value)):
            return "view.pad low \(list(low)) high \(list(high)) value \(printed(value.value))"
        case .view(.unfold(let axis, let size, let step)):
            return "view.unfold axis \(axis) size \(size) step \(step)"
        case .concatenate(let axis): return "concatenate axis \(axis)"
        case .gather(let gather): return "gather axes \(gather.axes) at \(gather.at)"
        case .scatter(let scatter): return "scatter.\(scatter.kind.rawValue) axes \(scatter.axes) at \(scatter.at)"
        case .contract(let contract):
            return "contract \(contract.left) \(contract.right) \(contract.result)"
                + (contract.factors == .own ? "" : " \(contract.factors.rawValue)")
        case .convolve(let convolve):
            return "convolve stride \(convolve.stride) low \(convolve.paddingLow) high \(convolve.paddingHigh) "
                + "dilation \(convolve.dilation) groups \(convolve.groups)"
                + (convolve.isTransposed ? " transposed" : "")
                + (convolve.outputPadding == convolve.stride.map { _ in 0 } ? "" : " output \(convolve.outputPadding)")
                + (convolve.factors == .own ? "" : " \(convolve.factors.rawValue)")
        case .attend(let attend):
            return "attend" + (attend.hasMask ? " mask" : "") + (attend.isCausal ? " causal" : "")
                + " scale \(printed(attend.scale))"
        case .recur(let recur):
            return "recur.\(recur.cell.rawValue)" + (recur.hasBias ? " bias" : "") + (recur.isReverse ? " reverse" : "")
                + (recur.hasProjection ? " projected" : "")
        case .window(let window):
            let kind =
                switch window.kind {
                case .maximum: "maximum"
                case .argMaximum: "argMaximum"
                case .average(let countsPadding, let divisor):
                    "average" + (countsPadding ? " padded" : "") + (divisor.map { " divisor \($0)" } ?? "")
                }
            return "window.\(kind) size \(window.size) stride \(window.stride) padding \(window.padding) "
                + "dilation \(window.dilation)" + (window.roundsUp ? " ceiling" : "")
        case .sort(let sort):
            return "sort axis \(sort.axis)" + (sort.isDescending ? " descending" : "")
                + (sort.limit.map { " limit \($0)" } ?? "")
        }
    }
}
