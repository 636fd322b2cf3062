import Glibc

extension PackageWriter {
    /// Lays a copy of the package at `source` under `target`, where another one is replaced. Files are shared by hard links where the
    /// system allows it: nobody writes into a package.
    package static func copy(_ source: String, to target: String) throws(PackageError) {
        let package = try PackageDirectory(path: source)
        var writer = try PackageWriter(path: target)
        for file in package.manifest.files { try writer.adopt(file, of: source) }
        try writer.finish(package.manifest)
    }

    /// Replaces the package at `path` by one with these files more, or in place of files of the same name, and with these facts at
    /// the end of its provenance, in place of facts of the same name.
    package static func amend(
        _ path: String, files: [(name: String, bytes: [UInt8])], facts: [Manifest.Fact]
    ) throws(PackageError) {
        var manifest = try PackageDirectory(path: path).manifest
        var writer = try PackageWriter(path: path)
        for file in manifest.files where !files.contains(where: { $0.name == file.path }) {
            try writer.adopt(file, of: path)
        }
        for file in files { try writer.add(file.name, file.bytes) }
        manifest.provenance.removeAll { old in facts.contains { $0.name == old.name } }
        manifest.provenance += facts
        try writer.finish(manifest)
    }
}
