import ElementTypes
import Foundation
import JSON
import TestSupport
import Testing

/// `hearth bench` against side processes that only claim times: what it makes of rivals that lose, win, refuse and die.
@Suite struct BenchTests {
    /// Speaks the baseline's protocol. `slow` and `fast` claim times that nothing can be mistaken about.
    private static let baseline = """
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
            if do == "run":
                runs += 1
                if mode == "dying" and runs == 4:
                    sys.exit(1)
                reply["ns"] = [1e9 if mode != "fast" else 1] * request["calls"]
            body = json.dumps(reply).encode()
            sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
            sys.stdout.buffer.flush()
        """

    private static func bench(_ arguments: String...) throws -> HearthProcess.Outcome {
        var outcome: HearthProcess.Outcome?
        try HearthProcess.withFolder { folder in
            try HandWritten.write(to: folder + "/m.hearth")
            try HearthProcess.tensors(
                folder + "/in.safetensors", [("input.0", .f32, [1, 4], [UInt8](repeating: 0, count: 16))])
            let script = folder + "/home/python/hearth/baseline.py"
            try FileManager.default.createDirectory(
                atPath: folder + "/home/python/hearth", withIntermediateDirectories: true)
            try Data(baseline.utf8).write(to: URL(filePath: script))
            outcome = try HearthProcess.run(
                ["bench", "m.hearth", "--model", "m.py:f", "-i", "in.safetensors", "--rounds", "4", "--batch", "0.1"]
                    + arguments,
                in: folder, environment: ["HEARTH_HOME": folder + "/home", "HEARTH_PYTHON": "python3"])
        }
        return try #require(outcome)
    }

    @Test func oneFailingRivalDoesNotLoseTheOthers() throws {
        let outcome = try Self.bench("--against", "refusing,slow,dying,fast", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let object = try #require(try JSONReader().read(outcome.output).objectValue)
        let rows = try #require(object["against"]?.arrayValue).compactMap(\.objectValue)
        #expect(rows.compactMap { $0["mode"]?.stringValue } == ["refusing", "slow", "dying", "fast"])
        #expect(rows[0]["error"] == "baseline refusing: no such operator")
        #expect(rows[2]["error"]?.stringValue?.hasPrefix("baseline dying ended: ") == true)
        #expect(rows[1]["reaches"] == true && rows[3]["reaches"] == false)
        #expect((rows[1]["ratio"]?.doubleValue ?? 0) > 1 && (rows[3]["ratio"]?.doubleValue ?? 1) < 1)
        #expect(rows[1]["rounds"] == 4 && rows[1]["theirs_ms"]?.doubleValue == 1000)
        #expect(object["best"] == "fast" && object["reaches_0.98"] == false)
        #expect(object["versions"]?.objectValue?["torch"] == "9.9")
    }

    @Test func thePromiseIsALineOfTheTable() throws {
        let slow = try Self.bench("--against", "slow,refusing")
        #expect(slow.code == 0 && slow.output.contains("best of PyTorch: slow, ratio "))
        #expect(slow.output.contains("interval reaches 0.98: yes"))
        #expect(slow.output.contains("refusing  not measured: baseline refusing: no such operator"))
        let fast = try Self.bench("--against", "fast")
        #expect(fast.code == 0 && fast.output.contains("interval reaches 0.98: no"))
    }

    @Test func withoutAnyRivalItFails() throws {
        let outcome = try Self.bench("--against", "refusing")
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("no rival could be measured: baseline refusing: no such operator"))
        #expect(try Self.bench("--against", ",").code == 2)
    }
}
