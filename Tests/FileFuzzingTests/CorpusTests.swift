import FileFuzzing
import Foundation
import Testing

/// Replays the stored corpus and mutations of it. A trap ends the test process; `hearth-fuzz` finds the iteration.
@Suite struct CorpusTests {
    private static func corpus(_ reader: FuzzedReader) throws -> [[UInt8]] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fuzz/corpus/\(reader.rawValue)")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try files.sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    }

    @Test(arguments: FuzzedReader.allCases)
    func takesEveryStoredFile(reader: FuzzedReader) throws {
        let files = try Self.corpus(reader)
        #expect(!files.isEmpty)
        for file in files { #expect(reader.read(file) == .taken) }
    }

    @Test(arguments: FuzzedReader.allCases)
    func survivesMutations(reader: FuzzedReader) throws {
        var mutator = Mutator(seed: 20, corpus: try Self.corpus(reader))
        var refused = 0
        for _ in 0..<2000 {
            switch reader.read(mutator.next()) {
            case .taken: break
            case .refused(let message):
                refused += 1
                #expect(!message.contains("\n"), "a message is one line")
            case .broken(let reason): Issue.record("\(reason)")
            }
        }
        // Mutations that are never refused would test nothing.
        #expect(refused > 200)
    }

    @Test func mutationsDependOnTheSeedAlone() throws {
        let files = try Self.corpus(.json)
        var first = Mutator(seed: 5, corpus: files)
        var second = Mutator(seed: 5, corpus: files)
        var third = Mutator(seed: 6, corpus: files)
        let inputs = (0..<20).map { _ in first.next() }
        #expect(inputs == (0..<20).map { _ in second.next() })
        #expect(inputs != (0..<20).map { _ in third.next() })
    }

    @Test func zipsReadBack() throws {
        let files: [(name: String, content: [UInt8])] = [("a", []), ("b/c", [1, 2, 3])]
        let read = try #require(StoredZip.decode(StoredZip.encode(files)))
        #expect(read.map(\.name) == files.map(\.name))
        #expect(read.map(\.content) == files.map(\.content))
    }
}
