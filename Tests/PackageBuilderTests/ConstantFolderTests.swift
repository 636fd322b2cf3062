import Base
import CPUDevice
import ElementTypes
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import KernelJudge
import Testing

@testable import PackageBuilder

/// Constants are computed by generated code in a process of its own: what that code does wrong is an error with facts, and
/// harms neither the builder nor other constants.
@Suite struct ConstantFolderTests {
    /// A product whose weights are packed, and a sum of weights that is a launch of its own.
    private struct Subject {
        let form: ModelForm
        var generated: GeneratedProgram
        let emitter: KernelEmitter
        let folder: TemporaryFolder
        let objects: KernelObjects
        let tensors: MemoryTensors

        init() async throws {
            var b = GraphBuilder(name: "constants")
            b.graph.inputs = [GraphPort(name: "x", type: TensorType(.f32, [5, 24]))]
            let x = try b.leaf(.input(0, TensorType(.f32, [5, 24])))
            let w = try b.leaf(.parameter("w", TensorType(.f32, [24, 40])))
            let v = try b.leaf(.parameter("v", TensorType(.f32, [30, 40])))
            let sum = try b.add(.reduce(Reduce(.sum, axes: [0])), [v])
            let product = try b.add(.contract(.matrixProduct(batchRank: 0)), [x, w])
            let y = try b.map([product, sum]) { $0.apply(.add, $1[0], $1[1]) }
            b.graph.outputs = [GraphOutput(name: "y", value: y)]
            for id in b.graph.nodes.ids { b.graph.nodes[id].origin = "model.py:7" }
            form = try ModelForm(FormChoices(), b.graph)
            tensors = MemoryTensors(tensors: ["w": numbers(24 * 40, seed: 1), "v": numbers(30 * 40, seed: 2)])
            emitter = KernelEmitter(CPUTarget(try CPUDevice(threads: 2).limits))
            generated = try GeneratedProgram(form.list, schedules: [:], generator: CodeGenerator(emitter))
            folder = try TemporaryFolder()
            objects = KernelObjects(
                toolchain: try await CToolchain.find(), flags: emitter.compilerFlags, folder: folder)
        }

        /// The launch that is constant.
        var constant: Int {
            get throws {
                let launch = form.program.launches.firstIndex { $0.isConstant }
                return try #require(launch)
            }
        }

        /// The launch that asks for packed weights, and its packing.
        var packed: (launch: Int, packing: EmittedKernel.Packing) {
            get throws {
                let asking = form.program.launches.indices.first { !emitted($0).packings.isEmpty }
                let launch = try #require(asking)
                return (launch, emitted(launch).packings[0])
            }
        }

        func emitted(_ launch: Int) -> EmittedKernel { generated.emitted[form.list.ofLaunch[launch].index] }

        /// The program's library with the function `symbol` under another body.
        func library(_ symbol: String, does body: String) async throws -> String {
            let path = folder.newFile("wild.so")
            let text =
                generated.source.replacing("int32_t \(symbol)(", with: "int32_t honest_\(symbol)(")
                + "\nint32_t \(symbol)(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, "
                + "int32_t parts) {\n\(body)\nreturn honest_\(symbol)(buffers, dims, workspace, part, parts);\n}\n"
            try await objects.toolchain.compile(text, flags: emitter.compilerFlags, to: path)
            return path
        }

        func fold(_ library: String, _ workshop: ConstantWorkshop) throws -> ConstantFolder {
            let constants = ConstantFolder(form, generated, tensors: tensors, library: library, workshop: workshop)
            try constants.run()
            return constants
        }

        /// Contents of the packed weights and of the sum.
        func results(_ constants: ConstantFolder) throws -> ([UInt8], [Float]) {
            let number = try constants.packing(launch: try packed.launch, 0)
            let buffer = try #require(form.program.launches[try constant].buffers.last)
            let sum = try constants.withBytes(buffer) { Array($0.bindMemory(to: Float.self)) }
            return (Array(constants.packed[number].bytes.buffer), sum)
        }
    }

    /// What a function may do wrong, and what is said of it. RESULT is the buffer that it writes, of COUNT bytes.
    @Test(arguments: [
        ("*(volatile int *)8 = 1;", "crashed with signal 11"),
        ("__builtin_trap();", "crashed with signal 4"),
        ("extern int pause(void); for (;;) pause();", "did not return within"),
        ("((volatile char *)RESULT)[COUNT + 63] = 0;", "outside of it"),
        ("((volatile char *)RESULT)[-1] = 0;", "wrote byte -1 of"),
        ("((volatile char *)buffers[0])[0] = 0;", "wrote to parameter"),
        ("return 7;", "returned code 7"),
    ])
    func wildCodeIsAnErrorThatNamesIt(_ body: String, _ said: String) async throws {
        let subject = try await Subject()
        // What hangs does so for as long as it may, so that it may only once.
        let hangs = body.contains("pause")
        let workshop = try ConstantWorkshop(TestWorker.command, timeLimit: hangs ? 5 : 60)
        let honest = try await subject.objects.library(subject.generated)
        let expected = try subject.results(try subject.fold(honest, workshop))
        let (launch, packing) = try subject.packed
        let constant = try subject.constant
        for isPacking in hangs ? [true] : [true, false] {
            let bytes = isPacking ? packing.count * packing.element.byteCount : 40 * 4
            let text = body.replacing("COUNT", with: "\(bytes)").replacing("RESULT", with: "buffers[1]")
            let symbol = isPacking ? packing.symbol : subject.emitted(constant).symbol
            let kernel = subject.form.program.launches[isPacking ? launch : constant].kernel.name
            let wild = try await subject.library(symbol, does: text)
            let error = #expect(throws: ConstantRefused.self) { _ = try subject.fold(wild, workshop) }
            #expect(error?.kernel == kernel && error?.isPacking == isPacking)
            #expect(error?.refusal.description.contains(said) == true, "\(error?.description ?? "")")
            #expect(error?.origin == "model.py:7")
        }
        // The same builder goes on, with the right contents.
        let again = try await subject.objects.library(subject.generated)
        let found = try subject.results(try subject.fold(again, workshop))
        #expect(found.0 == expected.0 && found.1 == expected.1)
    }

    @Test func constantsAreWhatTheModelSays() async throws {
        let subject = try await Subject()
        let workshop = try ConstantWorkshop(TestWorker.command)
        let library = try await subject.objects.library(subject.generated)
        let (packed, sum) = try subject.results(try subject.fold(library, workshop))
        let v = try #require(subject.tensors.tensors["v"])
        for column in 0..<40 {
            let expected = (0..<30).reduce(0.0) { $0 + Double(v[$1 * 40 + column]) }
            #expect(abs(Double(sum[column]) - expected) < 1e-5)
        }
        // Packed weights are the weights in another order, perhaps with zeros between.
        let w = try #require(subject.tensors.tensors["w"])
        let values = packed.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        #expect(values.filter { $0 != 0 }.sorted() == w.filter { $0 != 0 }.sorted())
    }

    @Test func theSameConstantsAreMadeOnce() async throws {
        let subject = try await Subject()
        let workshop = try ConstantWorkshop(TestWorker.command)
        let library = try await subject.objects.library(subject.generated)
        var first: ConstantFolder? = try subject.fold(library, workshop)
        let calls = workshop.calls
        #expect(calls == 2)
        let expected = try subject.results(try #require(first))
        let second = try await subject.objects.library(subject.generated)
        let found = try subject.results(try subject.fold(second, workshop))
        #expect(found.0 == expected.0 && found.1 == expected.1)
        #expect(workshop.calls == calls)
        // What nobody holds any more is made again.
        first = nil
        _ = try subject.fold(second, workshop)
        #expect(workshop.calls == 2 * calls)
        #expect(first == nil)
    }

    /// Whatever a schedule decides, what is taken from another's work is what its own code would have packed.
    @Test func schedulesThatPackAlikeShareWhatTheyPack() async throws {
        var subject = try await Subject()
        let workshop = try ConstantWorkshop(TestWorker.command)
        let first = try subject.fold(try await subject.objects.library(subject.generated), workshop)
        let id = subject.form.list.ofLaunch[try subject.packed.launch]
        var shared = 0
        for choice in subject.emitter.choices(subject.form.list.kernels[id]) {
            let schedule = Schedule([choice.name: try #require(choice.values.last)])
            subject.generated = try GeneratedProgram(
                subject.form.list, schedules: [id: schedule], generator: CodeGenerator(subject.emitter))
            guard subject.emitted(try #require(subject.form.list.ofLaunch.firstIndex(of: id))).packings.count == 1
            else { continue }
            let library = try await subject.objects.library(subject.generated)
            let calls = workshop.calls
            let found = try subject.results(try subject.fold(library, workshop))
            if workshop.calls == calls { shared += 1 }
            let alone = try subject.results(try subject.fold(library, try ConstantWorkshop(TestWorker.command)))
            #expect(found.0 == alone.0 && found.1 == alone.1, "\(schedule)")
        }
        #expect(shared > 1)
        withExtendedLifetime(first) {}
    }

    @Test func aWorkerThatDoesNotStartIsSaid() async throws {
        let subject = try await Subject()
        let workshop = try ConstantWorkshop(WorkerCommand(executable: "/no/such/worker", arguments: []))
        let library = try await subject.objects.library(subject.generated)
        let error = #expect(throws: BuildError.self) { _ = try subject.fold(library, workshop) }
        #expect(error?.description.contains("the worker does not start") == true)
    }
}
