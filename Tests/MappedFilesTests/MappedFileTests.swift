import Foundation
import MappedFiles
import Testing

@Suite struct MappedFileTests {
    @Test func givesTheBytes() throws {
        let path = try Self.file(Data([1, 2, 3]))
        let file = try MappedFile(path: path)
        #expect(file.count == 3)
        #expect(file.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } } == [1, 2, 3])
    }

    @Test func keepsTheBytesOfAReplacedFile() throws {
        let path = try Self.file(Data([1, 2, 3]))
        let file = try MappedFile(path: path)
        try Data([9]).write(to: URL(fileURLWithPath: path), options: .atomic)
        #expect(file.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } } == [1, 2, 3])
    }

    @Test func refusesWhatIsNoFile() throws {
        let folder = FileManager.default.temporaryDirectory.path
        let missing = folder + "/no-such-file-\(UUID())"
        let empty = try Self.file(Data())
        #expect(Self.message(missing) == "no such file: \(missing)")
        #expect(Self.message(empty + "/below") == "no such file: \(empty)/below")
        #expect(Self.message(folder) == "\(folder) is a directory; give the path of a file")
        #expect(Self.message(empty) == "\(empty) is empty (0 bytes); write or copy it again")
        #expect(
            Self.message("/dev/null") == "/dev/null is not a regular file; copy its contents to a file first")
        let pipe = missing + ".pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(Self.message(pipe) == "\(pipe) is not a regular file; copy its contents to a file first")
    }

    private static func file(_ content: Data) throws -> String {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("mapped-\(UUID())")
        try content.write(to: url)
        return url.path
    }

    private static func message(_ path: String) -> String? {
        do {
            _ = try MappedFile(path: path)
            return nil
        } catch {
            return error.description
        }
    }
}
