import Foundation
import Testing

/// Programs of many operators through the whole command: imported, built without search and verified. All operators one by
/// one: `Benchmarks/operators.py` and `Benchmarks/op_coverage.py sweep`.
@Suite struct OperatorPackageTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures")

    /// Runs the command beside the test bundle; its exit code and what it said.
    private static func hearth(_ arguments: [String]) throws -> (code: Int32, said: String) {
        let process = Process()
        process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "hearth")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    @Test(arguments: [
        "binary.core", "complex.middle", "index.raw", "norm.middle", "random.middle", "reduce.middle", "window.core",
    ])
    func familiesBecomePackagesThatAgree(_ name: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-operators-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let family = name.split(separator: ".")[0]
        let package = folder.appending(path: "\(family).hearth").path
        let built = try Self.hearth([
            "optimize", Self.fixtures.appending(path: "\(name).pt2").path, "--inputs",
            Self.fixtures.appending(path: "\(family).golden.safetensors").path, "--output", package, "--trials", "0",
        ])
        #expect(built.code == 0, "\(built.said)")
        let verified = try Self.hearth(["verify", package])
        #expect(verified.code == 0 && verified.said.hasSuffix("agrees\n"), "\(verified.said)")
    }

    /// Results that PyTorch cannot have given for the recorded inputs are refused.
    @Test func refusesResultsOfAnotherModel() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-golden-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let golden = Self.fixtures.appending(path: "complex.golden.safetensors")
        // The data's last bytes belong to an output, since names are stored in order.
        var bytes = [UInt8](try Data(contentsOf: golden))
        for index in bytes.indices.suffix(64) where index % 4 == 3 { bytes[index] = 0x42 }
        try Data(bytes).write(to: folder.appending(path: "wrong.safetensors"))
        let outcome = try Self.hearth([
            "optimize", Self.fixtures.appending(path: "complex.middle.pt2").path, "--inputs",
            folder.appending(path: "wrong.safetensors").path, "--output", folder.appending(path: "m.hearth").path,
        ])
        #expect(outcome.code == 1 && outcome.said.contains("does not belong to"), "\(outcome.said)")
    }
}
