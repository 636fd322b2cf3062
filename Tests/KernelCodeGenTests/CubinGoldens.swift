import Foundation

/// What each template came to when it was last looked at: registers, spilled bytes and shared memory, for one version of NVRTC
/// (another gives other numbers). `HEARTH_UPDATE_GOLDENS=1` writes them again.
enum CubinGoldens {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens/cubins.txt")

    private static var lines: [String] {
        ((try? String(contentsOf: path, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    /// The version that the figures are of.
    static let version = lines.first ?? ""

    /// Figures by architecture and case.
    static let facts: [String: String] = read(lines)

    private static func read(_ lines: [String]) -> [String: String] {
        var facts: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.components(separatedBy: ": ")
            if parts.count == 2 { facts[parts[0]] = parts[1] }
        }
        return facts
    }

    /// Writes one line anew.
    static func update(_ name: String, _ value: String, _ version: String) throws {
        var facts = lines.first == version ? read(lines) : [:]
        facts[name] = value
        let text = ([version] + facts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }).joined(
            separator: "\n")
        try Data((text + "\n").utf8).write(to: path)
    }
}
