import Foundation
import JSON
import ModelPackage
import Testing

/// `hearth optimize --check` and packages for several devices, as a pipeline meets them.
@Suite(.serialized) struct PipelineTests {
    private static let fixtures = FakeGPU.root.appending(path: "Tests/ModelImportTests/Fixtures").path
    private static let model = "\(fixtures)/f64.middle.pt2"

    private static func hearth(_ arguments: [String], in folder: String) throws -> HearthProcess.Outcome {
        try FakeGPU.hearth(arguments, fault: "", in: folder)
    }

    private static func check(
        _ options: [String], in folder: String
    ) throws -> (code: Int32, current: Bool?, whats: [String], line: String) {
        let said = try hearth(["optimize", "--check", "--json", "-o", "m.hearth"] + options, in: folder)
        let object = try JSONReader().read(said.output.split(separator: "\n").last.map(String.init) ?? "").objectValue
        let reasons = object?["reasons"]?.arrayValue ?? []
        return (
            said.code, object?["current"]?.boolValue,
            reasons.compactMap { $0.objectValue?["what"]?.stringValue },
            reasons.first?.objectValue?["line"]?.stringValue ?? ""
        )
    }

    private static func build(_ options: [String] = [], in folder: String) throws {
        let built = try hearth(["optimize", model, "-o", "m.hearth", "--trials", "0"] + options, in: folder)
        try #require(built.code == 0, "\(built.errors)")
    }

    @Test func aPackageIsCurrentUntilSomethingChanges() throws {
        try HearthProcess.withFolder { folder in
            let missing = try Self.check([Self.model], in: folder)
            #expect(missing.code == 4 && missing.current == false && missing.whats == ["missing"])
            try Self.build(in: folder)
            let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()

            let said = try Self.hearth(["optimize", Self.model, "--check", "-o", "m.hearth"], in: folder)
            #expect(said.code == 0 && said.output == "m.hearth is current\n", "\(said)")
            for (options, whats) in [
                ([Self.model], []), (["--from-package", "m.hearth"], []), ([Self.model, "--trials", "7"], []),
                ([Self.model, "--no-libraries"], ["settings"]), ([Self.model, "--precision", "int8"], ["settings"]),
                ([Self.model, "--device", "cuda:sm_90"], ["device"]),
                (["\(Self.fixtures)/contract.middle.pt2"], ["graph", "weights"]),
            ] {
                let found = try Self.check(options, in: folder)
                #expect(found.whats == whats && found.code == (whats.isEmpty ? 0 : 4), "\(options): \(found)")
                #expect(found.current == whats.isEmpty)
            }
            // Nothing is left behind, and nothing is written.
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before)
            // A model that is not there is the user's fault, and says nothing of the package.
            let absent = try Self.hearth(["optimize", "absent.pt2", "--check", "-o", "m.hearth"], in: folder)
            #expect(absent.code == 1 && absent.output.isEmpty, "\(absent)")
        }
    }

    @Test func itCountsTheKernelsThatAreNew() throws {
        try HearthProcess.withFolder { folder in
            try Self.build(in: folder)
            let said = try Self.hearth(
                ["optimize", "\(Self.fixtures)/contract.middle.pt2", "--check", "-o", "m.hearth"], in: folder)
            #expect(
                said.output.wholeMatch(
                    of: /m\.hearth is not current: the model's graph changed: \d+ of \d+ kernels are new\n(.*\n)*/)
                    != nil,
                "\(said)")
        }
    }

    @Test func packagesOfBeforeAndHarmedOnesAreNotCurrent() throws {
        try HearthProcess.withFolder { folder in
            try Self.build(in: folder)
            let manifest = folder + "/m.hearth/manifest.json"
            let whole = try PackageDirectory(path: folder + "/m.hearth").manifest
            var old = whole
            old.provenance.removeAll { $0.name.hasPrefix("program_") }
            try old.sealedText.write(toFile: manifest, atomically: true, encoding: .utf8)
            let unknown = try Self.check([Self.model], in: folder)
            #expect(unknown.code == 4 && unknown.whats == ["unknown"])
            #expect(unknown.line == "it does not say what it was built from: build it again")
            var earlier = whole
            for index in earlier.provenance.indices where earlier.provenance[index].name == "generator" {
                earlier.provenance[index].value = "1"
            }
            try earlier.sealedText.write(toFile: manifest, atomically: true, encoding: .utf8)
            #expect(try Self.check([Self.model], in: folder).whats == ["generator"])
            var moved = whole
            moved.plans[0].fingerprint = "0123456789abcdef"
            try moved.sealedText.write(toFile: manifest, atomically: true, encoding: .utf8)
            let elsewhere = try Self.hearth(["optimize", Self.model, "--check", "-o", "m.hearth"], in: folder)
            #expect(elsewhere.code == 0 && elsewhere.errors.contains("it was searched on another machine: "))
            try whole.sealedText.write(toFile: manifest, atomically: true, encoding: .utf8)
            try "{}".write(toFile: folder + "/m.hearth/plan.json", atomically: true, encoding: .utf8)
            #expect(try Self.check([Self.model], in: folder).whats == ["damaged"])
        }
    }

    @Test func severalDevicesAreOnePackageEach() throws {
        try HearthProcess.withFolder { folder in
            let options = ["--trials", "0", "-o", "m.hearth", "--device", "cpu,cuda:sm_90", "--device", "cuda:sm_80"]
            let built = try Self.hearth(["optimize", Self.model] + options, in: folder)
            let names = ["m.cpu.hearth", "m.cuda-sm_90.hearth", "m.cuda-sm_80.hearth"]
            #expect(built.code == 0, "\(built.errors)")
            #expect(built.output == names.map { "wrote \($0)\n" }.joined())
            // The truth is evaluated once.
            #expect(built.errors.split(separator: "\n").count { $0.hasPrefix("evaluating ") } == 1, "\(built.errors)")
            for (name, device) in zip(names, ["cpu", "cuda", "cuda"]) {
                #expect(try PackageDirectory(path: "\(folder)/\(name)").manifest.plans[0].device == device)
            }
            let checked = try Self.hearth(["optimize", Self.model, "--check"] + options, in: folder)
            #expect(checked.code == 0, "\(checked)")
            #expect(checked.output == names.map { "\($0) is current\n" }.joined())
        }
    }

    @Test func aDeviceThatFailsLeavesTheOthersAlone() throws {
        try HearthProcess.withFolder { folder in
            let built = try FakeGPU.hearth(
                ["optimize", Self.model, "--trials", "0", "-o", "m", "--device", "cuda:sm_90", "--device", "cpu"],
                fault: "compile", in: folder)
            #expect(built.code != 0 && built.output == "wrote m.cpu.hearth\n", "\(built)")
            #expect(built.errors.contains("hearth: --device cuda:sm_90: no package was written\n"))
            #expect(!FileManager.default.fileExists(atPath: folder + "/m.cuda-sm_90.hearth"))
        }
    }

    @Test(arguments: [
        (["--device", "cpu,cpu"], 2, "--device names cpu twice"),
        (["--device", "cpu,,cuda"], 2, "--device names no device between two commas: give cpu,cuda"),
        (["--device", "cpu,cuda:sm_90", "--report", "r.html"], 2, "--report is about one package: give one --device"),
        (["--device", "cpu", "--device", "tpu"], 1, "devices are cpu, cuda, cuda:N, opencl and opencl:N"),
    ])
    func devicesThatMakeNoSenseAreOneLine(_ options: [String], _ code: Int, _ line: String) throws {
        try HearthProcess.withFolder { folder in
            let said = try Self.hearth(["optimize", Self.model, "--trials", "0"] + options, in: folder)
            #expect(said.code == Int32(code) && said.errors.contains(line), "\(said)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }
}
