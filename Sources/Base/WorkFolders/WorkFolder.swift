internal import Glibc

/// A new folder for what is not finished, held by a lock that ends with this process, however it ends. What a killed process left
/// can so be told from what another still uses: whoever next makes a folder of the same prefix removes it.
///
/// Where a file system has no such locks (some that lie on other machines), nothing left there is ever removed.
package final class WorkFolder: Sendable {
    /// The folder could not be made.
    package struct NotMade: Error, Hashable, Sendable {
        /// What the system said.
        package var reason: String

        /// Makes an error.
        package init(reason: String) { self.reason = reason }
    }

    /// Its path: the prefix and 16 hexadecimal digits.
    package let path: String
    private let descriptor: Int32

    /// Makes a folder whose path begins with `prefix`, such as `/tmp/hearth-work-`, which should say whose it is: what is left of others of
    /// this prefix is removed.
    package init(_ prefix: String, mode: UInt32 = 0o700) throws(NotMade) {
        Self.sweep(prefix)
        for _ in 0..<64 {
            let number = String(UInt64.random(in: 0 ... .max), radix: 16)
            let path = prefix + String(repeating: "0", count: 16 - number.utf8.count) + number
            guard mkdir(path, mode) == 0 else {
                if errno == EEXIST { continue }
                throw NotMade(reason: String(cString: strerror(errno)))
            }
            let descriptor = open(path, Self.flags)
            // Between its making and its locking another may take it for one that was left.
            guard descriptor >= 0 else {
                if errno == ENOENT { continue }
                let reason = String(cString: strerror(errno))
                rmdir(path)
                throw NotMade(reason: reason)
            }
            let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
            if isTaken || !Self.names(path, descriptor) {
                close(descriptor)
                continue
            }
            self.path = path
            self.descriptor = descriptor
            return
        }
        throw NotMade(reason: "others remove it")
    }

    /// A folder under TMPDIR or /tmp; `purpose` is the beginning of its name.
    package convenience init(temporary purpose: String) throws(NotMade) {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        do throws(NotMade) {
            try self.init("\(base)/\(purpose)-work-")
        } catch {
            throw NotMade(reason: "cannot make a folder under \(base): \(error.reason)")
        }
    }

    deinit {
        remove()
        close(descriptor)
    }

    /// Removes it with everything in it. What was moved elsewhere stays; a second time does nothing.
    package func remove() { removeTree(path) }

    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW

    /// Whether the path still names the folder of the descriptor.
    private static func names(_ path: String, _ descriptor: Int32) -> Bool {
        var (there, here) = (stat(), stat())
        return lstat(path, &there) == 0 && fstat(descriptor, &here) == 0 && there.st_ino == here.st_ino
            && there.st_dev == here.st_dev
    }

    /// Removes folders of this prefix that are ours and that nobody holds.
    package static func sweep(_ prefix: String) {
        let slash = prefix.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == prefix.startIndex ? "/" : String(prefix[..<$0]) } ?? "."
        let beginning = slash.map { String(prefix[prefix.index(after: $0)...]) } ?? prefix
        for name in entries(folder) where name.hasPrefix(beginning) {
            let number = name.utf8.dropFirst(beginning.utf8.count)
            guard number.count == 16, number.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
                continue
            }
            let path = "\(folder)/\(name)"
            let descriptor = open(path, flags)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
                flock(descriptor, LOCK_EX | LOCK_NB) == 0, names(path, descriptor)
            else { continue }
            removeTree(path)
        }
    }
}

/// Names in a folder; none where it cannot be read.
private func entries(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// Removes a folder with everything in it, or a link but not what it leads to; what cannot be removed stays.
package func removeTree(_ path: String) {
    if unlink(path) == 0 { return }
    for name in entries(path) { removeTree("\(path)/\(name)") }
    rmdir(path)
}
