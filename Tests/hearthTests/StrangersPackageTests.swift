import ElementTypes
import Foundation
import KernelCodeGen
import TestSupport
import Testing

/// A package of a stranger's: what its code does when it is looked at with `hearth verify`.
@Suite struct StrangersPackageTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures").path

    /// Builds a package, on the way to which the compiler slips `statement` into every function that a package calls.
    private static func build(_ statement: String, in folder: String) async throws {
        let real = try await CToolchain.find().path
        let edit =
            "sed -i -E 's|^(int32_t k[0-9a-f]{16}\\(.*\\) \\{)$|#include <fcntl.h>\\n\\1 \(statement)|' \"$argument\""
        let compiler = try MeddlingCompiler.make(in: folder, real: real, edit: edit)
        let built = try HearthProcess.run(
            [
                "optimize", "\(fixtures)/f64.middle.pt2", "-i", "\(fixtures)/f64.golden.safetensors", "-o", "m.hearth",
                "--trials", "0",
            ], in: folder, environment: ["HEARTH_CC": compiler])
        try #require(built.code == 0, "\(built.errors)")
    }

    @Test func writesNoFileWhileItIsVerified() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-stranger-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Self.build("(void)!open(\"\(folder)/was-here\", O_CREAT \\| O_WRONLY, 0600);", in: folder)
        let mark = folder + "/was-here"
        // Nobody has run it outside of a sandbox yet: the command that built it did not.
        #expect(!FileManager.default.fileExists(atPath: mark))
        let verified = try HearthProcess.hearth("verify", "m.hearth", in: folder)
        #expect(verified.code == 0, "\(verified.errors)")
        #expect(!FileManager.default.fileExists(atPath: mark))
        // `run` trusts what it is given: the code does write where nothing keeps it from that.
        let run = try HearthProcess.hearth("run", "m.hearth", in: folder)
        #expect(run.code == 0, "\(run.errors)")
        #expect(FileManager.default.fileExists(atPath: mark))
    }
}
