import Base
import ElementTypes
import GraphIR
import ReferenceInterpreter
import Synchronization
import Testing

@testable import GraphRewrites

/// Names of the rules that applied, in order.
final class FiredRules: Sendable {
    private let storage = Mutex<[String]>([])

    /// All so far.
    var names: [String] { storage.withLock { $0 } }

    func add(_ name: String) { storage.withLock { $0.append(name) } }
}

/// Rewrites with all passes, checks that the result computes the same and that rewriting it again changes nothing.
@discardableResult
func checkedRewrite(_ graph: Graph, tolerance: Double = 2e-7, siblings: Bool = false) throws -> (Graph, [String]) {
    let fired = FiredRules()
    var options = RewriteOptions()
    options.mergesSiblings = siblings
    options.trace = { fired.add($0.rule) }
    let result = try rewrite(graph, options: options)
    for seed in [1, 2] as [UInt64] {
        let error = difference(try evaluate(graph, seed: seed), try evaluate(result, seed: seed))
        #expect(error <= tolerance, "rules \(fired.names)")
    }
    options.trace = nil
    #expect(try rewrite(result, options: options) == result, "not at a fixpoint after \(fired.names)")
    return (result, fired.names)
}

@Suite struct RewriteRulesTests {
    static let cases =
        viewCases + mapCases + constantCases + reduceCases + contractCases + scaleCases + attentionCases
        + convolutionCases

    @Test(arguments: cases)
    func appliesAndKeepsTheResult(_ test: RuleCase) throws {
        var graph = TestGraph()
        let value = try test.build(&graph)
        let (_, fired) = try checkedRewrite(graph.finished(value))
        #expect(fired.contains(test.rule))
    }

    /// Products of bytes want bytes: what makes them ends as bytes, and only a conversion stands before the product.
    @Test func bytesStayBytesUntilTheirProduct() throws {
        var g = TestGraph()
        let rounded = try g.apply(.round, try g.input([3, 4]))
        let bytes = try g.b.cast(try g.b.cast(rounded, .i8), .i32)
        let product = try g.contract(bytes, try g.b.cast(try g.weight("w", [5, 4], .i8), .i32), "mk nk mn")
        let (graph, _) = try checkedRewrite(g.finished(product))
        let contract = try #require(
            graph.nodes.rows.first { if case .contract = $0.operation { true } else { false } })
        for operand in contract.operands {
            guard case .map(let expression) = graph.nodes[operand.node].operation else {
                Issue.record("\(graph)")
                return
            }
            #expect(expression.widensByte)
        }
    }

    /// Every row of every table has a graph on which it applies.
    @Test func everyRuleHasACase() {
        let tested = Set(Self.cases.map(\.rule)).union(siblingCases.map(\.rule))
        var options = RewriteOptions()
        options.mergesSiblings = true
        for pass in rewritePasses(options) {
            for rule in pass.rules { #expect(tested.contains(rule.name), "\(rule.name)") }
        }
    }

    /// Rows whose keys are all hidden stay what they were: NaN, or 0 after a safe softmax.
    @Test(arguments: MaskForm.allCases, [false, true])
    func keepsHiddenRows(_ form: MaskForm, _ isSafe: Bool) throws {
        var builder = TestGraph()
        let value = try builder.attention(mask: form, isSafe: isSafe)
        let graph = builder.finished(value)
        let rewritten = try rewrite(graph)
        #expect(rewritten.nodes.rows.contains { if case .attend = $0.operation { true } else { false } })
        func hideAll(_ inputs: inout [TensorValue]) {
            guard inputs.count > 3 else { return }
            let mask = inputs[3]
            switch mask.element {
            case .f32:
                let hidden = [Double](repeating: -.infinity, count: 5)
                inputs[3] = TensorValue(.f32, mask.shape, hidden + mask.doubles.dropFirst(5))
            case .bool:
                let hidden = [Double](repeating: 1, count: 5)
                inputs[3] = TensorValue(.bool, mask.shape, hidden + mask.doubles.dropFirst(5))
            case .f64, .f16, .bf16, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8: break
            }
        }
        let before = try evaluate(graph, seed: 3, edit: hideAll)
        let after = try evaluate(rewritten, seed: 3, edit: hideAll)
        #expect(difference(before, after) < 1e-7)
    }

    @Test(arguments: siblingCases)
    func mergesSiblingsWhenAsked(_ test: RuleCase) throws {
        var graph = TestGraph()
        let value = try test.build(&graph)
        let (_, fired) = try checkedRewrite(graph.finished(value), siblings: true)
        #expect(fired.contains(test.rule))
        #expect(try !checkedRewrite(graph.finished(value)).1.contains(test.rule))
    }
}
