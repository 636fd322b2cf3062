import Foundation
import Testing

/// What the command says when there is no GPU, or one that is full, foreign, held or lost: one line each and the right exit code,
/// and never a run somewhere else. The driver and the compiler are those of `FakeDriver`, which does nothing.
@Suite(.serialized) struct FaultyGPUTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The fake driver, compiled once.
    private static let driver: Result<String, any Error> = Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-driver-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let here = root.appending(path: "Tests/hearthTests/FakeDriver").path
        for compiler in ["clang", "gcc", "cc"] {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [
                compiler, "-shared", "-fPIC", "-O1", "-w", "-o", "\(folder)/libcuda.so.1",
                "-I\(root.path)/Sources/Device/CCUDADriver/include", "-I\(root.path)/Sources/Kernel/CNVRTC/include",
                "\(here)/defaults.c", "\(here)/fake.c",
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            if process.terminationStatus == 0 { break }
        }
        try #require(FileManager.default.fileExists(atPath: "\(folder)/libcuda.so.1"), "no C compiler worked")
        return folder
    }

    private static func hearth(_ arguments: [String], fault: String, in folder: String) throws -> HearthProcess.Outcome
    {
        let driver = try driver.get()
        return try HearthProcess.run(
            arguments, in: folder,
            environment: [
                "LD_LIBRARY_PATH": driver, "FAKE_CUDA": fault, "HEARTH_NVRTC": "\(driver)/libcuda.so.1",
                "HEARTH_ARCHIVE": folder + "/archive.jsonl",
            ])
    }

    private static func build(fault: String = "", in folder: String) throws -> HearthProcess.Outcome {
        let model = root.appending(path: "Tests/ModelImportTests/Fixtures/f64.middle.pt2").path
        return try hearth(
            ["optimize", model, "--device", "cuda:sm_90", "--trials", "0", "-o", "m.hearth"], fault: fault, in: folder)
    }

    @Test func packagesAreBuiltWithoutTheGPUAndSaidToBeUnverified() throws {
        try HearthProcess.withFolder { folder in
            let built = try Self.build(in: folder)
            #expect(built.code == 0, "\(built.errors)")
            #expect(built.errors.contains("m.hearth was not run: there is no NVIDIA H100 or H200 here"))
            let shown = try Self.hearth(["inspect", "m.hearth", "--launches"], fault: "", in: folder)
            #expect(shown.output.contains("plan.json for cuda, instructions sm_90a"), "\(shown)")
        }
    }

    @Test func whatDoesNotCompileIsOneLine() throws {
        try HearthProcess.withFolder { folder in
            let built = try Self.build(fault: "compile", in: folder)
            #expect(built.errors.contains("kernel.cu(9): error: no such thing\n"), "\(built.errors)")
            #expect(!built.errors.contains("more"))
        }
    }

    @Test(arguments: [
        ("old", "no device 'cuda': the driver is of CUDA 11.4, 12.0 or later is needed; update it", 1),
        ("none", "no device 'cuda': the driver finds no GPU", 1),
        ("full", "no device 'cuda:0': its memory is full; end what else uses the GPU", 1),
        ("held", "no device 'cuda': another process holds the GPU for itself", 1),
        ("other", "this cuda lacks sm_90a", 1),
        ("foreign", "it was made for another GPU than this one (sm_90a); optimise again here", 1),
        ("memory", "out of memory: a buffer of ", 1),
        ("lost", "the GPU was lost while starting the model (CUDA_ERROR_UNKNOWN: as the test wants it)", 1),
        ("illegal", "starting the model failed: CUDA_ERROR: as the test wants it", 3),
    ])
    func faultsAreOneLine(_ fault: String, _ line: String, _ code: Int32) throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.build(in: folder).code == 0)
            let run = try Self.hearth(["run", "m.hearth"], fault: fault, in: folder)
            #expect(run.errors.contains(line), "\(run.errors)")
            #expect(run.code == code)
            #expect(run.output.isEmpty)
        }
    }

    @Test func aGPUWithoutMemoryForTheGraphIsSaidToBeFull() throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.build(in: folder).code == 0)
            let run = try Self.hearth(["run", "m.hearth"], fault: "capture", in: folder)
            #expect(run.errors.contains("preparing the model's graph: the GPU's memory is full"), "\(run.errors)")
            #expect(run.code == 1)
        }
    }

    /// Memory, copies and captures through the driver's functions, as the conformance suite asks for them.
    @Test func theDriversFunctionsAreCalledAsTheyShouldBe() throws {
        try HearthProcess.withFolder { folder in
            for check in ["limits", "buffers", "memory that", "copies stay", "copies happen", "empty graph"] {
                let run = try Self.hearth(
                    ["devices", "--conformance", "--device", "cuda", "--only", check], fault: "", in: folder)
                #expect(run.code == 0 && run.output.contains("1 of 1 checks pass"), "\(check): \(run)")
            }
        }
    }
}
