import ArchiveExchange
import Foundation
import KernelArchive
import Signatures
import Testing

@Suite struct ArchiveExportTests {
    private static let export: ArchiveExport = {
        let machine = ArchiveMachine(
            fingerprint: "0123456789abcdef", kind: "cpu", model: "Some \"CPU\" ü", features: ["avx2", "fma"], cores: 4,
            threads: 8, caches: [32768, 1 << 20, 0], memory: 1 << 36)
        let kernel = ArchiveKernel(
            key: "k1", name: "", kind: "contraction", family: "f", element: "bf16", elements: ["bf16", "f32"],
            extents: [.init("rows", 128), .init("columns", 0)], bytes: 1.5e9, operations: 0)
        func key(_ schedule: String) -> ArchiveKey {
            ArchiveKey(
                kernel: "k1", machine: machine.fingerprint,
                builder: .init(generator: "7", compiler: "clang version 19"), schedule: schedule)
        }
        return ArchiveExport(
            machines: [machine], kernels: [kernel],
            trials: [
                ArchiveRecord(
                    key: key("tile=2 x.y=-1"), agent: "evolution",
                    outcome: .timed(seconds: 0.1 + 0.2, championSeconds: 1, isWin: true),
                    samples: .init(speedup: 1.5, low: 1.25, high: 2, calls: 7, groups: 9),
                    profile: ["registers": 64, "occupancy": 0.25, "local_bytes": 0, "last_level_share": 1.25],
                    time: 1_763_000_000),
                ArchiveRecord(
                    key: key(""), agent: "historian", outcome: .refused(reason: "wrong output: p2"), time: 1),
            ])
    }()
    private static let key = SigningKey()

    @Test func readsBack() throws {
        let read = try ArchiveExport(Self.export.signed(by: Self.key))
        var expected = Self.export
        expected.seal = .holds(by: Self.key.publicKey)
        #expect(read == expected)
        #expect(try ArchiveExport(Self.export.content) == Self.export)
    }

    /// Every single byte of a file that is changed breaks the seal or the file.
    @Test func everyChangeIsNoticed() throws {
        let bytes = Self.export.signed(by: Self.key)
        var refused = 0
        for place in bytes.indices.dropLast() {
            var changed = bytes
            changed[place] ^= 1
            guard let read = try? ArchiveExport(changed) else {
                refused += 1
                continue
            }
            #expect(read.seal != .holds(by: Self.key.publicKey), "byte \(place)")
        }
        #expect(refused > 100 && refused < bytes.count)
    }

    /// Whoever changes a trial and signs anew is somebody else.
    @Test func aNewSignatureHasItsOwnName() throws {
        var changed = Self.export
        changed.trials.removeLast()
        let other = SigningKey()
        #expect(try ArchiveExport(changed.signed(by: other)).seal == .holds(by: other.publicKey))
        // The trailer of one file does not seal another.
        let trailer = try #require(Self.export.signed(by: Self.key).split(separator: 10).last)
        #expect(try ArchiveExport(changed.content + trailer).seal == .broken(by: Self.key.publicKey))
    }

    @Test func aFileThatWasCutShortHasNoSeal() throws {
        let lines = Self.export.signed(by: Self.key).split(separator: 10)
        for count in 1..<lines.count {
            let cut = Array(lines.prefix(count).joined(separator: [10]))
            #expect(try ArchiveExport(cut).seal == .missing)
        }
    }

    static let header = #"{"format":"hearth-archive","version":1}"# + "\n"
    static let trial =
        #"{"trial":{"kernel":"k","machine":"m","generator":"7","compiler":"c","schedule":"t=1","agent":"a","time":5,"#

    /// Files that are none, and what is said of them.
    @Test(arguments: [
        ("", "it is no export of an archive"), ("hello", "it is no export of an archive"), ("{}", "it is no export"),
        (#"{"format":"hearth-archive","version":2}"#, "its format is version 2"),
        (header + "x", "line 2 cannot be read: JSON"), (header + "[]", "line 2 cannot be read: it is no object"),
        (header + #"{"weight":1}"#, "nothing is known of 'weight'"),
        (header + trial + #""seconds":0,"champion_seconds":1,"won":true}}"#, "'seconds' should be a number above 0"),
        (header + trial + #""seconds":-1,"champion_seconds":1,"won":true}}"#, "'seconds' should be a number above 0"),
        (header + trial + #""seconds":1,"champion_seconds":1}}"#, "'won' should be true or false"),
        (
            header + trial + #""seconds":1,"champion_seconds":1,"won":true,"profile":[]}}"#,
            "'profile' should be an object"
        ),
        (
            header + trial + #""seconds":1,"champion_seconds":1,"won":true,"profile":{"registers":-1}}}"#,
            "'profile' should hold numbers of 0 or more"
        ),
        (
            header + trial + #""seconds":1,"champion_seconds":1,"won":true,"profile":{"a b":1}}}"#,
            "'profile' should hold numbers of 0 or more"
        ),
        (header + trial + #""refused":"a\nb"}}"#, "'refused' should be text"),
        (header + trial + "\"refused\":\"" + String(repeating: "x", count: 5000) + "\"}}", "'refused' should be text"),
        (
            header + String(repeating: " ", count: 140_000) + "{}",
            "line 2 cannot be read: it has more than 131072 bytes"
        ),
        (header + #"{"kernel":{"key":"k","kind":"two words"}}"#, "'kind' should be one word"),
        (header + #"{"machine":{"fingerprint":"f","kind":"cpu","model":"m","features":["a b"]}}"#, "'features'"),
        (header + #"{"signature":"rsa"}"#, "its signature is not of ed25519"),
        (header + #"{"signature":"ed25519","key":"00"}"#, "'key' should be 64 hexadecimal digits"),
    ])
    func refusesOtherFiles(_ text: String, _ message: String) {
        let error = #expect(throws: ExportError.self) { _ = try ArchiveExport(Array(text.utf8)) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func nothingFollowsTheSignature() {
        let bytes = Self.export.signed(by: Self.key) + Array(Self.export.content.split(separator: 10)[1])
        #expect(throws: ExportError.badLine(7, "it follows the signature")) { _ = try ArchiveExport(bytes) }
    }

    /// What an archive holds goes out and comes back, without the user's names and without what others claimed.
    @Test func goesFromOneArchiveToAnother() throws {
        let folder = NSTemporaryDirectory() + "/hearth-export-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let one = try KernelArchive(path: folder + "/one")
        var kernel = Self.export.kernels[0]
        kernel.name = "secret_layer"
        try one.describe(kernel)
        try one.describe(Self.export.machines[0])
        var trials = Self.export.trials
        trials[1].outcome = .refused(reason: "not compiled: /home/me/x.c\nmore")
        for trial in trials { try one.append(trial) }
        var claimed = trials[0]
        claimed.key.schedule = "claimed=1"
        try one.add([claimed], kernels: [], machines: [], signer: "somebody")
        let bytes = ArchiveExport(try one.contents()).signed(by: Self.key)
        let text = String(decoding: bytes, as: UTF8.self)
        for word in ["secret_layer", "claimed", "more"] { #expect(!text.contains(word)) }
        let export = try ArchiveExport(bytes)
        let other = try KernelArchive(path: folder + "/other")
        try other.add(export.trials, kernels: export.kernels, machines: export.machines, signer: "one")
        #expect(other.records.isEmpty)
        let found = try other.neighbours(of: kernel, on: Self.export.machines[0], limit: 9)
        #expect(found.map(\.record) == [trials[0]])
        #expect(found[0].isImported)
    }
}
