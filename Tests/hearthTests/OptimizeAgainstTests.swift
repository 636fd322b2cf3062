import Foundation
import JSON
import Testing

/// `hearth optimize --against` beside processes that only claim times: what the output, the manifest and the report say of them.
@Suite struct OptimizeAgainstTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures").path

    /// Speaks the baseline's protocol: times that nothing can be mistaken about, and the recorded outputs.
    static let baseline = """
        json, struct, sys = map(__import__, ("json", "struct", "sys"))
        mode, path, chosen = None, None, 0
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
                path = request["path"]
            if do == "run":
                chosen = request.get("set", 0)
                reply["ns"] = [{"fast": 1e5, "even": 1.01e6, "hearth": 1e6}.get(mode, 1e9)] * request["calls"]
            if do == "device":
                reply["ns"] = []
            if do == "outputs":
                data = open(path, "rb").read()
                start = 8 + struct.unpack("<Q", data[:8])[0]
                prefix = f"set.{chosen}." if chosen else ""
                tensors, values = {}, b""
                for name, tensor in json.loads(data[8:start]).items():
                    if name.startswith(prefix + "output."):
                        begin, end = tensor["data_offsets"]
                        tensor["data_offsets"] = [len(values), len(values) + end - begin]
                        values += data[start + begin:start + end]
                        tensors[name.removeprefix(prefix)] = tensor
                header = json.dumps(tensors).encode()
                header += b" " * (-(len(header) + 8) % 64)
                open(request["path"], "wb").write(struct.pack("<Q", len(header)) + header + values)
            body = json.dumps(reply).encode()
            sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
            sys.stdout.buffer.flush()
        """

    /// Rivals, and how the finding begins. One that cannot run the model costs nothing but the comparison.
    @Test(
        arguments: [
            ("slow", "1000.00 times as fast as the best rival measured (slow) (95 % interval ", true),
            (
                "slow,fast,refusing",
                "no gain: nothing beats the best rival measured (fast) by more than 2 % (ratio 0.10, ", false
            ),
            ("even", "no gain: nothing beats the best rival measured (even) by more than 2 % (ratio 1.01, ", false),
            ("refusing", "not searched and not compared with anything", nil),
        ] as [(String, String, Bool?)])
    func whatIsNoGainIsCalledSo(_ against: String, _ summary: String, _ isGain: Bool?) throws {
        try HearthProcess.withFolder { folder in
            let script = folder + "/home/python/hearth/baseline.py"
            try FileManager.default.createDirectory(
                atPath: folder + "/home/python/hearth", withIntermediateDirectories: true)
            try Data(Self.baseline.utf8).write(to: URL(filePath: script))
            let outcome = try HearthProcess.run(
                [
                    "optimize", "\(Self.fixtures)/f64.middle.pt2", "-i", "\(Self.fixtures)/f64.golden.safetensors",
                    "-o",
                    "m.hearth", "--trials", "0", "--against", against,
                ], in: folder,
                environment: [
                    "HEARTH_HOME": folder + "/home", "HEARTH_PYTHON": "python3", "HEARTH_LIBRARY": "libhearth.so",
                ])
            try #require(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").contains { $0.hasPrefix(summary) }, "\(outcome.errors)")
            let manifest = try JSONReader().read(
                try String(contentsOfFile: folder + "/m.hearth/manifest.json", encoding: .utf8))
            let fact = manifest.objectValue?["provenance"]?.objectValue?["gain"]?.stringValue
            #expect(isGain == nil ? fact == nil : fact?.hasPrefix(summary) == true, "\(fact ?? "none")")
            let page = try String(contentsOfFile: folder + "/m.hearth/report.html", encoding: .utf8)
            let stated = isGain.map { $0 ? "gain" : "no gain" } ?? "not measured"
            #expect(page.contains("data-gain=\"\(stated)\""))
            #expect(page.contains("not measured: baseline refusing: no such operator") == against.contains("refusing"))
        }
    }
}
