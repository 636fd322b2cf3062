import GraphIR

/// What the rewrites may do, and who watches.
package struct RewriteOptions: Sendable {
    /// Merges sibling products of one operand with constant weights (query, key and value; gate and up) into one product
    /// followed by slices. A choice of fusion, not always a gain.
    package var mergesSiblings = false
    /// Called for every application of a rule.
    package var trace: (@Sendable (RewriteEvent) -> Void)?

    /// The defaults: no merging of siblings, no trace.
    package init() {}
}

/// A named list of rules that are applied together until none applies.
package struct RewritePass: Sendable {
    /// The key for traces and debug output.
    package let name: String
    /// The rules, first match first.
    package let rules: [RewriteRule]

    /// The graph after the pass.
    package func run(_ graph: Graph, trace: (@Sendable (RewriteEvent) -> Void)? = nil) throws(RewriteError) -> Graph {
        try RewriteDriver(rules: rules, trace: trace).run(graph)
    }
}

/// One form for each meaning: composed views, merged maps, simple scalar expressions, folded small constants.
package let canonicalise = RewritePass(
    name: "canonicalise", rules: viewRules + mapRules + constantRules + reduceRules)

/// Contractions with labels instead of permuted or repeated operands, constant scales moved into weights.
package let algebra = RewritePass(
    name: "algebra", rules: canonicalise.rules + contractRules + scaleRules)

/// Attention where it is spelt out, and transposed convolutions, when scales are in their weights.
package let patterns = RewritePass(name: "patterns", rules: algebra.rules + attentionRules + convolutionRules)

/// Sibling products of one operand become one product; off by default.
package let siblings = RewritePass(name: "siblings", rules: algebra.rules + siblingRules)

/// The passes in order.
package func rewritePasses(_ options: RewriteOptions = RewriteOptions()) -> [RewritePass] {
    [canonicalise, algebra, patterns] + (options.mergesSiblings ? [siblings] : [])
}

/// An equal graph that is cheaper to compute. Results differ at most by the rounding of reassociated sums and products;
/// states, inputs and outputs keep their places and names, and a state's leaf stays the base of what updates it.
package func rewrite(
    _ graph: Graph, options: RewriteOptions = RewriteOptions()
) throws(RewriteError) -> Graph {
    var graph = graph
    for pass in rewritePasses(options) { graph = try pass.run(graph, trace: options.trace) }
    return graph
}
