import Base
import Glibc
import JSON
import MappedFiles

/// A package on disk: its manifest, read and checked, and its files, checked when asked for.
package struct PackageDirectory: Sendable {
    /// The directory.
    package let path: String
    /// The first file.
    package let manifest: Manifest

    /// Reads and checks the manifest of the package at `path`.
    package init(path: String) throws(PackageError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .notFound(path: path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: path) }
        guard access(path + "/manifest.json", F_OK) == 0 else { throw .notAPackage(path: path) }
        self.path = path
        manifest = try Manifest(sealed: try Self.read(path, "manifest.json"))
        try Check.run(Manifest.checks, on: manifest, file: "manifest.json")
    }

    /// Path of a file of the package on this machine.
    package func path(of file: String) -> String { "\(path)/\(file)" }

    /// Maps a file and checks length and hash, which reads all of it. `verified` false checks the length alone.
    package func map(_ file: String, verified: Bool = true) throws(PackageError) -> MappedFile {
        guard let entry = manifest.files.first(where: { $0.path == file }) else { throw .missingFile(file: file) }
        let mapped = try Self.map(path, file, expected: entry.byteCount)
        guard mapped.count == entry.byteCount else {
            throw .wrongSize(file: file, expected: entry.byteCount, found: mapped.count)
        }
        if verified {
            let digest = mapped.withUnsafeBytes { FileDigest.of($0) }
            guard digest == entry.digest else {
                throw .damaged(file: file, expected: entry.digest.description, found: digest.description)
            }
        }
        return mapped
    }

    /// Checks every file that the manifest lists.
    package func verify() throws(PackageError) {
        for file in manifest.files { _ = try map(file.path).count }
    }

    /// Reads and checks a plan.
    package func plan(_ entry: Manifest.PlanEntry) throws(PackageError) -> Plan {
        let mapped = try map(entry.file)
        let json = try mapped.withBytes { bytes throws(PackageError) in
            try Self.parse(entry.file) { () throws(JSONError) in try JSONReader().read(bytes) }
        }
        let plan = try Plan(json, file: entry.file)
        try plan.check(serving: manifest.interface, file: entry.file)
        return plan
    }

    private static func map(_ package: String, _ file: String, expected: Int) throws(PackageError) -> MappedFile {
        do {
            return try MappedFile(path: "\(package)/\(file)")
        } catch {
            switch error {
            case .notFound: throw .missingFile(file: file)
            case .empty: throw .wrongSize(file: file, expected: expected, found: 0)
            case .isDirectory, .notRegular, .notPermitted, .system:
                throw .unreadable(file: file, reason: "\(error)")
            }
        }
    }

    private static func read(_ package: String, _ file: String) throws(PackageError) -> [UInt8] {
        try map(package, file, expected: 2).withUnsafeBytes { Array($0) }
    }

    static func parse(_ file: String, _ body: () throws(JSONError) -> JSONValue) throws(PackageError) -> JSONValue {
        do {
            return try body()
        } catch {
            throw .unreadable(file: file, reason: "\(error)")
        }
    }
}

extension Manifest {
    /// The manifest's file: its JSON, closed by a hash of the rest.
    package var sealedText: String {
        guard case .object(var object) = json else { return json.prettyText }
        let hash = ContentHash.of(json.text)
        object.members.append(.init(name: "hash", value: .string(hash.description)))
        return JSONValue.object(object).prettyText
    }

    /// Reads `sealedText` back. The text must be exactly as it was written.
    package init(sealed bytes: [UInt8]) throws(PackageError) {
        let file = "manifest.json"
        let json = try PackageDirectory.parse(file) { () throws(JSONError) in try JSONReader().read(bytes) }
        try self.init(json, file: file)
        guard case .object(let object) = json, let expected = object["hash"]?.stringValue else {
            throw .malformed(file: file, place: "hash", expected: "a string")
        }
        guard Array(sealedText.utf8) == bytes else {
            let found = ContentHash.of(self.json.text).description
            throw .damaged(file: file, expected: expected, found: found == expected ? "another text" : found)
        }
    }
}
