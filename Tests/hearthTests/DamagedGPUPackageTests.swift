import FileFuzzing
import Foundation
import JSON
import ModelPackage
import Testing

/// Packages for a GPU whose plan or images were changed and sealed again, as someone may who means harm: one line and exit code 1, or
/// a run, never a trap, under the driver of `FakeDriver`, whose GPU's memory is the process's own.
@Suite struct DamagedGPUPackageTests {
    /// Makes one file of a package another, with the hash that belongs to it.
    private static func replace(_ file: String, of package: String, with bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: "\(package)/\(file)"))
        var manifest = try PackageDirectory(path: package).manifest
        for index in manifest.files.indices where manifest.files[index].path == file {
            manifest.files[index] = .init(
                path: file, byteCount: bytes.count, digest: bytes.withUnsafeBytes { FileDigest.of($0) })
        }
        try Data(manifest.sealedText.utf8).write(to: URL(filePath: package + "/manifest.json"))
    }

    /// Whether a plan is one that only a run can find fault with.
    private static func isAccepted(_ bytes: [UInt8], _ package: String) -> Bool {
        guard let interface = try? PackageDirectory(path: package).manifest.interface,
            let json = try? JSONReader().read(bytes), let plan = try? Plan(json)
        else { return false }
        return (try? plan.check(serving: interface)) != nil
    }

    @Test(arguments: ["plan.json", "kernels/plan.cubins"])
    func changedFilesAreOneLine(_ file: String) throws {
        try HearthProcess.withFolder { folder in
            let built = try LibraryFaultTests.optimize(in: folder)
            #expect(built.code == 0, "\(built.errors)")
            let package = folder + "/m.hearth"
            let original = Array(try Data(contentsOf: URL(filePath: "\(package)/\(file)")))
            var mutator = Mutator(seed: 7, corpus: [original])
            var (refused, tried) = (0, 0)
            while tried < 12 {
                let bytes = mutator.mutate(original)
                if bytes == original { continue }
                if file == "plan.json", !Self.isAccepted(bytes, package) {
                    refused += 1
                    continue
                }
                tried += 1
                try Self.replace(file, of: package, with: bytes)
                let run = try FakeGPU.hearth(["run", "m.hearth"], fault: "", in: folder)
                let said = "\(run.code): \(run.errors) \(String(decoding: bytes, as: UTF8.self))"
                refused += run.code == 0 ? 0 : 1
                // A plan that names a kernel which is not there would be our fault in a package that nobody changed.
                if run.code == 3, run.errors.contains("have no function '") { continue }
                #expect(run.code == 0 || run.code == 1, "\(said)")
                #expect(run.errors.split(separator: "\n").count == Int(run.code), "\(said)")
            }
            #expect(refused > 0)
        }
    }
}
