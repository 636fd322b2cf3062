import Foundation
import JSON
import Testing

/// What the command says when there is no GPU, or one that is full, foreign, held or lost: one line each and the right exit code,
/// and never a run somewhere else. The driver and the compiler are those of `FakeDriver`, which does nothing.
@Suite(.serialized) struct FaultyGPUTests {
    private static var root: URL { FakeGPU.root }

    private static func hearth(
        _ arguments: [String], fault: String, in folder: String, environment: [String: String] = [:]
    ) throws -> HearthProcess.Outcome {
        try FakeGPU.hearth(arguments, fault: fault, in: folder, environment: environment)
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

    /// What makes kernels may be missing, too old or no such thing.
    @Test(arguments: [
        ("", "/nowhere/libnvrtc.so", "hearth: the compiler /nowhere/libnvrtc.so cannot be used: "),
        ("", "", "hearth: no compiler for NVIDIA's GPUs found (tried libnvrtc.so.13, "),
        (
            "old compiler", nil,
            "cannot be used: it is of CUDA 11.8, 12.0 or later is needed; pip install nvidia-cuda-nvrtc"
        ),
    ])
    func aCompilerThatIsNotThereIsOneLine(_ fault: String, _ path: String?, _ line: String) throws {
        // Where the loader finds NVRTC, it is not missing.
        if path == "", dlopen("libnvrtc.so.13", RTLD_LAZY) != nil || dlopen("libnvrtc.so.12", RTLD_LAZY) != nil {
            return
        }
        try HearthProcess.withFolder { folder in
            let model = Self.root.appending(path: "Tests/ModelImportTests/Fixtures/f64.middle.pt2").path
            let built = try Self.hearth(
                ["optimize", model, "--device", "cuda:sm_90", "--trials", "0", "-o", "m.hearth"], fault: fault,
                in: folder, environment: path.map { ["HEARTH_NVRTC": $0, "HEARTH_PYTHON": "/bin/false"] } ?? [:])
            #expect(built.code == 1 && built.output.isEmpty)
            #expect(built.errors.split(separator: "\n").last.map { $0.contains(line) } == true, "\(built.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/m.hearth"))
        }
    }

    /// `optimize` on a GPU that cannot be used leaves nothing, and builds for nothing else.
    @Test(arguments: [
        ("none", "hearth: no device 'cuda': the driver finds no GPU\n"),
        ("held", "hearth: no device 'cuda': another process holds the GPU for itself\n"),
        ("lost", "the GPU was lost while starting the model (CUDA_ERROR_UNKNOWN: as the test wants it)\n"),
        ("capture", "its memory is full while preparing the model's graph; end what else uses the GPU\n"),
    ])
    func optimizeLeavesNothingWhereTheGPUFails(_ fault: String, _ line: String) throws {
        try HearthProcess.withFolder { folder in
            let built = try LibraryFaultTests.optimize("--no-libraries", fault: fault, in: folder)
            #expect(built.code == 1 && built.output.isEmpty)
            #expect(built.errors.hasSuffix(line), "\(built.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/m.hearth"))
        }
    }

    /// A GPU that is lost while kernels are judged: the whole model vouches for them, and the report says why.
    @Test func aGPUThatIsLostDuringTheSearchIsReported() throws {
        try HearthProcess.withFolder { folder in
            let python = folder + "/python-without-triton"
            try Data("#!/bin/sh\nexec python3 -S \"$@\"\n".utf8).write(to: URL(filePath: python))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: python)
            let built = try LibraryFaultTests.optimize(
                "--trials", "2", "--budget", "5", "--python", python, fault: "lost in the worker", in: folder)
            #expect(built.code == 0, "\(built.errors)")
            let reason = "could not be judged: no device 'cuda': the GPU was lost while starting the model"
            #expect(built.errors.contains("verified by wholeModel: \(reason)"), "\(built.errors)")
            let report = try String(contentsOfFile: folder + "/m.hearth/report.json", encoding: .utf8)
            #expect(report.contains(reason) && report.contains("\"verified_by\": \"whole model\""))
            // Triton is not there either, which is no fault.
            #expect(built.errors.contains("hearth: note: kernels in Triton are not tried: Triton is not there ("))
            #expect(built.errors.contains("); pip install triton==3.6.* where HEARTH_PYTHON is\n"))
            let manifest = try String(contentsOfFile: folder + "/m.hearth/manifest.json", encoding: .utf8)
            #expect(manifest.contains("Triton is not there"))
        }
    }

    /// The same of one whose memory others fill meanwhile.
    @Test(arguments: [
        (
            "full in the worker",
            "no device 'cuda': its memory is full while starting the model; end what else uses the GPU"
        ),
        ("memory in the worker", "bytes could not be allocated, 536870912 are free; end what else uses the device"),
    ])
    func aGPUThatIsFullDuringTheSearchIsReported(_ fault: String, _ line: String) throws {
        try HearthProcess.withFolder { folder in
            let built = try LibraryFaultTests.optimize("--trials", "2", "--budget", "5", fault: fault, in: folder)
            #expect(built.code == 0 && built.errors.contains("verified by wholeModel: could not be judged: "))
            #expect(built.errors.contains(line), "\(built.errors)")
            let report = try String(contentsOfFile: folder + "/m.hearth/report.json", encoding: .utf8)
            #expect(report.contains(line) && report.contains("\"verified_by\": \"whole model\""))
        }
    }

    @Test(arguments: [
        ("old", "no device 'cuda': the driver is of CUDA 11.4, 12.0 or later is needed; update it", 1),
        ("none", "no device 'cuda': the driver finds no GPU", 1),
        ("full", "no device 'cuda': its memory is full while taking GPU 0; end what else uses the GPU", 1),
        ("held", "no device 'cuda': another process holds the GPU for itself", 1),
        ("other", "this cuda lacks sm_90a", 1),
        ("foreign", "it was made for another GPU than this one (sm_90a); optimise again here", 1),
        ("shared", "no device 'cuda': NVIDIA's service that shares GPUs (MPS) failed while taking GPU 0", 1),
        ("newer", "where a newer compiler made it than the driver, which is of CUDA 13.0, knows, update the driver", 1),
        ("full-kernels", "its memory is full while loading kernels; end what else uses the GPU", 1),
        ("lost-kernels", "the GPU was lost while loading kernels (CUDA_ERROR_UNKNOWN: as the test wants it)", 1),
        ("full-start", "its memory is full while starting the model; end what else uses the GPU", 1),
        ("memory", "bytes could not be allocated, 536870912 are free; end what else uses the device", 1),
        ("pinned", "out of memory: a buffer of ", 1),
        ("lost-later", "the GPU was lost while running on the GPU (CUDA_ERROR_UNKNOWN: as the test wants it)", 1),
        ("lost", "the GPU was lost while starting the model (CUDA_ERROR_UNKNOWN: as the test wants it)", 1),
        ("illegal", "starting the model failed: CUDA_ERROR: as the test wants it", 3),
        ("registers", "launch 0: launching kernel '", 3),
        ("poolless", "no device 'cuda:0': it has no memory pools, which some virtual GPUs are set up without", 1),
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
            #expect(
                run.errors.contains("its memory is full while preparing the model's graph; end what else uses the GPU"),
                "\(run.errors)")
            #expect(run.code == 1)
        }
    }

    /// Old drivers lack functions; what they say is how old they are.
    @Test(arguments: [
        ("old", "no device 'cuda': the driver is of CUDA 11.4, 12.0 or later is needed; update it"),
        ("", "no device 'cuda': libcuda.so.1 has no function cuLaunchKernelEx; update NVIDIA's driver"),
    ])
    func aDriverWithoutAFunctionIsOneLine(_ fault: String, _ line: String) throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.build(in: folder).code == 0)
            let path = try FakeGPU.lackingDriver.get()
            let run = try Self.hearth(
                ["run", "m.hearth"], fault: fault, in: folder, environment: ["LD_LIBRARY_PATH": path])
            #expect(run.errors == "hearth: \(line)\n" && run.code == 1 && run.output.isEmpty, "\(run)")
        }
    }

    @Test(.enabled(if: dlopen("libcuda.so.1", RTLD_LAZY) == nil, "this machine has NVIDIA's driver"))
    func aMissingDriverIsOneLine() throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.build(in: folder).code == 0)
            let run = try HearthProcess.hearth("run", "m.hearth", in: folder)
            #expect(run.code == 1 && run.output.isEmpty)
            #expect(run.errors.hasPrefix("hearth: no device 'cuda': libcuda.so.1: "), "\(run.errors)")
            #expect(run.errors.hasSuffix("install NVIDIA's driver\n"))
        }
    }

    @Test func allGPUsAreListedWithWhatTheySayOfThemselves() throws {
        try HearthProcess.withFolder { folder in
            let listed = try Self.hearth(["devices", "--quick"], fault: "two", in: folder)
            #expect(listed.code == 0 && listed.output.contains("\ncuda: Fake GPU, NVIDIA\n"), "\(listed)")
            #expect(listed.output.contains("\ncuda:1: Second fake GPU, NVIDIA\n"))
            #expect(listed.output.contains("123 W, 45 °C\n") && listed.output.contains("512 MiB free"))
            let second = try Self.hearth(["devices", "--quick", "--device", "cuda:1"], fault: "two", in: folder)
            #expect(second.output.hasPrefix("cuda:1: Second fake GPU"))
            for (fault, line) in [
                ("none", "hearth: note: no device 'cuda': the driver finds no GPU"),
                ("uncounted", "hearth: note: no device 'cuda': the GPU was lost while counting GPUs"),
                ("held", "hearth: note: no device 'cuda': another process holds the GPU for itself"),
            ] {
                let listed = try Self.hearth(["devices", "--quick"], fault: fault, in: folder)
                #expect(
                    listed.code == 0 && listed.errors.contains(line) && !listed.output.contains("cuda"), "\(listed)")
            }
        }
    }

    @Test func theGPUAskedForRuns() throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.build(in: folder).code == 0)
            for (device, context) in [("cuda", "0x1000"), ("cuda:0", "0x1000"), ("cuda:1", "0x1001")] {
                try? FileManager.default.removeItem(atPath: folder + "/log")
                let run = try Self.hearth(
                    ["run", "m.hearth", "--device", device], fault: "two", in: folder,
                    environment: ["FAKE_CUDA_LOG": folder + "/log"])
                #expect(run.code == 0, "\(run.errors)")
                #expect(try String(contentsOfFile: folder + "/log", encoding: .utf8) == context + "\n")
            }
            let third = try Self.hearth(["run", "m.hearth", "--device", "cuda:2"], fault: "two", in: folder)
            #expect(third.code == 1 && third.errors == "hearth: no device 'cuda:2': this machine has 2 GPUs\n")
        }
    }

    /// What is measured of a GPU that does nothing is worth nothing, but it is measured once, remembered and shown.
    @Test func whatAGPUReachesIsMeasuredAndRemembered() throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.build(in: folder).code == 0)
            let before = try Self.hearth(["inspect", "m.hearth", "--profile"], fault: "", in: folder)
            #expect(before.output.contains("is not known: hearth devices measures it"), "\(before)")
            let measured = try Self.hearth(["devices", "--device", "cuda"], fault: "", in: folder)
            #expect(measured.output.contains("memory read") && measured.output.contains("bf16"), "\(measured)")
            let quick = try Self.hearth(["devices", "--device", "cuda", "--quick"], fault: "", in: folder)
            #expect(quick.output.contains("memory read"), "\(quick)")
            let after = try Self.hearth(["inspect", "m.hearth", "--profile"], fault: "", in: folder)
            #expect(after.output.contains("of ceiling"), "\(after)")
            let uncompiled = try Self.hearth(["devices", "--device", "cuda"], fault: "compile", in: folder)
            #expect(uncompiled.code == 0 && uncompiled.errors.contains("what cuda reaches was not measured"))
        }
    }

    /// What a board uses is read around the calls of each side.
    @Test func benchReportsEnergyWhereTheDeviceSays() throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.build(in: folder).code == 0)
            let home = folder + "/home/python/hearth"
            try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
            let sleeping = BenchTests.baseline.replacingOccurrences(
                of: "reply[\"ns\"] = [{\"fast\"", with: "__import__(\"time\").sleep(0.01); reply[\"ns\"] = [{\"fast\"")
            try Data(sleeping.utf8).write(to: URL(filePath: home + "/baseline.py"))
            let arguments = [
                "bench", "m.hearth", "--model", "m.py:f", "--against", "slow", "--rounds", "4", "--batch", "1",
                "--energy", "0.01", "--json", "-i",
                Self.root.appending(path: "Tests/ModelImportTests/Fixtures/f64.golden.safetensors").path,
            ]
            let environment = [
                "HEARTH_HOME": folder + "/home", "HEARTH_PYTHON": "python3", "HEARTH_LIBRARY": "libhearth.so",
            ]
            let run = try Self.hearth(arguments, fault: "", in: folder, environment: environment)
            #expect(run.code == 0, "\(run.errors)")
            let report = try #require(try JSONReader().read(run.output).objectValue)
            // 100 W for at least 10 ms, over six calls of ours.
            #expect(report["ours_joules"]?.doubleValue ?? 0 > 1 / 6.0, "\(run.output)")
            #expect(report["against"]?.arrayValue?.first?.objectValue?["theirs_joules"]?.doubleValue ?? 0 > 0.5)
            // A GPU that writes a byte a second cannot have been so quick.
            let listed = try Self.hearth(["devices", "--device", "cuda", "--quick", "--json"], fault: "", in: folder)
            let gpu = try #require(try JSONReader().read(listed.output).arrayValue?.first?.objectValue)
            let key = "\(gpu["fingerprint"]?.stringValue ?? "") CUDA 13.0"
            let rate = #"{"one_thread": 1, "all_threads": 1}"#
            let rates = "{\"\(key)\": {\"memory_read_bytes\": \(rate), \"fp32_operations\": \(rate)}}"
            try Data(rates.utf8).write(to: URL(filePath: folder + "/rates.json"))
            let failed = try Self.hearth(arguments, fault: "", in: folder, environment: environment)
            #expect(failed.code == 1 && failed.output.isEmpty)
            #expect(failed.errors.contains("the measurement failed: 2.00 ms a call is less than the "), "\(failed)")

        }
    }

    /// Products through the library's functions, by one that computes them on the host.
    @Test func productsAreAskedForAsTheyShouldBe() throws {
        try HearthProcess.withFolder { folder in
            func products(_ fault: String) throws -> HearthProcess.Outcome {
                try Self.hearth(
                    ["devices", "--conformance", "--device", "cuda", "--only", "products by a library"], fault: fault,
                    in: folder)
            }
            let right = try products("")
            #expect(right.code == 0 && right.output.contains("3 of 3 checks pass"), "\(right)")
            #expect(try products("cold").code == 0)
            let none = try products("unproposed")
            #expect(none.code != 0 && "\(none)".contains("it has no way to compute the product"), "\(none)")
            #expect(try products("no products").code == 0)
        }
    }

    /// Convolutions through the library's graphs, by one that computes them on the host.
    @Test func convolutionsAreAskedForAsTheyShouldBe() throws {
        try HearthProcess.withFolder { folder in
            func convolutions(_ fault: String) throws -> HearthProcess.Outcome {
                try Self.hearth(
                    ["devices", "--conformance", "--device", "cuda", "--only", "convolutions by a library"],
                    fault: fault, in: folder)
            }
            let right = try convolutions("")
            #expect(right.code == 0 && right.output.contains("1 of 1 checks pass"), "\(right)")
            #expect(try convolutions("cold").code == 0)
            for fault in ["unproposed", "greedy"] {
                let none = try convolutions(fault)
                #expect(none.code != 0 && "\(none)".contains("it has no way to compute the convolution"), "\(none)")
            }
            #expect(try convolutions("no convolutions").code == 0)
        }
    }

    /// Memory, copies and captures through the driver's functions, as the conformance suite asks for them.
    @Test func theDriversFunctionsAreCalledAsTheyShouldBe() throws {
        try HearthProcess.withFolder { folder in
            for (check, fault) in [
                ("limits", ""), ("buffers", ""), ("memory that cannot", ""), ("copies stay", ""), ("copies happen", ""),
                ("empty graph", ""), ("host memory that is there", ""), ("host memory that is there", "unregistered"),
                ("events tell", ""),
            ] {
                let run = try Self.hearth(
                    ["devices", "--conformance", "--device", "cuda", "--only", check], fault: fault, in: folder)
                #expect(run.code == 0 && run.output.contains("1 of 1 checks pass"), "\(check): \(run)")
            }
        }
    }
}
