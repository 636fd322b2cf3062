import ElementTypes
import Foundation
import JSON
import TestSupport
import Testing

/// Inputs that are at fault: exit code 1, one line that says what and where, and nothing left behind.
@Suite struct BadInputTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelFilesTests/Fixtures").path

    /// A way to spoil a run: the command's arguments, and what the line says.
    struct Row: Sendable {
        var arguments: [String]
        var message: String
        init(_ arguments: String..., says message: String) {
            self.arguments = arguments
            self.message = message
        }
    }

    /// `FIXTURES` stands for the folder of stored model files.
    static let models = [
        Row("absent.pt2", says: "hearth: no such file: absent.pt2"),
        Row("folder.pt2", says: "hearth: folder.pt2 is a directory; give the path of a file"),
        Row("empty.pt2", says: "hearth: empty.pt2 is empty (0 bytes)"),
        Row("text.pt2", says: "hearth: text.pt2 is text, not an exported program"),
        Row("cut.pt2", says: "hearth: cut.pt2: zip: "),
        Row(
            "FIXTURES/checkpoint.pt",
            says:
                "hearth: FIXTURES/checkpoint.pt is a PyTorch checkpoint (torch.save): weights without a program; build "
                + "the model in Python, load the weights, then torch.export.save(torch.export.export("),
        Row("FIXTURES/legacy.pt", says: "hearth: FIXTURES/legacy.pt is a PyTorch checkpoint in the format before 1.6"),
        Row(
            "FIXTURES/script.pt",
            says:
                "hearth: FIXTURES/script.pt is a TorchScript archive (torch.jit.save), which cannot be exported; build "
                + "the original model in Python, then torch.export.save("),
        Row("FIXTURES/tied.exported.pt2", "--inputs", "absent", says: "hearth: no such file: absent"),
        Row("FIXTURES/tied.exported.pt2", "--inputs", "strange", says: "hearth: strange"),
        Row(
            "FIXTURES/tied.exported.pt2", "--weights", "int4",
            says:
                "hearth: --weights int4: the model has no weight that is stored in f32, f16 or bf16 and summed by a product"
        ),
        Row(
            "FIXTURES/tied.exported.pt2", "--precision", "int8",
            says: "hearth: --precision int8: the model has no product or convolution by a weight"),
        Row("FIXTURES/tied.exported.pt2", "--output", "/absent/o.hearth", says: "hearth: package '/absent/o.hearth'"),
        Row(
            "FIXTURES/tied.exported.pt2", "--output", "text.pt2", says: "hearth: 'text.pt2' exists and is not a package"
        ),
    ]

    @Test(arguments: models.indices) func modelsAreRefusedInOneLine(_ index: Int) throws {
        let row = Self.models[index]
        let whole = try Data(contentsOf: URL(filePath: Self.fixtures + "/tied.exported.pt2"))
        try HearthProcess.withFolder { folder in
            try FileManager.default.createDirectory(
                atPath: folder + "/folder.pt2", withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: folder + "/empty.pt2"))
            try Data("hello".utf8).write(to: URL(filePath: folder + "/text.pt2"))
            try whole.prefix(whole.count / 2).write(to: URL(filePath: folder + "/cut.pt2"))
            try HearthProcess.tensors(folder + "/strange", [("q", .f32, [1], [0, 0, 0, 0])])
            let before = try Self.contents(folder)
            let arguments = row.arguments.map { $0.replacing("FIXTURES", with: Self.fixtures) }
            let outcome = try HearthProcess.run(
                ["optimize", "--trials", "0"] + (arguments.contains("--output") ? [] : ["--output", "o.hearth"])
                    + arguments,
                in: folder)
            #expect(outcome.code == 1)
            try Self.isOneLine(outcome, row.message.replacing("FIXTURES", with: Self.fixtures))
            #expect(try Self.contents(folder) == before)
        }
    }

    static let runs = [
        Row("absent.hearth", says: "hearth: package 'absent.hearth' not found"),
        Row("x", says: "hearth: 'x' is a file, but a package is a directory"),
        Row("foreign.hearth", says: "hearth: package 'foreign.hearth'"),
        Row("m.hearth", "-i", "name", says: "hearth: the model has no input 'q'; its inputs are x"),
        Row("m.hearth", "-i", "place", says: "hearth: the model has no input 'input.1'; its inputs are x"),
        Row("m.hearth", "-i", "none", says: "hearth: input 'x' is missing; the model takes f32[s0, 4]"),
        Row("m.hearth", "-i", "type", says: "hearth: input 'x' should be f32[s0, 4], but is i64[1, 4]"),
        Row("m.hearth", "-i", "rank", says: "hearth: input 'x' should be f32[s0, 4], but is f32[4]"),
        Row("m.hearth", "-i", "shape", says: "hearth: input 'x' should be f32[s0, 4], but is f32[1, 5]"),
        Row("m.hearth", "-i", "x", "-o", "absent/out", says: "hearth: 'absent/out' could not be written: No such file"),
        Row("m.hearth", "-i", "x", "-o", "m.hearth", says: "hearth: 'm.hearth' could not be written: "),
    ]

    @Test(arguments: runs.indices) func runsAreRefusedInOneLine(_ index: Int) throws {
        let row = Self.runs[index]
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            try HandWritten.write(to: folder + "/foreign.hearth", features: ["vectors_of_the_future"])
            let tensors: [(file: String, name: String, type: ElementType, shape: [Int])] = [
                ("x", "x", .f32, [1, 4]), ("name", "q", .f32, [1, 4]), ("place", "input.1", .f32, [1, 4]),
                ("type", "x", .i64, [1, 4]), ("rank", "x", .f32, [4]), ("shape", "input.0", .f32, [1, 5]),
            ]
            for row in tensors {
                let count = row.shape.reduce(1, *) * row.type.byteCount
                let bytes = [UInt8](repeating: 0, count: count)
                try HearthProcess.tensors("\(folder)/\(row.file)", [(row.name, row.type, row.shape, bytes)])
            }
            try HearthProcess.tensors(folder + "/none", [])
            let before = try Self.contents(folder)
            let outcome = try HearthProcess.run(
                ["run"] + row.arguments + (row.arguments.contains("-o") ? [] : ["-o", "out"]), in: folder)
            #expect(outcome.code == 1)
            try Self.isOneLine(outcome, row.message)
            #expect(try Self.contents(folder) == before)
        }
    }

    /// A byte in the middle of each file of a package, and the middle of its second half.
    @Test(arguments: ["manifest.json", "plan.json", "kernels/cpu.so", "weights.safetensors"], [2, 4])
    func flippedBytesAreNoticed(_ file: String, part: Int) throws {
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            let path = URL(filePath: "\(folder)/m.hearth/\(file)")
            var bytes = try Data(contentsOf: path)
            bytes[bytes.count - bytes.count / part] ^= 1
            try bytes.write(to: path)
            for command in [
                ["run", "m.hearth", "-o", "out"], ["verify", "m.hearth"], ["inspect", "m.hearth", "--verify"],
            ] {
                let outcome = try HearthProcess.run(command, in: folder)
                #expect(outcome.code == 1)
                try Self.isOneLine(outcome, "hearth: ")
                #expect(outcome.errors.contains(file), "\(outcome.errors)")
                #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
            }
        }
    }

    @Test func outputsGoIntoPipesAndThroughLinks() throws {
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            try Data("old".utf8).write(to: URL(filePath: folder + "/real"))
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "real")
            try #require(mkfifo(folder + "/pipe", 0o600) == 0)
            // Open before the command writes, which would wait for a reader.
            let reader = open(folder + "/pipe", O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            for name in ["plain", "link", "pipe"] {
                let outcome = try HearthProcess.hearth("run", "m.hearth", "-o", name, in: folder)
                #expect(outcome.code == 0, "\(outcome.errors)")
            }
            var status = stat()
            #expect(lstat(folder + "/pipe", &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
            let plain = try Data(contentsOf: URL(filePath: folder + "/plain"))
            var piped = [UInt8](repeating: 0, count: 65536)
            #expect(Data(piped.prefix(max(0, read(reader, &piped, piped.count)))).isEmpty == false)
            #expect(Data(piped.prefix(plain.count)) == plain)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link") == "real")
            #expect(try Data(contentsOf: URL(filePath: folder + "/real")) == plain)
        }
    }

    @Test func inputsGoByNameOrByPlace() throws {
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            let values: [Float] = [1, 1, 1, 1]
            let bytes = values.withUnsafeBytes { Array($0) }
            try HearthProcess.tensors(folder + "/x", [("x", .f32, [1, 4], bytes)])
            // As a capture writes it: results and further sets beside the inputs.
            try HearthProcess.tensors(
                folder + "/golden",
                [
                    ("input.0", .f32, [1, 4], bytes), ("output.0", .f32, [1, 4], bytes),
                    ("set.1.input.0", .f32, [1, 4], [UInt8](repeating: 0, count: 16)),
                ])
            for file in ["x", "golden"] {
                let outcome = try HearthProcess.hearth("run", "m.hearth", "-i", file, in: folder)
                #expect(outcome.code == 0, "\(outcome.errors)")
                #expect(outcome.output.contains("y: f32[1, 4]  min 2.0000  max 5.0000"))
                #expect(outcome.output.contains("peak memory"))
            }
            let json = try HearthProcess.hearth("run", "m.hearth", "-i", "x", "--json", in: folder)
            let object = try JSONReader().read(json.output).objectValue
            #expect((object?["peak_bytes"]?.integerValue ?? 0) > 1 << 20)
            #expect(
                (object?["first_result_clock_ns"]?.integerValue ?? 0) > (object?["first_result_ns"]?.integerValue ?? 0))
        }
    }

    private static func isOneLine(_ outcome: HearthProcess.Outcome, _ message: String) throws {
        let lines = outcome.errors.split(separator: "\n").filter {
            !$0.hasPrefix("hearth: note: ") && !$0.hasPrefix("evaluating ") && !$0.hasPrefix("sandbox: ")
        }
        #expect(lines.count == 1, "\(outcome.errors)")
        #expect(lines.first?.hasPrefix(message) == true, "\(outcome.errors)")
        #expect(outcome.output.isEmpty, "\(outcome.output)")
    }

    /// Every file below a folder, by path.
    private static func contents(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
    }
}
