import Foundation
import Testing

@testable import Base

@Suite struct DebugChannelTests {
    @Test(
        arguments: [
            ("", 0, []), ("0", 0, []), ("x", 0, []), ("1", 1, []), ("5", 5, []), ("9", 5, []),
            ("3,lower,rewrite", 3, ["lower", "rewrite"]),
            ("-1", 0, []),
        ] as [(String, Int, Set<String>)])
    func settingsAreRead(_ setting: String, _ level: Int, _ stages: Set<String>) {
        let channel = DebugChannel(setting: setting)
        #expect(channel.level?.rawValue ?? 0 == level)
        #expect(channel.stages == stages)
    }

    @Test func levelsIncludeTheLowerOnes() {
        for setting in 0...5 {
            let channel = DebugChannel(setting: "\(setting)")
            for level in DebugChannel.Level.allCases {
                #expect(channel.says(level, stage: "lower") == (level.rawValue <= setting))
            }
        }
        let filtered = DebugChannel(setting: "5,lower")
        #expect(filtered.says(.kernels, stage: "lower") && !filtered.says(.timings, stage: "rewrite"))
    }

    @Test func filesAreNamedByStageAndGrow() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-debug-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let channel = DebugChannel(setting: "2", folder: folder.path)
        channel.say(.timings, stage: "lower", "one")
        channel.say(.graphs, stage: "lower", "two\n")
        channel.say(.trials, stage: "lower", "silent")
        channel.say(.timings, stage: "rewrite", "other")
        func text(_ name: String) throws -> String {
            try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        }
        #expect(try text("lower.txt") == "one\ntwo\n")
        #expect(try text("rewrite.txt") == "other\n")
    }
}
