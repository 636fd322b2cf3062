internal import CKernelHarness
internal import Glibc
internal import KernelWorker

/// An anonymous file in memory that the worker opens by a path; it is gone when both have let it go.
struct SharedFile: ~Copyable {
    private let descriptor: Int32
    private let base: UnsafeMutableRawPointer
    let byteCount: Int

    /// A file of zeros.
    init(byteCount: Int) throws(Refusal) {
        let descriptor = hearth_harness_memory_file("hearth-judge")
        guard descriptor >= 0 else {
            throw .notJudged(reason: "no anonymous file: \(String(cString: strerror(errno)))")
        }
        guard ftruncate(descriptor, max(1, byteCount)) == 0,
            let base = mmap(nil, max(1, byteCount), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            base != MAP_FAILED
        else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw .notJudged(reason: "no \(byteCount) bytes of shared memory: \(reason)")
        }
        self.descriptor = descriptor
        self.base = base
        self.byteCount = byteCount
    }

    /// A file with these bytes at these offsets.
    init(_ pieces: [(offset: Int, bytes: [UInt8])], byteCount: Int) throws(Refusal) {
        try self.init(byteCount: byteCount)
        for piece in pieces {
            precondition(piece.offset + piece.bytes.count <= byteCount, "a piece outside of the file")
            // Safety: just checked to lie inside of the mapping.
            piece.bytes.withUnsafeBytes { bytes in
                if let source = bytes.baseAddress { memcpy(base + piece.offset, source, bytes.count) }
            }
        }
    }

    /// Writes bytes into the file.
    func write(_ bytes: [UInt8], at offset: Int) {
        precondition(offset >= 0 && offset + bytes.count <= byteCount, "bytes outside of the file")
        // Safety: just checked to lie inside of the mapping.
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { memcpy(base + offset, start, source.count) }
        }
    }

    deinit {
        munmap(base, max(1, byteCount))
        close(descriptor)
    }

    /// How the worker finds it.
    var reference: WorkerFile { WorkerFile(descriptor: descriptor, byteCount: byteCount) }

    /// Bytes of the file as they are now.
    func bytes(_ offset: Int, _ count: Int) -> [UInt8] {
        precondition(offset >= 0 && count >= 0 && offset + count <= byteCount, "bytes outside of the file")
        // Safety: just checked to lie inside of the mapping.
        return [UInt8](UnsafeRawBufferPointer(start: base + offset, count: count))
    }
}

/// The next multiple of 64.
func aligned(_ offset: Int) -> Int { (offset + 63) / 64 * 64 }
