internal import Crypto
internal import FoundationEssentials
internal import Glibc

/// A user's secret for signing: Ed25519 (RFC 8032). It lies in a file that its owner alone may read.
package struct SigningKey: Sendable {
    private let seed: [UInt8]

    /// What others know the signer by: 32 bytes.
    package let publicKey: [UInt8]

    /// A new key, from the system's random numbers.
    package init() {
        let key = Curve25519.Signing.PrivateKey()
        seed = Array(key.rawRepresentation)
        publicKey = Array(key.publicKey.rawRepresentation)
    }

    /// The key of a file (64 hexadecimal digits), which is made, with its folder, where there is none.
    package init(path: String) throws(SignatureError) {
        if let found = try Self.read(path) {
            self = found
            return
        }
        let fresh = SigningKey()
        try fresh.write(path)
        // Another process may have been first; then its key counts.
        guard let kept = try Self.read(path) else {
            throw .unusable(path: path, reason: "it was removed while it was made")
        }
        self = kept
    }

    private init(seed: [UInt8]) throws {
        self.seed = seed
        publicKey = Array(try Curve25519.Signing.PrivateKey(rawRepresentation: seed).publicKey.rawRepresentation)
    }

    /// The signature of a message: 64 bytes.
    package func sign(_ message: [UInt8]) -> [UInt8] {
        // The seed made a key before, and signing has no other way to fail.
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let signature = try? key.signature(for: message)
        else { preconditionFailure("a key that was made signs") }
        return Array(signature)
    }

    /// Where the user's key lies: `HEARTH_SIGNING_KEY`, or `hearth/signing.key` in the folder for settings; nil without a home.
    package static var standardPath: String? {
        func setting(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        if let path = setting("HEARTH_SIGNING_KEY") { return path }
        let folder = setting("XDG_CONFIG_HOME") ?? setting("HOME").map { $0 + "/.config" }
        return folder.map { $0 + "/hearth/signing.key" }
    }

    /// The key of a file; nil where there is no file.
    package static func read(_ path: String) throws(SignatureError) -> SigningKey? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .unusable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var facts = stat()
        fstat(descriptor, &facts)
        guard facts.st_mode & 0o077 == 0 else {
            throw .unusable(
                path: path, reason: "others than its owner may read it; chmod 600 it, or remove it for a new key")
        }
        var bytes = [UInt8](repeating: 0, count: 66)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        guard let seed = Hexadecimal.bytes(text.prefix { $0 != "\n" }), seed.count == 32,
            let key = try? SigningKey(seed: seed)
        else {
            throw .unusable(path: path, reason: "it holds no key of 64 hexadecimal digits; remove it for a new one")
        }
        return key
    }

    private func write(_ path: String) throws(SignatureError) {
        var folder = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
            folder += part + "/"
            if folder != "/" { mkdir(folder, 0o700) }
        }
        // Written whole under another name, so that nobody ever reads half a key.
        let draft = "\(path).\(getpid()).new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unusable(path: path, reason: String(cString: strerror(errno))) }
        defer { unlink(draft) }
        let text = Array((Hexadecimal.text(seed) + "\n").utf8)
        let written = Glibc.write(descriptor, text, text.count)
        fsync(descriptor)
        close(descriptor)
        guard written == text.count, link(draft, path) == 0 || errno == EEXIST else {
            throw .unusable(path: path, reason: String(cString: strerror(errno)))
        }
    }
}

/// Whether a signature holds.
package enum Signature {
    /// Whether `signature` is what the owner of `publicKey` made of the message; false for keys and signatures of a wrong size.
    package static func holds(_ signature: [UInt8], _ message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: message)
    }

    /// SHA-256 of bytes (FIPS 180-4): 32 bytes.
    package static func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] { Array(SHA256.hash(data: Array(bytes))) }
}

/// Bytes as text.
package enum Hexadecimal {
    /// Two lower-case digits a byte.
    package static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The bytes that `text` prints so; nil for any other text.
    package static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[place]), let low = value(digits[place + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        case _: nil
        }
    }
}

/// Why a key cannot be used.
package enum SignatureError: Error, Hashable, CustomStringConvertible {
    case unusable(path: String, reason: String)

    /// One line: which file, why, what to do.
    package var description: String {
        switch self {
        case .unusable(let path, let reason): "cannot use the signing key \(path): \(reason)"
        }
    }
}
