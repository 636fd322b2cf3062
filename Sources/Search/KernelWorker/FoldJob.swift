/// One call of a function for what it computes: constants of a model at build time.
package struct FoldJob: Hashable, Sendable {
    /// A buffer of the function.
    package enum Operand: Hashable, Sendable {
        /// Bytes of the file that are only read.
        case read(WorkerBuffer, Slot)
        /// Bytes of the file that receive results; they start as the file has them.
        case written(WorkerBuffer, Slot)
        /// Zeroed memory of this size that all parts share.
        case scratch(WorkerBuffer, byteCount: Int)
        /// The table of functions of oneDNN.
        case library
    }

    /// A buffer in the shared file. It has its pages for itself and ends with them, but for up to 63 bytes, as buffers begin
    /// at multiples of 64.
    package struct Slot: Hashable, Sendable {
        /// Of its first byte in the file.
        package var offset: Int
        package var byteCount: Int

        /// Bytes of a page.
        package static let page = 4096
        /// Bytes of the pages that a buffer of `byteCount` bytes takes.
        package static func pageBytes(_ byteCount: Int) -> Int { max(1, (byteCount + page - 1) / page) * page }

        /// The buffer in the pages that begin at `start`, a multiple of the page.
        package init(pagesAt start: Int, byteCount: Int) {
            offset = start + Self.pageBytes(byteCount) - (byteCount + 63) / 64 * 64
            self.byteCount = byteCount
        }

        /// Where its pages begin.
        package var start: Int { offset + (byteCount + 63) / 64 * 64 - Self.pageBytes(byteCount) }

        init(from reader: inout WireReader) throws(WireError) {
            offset = try reader.integer()
            byteCount = try reader.integer()
        }
    }

    /// How the call is split.
    package enum Spread: Hashable, Sendable {
        case parts(Int)
        /// One part for each thread.
        case threads
        /// One part for each thread, all at once, with a shared area behind the operands.
        case gang
    }

    /// Number of a library that was loaded before.
    package var library: Int
    package var symbol: String
    package var file: WorkerFile
    package var operands: [Operand]
    package var dimensions: [Int]
    /// Bytes for each thread.
    package var workspaceBytes: Int
    package var spread: Spread

    /// Makes a job.
    package init(
        library: Int, symbol: String, file: WorkerFile, operands: [Operand], dimensions: [Int], workspaceBytes: Int,
        spread: Spread
    ) {
        self.library = library
        self.symbol = symbol
        self.file = file
        self.operands = operands
        self.dimensions = dimensions
        self.workspaceBytes = workspaceBytes
        self.spread = spread
    }

    func write(to writer: inout WireWriter) {
        writer.put(library)
        writer.put(symbol)
        file.write(to: &writer)
        writer.put(operands) { writer, operand in
            let (kind, code, offset, byteCount) =
                switch operand {
                case .read(let name, let slot): (0, name.code, slot.offset, slot.byteCount)
                case .written(let name, let slot): (1, name.code, slot.offset, slot.byteCount)
                case .scratch(let name, let byteCount): (2, name.code, 0, byteCount)
                case .library: (3, 0, 0, 0)
                }
            for number in [kind, code, offset, byteCount] { writer.put(number) }
        }
        writer.put(dimensions) { $0.put($1) }
        writer.put(workspaceBytes)
        switch spread {
        case .parts(let count): writer.put(count)
        case .threads: writer.put(-1)
        case .gang: writer.put(0)
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        library = try reader.integer()
        symbol = try reader.text()
        file = try WorkerFile(from: &reader)
        operands = try reader.list { (reader) throws(WireError) in
            let kind = try reader.integer()
            let name = WorkerBuffer(code: try reader.integer())
            let slot = try Slot(from: &reader)
            switch (kind, name) {
            case (0, let name?): return Operand.read(name, slot)
            case (1, let name?): return Operand.written(name, slot)
            case (2, let name?): return Operand.scratch(name, byteCount: slot.byteCount)
            case (3, _): return Operand.library
            // Any other number is damage on the wire.
            default: throw WireError(offset: 0, expected: "a kind of operand")
            }
        }
        dimensions = try reader.list { (reader) throws(WireError) in try reader.integer() }
        workspaceBytes = try reader.integer()
        switch try reader.integer() {
        case -1: spread = .threads
        case 0: spread = .gang
        case let count: spread = .parts(count)
        }
    }
}
