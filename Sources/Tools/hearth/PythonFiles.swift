import Glibc

/// Where Python and Hearth's own Python files are.
enum PythonFiles {
    /// The interpreter: as asked, else HEARTH_PYTHON, else `.venv/bin/python` here, else python3 on the path.
    /// A name without a folder is looked up on the path, as a shell does.
    static func interpreter(_ asked: String?) -> String {
        if let asked { return onPath(asked) }
        if let named = getenv("HEARTH_PYTHON") { return onPath(String(cString: named)) }
        return access(".venv/bin/python", X_OK) == 0 ? ".venv/bin/python" : onPath("python3")
    }

    private static func onPath(_ name: String) -> String {
        if name.contains("/") { return name }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 } ?? name
    }

    /// A file of `python/hearth`: under HEARTH_HOME, else of the checkout or the installed Python package that this binary is in, else under the
    /// current directory.
    static func script(_ name: String) throws -> String {
        var roots: [String] = []
        if let home = getenv("HEARTH_HOME") { roots.append(String(cString: home)) }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        if count > 0 {
            var folder = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            for _ in 0..<6 {
                guard let slash = folder.lastIndex(of: "/") else { break }
                folder = String(folder[..<slash])
                roots += [folder, folder + "/share/hearth"]
            }
        }
        roots.append(".")
        for root in roots {
            for path in ["\(root)/python/hearth/\(name)", "\(root)/hearth/\(name)"] where access(path, R_OK) == 0 {
                return path
            }
        }
        throw BadInput("python/hearth/\(name) was not found; set HEARTH_HOME to the folder that holds python/")
    }

    /// The shared library that Python calls: HEARTH_LIBRARY, else the one beside this binary.
    static func library() throws -> String {
        if let named = getenv("HEARTH_LIBRARY") { return absolute(String(cString: named)) }
        var folder = "."
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let slash = path.lastIndex(of: "/") { folder = String(path[..<slash]) }
        for found in [folder + "/libhearth.so", folder + "/libHearthC.so", folder + "/../libhearth.so"]
        where access(found, R_OK) == 0 {
            if modified(found) < modified(path) - 600 {
                Failure.complain(
                    "hearth: note: \(found) is older than this binary; build it: swift build -c release --product HearthC"
                )
            }
            return found
        }
        throw BadInput(
            "libhearth.so was not found beside \(path): build it (swift build -c release --product HearthC), set "
                + "HEARTH_LIBRARY, or call the package from this process with --in-process")
    }

    /// When a file was changed, in seconds; 0 when it is not there.
    private static func modified(_ path: String) -> Int {
        var facts = stat()
        return stat(path, &facts) == 0 ? facts.st_mtim.tv_sec : 0
    }

    /// An absolute form of a path or of FILE.py:FUNCTION, since the baseline may run elsewhere.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }
}
