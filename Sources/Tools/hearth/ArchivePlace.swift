import Glibc
import KernelArchive

extension ArchiveError: UserFault {}

/// Where trials are remembered.
enum ArchivePlace {
    /// What `--archive` says of itself.
    static let help =
        "File that remembers trials (default: HEARTH_ARCHIVE, or .cache/hearth/kernels.sqlite in the home folder)."

    /// The archive for a search: the one asked for, or the one in the home folder. nil, with a note, where that cannot be opened
    /// or there is no SQLite: the search goes without.
    static func open(_ asked: String?) throws -> KernelArchive? {
        do {
            return try require(asked)
        } catch {
            if case .noLibrary = error {} else if named(asked) != nil { throw error }
            let advice = named(asked) == nil ? "; choose a file with --archive" : ""
            Failure.complain("hearth: note: trials will not be remembered: \(error)\(advice)")
            return nil
        }
    }

    /// The archive asked for, or the one in the home folder.
    static func require(_ asked: String?) throws(ArchiveError) -> KernelArchive {
        if let named = named(asked) { return try KernelArchive(path: named, report: say) }
        let folder = homeFolder()
        return try KernelArchive(
            path: "\(folder)/kernels.sqlite", earlier: "\(folder)/kernels.jsonl", report: say)
    }

    /// Where the archive asked for lies, or the one in the home folder, whose folder is made.
    static func path(_ asked: String?) -> String { named(asked) ?? "\(homeFolder())/kernels.sqlite" }

    private static func homeFolder() -> String {
        let home = getenv("HOME").map { String(cString: $0) } ?? "."
        let folder = "\(home)/.cache/hearth"
        for folder in ["\(home)/.cache", folder] { mkdir(folder, 0o755) }
        return folder
    }

    private static func named(_ asked: String?) -> String? {
        asked ?? getenv("HEARTH_ARCHIVE").map { String(cString: $0) }
    }

    @Sendable private static func say(_ line: String) { Failure.complain("hearth: note: \(line)") }
}
