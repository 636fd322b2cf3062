import Base
import ElementTypes

/// What is wrong with a graph, and after which stage of the pipeline.
package struct GraphFault: Error, Equatable, CustomStringConvertible {
    /// Name of the rule that does not hold.
    package var rule: String
    /// The stage whose result was checked.
    package var stage: String
    /// The facts.
    package var message: String
    /// The printed node with the nodes of its operands before it; empty when no single node is at fault.
    package var lines: [String]

    package var description: String {
        "after \(stage): \(rule): \(message)" + lines.map { "\n    \($0)" }.joined()
    }
}

/// Checks graphs by a table of rules.
package struct GraphChecker {
    /// One rule: what holds of every right graph, and how a graph breaks it.
    package struct Rule: Sendable {
        /// What holds.
        package let what: String
        /// The first violation: the node at fault (nil for the graph as a whole) and the facts.
        package let violation: @Sendable (Graph) -> (node: NodeID?, message: String)?
    }

    /// Checks `graph`, the result of `stage`, against every rule in order; later rules rely on earlier ones.
    package static func check(_ graph: Graph, stage: String) throws(GraphFault) {
        for rule in rules {
            guard let (node, message) = rule.violation(graph) else { continue }
            var lines: [String] = []
            if let node {
                let operands = Set(graph.nodes[node].operands.map(\.node)).sorted()
                lines = (operands.filter { graph.nodes.rows.indices.contains($0.index) && $0 != node } + [node])
                    .map { graph.line($0) }
            }
            throw GraphFault(rule: rule.what, stage: stage, message: message, lines: lines)
        }
    }

    /// The rules.
    package static let rules: [Rule] = [
        forNodes("operands stand before their uses") { graph, id in
            graph.nodes[id].operands.first { $0.node.index < 0 || $0.node >= id }.map { "operand \($0)" }
        },
        forNodes("operands are results of their nodes") { graph, id in
            graph.nodes[id].operands.first { !graph.nodes[$0.node].results.indices.contains($0.result) }
                .map { "\($0) of \(graph.nodes[$0.node].results.count) results" }
        },
        Rule(what: "symbols have a range that holds their hint") { graph in
            for (index, symbol) in graph.symbols.enumerated() {
                let maximum = symbol.maximum ?? .max
                if symbol.minimum < 0 || symbol.hint < symbol.minimum || symbol.hint > maximum {
                    let upper = symbol.maximum.map { "\($0)" } ?? ""
                    return (nil, "s\(index) '\(symbol.name)' in \(symbol.minimum)...\(upper), hint \(symbol.hint)")
                }
            }
            return nil
        },
        Rule(what: "expressions name declared symbols only") { graph in
            func fault(_ expression: IntegerExpression) -> String? {
                expression.variables.first { $0.kind != .symbol || !graph.symbols.indices.contains($0.index) }
                    .map { "\($0.name) in \(expression)" }
            }
            for expression in graph.ports.flatMap(\.type.shape) + graph.guards.map(\.expression) {
                if let message = fault(expression) { return (nil, message) }
            }
            for id in graph.nodes.ids {
                let node = graph.nodes[id]
                for expression in node.operation.dimensions + node.results.flatMap(\.shape) {
                    if let message = fault(expression) { return (id, message) }
                }
            }
            return nil
        },
        forNodes("extents can be computed and are not negative") { graph, id in
            let extents = graph.nodes[id].results.flatMap(\.shape)
            return extents.first { ($0.constantValue ?? 0) < 0 || graph.hint($0) == nil }
                .map { "extent \($0)" }
        },
        forNodes("scalar expressions are well formed") { graph, id in
            if case .map(let expression) = graph.nodes[id].operation { expression.fault } else { nil }
        },
        forNodes("result types follow from the shape rule") { graph, id in
            let node = graph.nodes[id]
            do throws(ShapeError) {
                let expected = try node.operation.results(node.operands.map { graph.type($0) }, graph.ranges)
                return expected == node.results
                    ? nil : "the rule gives \(expected.map(\.description).joined(separator: ", "))"
            } catch {
                return error.reason
            }
        },
        forNodes("input and state leaves agree with their declarations") { graph, id in
            switch graph.nodes[id].operation {
            case .leaf(.input(let index, let type)):
                !graph.inputs.indices.contains(index)
                    ? "input \(index) of \(graph.inputs.count)"
                    : graph.inputs[index].type == type ? nil : "input \(index) is declared \(graph.inputs[index].type)"
            case .leaf(.state(let index, let type)):
                !graph.states.indices.contains(index)
                    ? "state \(index) of \(graph.states.count)"
                    : graph.states[index].type == type ? nil : "state \(index) is declared \(graph.states[index].type)"
            case .leaf, .map, .reduce, .scan, .view, .concatenate, .gather, .scatter, .contract, .convolve, .attend,
                .recur, .window, .sort:
                nil
            }
        },
        forNodes("constants hold values of their element type") { graph, id in
            guard case .leaf(.constant(let elements, let type)) = graph.nodes[id].operation else { return nil }
            return elements.first { !type.element.holds($0) }.map { "\($0) is no \(type.element.rawValue)" }
        },
        Rule(what: "outputs, updates and what loops carry are results of nodes") { graph in
            graph.exits.first {
                !graph.nodes.rows.indices.contains($0.node.index)
                    || !graph.nodes[$0.node].results.indices.contains($0.result)
            }.map { (nil, "\($0)") }
        },
        Rule(what: "ports have distinct names") { graph in
            for names in [graph.inputs.map(\.name), graph.states.map(\.name), graph.outputs.map(\.name)] {
                var seen: Set<String> = []
                if let name = names.first(where: { !seen.insert($0).inserted }) { return (nil, "'\(name)'") }
            }
            return nil
        },
        Rule(what: "each state is updated at most once, by a value of its type") { graph in
            var seen: Set<Int> = []
            for update in graph.updates {
                guard graph.states.indices.contains(update.state) else {
                    return (nil, "state \(update.state) of \(graph.states.count)")
                }
                if !seen.insert(update.state).inserted { return (nil, "state \(update.state) twice") }
                let (expected, found) = (graph.states[update.state].type, graph.type(update.value))
                if expected != found { return (nil, "state \(update.state) is \(expected), its update \(found)") }
            }
            return nil
        },
        Rule(what: "values of a loop's turn are used in that turn") { $0.loopFault },
        Rule(what: "guards hold for the hints") { graph in
            for condition in graph.guards {
                let value = graph.hint(condition.expression)
                if let value, condition.isLowerBound ? value >= 0 : value == 0 { continue }
                return (nil, "\(condition.reason): \(condition.expression) is \(value.map { "\($0)" } ?? "undefined")")
            }
            return nil
        },
    ]

    private static func forNodes(
        _ what: String, _ fault: @escaping @Sendable (Graph, NodeID) -> String?
    ) -> Rule {
        Rule(what: what) { graph in
            for id in graph.nodes.ids {
                if let message = fault(graph, id) { return (id, message) }
            }
            return nil
        }
    }
}

extension Graph {
    fileprivate var ports: [GraphPort] { inputs + states }

    /// The value of an expression at the symbols' hints; nil when it has none.
    package func hint(_ expression: IntegerExpression) -> Int? {
        expression.evaluate { symbols.indices.contains($0.index) ? symbols[$0.index].hint : 0 }
    }
}

extension ElementType {
    /// Whether a constant of this type may be given by `value`: whole and in range for integers, 0 or 1 for bool.
    fileprivate func holds(_ value: Double) -> Bool {
        switch self {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2: true
        case .i64: Int64(exactly: value) != nil
        case .i32: Int32(exactly: value) != nil
        case .i16: Int16(exactly: value) != nil
        case .i8: Int8(exactly: value) != nil
        case .u8: UInt8(exactly: value) != nil
        case .bool: value == 0 || value == 1
        }
    }
}
