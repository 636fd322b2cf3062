internal import JSON
package import KernelArchive
package import Signatures

/// Trials as they go from one user to another: JSON Lines, signed (`Documentation/archive-format.md`). Nothing in such a file is
/// believed: its trials become suggestions of what to try.
package struct ArchiveExport: Hashable, Sendable {
    /// Whether the file is what its signer wrote.
    package enum Seal: Hashable, Sendable {
        /// The last line is no signature: nobody vouches for the file, and it may have been cut short.
        case missing
        /// What comes before the signature is what the owner of this public key signed.
        case holds(by: [UInt8])
        /// The file was changed after the owner of this public key signed it, or somebody else signed it.
        case broken(by: [UInt8])
    }

    package var machines: [ArchiveMachine]
    package var kernels: [ArchiveKernel]
    package var trials: [ArchiveRecord]
    /// What came of checking the signature of the file that this was read from.
    package var seal: Seal = .missing

    /// Makes an export.
    package init(machines: [ArchiveMachine], kernels: [ArchiveKernel], trials: [ArchiveRecord]) {
        self.machines = machines
        self.kernels = kernels
        self.trials = trials
    }

    /// An export of what an archive holds of its own.
    package init(_ contents: ArchiveContents) {
        self.init(machines: contents.machines, kernels: contents.kernels, trials: contents.records)
        for place in kernels.indices { kernels[place].name = "" }
        for place in trials.indices {
            guard case .refused(let reason) = trials[place].outcome else { continue }
            // What a compiler said may be long, and holds line ends and paths.
            let line = String(reason.prefix { $0 != "\n" && $0 != "\r\n" }.prefix(400))
            trials[place].outcome = .refused(reason: String(line.map { $0.isASCII && $0 >= " " ? $0 : "?" }))
        }
    }

    /// Version of the format.
    static let version: Int64 = 1
    /// Longest line, in bytes.
    static let longestLine = 1 << 17

    /// The file, signed at its end.
    package func signed(by key: SigningKey) -> [UInt8] {
        var bytes = content
        let digest = Signature.digest(bytes)
        let trailer: JSONValue = [
            "signature": "ed25519", "key": .string(Hexadecimal.text(key.publicKey)),
            "sha256": .string(Hexadecimal.text(digest)),
            "value": .string(Hexadecimal.text(key.sign(Self.message(digest)))),
        ]
        bytes += (trailer.text + "\n").utf8
        return bytes
    }

    /// All lines but the signature.
    package var content: [UInt8] {
        var bytes: [UInt8] = []
        func line(_ value: JSONValue) { bytes += (value.text + "\n").utf8 }
        line(["format": "hearth-archive", "version": .integer(Self.version)])
        for machine in machines { line(["machine": machine.json]) }
        for kernel in kernels { line(["kernel": kernel.json]) }
        for trial in trials { line(["trial": trial.json]) }
        return bytes
    }

    /// Reads a file. A signature that does not hold is no error here: `seal` says so.
    package init(_ bytes: [UInt8]) throws(ExportError) {
        self.init(machines: [], kernels: [], trials: [])
        var start = 0
        var number = 0
        var isSealed = false
        while start < bytes.count {
            number += 1
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            guard end - start <= Self.longestLine else { throw .badLine(number, "it has more than 131072 bytes") }
            let line = Array(bytes[start..<end])
            let value: JSONValue
            do throws(JSONError) {
                value = try JSONReader(depthLimit: 8).read(line)
            } catch {
                throw number == 1 ? .noExport : .badLine(number, "\(error)")
            }
            guard let object = value.objectValue, let first = object.members.first else {
                throw number == 1 ? .noExport : .badLine(number, "it is no object with members")
            }
            if isSealed { throw .badLine(number, "it follows the signature") }
            if number == 1 {
                try Self.checkHeader(object)
            } else {
                switch first.name {
                case "machine": machines.append(try ArchiveMachine(FieldReader(first.value, line: number)))
                case "kernel": kernels.append(try ArchiveKernel(FieldReader(first.value, line: number)))
                case "trial": trials.append(try ArchiveRecord(FieldReader(first.value, line: number)))
                case "signature":
                    seal = try Self.seal(FieldReader(value, line: number), content: bytes[..<start])
                    isSealed = true
                default: throw .badLine(number, "nothing is known of '\(first.name.prefix(40))'")
                }
            }
            start = end + 1
        }
        if number == 0 { throw .noExport }
    }

    private static func checkHeader(_ object: JSONObject) throws(ExportError) {
        guard object["format"]?.stringValue == "hearth-archive", let version = object["version"]?.integerValue else {
            throw .noExport
        }
        if version != Self.version { throw .otherVersion(version) }
    }

    private static func seal(_ fields: FieldReader, content: ArraySlice<UInt8>) throws(ExportError) -> Seal {
        guard try fields.text("signature") == "ed25519" else { throw fields.bad("its signature is not of ed25519") }
        let key = try fields.hexadecimal("key", count: 32)
        let digest = try fields.hexadecimal("sha256", count: 32)
        let value = try fields.hexadecimal("value", count: 64)
        let holds = Signature.digest(content) == digest && Signature.holds(value, message(digest), publicKey: key)
        return holds ? .holds(by: key) : .broken(by: key)
    }

    /// What is signed: the digest, under a name that no other use of the key has.
    private static func message(_ digest: [UInt8]) -> [UInt8] {
        Array("hearth-archive 1\n\(Hexadecimal.text(digest))\n".utf8)
    }
}

/// Why a file is no export.
package enum ExportError: Error, Hashable, CustomStringConvertible {
    case noExport
    case otherVersion(Int64)
    /// Which line, and what is wrong with it.
    case badLine(Int, String)

    /// One line: where and why.
    package var description: String {
        switch self {
        case .noExport: "it is no export of an archive: its first line should be {\"format\":\"hearth-archive\",…}"
        case .otherVersion(let version): "its format is version \(version), and this hearth reads version 1"
        case .badLine(let line, let reason): "line \(line) cannot be read: \(reason)"
        }
    }
}
