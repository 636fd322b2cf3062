import Base
import Dispatch

/// The content hash of a package's file: XXH64 over the XXH64 values (little-endian) of its consecutive chunks of 1 MiB,
/// the last one shorter. Chunks can be hashed in parallel.
package enum FileDigest {
    /// Name of the hash in a manifest.
    package static let name = "xxh64_1m"

    private static let chunk = 1 << 20

    /// The digest of a file's bytes, on several threads when there is much to do.
    package static func of(_ bytes: UnsafeRawBufferPointer) -> ContentHash {
        let count = (bytes.count + chunk - 1) / chunk
        let hashes = [UInt64](unsafeUninitializedCapacity: count) { values, initialized in
            // Safety: every iteration writes its own element, all before `concurrentPerform` returns.
            nonisolated(unsafe) let (values, bytes) = (values, bytes)
            @Sendable func hash(_ index: Int) {
                let part = bytes[index * chunk..<min((index + 1) * chunk, bytes.count)]
                let value = ContentHash.of(UnsafeRawBufferPointer(rebasing: part)).rawValue
                values.initializeElement(at: index, to: value.littleEndian)
            }
            if count < 8 {
                for index in 0..<count { hash(index) }
            } else {
                DispatchQueue.concurrentPerform(iterations: count) { hash($0) }
            }
            initialized = count
        }
        return hashes.withUnsafeBytes { ContentHash.of($0) }
    }
}
