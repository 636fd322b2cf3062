import Base
import GraphIR

/// Applies rule tables to a graph.
struct RewriteDriver {
    /// Sweeps after which the driver gives up reaching a fixpoint; chains of n nodes need about log n.
    static let sweepLimit = 100

    let rules: [RewriteRule]
    let trace: (@Sendable (RewriteEvent) -> Void)?

    /// Rewrites until no rule applies. Every intermediate graph computes the same, so stopping early is safe too.
    func run(_ graph: Graph) throws(RewriteError) -> Graph {
        var current = graph
        for _ in 0..<Self.sweepLimit {
            let (next, fired) = try sweep(current)
            if fired == 0 && next == current { return next }
            current = next
        }
        return current
    }

    /// Rebuilds the live nodes in order; the first rule that applies to a node replaces it. Equal nodes become one.
    private func sweep(_ graph: Graph) throws(RewriteError) -> (Graph, fired: Int) {
        var context = RewriteContext(graph)
        var fired = 0
        for id in graph.nodes.ids where context.isLive[id.index] {
            let node = graph.nodes[id]
            context.builder.origin = node.origin
            if node.results.count == 1, let value = try replace(id, node, &context) {
                context.place(id, [value])
                fired += 1
                continue
            }
            do throws(ShapeError) {
                let copy = try context.builder.node(node.operation, context.moved(node.operands))
                context.place(id, node.results.indices.map { Value(copy, $0) })
            } catch {
                throw RewriteError(rule: "copy", origin: node.origin, cause: error)
            }
        }
        return (context.finished(), fired)
    }

    private func replace(
        _ id: NodeID, _ node: Node, _ context: inout RewriteContext
    ) throws(RewriteError) -> Value? {
        for rule in rules {
            do throws(ShapeError) {
                guard let value = try rule.apply(&context, id) else { continue }
                precondition(
                    context.builder.type(value) == node.results[0],
                    "rule '\(rule.name)' changes \(node.results[0]) to \(context.builder.type(value))")
                trace?(RewriteEvent(rule: rule.name, operation: node.operation, origin: node.origin))
                return value
            } catch {
                throw RewriteError(rule: rule.name, origin: node.origin, cause: error)
            }
        }
        return nil
    }
}
