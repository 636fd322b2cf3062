import Base
import CFiles
import ElementTypes
import Glibc
import Safetensors
import WorkFolders

/// Writes packages: everything goes into a hidden directory beside the target, is flushed to disk, and appears under its
/// name in one step. Whatever fails, the target is as before.
package struct PackageWriter: ~Copyable {
    /// A tensor of a weights file.
    package struct Tensor {
        /// Name, unique in the file.
        package var name: String
        /// Element type.
        package var element: ElementType
        /// Extents.
        package var shape: [Int]
        /// Writes the tensor's bytes, row-major, into the file's memory, which starts as zeros.
        package var fill: (UnsafeMutableRawBufferPointer) throws -> Void

        /// Makes a tensor.
        package init(
            name: String, element: ElementType, shape: [Int],
            fill: @escaping (UnsafeMutableRawBufferPointer) throws -> Void
        ) {
            self.name = name
            self.element = element
            self.shape = shape
            self.fill = fill
        }
    }

    private let target: String
    private let folder: WorkFolder
    private var temporary: String { folder.path }
    private var files: [Manifest.File]

    /// Starts a package that will appear at `path`. An existing package there stays until `finish` replaces it.
    package init(path: String) throws(PackageError) {
        (target, folder) = try Self.prepare(path)
        files = []
    }

    /// Makes a hidden folder beside `path`, after a look whether a package may be written there, so that nobody waits for one that has
    /// no place: for packages that shall stand there later. What killed processes left of such is removed.
    package static func workFolder(beside path: String) throws(PackageError) -> WorkFolder {
        try prepare(path).folder
    }

    private static func prepare(_ path: String) throws(PackageError) -> (target: String, folder: WorkFolder) {
        var target = path
        while target.count > 1, target.hasSuffix("/") { target.removeLast() }
        var status = stat()
        if lstat(target, &status) == 0, status.st_mode & S_IFMT == S_IFLNK, let resolved = realpath(target, nil) {
            // The package that a link leads to is replaced, not the link.
            target = String(cString: resolved)
            free(resolved)
        }
        if lstat(target, &status) == 0, access(target + "/manifest.json", F_OK) != 0 {
            throw .wouldOverwrite(path: target)
        }
        let slash = target.lastIndex(of: "/").map { target.index(after: $0) } ?? target.startIndex
        do throws(WorkFolder.NotMade) {
            return (target, try WorkFolder("\(target[..<slash]).\(target[slash...]).work-", mode: 0o777))
        } catch {
            throw .notWritten(path: target, reason: "could not create a directory beside it: \(error.reason)")
        }
    }

    /// Gives the package at `source` the name `target` in one step. What stood there is removed if it is a package;
    /// anything else stays, and this throws.
    package static func move(_ source: String, to target: String) throws(PackageError) {
        try place(source, at: prepare(target).target)
    }

    /// Removes a package that is no longer wanted; nothing happens where there is none.
    package static func remove(_ path: String) {
        if access(path + "/manifest.json", F_OK) == 0 { removeTree(path) }
    }

    private static func place(_ source: String, at target: String) throws(PackageError) {
        if access(target, F_OK) == 0 {
            guard hearth_exchange(source, target) == 0 else { throw failure(target, "replace the old package") }
            removeTree(source)
        } else {
            guard rename(source, target) == 0 else { throw failure(target, "rename it into place") }
        }
    }

    /// Adds a file; `file` is its path in the package.
    package mutating func add(_ file: String, _ bytes: [UInt8]) throws(PackageError) {
        let descriptor = try create(file)
        defer { close(descriptor) }
        let complete = bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let count = write(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return false }
                offset += count
            }
            return fsync(descriptor) == 0
        }
        guard complete else { throw Self.failure(target, "write '\(file)'") }
        files.append(
            Manifest.File(
                path: file, byteCount: bytes.count, digest: bytes.withUnsafeBytes { FileDigest.of($0) }))
    }

    /// Adds a plan.
    package mutating func add(_ file: String, _ plan: Plan) throws(PackageError) {
        try add(file, Array(plan.text.utf8))
    }

    /// Adds a safetensors file, tensor by tensor, each at a multiple of 256 bytes: bulk copies of a GPU that begin
    /// within a line of its cache are slower. The tensors are written into the mapped
    /// file, so memory for them is the system's page cache alone.
    package mutating func add(_ file: String, tensors: [Tensor]) throws(PackageError) {
        let descriptor = try create(file)
        defer { close(descriptor) }
        files.append(try Self.writeTensors(tensors, to: descriptor, file, of: target))
    }

    /// Writes a safetensors file of its own, as those of packages are; `path` must be free.
    package static func writeTensors(_ tensors: [Tensor], to path: String) throws(PackageError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(path, "create it") }
        defer { close(descriptor) }
        _ = try writeTensors(tensors, to: descriptor, path, of: path)
    }

    private static func writeTensors(
        _ tensors: [Tensor], to descriptor: Int32, _ file: String, of target: String
    ) throws(PackageError) -> Manifest.File {
        let layout: SafetensorsLayout
        do {
            layout = try SafetensorsLayout(
                tensors.map { .init(name: $0.name, type: SafetensorsType($0.element), shape: $0.shape) },
                alignment: 256)
        } catch {
            throw .notWritten(path: target, reason: "\(file): \(error)")
        }
        // Reserved first: writing to a mapping of a full disk would end the process.
        guard posix_fallocate(descriptor, 0, layout.byteCount) == 0,
            let base = mmap(nil, layout.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            base != MAP_FAILED
        else { throw failure(target, "reserve \(layout.byteCount) bytes for '\(file)'") }
        defer { munmap(base, layout.byteCount) }
        let bytes = UnsafeMutableRawBufferPointer(start: base, count: layout.byteCount)
        bytes.copyBytes(from: layout.headerBytes)
        for (tensor, range) in zip(tensors, layout.ranges) {
            do {
                try tensor.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[range]))
            } catch {
                throw .notWritten(path: target, reason: "\(file), tensor '\(tensor.name)': \(error)")
            }
        }
        let digest = FileDigest.of(UnsafeRawBufferPointer(bytes))
        guard msync(base, layout.byteCount, Int32(MS_SYNC)) == 0, fsync(descriptor) == 0 else {
            throw failure(target, "write '\(file)'")
        }
        return Manifest.File(path: file, byteCount: layout.byteCount, digest: digest)
    }

    /// Takes a file of another package over as it is: a further name of it, or a copy where the system allows none.
    mutating func adopt(_ file: Manifest.File, of package: String) throws(PackageError) {
        try makeFolders(of: file.path)
        let place = "\(temporary)/\(file.path)"
        if link("\(package)/\(file.path)", place) != 0 {
            guard hearth_copy("\(package)/\(file.path)", place) == 0 else {
                throw Self.failure(target, "copy '\(file.path)'")
            }
        }
        files.append(file)
    }

    /// Completes the manifest with the list of files, checks it, and lets the package appear.
    package consuming func finish(_ manifest: Manifest) throws(PackageError) {
        var manifest = manifest
        manifest.files = files.sorted { $0.path < $1.path }
        try Check.run(Manifest.checks, on: manifest, file: "manifest.json")
        try add("manifest.json", Array(manifest.sealedText.utf8))
        try flush(temporary)
        try Self.place(temporary, at: target)
        let slash = target.lastIndex(of: "/")
        try flush(slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? ".")
    }

    private func makeFolders(of file: String) throws(PackageError) {
        var folder = temporary
        for part in file.split(separator: "/").dropLast() {
            folder += "/\(part)"
            guard mkdir(folder, 0o777) == 0 || errno == EEXIST else { throw Self.failure(target, "create '\(part)'") }
        }
    }

    private func create(_ file: String) throws(PackageError) -> Int32 {
        try makeFolders(of: file)
        let descriptor = open("\(temporary)/\(file)", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.failure(target, "create '\(file)'") }
        return descriptor
    }

    /// Makes a directory's entries durable.
    private func flush(_ folder: String) throws(PackageError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(target, "open '\(folder)'") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.failure(target, "flush '\(folder)'") }
    }

    private static func failure(_ path: String, _ operation: String) -> PackageError {
        .notWritten(path: path, reason: "could not \(operation): \(String(cString: strerror(errno)))")
    }
}
