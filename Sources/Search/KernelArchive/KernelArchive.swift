internal import Glibc
internal import JSON
internal import Synchronization

/// An append-only file of trials, one JSON object a line. A line that a crash cut short is dropped when the file is
/// opened; a later record of the same key replaces an earlier one. Several processes may append to one file.
package final class KernelArchive: Sendable {
    private struct State {
        var records: [ArchiveKey: ArchiveRecord] = [:]
        var order: [ArchiveKey] = []

        mutating func add(_ record: ArchiveRecord) {
            if records.updateValue(record, forKey: record.key) == nil { order.append(record.key) }
        }
    }

    private let descriptor: Int32
    private let path: String
    private let state: Mutex<State>
    /// Lines that were no records: torn by a crash, or written by another version.
    package let skippedLines: Int

    /// Opens the archive, or makes an empty one. Linear in its size.
    package init(path: String) throws(ArchiveError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ArchiveError(path: path, operation: "open", reason: Self.reason()) }
        var bytes: [UInt8] = []
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { break }
            bytes += piece
        }
        var found = State()
        var skipped = 0
        let reader = JSONReader()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if let value = try? reader.read(Array(line)), let record = ArchiveRecord(value) {
                found.add(record)
            } else {
                skipped += 1
            }
        }
        // A torn last line is closed, so that the next record starts on a line of its own.
        if let last = bytes.last, last != UInt8(ascii: "\n") {
            var newline = UInt8(ascii: "\n")
            guard write(descriptor, &newline, 1) == 1 else {
                let reason = Self.reason()
                close(descriptor)
                throw ArchiveError(path: path, operation: "write", reason: reason)
            }
        }
        self.descriptor = descriptor
        self.path = path
        skippedLines = skipped
        state = Mutex(found)
    }

    deinit { close(descriptor) }

    /// The record of a key.
    package subscript(key: ArchiveKey) -> ArchiveRecord? { state.withLock { $0.records[key] } }

    /// All records, each key once, in the order in which the keys first came.
    package var records: [ArchiveRecord] { state.withLock { state in state.order.compactMap { state.records[$0] } } }

    /// Keeps a record; it is with the system when this returns.
    package func append(_ record: ArchiveRecord) throws(ArchiveError) {
        let line = Array((record.json.text + "\n").utf8)
        // One write of an append-only file is not interleaved with those of other processes.
        let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == line.count else { throw ArchiveError(path: path, operation: "write", reason: Self.reason()) }
        state.withLock { $0.add(record) }
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}

/// Why the archive cannot be used.
package struct ArchiveError: Error, Hashable, CustomStringConvertible {
    package var path: String
    package var operation: String
    package var reason: String

    /// Makes an error.
    package init(path: String, operation: String, reason: String) {
        self.path = path
        self.operation = operation
        self.reason = reason
    }

    /// One line: what, where, why.
    package var description: String { "cannot \(operation) the archive \(path): \(reason)" }
}
