import ElementTypes
import Glibc
import InferenceProtocol
import PackageRuntime
import Synchronization

/// Regions of system shared memory that clients have registered: tensors in them are read and written in place.
///
/// A client that shortens the object while it is used ends the server with a bus error; its length is looked at before each use, and who may
/// open the object runs on this machine under a user that the server's own user lets in (see the threat model).
package final class SharedMemoryRegions: Sendable {
    /// A mapped region.
    package final class Region: @unchecked Sendable {
        // Safety of `@unchecked Sendable`: all but the memory is constant, and the memory is the clients' to order.
        /// What was registered.
        package let description: SharedMemoryDescription
        private let descriptor: CInt
        private let base: UnsafeMutableRawPointer
        private let mapped: Int
        private let start: Int

        fileprivate init(_ description: SharedMemoryDescription) throws(ServeError) {
            func bad(_ reason: String) -> ServeError { .badRegion(name: description.name, reason: reason) }
            let (end, overflow) = description.offset.addingReportingOverflow(description.byteCount)
            guard !overflow, description.offset >= 0, description.byteCount > 0 else {
                throw bad("has no bytes, or too many")
            }
            let key = description.key.hasPrefix("/") ? description.key : "/" + description.key
            guard !key.dropFirst().contains("/"), key.utf8.count < 255, key.utf8.count > 1 else {
                throw bad("has key '\(description.key)', which is no name of a shared memory object")
            }
            let descriptor = shm_open(key, O_RDWR | O_CLOEXEC, 0)
            guard descriptor >= 0 else {
                throw bad("cannot be opened by key '\(description.key)': \(String(cString: strerror(errno)))")
            }
            var status = stat()
            guard fstat(descriptor, &status) == 0, end <= Int(status.st_size) else {
                close(descriptor)
                throw bad("ends at byte \(end), and the object of key '\(description.key)' has \(status.st_size)")
            }
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            let first = description.offset / page * page
            guard
                let base = mmap(
                    nil, end - first, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(first)), base != MAP_FAILED
            else {
                let reason = String(cString: strerror(errno))
                close(descriptor)
                throw bad("cannot be mapped: \(reason)")
            }
            (self.description, self.descriptor, self.base) = (description, descriptor, base)
            (mapped, start) = (end - first, description.offset - first)
        }

        deinit {
            // Safety: `init` mapped exactly this range; tensors in it hold the region.
            munmap(base, mapped)
            close(descriptor)
        }

        /// A tensor in the region, from a byte of it on. Throws unless it lies within the region and the object, at an address for its
        /// elements.
        package func tensor(_ type: TensorDescription, at offset: Int) throws(ServeError) -> CallTensor {
            func bad(_ reason: String) -> ServeError { .badRegion(name: description.name, reason: reason) }
            guard let count = type.byteCount, offset >= 0, offset <= description.byteCount,
                count <= description.byteCount - offset
            else {
                throw bad(
                    "has \(description.byteCount) bytes, too few for \(type) from byte \(offset) on")
            }
            guard (start + offset) % type.element.byteCount == 0 else {
                throw bad("holds \(type) from byte \(offset) on, where its elements are not aligned")
            }
            var status = stat()
            guard fstat(descriptor, &status) == 0, description.offset + offset + count <= Int(status.st_size) else {
                throw bad("has become shorter since it was registered")
            }
            return CallTensor(type, at: base + start + offset, of: self)
        }
    }

    private let regions = Mutex<[String: Region]>([:])

    /// No regions.
    package init() {}

    /// Maps a region under its name. Throws where the name is taken or the object cannot be mapped.
    package func register(_ description: SharedMemoryDescription) throws(ServeError) {
        let region = try Region(description)
        try regions.withLock { regions throws(ServeError) in
            if regions[description.name] != nil {
                throw .badRegion(name: description.name, reason: "is registered already")
            }
            if regions.count >= 4096 { throw .badRegion(name: description.name, reason: "is one too many") }
            regions[description.name] = region
        }
    }

    /// Forgets a region, or all; tensors in use keep theirs mapped.
    package func unregister(_ name: String?) {
        regions.withLock { regions in
            if let name { regions[name] = nil } else { regions = [:] }
        }
    }

    /// What is registered, by name, or all in the order of names.
    package func descriptions(_ name: String?) throws(ServeError) -> [SharedMemoryDescription] {
        if let name { return [try region(name).description] }
        return regions.withLock { $0.values.map(\.description).sorted { $0.name < $1.name } }
    }

    /// The region of a name.
    package func region(_ name: String) throws(ServeError) -> Region {
        guard let region = regions.withLock({ $0[name] }) else { throw .unknownRegion(name: name) }
        return region
    }
}
