import ModelFiles
import ModelImport
import ElementTypes
import GraphIR
import Testing

/// Hand-made programs that cannot be imported, and what is said about them.
@Suite struct BrokenProgramTests {
    private static func tensor(_ type: TorchScalarType = .float32, _ sizes: [Int64] = [2, 3]) -> ExportedTensor {
        ExportedTensor(
            scalarType: type, sizes: sizes.map { .value($0) }, strides: sizes.map { _ in .value(1) },
            storageOffset: .value(0), layout: .strided, device: TorchDevice(type: "cpu"), requiresGradient: false)
    }

    private static func node(_ target: String, _ inputs: [(String, ExportedArgument)], _ output: String) -> ExportedNode
    {
        ExportedNode(
            target: "torch.ops.\(target)", inputs: inputs.map { ExportedNamedArgument(name: $0.0, value: $0.1) },
            outputs: [.tensor(output)],
            stackTrace: "  File \"/home/user/model.py\", line 7, in forward\n    return f(x)\n")
    }

    /// A program of one input `x` `[2, 3]` and these nodes.
    private static func contents(
        _ nodes: [ExportedNode], tensors: [String: ExportedTensor] = [:], inputs: [ExportedInput]? = nil,
        outputs: [ExportedOutput] = [.user(.tensor("y"))]
    ) -> ExportedProgramContents {
        var known: [(String, ExportedTensor)] = [("x", tensor()), ("y", tensor()), ("z", tensor())]
        known += tensors.sorted { $0.key < $1.key }
        let graph = ExportedGraph(
            inputs: [.tensor("x")], outputs: [.tensor("y")], nodes: nodes, tensors: NamedValues(known),
            symbolicIntegers: NamedValues([("n", .expression(.symbol("s9"), hint: 4))]),
            symbolicFloats: NamedValues(), symbolicBooleans: NamedValues(), customObjects: NamedValues(),
            returnsSingleTensor: false)
        let program = ExportedProgram(
            graph: graph, inputs: inputs ?? [.user(.tensor("x"))], outputs: outputs, moduleCalls: [],
            namedTupleFields: NamedValues(), rangeConstraints: NamedValues(), operatorSets: NamedValues(),
            schema: ExportedSchemaVersion(major: 8, minor: 20), torchVersion: "2.13.0", guards: [], verifiers: [])
        return ExportedProgramContents(
            modelName: "model", program: program, weights: NamedValues(), constants: NamedValues(), customObjects: [],
            storages: [], sampleInputs: .absent)
    }

    /// What importing such a program ends with; nil when it succeeds.
    private static func message(
        _ nodes: [ExportedNode], tensors: [String: ExportedTensor] = [:], inputs: [ExportedInput]? = nil,
        outputs: [ExportedOutput] = [.user(.tensor("y"))]
    ) -> String? {
        do throws(ImportError) {
            _ = try ImportedModel(contents(nodes, tensors: tensors, inputs: inputs, outputs: outputs))
            return nil
        } catch { return error.description }
    }

    private static let line = "model.py:7: return f(x)"

    @Test func importsASoundProgram() {
        #expect(Self.message([Self.node("aten.relu.default", [("self", .tensor("x"))], "y")]) == nil)
    }

    @Test func refusesRandomNumbers() {
        #expect(
            Self.message([Self.node("aten.poisson.default", [("self", .tensor("x"))], "y")])
                == "aten.poisson.default (node y, \(Self.line)): this draw of random numbers is not supported; "
                + "put the model in eval mode")
    }

    @Test func refusesChangesOfShapeInPlace() {
        #expect(
            Self.message([Self.node("aten.t_.default", [("self", .tensor("x"))], "y")])
                == "1 unsupported operator: aten.t_.default ×1, first at \(Self.line)")
    }

    @Test func namesAllUnsupportedOperators() {
        let nodes = [
            Self.node("aten.linalg_svd.default", [("self", .tensor("x"))], "y"),
            Self.node("mine.special.default", [("self", .tensor("y"))], "z"),
            Self.node("aten.linalg_svd.default", [("self", .tensor("z"))], "w"),
        ]
        #expect(
            Self.message(nodes)
                == "2 unsupported operators: aten.linalg_svd.default ×2, first at \(Self.line); "
                + "mine.special.default ×1, first at \(Self.line)")
    }

    @Test func refusesCyclesAndUnknownNames() {
        let late = [
            Self.node("aten.relu.default", [("self", .tensor("z"))], "y"),
            Self.node("aten.relu.default", [("self", .tensor("y"))], "z"),
        ]
        #expect(
            Self.message(late)
                == "aten.relu.default (node y, \(Self.line)): uses 'z' before it is defined (cyclic or unordered graph)"
        )
        #expect(
            Self.message([Self.node("aten.relu.default", [("self", .tensor("w"))], "y")])
                == "aten.relu.default (node y, \(Self.line)): uses 'w', which is defined nowhere")
        #expect(
            Self.message([Self.node("aten.relu.default", [("self", .tensor("x"))], "x")])
                == "aten.relu.default (node x, \(Self.line)): defines 'x' a second time")
        #expect(Self.message([]) == "outputs (node graph, signature): uses 'y', which is defined nowhere")
    }

    @Test func refusesWrongArgumentsAndTypes() {
        #expect(
            Self.message([Self.node("aten.relu.default", [("self", .int(1))], "y")])
                == "aten.relu.default (node y, \(Self.line)): argument 'self': expected a tensor, found as_int")
        #expect(
            Self.message(
                [Self.node("aten.relu.default", [("self", .tensor("x"))], "y")], tensors: ["y": Self.tensor(.int64)])
                == "aten.relu.default (node y, \(Self.line)): result 'y' is declared as i64[2, 3] "
                + "but computes as f32[2, 3]")
        #expect(
            Self.message(
                [Self.node("aten.relu.default", [("self", .tensor("x"))], "y")],
                tensors: ["x": Self.tensor(.complex64)]) == "'x': element type complex64 is not supported")
    }

    @Test func refusesWritesOfInputs() {
        #expect(
            Self.message([Self.node("aten.relu_.default", [("self", .tensor("x"))], "y")])
                == "aten.relu_.default (node y, \(Self.line)): the model writes into its input 'x'; "
                + "clone it in forward, or register it as a buffer")
    }

    /// Calls with bodies whose arguments are not theirs.
    @Test(arguments: ["cond", "map_impl", "scan", "while_loop", "wrap_with_autocast"], [0, 1, 2, 3, 4])
    func refusesBodiesThatAreNone(_ name: String, _ count: Int) {
        let arguments: [(String, ExportedArgument)] = [
            ("", .tensor("x")), ("", .int(3)), ("", .tensors(["x", "x"])), ("", .tensors([])),
        ]
        let message = Self.message([Self.node("higher_order.\(name)", Array(arguments[..<count]), "y")])
        #expect(
            (message ?? "").hasPrefix("higher_order.\(name) (node y, \(Self.line)): not supported: "),
            "\(message ?? "")")
    }

    @Test func refusesDataDependentShapes() {
        #expect(
            Self.message([Self.node("aten.nonzero.default", [("self", .tensor("x"))], "y")])
                == "aten.nonzero.default (node y, \(Self.line)): the result's shape depends on data: "
                + "the number of results depends on the elements")
    }

    @Test func refusesOtherInputsAndOutputs() {
        let relu = [Self.node("aten.relu.default", [("self", .tensor("x"))], "y")]
        #expect(
            Self.message(relu, inputs: [.user(.tensor("x")), .user(.symInt(.name("n")))])
                == "input 'n' is an integer that may change from call to call; "
                + "export with a fixed value, or pass it as a tensor")
        #expect(
            Self.message(relu, inputs: [.user(.tensor("x")), .parameter(argument: "p", name: "weight")])
                == "the archive holds no tensor 'weight'")
        #expect(
            Self.message(relu, outputs: [.loss(argument: "y")])
                == "training programs are not supported; export the model in eval mode")
        #expect(
            Self.message(relu, outputs: [.userInputMutation(argument: "y", inputName: "x")])
                == "the model writes into its input 'x'; clone it in forward, or register it as a buffer")
    }

    @Test func bakedConstantsAndOtherOutputsPass() {
        let relu = [Self.node("aten.relu.default", [("self", .tensor("x"))], "y")]
        #expect(
            Self.message(
                relu, inputs: [.user(.tensor("x")), .constant(argument: "k", value: .int(3)), .user(.none)],
                outputs: [.user(.tensor("y")), .user(.int(3)), .user(.none)]) == nil)
    }

    /// The calls of such a program that do not import, as node and reason.
    private static func refusals(
        _ nodes: [ExportedNode], tensors: [String: ExportedTensor] = [:],
        outputs: [ExportedOutput] = [.user(.tensor("y"))]
    ) throws -> [String] {
        try ImportedModel.refusals(contents(nodes, tensors: tensors, outputs: outputs)).map {
            "\($0.site.node): \($0.reason)"
        }
    }

    @Test func aSurveyNamesEveryCallThatDoesNotImport() throws {
        let relu = Self.node("aten.relu.default", [("self", .tensor("z"))], "y")
        let qr = Self.node("aten.linalg_thing.default", [("self", .tensor("x"))], "z")
        #expect(try Self.refusals([Self.node("aten.relu.default", [("self", .tensor("x"))], "y")]) == [])
        // What is behind such a call is looked at as if its result were an input.
        #expect(try Self.refusals([qr, relu]) == ["z: the operator is not supported"])
        let random = Self.node("aten.poisson.default", [("self", .tensor("z"))], "y")
        #expect(
            try Self.refusals([qr, random]) == [
                "z: the operator is not supported",
                "y: this draw of random numbers is not supported; put the model in eval mode",
            ])
    }

    @Test func whatTakesAResultThatNoPackageHoldsIsRefusedToo() throws {
        let tensors = ["z": Self.tensor(.uint16)]
        let cast = Self.node("aten.linalg_thing.default", [("self", .tensor("x"))], "z")
        let relu = Self.node("aten.relu.default", [("self", .tensor("z"))], "y")
        #expect(
            try Self.refusals([cast, relu], tensors: tensors) == [
                "z: the operator is not supported", "y: it takes 'z', which no package can hold",
            ])
    }

    @Test func aSurveyFindsComplexResults() throws {
        let tensors = ["y": Self.tensor(.complex64)]
        let complex = Self.node(
            "aten.complex.default", [("real", .tensor("x")), ("imag", .tensor("x"))], "y")
        #expect(
            try Self.refusals([complex], tensors: tensors) == [
                "y: output 'output' is complex; return torch.view_as_real of it"
            ])
    }

    @Test func whatNoChoiceOfCallsMendsEndsASurvey() {
        let relu = [Self.node("aten.relu.default", [("self", .tensor("x"))], "y")]
        #expect(throws: ImportError.self) { try Self.refusals(relu, outputs: [.loss(argument: "y")]) }
    }
}
