import ElementTypes
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing

/// The command as its users meet it: arguments in, text and exit code out.
@Suite struct CommandTests {
    @Test func devicesAreListed() throws {
        try HearthProcess.withFolder { folder in
            let text = try HearthProcess.hearth("devices", "--quick", in: folder)
            #expect(text.code == 0 && text.output.hasPrefix("cpu: ") && text.output.contains("fingerprint"))
            let json = try HearthProcess.hearth("devices", "--quick", "--json", in: folder)
            let devices = try JSONReader().read(json.output).arrayValue
            #expect(json.code == 0 && devices?.first?.objectValue?["name"] == "cpu")
            // Which counters there are, or why there are none.
            let counters = devices?.first?.objectValue?["counters"]?.arrayValue?.compactMap(\.stringValue)
            let line = text.output.split(separator: "\n").first { $0.contains("counters") } ?? ""
            #expect(counters.map { $0.isEmpty == line.contains("none (") } == true, "\(line) \(counters ?? [])")
            #expect(counters?.isEmpty != false || line.hasSuffix(counters?.joined(separator: ", ") ?? ""))
        }
    }

    @Test func packagesRun() throws {
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            let values: [Float] = [1, 1, 1, 1, 2, 2, 2, 2]
            try HearthProcess.tensors(
                folder + "/in.safetensors", [("x", .f32, [2, 4], values.withUnsafeBytes { Array($0) })])
            let outcome = try HearthProcess.hearth(
                "run", "m.hearth", "--inputs", "in.safetensors", "--outputs", "out.safetensors", "--threads", "2",
                in: folder)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("y: f32[2, 4]  min 2.0000  max 9.0000"))
            let bytes = Array(try Data(contentsOf: URL(filePath: folder + "/out.safetensors")))
            let header = try SafetensorsFile(bytes.span.bytes)
            let range = try #require(header["y"]?.range)
            let result = bytes[range].withUnsafeBytes { raw in
                (0..<8).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
            }
            #expect(result == [2, 3, 4, 5, 3, 5, 7, 9])
            let json = try HearthProcess.hearth(
                "run", "m.hearth", "--set", "rows=3", "--fill", "zeros", "--repeat", "3", "--json", in: folder)
            let object = try JSONReader().read(json.output).objectValue
            #expect(object?["runs"] == 3)
            #expect(object?["outputs"]?.arrayValue?.first?.objectValue?["shape"] == [3, 4])
        }
    }

    @Test func packagesAreShown() throws {
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            let outcome = try HearthProcess.hearth(
                "inspect", "m.hearth", "--launches", "--memory", "--verify", "--profile", in: folder)
            #expect(outcome.code == 0, "\(outcome.errors)")
            for expected in [
                "x: f32[s0, 4]", "s0: rows, 0 to 1000, from dimension 0 of 'x'", "s0 != 7", "3 launches, 5 buffers",
                "accumulate", "launches 0 to 2", "all 3 files are as they were written", "share",
            ] {
                #expect(outcome.output.contains(expected), "\(expected)")
            }
            let json = try HearthProcess.hearth("inspect", "m.hearth", "--json", in: folder)
            #expect(try JSONReader().read(json.output).objectValue?["plans"]?.arrayValue?.count == 1)
        }
    }

    /// Arguments, exit code, and the line that says what is wrong.
    static let failures: [(arguments: [String], code: Int32, message: String)] = [
        (["run", "absent.hearth"], 1, "hearth: package 'absent.hearth' not found"),
        (
            ["run", "file"], 1,
            "hearth: 'file' is a file, but a package is a directory; make one with: hearth optimize MODEL -o NAME.hearth"
        ),
        (["inspect", "."], 1, "hearth: '.' is not a package: it has no manifest.json"),
        (["run", "m.hearth", "--inputs", "absent"], 1, "hearth: no such file: absent"),
        (["run", "m.hearth", "--inputs", "file"], 1, "hearth: 'file': safetensors: "),
        (
            ["run", "m.hearth", "--inputs", "stranger.safetensors"], 1,
            "hearth: the model has no input 'q'; its inputs are x"
        ),
        (
            ["run", "m.hearth", "--inputs", "none.safetensors"], 1,
            "hearth: input 'x' is missing; the model takes f32[s0, 4]"
        ),
        (
            ["run", "m.hearth", "--inputs", "type.safetensors"], 1,
            "hearth: input 'x' should be f32[s0, 4], but is i32[1, 4]"
        ),
        (
            ["run", "m.hearth", "--set", "rows=7"], 1,
            "hearth: the inputs must satisfy s0 != 7, but s0 is 7 (dimension 0 of input 'x')"
        ),
        (
            ["run", "m.hearth", "--set", "rows=2000"], 1,
            "hearth: input 'x': dimension 0 ('rows') is 2000, but the model takes 0 to 1000"
        ),
        (
            ["run", "m.hearth", "--set", "columns=2"], 1,
            "hearth: the model has no symbolic dimension 'columns'; it has rows"
        ),
        (["run", "m.hearth", "--outputs", "/absent/out"], 1, "hearth: '/absent/out' could not be written: "),
        (["run", "m.hearth", "--set", "rows=13"], 3, "hearth: kernel 'accumulate' (launch 2) failed with code 42\n"),
        (["run"], 2, "Error: Missing expected argument '<package>'"),
        (["run", "m.hearth", "--repeat", "0"], 2, "Error: --repeat should be at least 1"),
        (["dance"], 2, "Error: "),
    ]

    @Test(arguments: failures.indices) func failuresAreOneClearLine(_ index: Int) throws {
        let expected = Self.failures[index]
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            try Data("hello, this is no tensor file".utf8).write(to: URL(filePath: folder + "/file"))
            try HearthProcess.tensors(folder + "/stranger.safetensors", [("q", .f32, [1], [0, 0, 0, 0])])
            try HearthProcess.tensors(folder + "/none.safetensors", [])
            try HearthProcess.tensors(
                folder + "/type.safetensors", [("x", .i32, [1, 4], [UInt8](repeating: 0, count: 16))])
            let process = try HearthProcess.run(expected.arguments, in: folder)
            #expect(process.code == expected.code)
            let complaint = process.errors.split(separator: "\n").filter { !$0.hasPrefix("hearth: note: ") }
            #expect((complaint.joined(separator: "\n") + "\n").hasPrefix(expected.message), "\(process.errors)")
            if expected.code == 1 { #expect(complaint.count == 1) }
            let reports = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                $0.hasPrefix("hearth-report")
            }
            #expect(reports.count == (expected.code == 3 ? 1 : 0))
        }
    }

    @Test(arguments: ["devices", "run", "inspect"]) func helpHasAnExample(_ command: String) throws {
        try HearthProcess.withFolder { folder in
            let outcome = try HearthProcess.hearth(command, "--help", in: folder)
            #expect(outcome.code == 0 && outcome.output.contains("Example: hearth \(command)"))
        }
    }
}
