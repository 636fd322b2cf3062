import ModelFiles
import Testing

/// Decoding of what PyTorch wrote; `make_fixtures.py` has the model.
@Suite struct ExportedProgramTests {
    private static let levels = ["tied.exported.pt2", "tied.functional.pt2", "tied.core.pt2"]

    @Test(arguments: levels)
    func readsHeader(name: String) throws {
        let program = try Fixture.contents(name).program
        #expect(program.schema.major == 8)
        #expect(program.torchVersion == "2.13.0+cpu")
        #expect(program.operatorSets["aten"] == 10)
        #expect(program.rangeConstraints["s27"] == ExportedRange(minimum: 2, maximum: 64))
    }

    @Test(arguments: levels)
    func readsSignature(name: String) throws {
        let program = try Fixture.contents(name).program
        #expect(
            program.inputs == [
                .parameter(argument: "p_embedding_weight", name: "embedding.weight"),
                .parameter(argument: "p_head_weight", name: "head.weight"),
                .buffer(argument: "b_steps", name: "steps", persistent: true),
                .buffer(argument: "b_scale", name: "scale", persistent: false),
                .tensorConstant(argument: "c_lifted_tensor_0", name: "lifted_tensor_0"),
                .user(.tensor("ids")), .user(.tensor("options_gain")),
            ])
        let mutation = program.outputs.first
        if name == "tied.exported.pt2" {
            #expect(program.outputs.count == 4)
        } else {
            #expect(program.outputs.count == 5)
            #expect(mutation == .bufferMutation(argument: "add", bufferName: "steps"))
        }
    }

    @Test(arguments: levels)
    func readsCallingConvention(name: String) throws {
        let call = try #require(try Fixture.contents(name).program.rootCall)
        #expect(call.argumentNames == ["ids", "options"])
        #expect(
            call.inputTree
                == .tuple([.tuple([.leaf, .dictionary([.string("gain")], [.leaf])]), .dictionary([], [])]))
        #expect(
            call.outputTree
                == .dictionary(
                    [.string("logits"), .string("extra")], [.leaf, .tuple([.leaf, .list([.leaf, .leaf])])]))
        #expect(call.inputTree.leafCount == 2 && call.outputTree.leafCount == 4)
    }

    @Test func readsNodes() throws {
        let graph = try Fixture.contents("tied.functional.pt2").program.graph
        let targets = graph.nodes.map { $0.target.replacing("torch.ops.aten.", with: "") }
        #expect(
            targets == [
                "sym_size.int", "add.Tensor", "embedding.default", "mul.Tensor", "mul.Tensor", "cat.default",
                "_operator.floordiv", "_operator.add", "zeros.default", "linear.default", "clone.default", "add.Tensor",
            ])
        #expect(graph.nodes[0].outputs == [.symInt(.name("sym_size_int_3"))])
        #expect(
            graph.nodes[1].inputs == [
                ExportedNamedArgument(name: "self", value: .tensor("b_steps"), kind: .positional),
                ExportedNamedArgument(name: "other", value: .int(1), kind: .positional),
            ])
        #expect(graph.nodes[1].stackTrace?.hasSuffix("self.steps.add_(1)") == true)
        let concatenation = try #require(graph.nodes.first { $0.target.hasSuffix("cat.default") })
        #expect(concatenation.inputs.first?.value == .tensors(["mul_5", "mul_5"]))
        let zeros = try #require(graph.nodes.first { $0.target.hasSuffix("zeros.default") })
        #expect(zeros.inputs.first?.value == .symInts([.name("add_17")]))
    }

    @Test func readsSymbolicShapes() throws {
        let graph = try Fixture.contents("tied.functional.pt2").program.graph
        let ids = try #require(graph.tensors["ids"])
        #expect(ids.scalarType == .int64 && ids.device == TorchDevice(type: "cpu") && ids.layout == .strided)
        #expect(ids.sizes == [.value(2), .expression(.symbol("s27"), hint: 3)])
        #expect(
            graph.tensors["zeros"]?.sizes == [
                .expression(.apply(.add, [.apply(.floorDivide, [.symbol("s27"), .integer(2)]), .integer(1)]), hint: 2)
            ])
        #expect(graph.symbolicIntegers["sym_size_int_3"] == .expression(.symbol("s27"), hint: 3))
    }

    @Test func readsConditionals() throws {
        let graph = try Fixture.contents("choice.pt2").program.graph
        let node = try #require(graph.nodes.first { $0.target == "torch.ops.higher_order.cond" })
        guard case .graph(_, let body) = node.inputs[1].value else {
            Issue.record("the first branch is a graph")
            return
        }
        #expect(body.nodes.map(\.target) == ["torch.ops.aten.sin.default", "torch.ops.aten.mul.Tensor"])
        #expect(body.nodes[1].inputs[1].value == .float(.infinity))
    }

    @Test(arguments: levels + ["old.pt2"])
    func readsTensors(name: String) throws {
        let contents = try Fixture.contents(name)
        let embedding = try #require(contents.weights["embedding.weight"])
        let head = try #require(contents.weights["head.weight"])
        #expect(embedding.storage == head.storage, "tied weights are one storage")
        #expect(embedding.sizes == [8, 4] && embedding.strides == [4, 1] && embedding.isParameter)
        #expect(contents.weights["steps"]?.isParameter == false)
        #expect(contents.constants["lifted_tensor_0"]?.scalarType == .int64)
        #expect(try Self.numbers("scale", in: name, as: Float.self) == [0, 2, 4, 6])
        #expect(try Self.numbers("lifted_tensor_0", in: name, as: Int64.self) == [1, 2, 3])
        #expect(try Self.numbers("embedding.weight", in: name, as: Float.self).first == -1.1258398)
    }

    @Test(arguments: levels + ["old.pt2"])
    func readsSampleInputs(name: String) throws {
        let contents = try Fixture.contents(name)
        guard case .value(let value) = contents.sampleInputs else {
            Issue.record("sample inputs are readable")
            return
        }
        let tensors = value.leaves.compactMap { if case .tensor(let tensor) = $0 { tensor } else { nil } }
        #expect(tensors.map(\.sizes) == [[2, 3], [4]])
        #expect(tensors.map(\.name) == ["[0][0]", "[0][1].gain"])
        let bytes = try Fixture.bytes(name)
        let ids = tensors[0].elements(in: bytes.span.bytes.extracting(contents.storages[tensors[0].storage].range))
        #expect(ids.count == 48 && ids[8] == 1 && ids[40] == 5)
    }

    @Test func opensFiles() throws {
        let archive = try ExportedProgramArchive(path: Fixture.path("tied.functional.pt2"))
        let name = archive.contents.modelName
        #expect(name == "model")
        let found = archive.tensor(named: "scale")
        let scale = try #require(found)
        let elements = archive.elements(of: scale)
        let storageByteCount = archive.withStorage(scale.storage) { $0.byteCount }
        let nodeCount = archive.program.graph.nodes.count
        #expect(elements.count == 16)
        #expect(storageByteCount >= 16)
        #expect(nodeCount == 12)
    }

    @Test func namesThePathInErrors() {
        let path = Fixture.path("checkpoint.pt")
        do {
            _ = try ExportedProgramArchive(path: path)
            Issue.record("a checkpoint is no program")
        } catch {
            #expect(
                error.description.hasPrefix(path + " is a PyTorch checkpoint (torch.save): weights without a program"))
        }
        do {
            _ = try ExportedProgramArchive(path: path + ".none")
            Issue.record("there is no file")
        } catch {
            #expect(error.description == "no such file: \(path).none")
        }
    }

    @Test(
        arguments: [
            ([2, 2], [2, 1], 0, [0, 1, 2, 3]), ([2, 2], [1, 2], 0, [0, 2, 1, 3]),
            ([3, 2], [0, 1], 2, [2, 3, 2, 3, 2, 3]),
            ([], [], 3, [3]), ([2, 0], [0, 0], 0, []), ([1, 2], [Int.max, 3], 0, [0, 3]),
        ] as [([Int], [Int], Int, [UInt8])])
    func gathersElements(sizes: [Int], strides: [Int], offset: Int, expected: [UInt8]) {
        let tensor = StoredTensor(
            name: "t", isParameter: false, scalarType: .uint8, sizes: sizes, strides: strides, storageOffset: offset,
            storage: 0)
        #expect(tensor.elements(in: ([0, 1, 2, 3] as [UInt8]).span.bytes) == expected)
    }

    private static func numbers<Number: BitwiseCopyable>(
        _ tensor: String, in name: String, as type: Number.Type
    ) throws -> [Number] {
        let contents = try Fixture.contents(name)
        let stored = try #require(contents.weights[tensor] ?? contents.constants[tensor])
        let bytes = try Fixture.bytes(name)
        let elements = stored.elements(in: bytes.span.bytes.extracting(contents.storages[stored.storage].range))
        return elements.withUnsafeBytes { raw in
            (0..<raw.count / MemoryLayout<Number>.size).map {
                raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.size, as: type)
            }
        }
    }
}
