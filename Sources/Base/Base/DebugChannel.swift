internal import Glibc

/// What a build says about itself when asked, in steps that each include the ones before: `HEARTH_DEBUG=3` or, for some
/// stages alone, `HEARTH_DEBUG=4,generate,compile`. The text goes to standard error or, with `HEARTH_DEBUG_DIR`, to the end of
/// a file in that folder named like the stage: `rewrite.txt`.
package struct DebugChannel: Sendable {
    /// What is said, from little to much.
    package enum Level: Int, Comparable, CaseIterable, Sendable {
        /// What the stages took.
        case timings = 1
        /// Graphs before and after the rewrites.
        case graphs
        /// The kernels that a graph became; each is also checked and read back.
        case kernels
        /// Generated C and the calls of the compiler.
        case sources
        /// Every candidate of the search and its verdict.
        case trials

        /// Orders by how much is said.
        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    /// The channel that the environment asks for.
    package static let shared = DebugChannel(
        setting: getenv("HEARTH_DEBUG").map { String(cString: $0) } ?? "",
        folder: getenv("HEARTH_DEBUG_DIR").map { String(cString: $0) })

    /// The highest level that is said; nil is silence.
    package let level: Level?
    /// The stages that may speak; empty means all.
    package let stages: Set<String>
    private let folder: String?

    /// What is wrong with a setting, given the stages that exist; nil where it is understood.
    package static func fault(_ setting: String, stages: [String]) -> String? {
        let parts = setting.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, !setting.isEmpty else { return nil }
        if let level = Int(first), level >= 0 {
            return parts.dropFirst().first { !stages.contains($0) }.map {
                "no stage '\($0)'; the stages are \(stages.joined(separator: ", "))"
            }
        }
        return "'\(first)' is no level; give 1 to \(Level.allCases.count), and perhaps stages after commas"
    }

    /// Reads a setting: a level from 1 to 5, or more, then names of stages after commas. Without a level nothing is said.
    package init(setting: String, folder: String? = nil) {
        let parts = setting.split(separator: ",").map(String.init)
        level = parts.first.flatMap { Int($0) }.flatMap { Level(rawValue: min($0, Level.allCases.count)) }
        stages = Set(parts.dropFirst())
        self.folder = folder
    }

    /// Whether a stage is to say what belongs to `level`.
    package func says(_ level: Level, stage: String) -> Bool {
        guard let highest = self.level, level <= highest else { return false }
        return stages.isEmpty || stages.contains(stage)
    }

    /// Says a text, which is only made when it is asked for.
    package func say(_ level: Level, stage: String, _ text: @autoclosure () -> String) {
        guard says(level, stage: stage) else { return }
        var text = text()
        if !text.hasSuffix("\n") { text += "\n" }
        if let folder {
            mkdir(folder, 0o777)
            if Self.append(text, to: "\(folder)/\(stage).txt") { return }
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let marked = Array(lines.map { "[\(stage)] \($0)\n" }.joined().utf8)
        _ = marked.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Writes to the end of a file; false when that fails, so that nothing is lost.
    private static func append(_ text: String, to path: String) -> Bool {
        guard let file = fopen(path, "ae") else { return false }
        let isWritten = fputs(text, file) >= 0
        return fclose(file) == 0 && isWritten
    }
}
