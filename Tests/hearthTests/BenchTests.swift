import ElementTypes
import Foundation
import JSON
import TestSupport
import Testing

/// `hearth bench` against side processes that only claim times: what it makes of rivals that lose, win, refuse and die.
@Suite struct BenchTests {
    /// Speaks the baseline's protocol. `slow` and `fast` claim times that nothing can be mistaken about.
    static let baseline = """
        json, struct, sys = map(__import__, ("json", "struct", "sys"))
        mode, runs = None, 0
        while len(head := sys.stdin.buffer.read(4)) == 4:
            request = json.loads(sys.stdin.buffer.read(struct.unpack("<I", head)[0]))
            do, reply = request["do"], {"ok": True, "torch": "9.9"}
            if do == "quit":
                break
            if do == "load":
                mode = request["mode"]
            if mode == "refusing" and do == "warm":
                reply = {"ok": False, "code": "unsupported", "error": "no such operator"}
            if do == "inputs":
                reply["sets"] = 1
            if do == "run":
                runs += 1
                if mode == "dying" and runs == 4:
                    sys.exit(1)
                reply["ns"] = [{"fast": 1, "hearth": 2e6}.get(mode, 1e9)] * request["calls"]
            if do == "device":
                reply["ns"] = {"hearth": [1e6], "slow": [3e6]}.get(mode, [])
            if do == "outputs":
                values = struct.pack("<8f", *[1] * 4, 100, 0, 0, 0)
                header = json.dumps({
                    "output.0": {"dtype": "F32", "shape": [1, 4], "data_offsets": [0, 16]},
                    "output.1": {"dtype": "F32", "shape": [4], "data_offsets": [16, 32]},
                }).encode()
                header += b" " * (-(len(header) + 8) % 64)
                open(request["path"], "wb").write(struct.pack("<Q", len(header)) + header + values)
            body = json.dumps(reply).encode()
            sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
            sys.stdout.buffer.flush()
        """

    /// With `truth`, the inputs' file holds what `y` should be, and 100, 0, 0, 0 for the sum.
    private static func bench(_ arguments: String..., truth: Double? = nil) throws -> HearthProcess.Outcome {
        func bytes<Number: BitwiseCopyable>(_ values: [Number]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
        var outcome: HearthProcess.Outcome?
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            var tensors: [(String, ElementType, [Int], [UInt8])] = []
            if let truth {
                let sum = [100, 0, 0, 0] as [Double]
                tensors += [
                    ("truth.0", .f64, [1, 4], bytes([Double](repeating: truth, count: 4))),
                    ("truth.1", .f64, [4], bytes(sum)),
                    ("output.0", .f32, [1, 4], bytes([Float](repeating: Float(truth), count: 4))),
                    ("output.1", .f32, [4], bytes(sum.map(Float.init))),
                ]
            }
            tensors.append(("input.0", .f32, [1, 4], [UInt8](repeating: 0, count: 16)))
            try HearthProcess.tensors(folder + "/in.safetensors", tensors)
            let script = folder + "/home/python/hearth/baseline.py"
            try FileManager.default.createDirectory(
                atPath: folder + "/home/python/hearth", withIntermediateDirectories: true)
            try Data(baseline.utf8).write(to: URL(filePath: script))
            outcome = try HearthProcess.run(
                ["bench", "m.hearth", "--model", "m.py:f", "-i", "in.safetensors", "--rounds", "4", "--batch", "0.1"]
                    + arguments,
                in: folder,
                environment: [
                    "HEARTH_HOME": folder + "/home", "HEARTH_PYTHON": "python3", "HEARTH_LIBRARY": "libhearth.so",
                ])
        }
        return try #require(outcome)
    }

    @Test func oneFailingRivalDoesNotLoseTheOthers() throws {
        let outcome = try Self.bench("--against", "refusing,slow,dying,fast", "--in-process", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let object = try #require(try JSONReader().read(outcome.output).objectValue)
        let rows = try #require(object["against"]?.arrayValue).compactMap(\.objectValue)
        #expect(rows.compactMap { $0["mode"]?.stringValue } == ["refusing", "slow", "dying", "fast"])
        #expect(rows[0]["error"] == "baseline refusing: no such operator")
        #expect(rows[2]["error"]?.stringValue?.hasPrefix("baseline dying ended: ") == true)
        #expect(rows[1]["reaches"] == true && rows[3]["reaches"] == false)
        #expect(rows[1]["gain"] == true && rows[3]["gain"] == false && object["gain"] == false)
        #expect((rows[1]["ratio"]?.doubleValue ?? 0) > 1 && (rows[3]["ratio"]?.doubleValue ?? 1) < 1)
        #expect(rows[1]["rounds"] == 4 && rows[1]["theirs_ms"]?.doubleValue == 1000)
        #expect(object["best"] == "fast" && object["reaches_0.98"] == false)
        #expect(object["versions"]?.objectValue?["torch"] == "9.9")
    }

    private static func modes(_ outcome: HearthProcess.Outcome) throws -> [String] {
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = try JSONReader().read(outcome.output).objectValue?["against"]?.arrayValue ?? []
        return rows.compactMap { $0.objectValue?["mode"]?.stringValue }
    }

    /// The best of PyTorch is the best of all of its modes that mean something on the device.
    @Test func allDependsOnTheDevice() throws {
        #expect(
            try Self.modes(Self.bench("--against", "slow,all,eager", "--in-process", "--json")) == [
                "slow", "eager", "compile", "compile-freezing", "max-autotune", "max-autotune-freezing", "onnxruntime",
                "openvino",
            ])
        try HearthProcess.withFolder { folder in
            let built = try LibraryFaultTests.optimize("--trials", "0", in: folder)
            try #require(built.code == 0, "\(built.errors)")
            try FileManager.default.createDirectory(
                atPath: folder + "/home/python/hearth", withIntermediateDirectories: true)
            try Data(OptimizeAgainstTests.baseline.utf8).write(
                to: URL(filePath: folder + "/home/python/hearth/baseline.py"))
            let outcome = try FakeGPU.hearth(
                [
                    "bench", "m.hearth", "--against", "all", "--rounds", "4", "--batch", "0.1", "--energy", "0",
                    "--json",
                ],
                fault: "", in: folder,
                environment: [
                    "HEARTH_HOME": folder + "/home", "HEARTH_PYTHON": "python3", "HEARTH_LIBRARY": "libhearth.so",
                ])
            #expect(
                try Self.modes(outcome) == [
                    "eager", "compile", "compile-freezing", "reduce-overhead", "max-autotune", "max-autotune-freezing",
                ])
        }
    }

    @Test func thePromiseIsALineOfTheTable() throws {
        let slow = try Self.bench("--against", "slow,refusing", "--in-process")
        #expect(slow.code == 0 && slow.output.contains("best of PyTorch: slow, ratio "))
        #expect(slow.output.contains("interval reaches 0.98: yes") && !slow.output.contains("no gain"))
        #expect(slow.output.contains("refusing  not measured: baseline refusing: no such operator"))
        let fast = try Self.bench("--against", "fast", "--in-process")
        #expect(fast.code == 0 && fast.output.contains("interval reaches 0.98: no"))
        #expect(fast.output.hasSuffix("no gain: nothing beats the best rival measured (fast) by more than 2 %\n"))
    }

    @Test func pythonCallsThePackageAsItCallsTheRivals() throws {
        let outcome = try Self.bench("--against", "slow,fast", "--json", truth: 1)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let object = try #require(try JSONReader().read(outcome.output).objectValue)
        #expect(object["called_from"] == "python" && object["verified"] == true && object["input_sets"] == 1)
        #expect(object["ours_device_ms"]?.doubleValue == 1)
        let rows = try #require(object["against"]?.arrayValue).compactMap(\.objectValue)
        #expect(rows.allSatisfy { $0["ours_ms"]?.doubleValue == 2 })
        #expect(rows[0]["ratio"]?.doubleValue == 500 && rows[0]["theirs_device_ms"]?.doubleValue == 3)
        #expect(rows[1]["theirs_device_ms"] == nil)
    }

    @Test(arguments: [["--against", "slow"], ["--against", "slow", "--in-process"]])
    func timesOfWrongOutputsAreNotReported(_ arguments: [String]) throws {
        let here = arguments.count > 2 ? "--in-process" : "--json"
        let outcome = try Self.bench(arguments[0], arguments[1], here, truth: 2)
        #expect(outcome.code == 3 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("m.hearth computed something wrong in the timed calls: output 'y' is "))
    }

    @Test func withoutTruthItSaysSo() throws {
        let outcome = try Self.bench("--against", "slow")
        #expect(outcome.code == 0 && outcome.output.contains("not verified: no truth is recorded"), "\(outcome)")
    }

    @Test func withoutAnyRivalItFails() throws {
        let outcome = try Self.bench("--against", "refusing")
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("no rival could be measured: baseline refusing: no such operator"))
        #expect(try Self.bench("--against", ",").code == 2)
    }
}
