import Base
import ElementTypes
import GraphIR
import GraphRewrites
import ReferenceInterpreter
import Testing

/// Products in narrow floats: what is stored narrow, what is not, and what errors are measured.
@Suite struct NarrowProductsTests {
    /// conv → relu → residual add → softmax of rows → product, all f32; the mask of attention is added.
    private static func model() throws -> Graph {
        var b = GraphBuilder(name: "model")
        let type = TensorType(.f32, [2, 4, 6, 6])
        b.graph.inputs = [GraphPort(name: "x", type: type)]
        let x = try b.leaf(.input(0, type))
        let weight = try b.leaf(.parameter("kernels", TensorType(.f32, [4, 4, 3, 3])))
        let convolve = Convolve(stride: [1, 1], paddingLow: [1, 1], paddingHigh: [1, 1], dilation: [1, 1])
        b.origin = "first"
        let y = try b.map([try b.add(.convolve(convolve), [x, weight])]) { $0.apply(.maximum, $1[0], $0.real(0)) }
        b.origin = "second"
        let z = try b.add(.convolve(convolve), [y, weight])
        b.origin = "residual"
        let sum = try b.map([y, z]) { $0.apply(.add, $1[0], $1[1]) }
        b.origin = "softmax"
        let most = try b.add(.reduce(Reduce(.maximum, axes: [3])), [sum])
        let powers = try b.map([sum, try b.reshape(most, [2, 4, 6, 1])]) {
            $0.apply(.exp, $0.apply(.subtract, $1[0], $1[1]))
        }
        let total = try b.add(.reduce(Reduce(.sum, axes: [3])), [powers])
        let shares = try b.map([powers, try b.reshape(total, [2, 4, 6, 1])]) { $0.apply(.divide, $1[0], $1[1]) }
        b.origin = "third"
        let result = try b.add(
            .contract(Contract(left: [0, 1, 2, 3], right: [3, 4], result: [0, 1, 2, 4])),
            [shares, try b.leaf(.parameter("table", TensorType(.f32, [6, 5])))])
        b.graph.outputs = [GraphOutput(name: "y", value: result), GraphOutput(name: "z", value: total)]
        return b.graph
    }

    /// For each node of these operations, the element types of its results.
    private static func types(_ graph: Graph, _ names: Set<String>) -> [String] {
        graph.nodes.rows.filter { names.contains($0.operation.name) }.map {
            "\($0.operation.name) \($0.origin) \($0.results[0].element.rawValue)"
        }
    }

    @Test(arguments: [ElementType.bf16, .f16]) func whatIsNarrow(_ element: ElementType) throws {
        let graph = try Self.model()
        let products = narrowProducts(graph)
        #expect(products.map { graph.nodes[$0].origin } == ["first", "second", "third"])
        let narrow = try narrowing(graph, to: element)
        let name = element.rawValue
        #expect(
            Self.types(narrow, ["convolve", "contract", "reduce"]) == [
                "convolve first \(name)", "convolve second \(name)", "reduce softmax f32", "reduce softmax f32",
                "contract third \(name)",
            ])
        // Ports keep their types.
        #expect(narrow.outputs.map { narrow.type($0.value).element } == [.f32, .f32])
        // What is kept reads and gives f32.
        let kept = try narrowing(graph, to: element, keeping: [products[1]])
        #expect(
            Self.types(kept, ["convolve", "contract"]) == [
                "convolve first \(name)", "convolve second f32", "contract third \(name)",
            ])
        // The sum of a narrow and a whole value is whole.
        #expect(!Self.types(kept, ["map"]).contains("map residual \(name)"))
        #expect(Self.types(narrow, ["map"]).contains("map residual \(name)"))
    }

    private struct Weights: TensorSource {
        var tensors: [String: [Float]]

        func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
            try (tensors[name] ?? []).withUnsafeBytes { try body($0) }
        }
    }

    private static let tensors = Weights(tensors: [
        "kernels": (0..<144).map { Float(($0 * 37) % 29 - 14) / 29 },
        "table": (0..<30).map { Float(($0 * 11) % 17 - 8) / 17 },
    ])

    private static let input = TensorValue(
        .f32, [2, 4, 6, 6], (0..<288).map { Double(($0 * 53) % 101 - 50) / 40 })

    @Test(arguments: [(ElementType.bf16, 0.02), (.f16, 0.002)])
    func resultsAreNear(_ element: ElementType, _ allowed: Double) throws {
        let graph = try Self.model()
        var whole = Interpreter(graph, tensors: Self.tensors)
        var narrow = Interpreter(
            try narrowing(graph, to: element), tensors: Self.tensors, policy: .roundAfterEachNode)
        var unrounded = Interpreter(try narrowing(graph, to: element), tensors: Self.tensors)
        let truth = try whole.run([Self.input])
        let (found, same) = (try narrow.run([Self.input]), try unrounded.run([Self.input]))
        for output in truth.indices {
            let pairs = zip(found[output].doubles, truth[output].doubles)
            let worst = pairs.map { abs($0 - $1) }.max() ?? 0
            #expect(worst < allowed * 6 && worst > allowed / 1000, "\(worst)")
            // To the oracle rounding is nothing.
            #expect(zip(same[output].doubles, truth[output].doubles).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }

    @Test func errorsAreOfEachProductAlone() throws {
        let graph = try Self.model()
        let probe = try ProductProbe.narrow(graph, narrowProducts(graph), to: .bf16)
        #expect(probe.outputs.count == 6)
        var interpreter = Interpreter(probe, tensors: Self.tensors, policy: .roundAfterEachNode)
        let sums = try interpreter.run([Self.input]).map { $0.doubles[0] }
        for product in 0..<3 {
            let error = (sums[2 * product] / sums[2 * product + 1]).squareRoot()
            #expect(error > 1e-4 && error < 0.01, "\(product): \(error)")
        }
    }

    /// Which products may round their factors, what of it is written and survives rewriting, and that only a witness rounds.
    @Test func factorsThatMayBeRounded() throws {
        let graph = try Self.model()
        let all = relaxableProducts(graph, convolutionsOnly: false)
        #expect(all.map { graph.nodes[$0].origin } == ["first", "second", "third"])
        let convolutions = relaxableProducts(graph, convolutionsOnly: true)
        #expect(convolutions == Array(all.prefix(2)))
        let relaxed = relaxing(graph, all)
        #expect(relaxing(graph, convolutions) != relaxed)
        #expect(try Graph(parsing: relaxed.description) == relaxed)
        let rewritten = try rewrite(relaxed).description
        #expect(rewritten.split(separator: "\n").count { $0.contains(" tf32 %") } == 3, "\(rewritten)")

        var exact = Interpreter(relaxed, tensors: Self.tensors)
        var whole = Interpreter(graph, tensors: Self.tensors)
        #expect(try exact.run([Self.input]) == whole.run([Self.input]))
        let probe = try ProductProbe.relaxed(graph, all, to: .tf32)
        var interpreter = Interpreter(probe, tensors: Self.tensors, policy: .roundAfterEachNode)
        let sums = try interpreter.run([Self.input]).map { $0.doubles[0] }
        for product in 0..<3 {
            let error = (sums[2 * product] / sums[2 * product + 1]).squareRoot()
            #expect(error > 0x1p-14 && error < 0x1p-10, "\(product): \(error)")
        }
    }
}
