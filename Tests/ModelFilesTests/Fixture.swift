import FileFuzzing
import Foundation
import JSON
import ModelFiles

/// The stored model files, and broken versions of them.
enum Fixture {
    static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    static func contents(_ name: String) throws -> ExportedProgramContents {
        let bytes = try bytes(name)
        return try ExportedProgramContents(bytes.span.bytes)
    }

    /// The message that reading these bytes ends with.
    static func message(_ bytes: [UInt8]) -> String? {
        let result = Result { () throws(ExportedProgramError) in try ExportedProgramContents(bytes.span.bytes) }
        if case .failure(let error) = result { return error.description }
        return nil
    }

    /// An archive with one entry replaced, or removed for `nil`; checksums are right.
    static func replacing(
        _ suffix: String, in name: String = "tied.functional.pt2", _ change: ([UInt8]) -> [UInt8]?
    ) throws -> [UInt8] {
        let old = StoredZip.decode(try bytes(name)) ?? []
        let files = old.compactMap { file -> (name: String, content: [UInt8])? in
            if !file.name.hasSuffix(suffix) { return file }
            return change(file.content).map { (name: file.name, content: $0) }
        }
        return StoredZip.encode(files)
    }

    /// An archive with one text of an entry replaced, once.
    static func replacing(_ old: String, by new: String, in suffix: String) throws -> [UInt8] {
        try replacing(suffix) { content in
            let text = String(decoding: content, as: UTF8.self)
            guard let range = text.range(of: old) else { return nil }
            return Array(text.replacingCharacters(in: range, with: new).utf8)
        }
    }
}
