import Foundation
import Signatures
import Testing

@Suite struct SigningKeyTests {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "/hearth-key-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func aKeyIsMadeOnceAndKept() throws {
        try Self.withFolder { folder in
            let path = folder + "/deep/signing.key"
            #expect(try SigningKey.read(path) == nil)
            let made = try SigningKey(path: path)
            let kept = try SigningKey(path: path)
            #expect(made.publicKey == kept.publicKey)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let message = Array("message".utf8)
            #expect(Signature.holds(made.sign(message), message, publicKey: kept.publicKey))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/deep") == ["signing.key"])
        }
    }

    @Test func everyChangedBitIsNoticed() {
        let key = SigningKey()
        let message: [UInt8] = [1, 2, 3]
        let signature = key.sign(message)
        #expect(Signature.holds(signature, message, publicKey: key.publicKey))
        for bit in 0..<24 {
            var changed = message
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!Signature.holds(signature, changed, publicKey: key.publicKey))
        }
        var other = signature
        other[40] ^= 1
        #expect(!Signature.holds(other, message, publicKey: key.publicKey))
        #expect(!Signature.holds(signature, message, publicKey: SigningKey().publicKey))
        #expect(!Signature.holds([], message, publicKey: []))
    }

    /// Test 3 of RFC 8032, section 7.1, and the digest of "abc" from FIPS 180-4.
    @Test func agreesWithTheSpecifications() throws {
        let key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
        let signature =
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        #expect(
            Signature.holds(
                try #require(Hexadecimal.bytes(signature)), [0xaf, 0x82],
                publicKey: try #require(Hexadecimal.bytes(key))))
        #expect(
            Hexadecimal.text(Signature.digest(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    /// What a key's file may hold or allow that makes it unusable.
    @Test(arguments: [
        ("00\n", 0o600, "it holds no key"), ("zz", 0o600, "it holds no key"),
        (String(repeating: "0f", count: 32) + "\n", 0o644, "others than its owner may read it"),
    ])
    func refusesOtherFiles(_ text: String, _ mode: Int, _ reason: String) throws {
        try Self.withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let path = folder + "/key"
            try text.write(toFile: path, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            let error = #expect(throws: SignatureError.self) { _ = try SigningKey(path: path) }
            #expect(error?.description.contains(reason) == true)
            // It is left as it was: it may be somebody's only copy.
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
    }
}
