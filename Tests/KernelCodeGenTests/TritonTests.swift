import Base
import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// Texts in Triton against the same references as generated C, by Triton's interpreter.
@Suite(.enabled(if: InterpretedTriton.isThere, "HEARTH_PYTHON has no triton with torch"), .serialized)
struct TritonInterpreterTests {
    private func schedule(_ tile: Int, _ parts: Int) -> Schedule {
        Schedule(["algorithm": 4, "tritonTile": tile, "tritonStages": 3, "parts": parts])
    }

    @Test(arguments: TritonProductWriter.tiles.indices, [1, 2])
    func productsOfEveryTile(_ tile: Int, _ parts: Int) throws {
        for product in [
            Product(images: 37, channels: 200, outputs: 75, element: .bf16),
            Product(images: 140, channels: 72, outputs: 30, element: .f16),
        ] {
            try ContractionTests.verify(product, InterpretedTriton(product.kernel, schedule(tile, parts)))
        }
    }

    @Test(
        arguments: [
            // Depths that steps do not divide, weights that are packed, prologues, operands that are no weights, symbols, heads.
            Product(images: 19, channels: 77, outputs: 40, element: .bf16),
            Product(images: 64, channels: 128, outputs: 128, element: .bf16),
            Product(images: 19, channels: 136, outputs: 40, element: .f16, prologue: true),
            Product(images: 23, channels: 80, outputs: 70, element: .bf16, isConstant: false),
            Product(images: 27, channels: 96, outputs: 50, element: .bf16, isSymbolic: true),
            Product(images: 18, channels: 64, outputs: 40, element: .bf16, headSize: 16),
            // More tiles than a group has rows.
            Product(images: 650, channels: 16, outputs: 130, element: .f16),
            // Windows as products.
            Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1, element: .f16),
            Product(images: 2, side: 7, channels: 8, outputs: 33, window: 3, stride: 2, padding: 1, element: .bf16),
            Product(side: 13, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2, element: .f16),
            Product(side: 6, channels: 24, outputs: 36, window: 3, padding: 1, groups: 3, element: .f16),
            Product(side: 6, channels: 16, outputs: 18, window: 3, padding: 1, element: .f16, channelsFirst: true),
        ], [1, 3])
    func productsOfEveryOperand(_ product: Product, _ parts: Int) throws {
        if product.isSymbolic, parts > 1 { return }
        try ContractionTests.verify(product, InterpretedTriton(product.kernel, schedule(0, parts)))
    }

    /// Every operation that the table spells, on the epilogue's tile.
    @Test(arguments: ScalarOperation.allCases)
    func operations(_ operation: ScalarOperation) throws {
        let names = (0..<operation.arity).map { "x\($0)" }
        for type in [ElementType.f32, .i64, .bool] {
            guard let text = TritonScalarTable.text(operation, type, names), operation != .select || type == .f32 else {
                continue
            }
            let kernel = OperationKernel(operation, type)
            let found = try kernel.run(text)
            for (number, (value, expected)) in zip(found, kernel.expected).enumerated() {
                let tolerance = 4e-7 * max(1, abs(expected))
                #expect(
                    value == expected || (value.isNaN && expected.isNaN) || abs(value - expected) <= tolerance,
                    "\(operation) of \(type) at \(kernel.operands.map { $0[number] }): \(value), not \(expected)")
            }
        }
    }
}

/// Texts in Triton become cubins, without a GPU.
@Suite(.enabled(if: TritonCompiler.toolchain != nil, "HEARTH_PYTHON has no triton"), .serialized)
struct TritonCompilerTests {
    private static let cases: [(Product, Int, Int)] = [
        (Product(images: 128, channels: 1024, outputs: 1024, element: .bf16), 0, 1),
        (Product(images: 128, channels: 1024, outputs: 1024, element: .bf16), 6, 4),
        (Product(images: 512, channels: 512, outputs: 512, element: .f16), 3, 1),
        (Product(images: 300, channels: 256, outputs: 500, element: .bf16, prologue: true), 2, 1),
        (Product(images: 70, channels: 77, outputs: 50, element: .bf16, isSymbolic: true), 0, 1),
        (Product(images: 16, channels: 1024, outputs: 1024, element: .bf16), 11, 2),
        (Product(images: 2, side: 28, channels: 64, outputs: 64, window: 3, padding: 1, element: .f16), 0, 1),
    ]

    @Test(arguments: cases.indices, ["sm_80", "sm_90a"])
    func compiles(_ number: Int, _ architecture: String) async throws {
        let (product, tile, parts) = Self.cases[number]
        var target = CubinTarget.target(architecture)
        target.hasTriton = true
        let emitted = try SIMTEmitter(target).emit(
            product.kernel, symbol: "tested",
            Schedule(["algorithm": 4, "tritonTile": tile, "tritonStages": 3, "parts": parts]))
        let source = try #require(emitted.triton)
        let compiled = try await TritonCompiler.compile(emitted.source, source, architecture)
        // Operands of the steps under way lie in shared memory; the compiler adds what it needs.
        #expect(compiled.sharedBytes <= target.sharedBytes)
        let facts = try #require(CubinFacts(compiled.cubin))
        #expect(facts.registers > 0 && facts.localBytes == 0, "\(facts)")
        // What waits for the kernel before it says so, and nothing else does where early starts are asked for.
        guard case .grid(let grid) = emitted.parts else { throw CompiledKernel.Failure(description: "no grid") }
        #expect(grid.overlaps == emitted.source.contains("gdc_wait()"))
        #expect(grid.overlaps == (architecture == "sm_90a"))
    }

    /// Equal texts become equal bytes, so that packages do not differ from build to build.
    @Test func compilesAlike() async throws {
        let product = Product(images: 64, channels: 64, outputs: 64, element: .bf16)
        let emitted = try SIMTEmitter(InterpretedTriton.target).emit(
            product.kernel, symbol: "tested", Schedule(["algorithm": 4]))
        let source = try #require(emitted.triton)
        let first = try await TritonCompiler.compile(emitted.source, source, "sm_90a")
        #expect(try await TritonCompiler.compile(emitted.source, source, "sm_90a") == first)
    }

    @Test func saysWhatIsWrong() async throws {
        let source = TritonSource(arguments: [.init("p0", "*fp32")], warps: 4, stages: 2)
        for (text, wanted) in [
            ("@triton.jit\ndef tested(p0):\n    tl.store(p0, nowhere)\n", "nowhere"),
            ("@triton.jit\ndef other(p0):\n    tl.store(p0, 1.0)\n", "tested"), ("this is no Python\n", "SyntaxError"),
        ] {
            let error = await #expect(throws: ToolchainError.self) {
                try await TritonCompiler.compile(text, source, "sm_90a")
            }
            #expect(error?.description.contains(wanted) == true, "\(error?.description ?? "no error")")
            #expect(error?.description.contains("\n") == false)
        }
    }
}

/// What needs no Triton.
@Suite struct TritonTests {
    /// Another program in Python's place, or none: an error with what to do, soon.
    @Test(arguments: ["/nowhere/python", "/bin/true", "/bin/cat", "/bin/sh"])
    func missing(_ python: String) async throws {
        let error = await #expect(throws: ToolchainError.self) {
            try await TritonToolchain.find(python: python, script: "/nowhere.py", parallel: 1, timeLimit: 2)
        }
        #expect(error?.description.contains("pip install triton") == true)
    }

    @Test func replies() throws {
        let compiled = #"{"ok":true,"bytes":10,"shared":3,"name":"k","threads":128,"scratch":0}"#
        #expect(
            try TritonReply(Array(compiled.utf8))
                == .compiled(byteCount: 10, sharedBytes: 3, name: "k", threads: 128, scratchBytes: 0))
        #expect(try TritonReply(Array(#"{"ok":true,"version":"3.6.0"}"#.utf8)) == .ready(version: "3.6.0"))
        #expect(
            try TritonReply(Array(#"{"ok":false,"code":"missing","error":"x"}"#.utf8)) == .missing(reason: "x"))
        #expect(try TritonReply(Array(#"{"ok":false}"#.utf8)) == .refused(reason: "no reason given"))
        for text in [
            "", "[]", "{}", #"{"ok":1}"#, #"{"ok":true}"#, compiled.replacingOccurrences(of: "10", with: "-1"),
            compiled.replacingOccurrences(of: "10", with: "1e30"), compiled.replacingOccurrences(of: "128", with: "0"),
        ] { #expect(throws: TritonReply.Malformed.self, "\(text)") { try TritonReply(Array(text.utf8)) } }
    }

    /// Damaged replies are replies or errors, never more than a reply may hold.
    @Test func damagedReplies() {
        let replies = [
            #"{"ok":true,"bytes":10,"shared":3,"name":"k","threads":128,"scratch":0}"#,
            #"{"ok":true,"version":"3.6.0"}"#,
            #"{"ok":false,"code":"missing","error":"no module"}"#,
        ]
        var random = SeededRandom(seed: 11)
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = Array(replies[round % replies.count].utf8)
            for _ in 0...random.index(below: 3) where !bytes.isEmpty {
                let place = random.index(below: bytes.count)
                switch random.index(below: 3) {
                case 0: bytes[place] = UInt8(random.index(below: 256))
                case 1: bytes.remove(at: place)
                default: bytes.insert(contentsOf: bytes[place...].prefix(5), at: place)
                }
            }
            guard
                case .compiled(let byteCount, let sharedBytes, _, let threads, let scratchBytes)? = try? TritonReply(
                    bytes)
            else { continue }
            accepted += 1
            #expect((1...(1 << 26)).contains(byteCount) && (0...(1 << 24)).contains(sharedBytes))
            #expect((1...4096).contains(threads) && scratchBytes >= 0)
        }
        #expect(accepted > 0)
    }

    /// It is offered where products fill tiles of 16-bit factors, and is the default nowhere.
    @Test func isOffered() throws {
        func forms(_ product: Product, _ target: SIMTTarget) -> [Int] {
            SIMTEmitter(target).choices(product.kernel).first { $0.name == "algorithm" }?.values ?? []
        }
        let product = Product(images: 128, channels: 256, outputs: 256, element: .bf16)
        #expect(forms(product, InterpretedTriton.target).dropFirst().contains(4))
        #expect(!forms(product, CubinTarget.target("sm_90a")).contains(4))
        for other in [
            Product(images: 128, channels: 256, outputs: 256),
            Product(images: 1, channels: 256, outputs: 256, element: .bf16),
        ] { #expect(!forms(other, InterpretedTriton.target).contains(4)) }
    }

    /// The text of a product, whole.
    @Test func text() throws {
        var target = CubinTarget.target("sm_90a")
        target.hasTriton = true
        let emitter = SIMTEmitter(target)
        let products: [(Product, Int)] = [
            (Product(images: 128, channels: 1024, outputs: 1024, element: .bf16), 1),
            (Product(images: 37, channels: 200, outputs: 75, element: .f16, prologue: true), 2),
            (Product(images: 27, channels: 96, outputs: 50, element: .bf16, isSymbolic: true), 1),
        ]
        var found = ""
        for (product, parts) in products {
            let emitted = try emitter.emit(
                product.kernel, symbol: "tested", Schedule(["algorithm": 4, "tritonTile": 0, "parts": parts]))
            let arguments = emitted.triton?.arguments.map { "\($0.name): \($0.type)\($0.isAligned ? " aligned" : "")" }
            found += "# \(product.testDescription) in \(parts): \(arguments?.joined(separator: ", ") ?? "")\n"
            found += emitted.source + "\n"
        }
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens/triton.txt")
        if ProcessInfo.processInfo.environment["HEARTH_UPDATE_GOLDENS"] != nil {
            try Data(found.utf8).write(to: path)
        }
        #expect(found == String(decoding: try Data(contentsOf: path), as: UTF8.self))
    }
}

/// Triton where HEARTH_PYTHON has it.
enum TritonCompiler {
    static let toolchain: Task<TritonToolchain?, Never>? = {
        guard let python = InterpretedTriton.interpreter else { return nil }
        // Found by its folder, as the suite is switched on before anything asynchronous can run.
        let folder = URL(filePath: python).deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "lib")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        guard
            names.contains(where: {
                FileManager.default.fileExists(atPath: "\(folder.path)/\($0)/site-packages/triton/compiler")
            })
        else { return nil }
        return Task {
            try? await TritonToolchain.find(
                python: python, script: "\(InterpretedTriton.python)/hearth/triton_worker.py", parallel: 1)
        }
    }()

    static func compile(
        _ source: String, _ triton: TritonSource, _ architecture: String
    ) async throws -> TritonToolchain.Compiled {
        guard let toolchain = await toolchain?.value else { throw CompiledKernel.Failure(description: "no Triton") }
        return try await toolchain.compile(
            TritonPrelude.text + source, symbol: "tested", triton, architecture: architecture)
    }
}
