import Foundation
import KernelArchive
import Processes
import Testing

/// Writers that are killed at any moment.
@Suite struct SuddenEndTests {
    private static func start(_ path: String, _ name: String) throws -> ChildProcess {
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "archive-writer-for-tests").path
        return try ChildProcess(executable: program, arguments: [path, name])
    }

    /// How many records a killed writer had said were kept.
    private static func acknowledged(_ writer: consuming ChildProcess) throws -> Int {
        let (end, output, errors) = try writer.collect(timeLimit: 20)
        #expect(end == .signaled(SIGKILL), "\(String(decoding: errors, as: UTF8.self))")
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        // What follows the last line's end was cut short.
        return lines.dropLast().last.flatMap { Int($0) }.map { $0 + 1 } ?? 0
    }

    /// Two writers at once, killed after a random number of acknowledged records, many times over on one file: it opens, it is
    /// whole, and it holds every record that was acknowledged.
    @Test func noAcknowledgedRecordIsLost() throws {
        try withFolder { folder in
            let path = folder + "/a.sqlite"
            var random = SystemRandomNumberGenerator()
            var acknowledged: [String: Int] = [:]
            for round in 0..<25 {
                let names = ["a\(round)", "b\(round)"]
                let first = try Self.start(path, names[0])
                let second = try Self.start(path, names[1])
                usleep(UInt32.random(in: 0..<60_000, using: &random))
                kill(first.number, SIGKILL)
                kill(second.number, SIGKILL)
                acknowledged[names[0]] = try Self.acknowledged(first)
                acknowledged[names[1]] = try Self.acknowledged(second)
            }
            let archive = try KernelArchive(path: path)
            #expect(try archive.damage() == nil)
            var kept: [String: Set<String>] = [:]
            for record in archive.records {
                kept[record.key.builder.compiler, default: []].insert(record.key.schedule)
            }
            for (name, count) in acknowledged {
                let schedules = kept[name] ?? []
                for number in 0..<count { #expect(schedules.contains("tile=\(number)"), "\(name): \(number)") }
                // One may have been kept without being acknowledged.
                #expect(schedules.count <= count + 1)
            }
            #expect(acknowledged.values.reduce(0, +) > 100)
        }
    }
}
