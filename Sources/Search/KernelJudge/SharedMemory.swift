internal import CKernelHarness
internal import Glibc
internal import KernelWorker
internal import Synchronization

/// Memory of this process that the worker can map, buffer by buffer: one anonymous file that grows with every buffer and
/// gives the pages of freed ones back.
package final class SharedMemory: Sendable {
    private let descriptor: Int32
    private let end = Mutex(0)

    /// Memory without buffers.
    package init() throws(Refusal) {
        descriptor = hearth_harness_memory_file("hearth-constants")
        guard descriptor >= 0 else {
            throw .notJudged(reason: "no anonymous file: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// How the worker finds it.
    var reference: WorkerFile {
        WorkerFile(descriptor: descriptor, byteCount: end.withLock { $0 })
    }

    /// A new buffer of zeros at a multiple of 64 bytes.
    package func allocate(_ byteCount: Int) throws(Refusal) -> Block {
        let pages = FoldJob.Slot.pageBytes(byteCount)
        let descriptor = self.descriptor
        let start: Int? = end.withLock { end in
            guard ftruncate(descriptor, end + pages) == 0 else { return nil }
            defer { end += pages }
            return end
        }
        guard let start, let base = mmap(nil, pages, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, start),
            base != MAP_FAILED
        else {
            throw .notJudged(reason: "no \(byteCount) bytes of shared memory: \(String(cString: strerror(errno)))")
        }
        return Block(self, base, FoldJob.Slot(pagesAt: start, byteCount: byteCount))
    }

    private func free(_ base: UnsafeMutableRawPointer, _ slot: FoldJob.Slot) {
        let pages = FoldJob.Slot.pageBytes(slot.byteCount)
        munmap(base, pages)
        hearth_harness_discard(descriptor, Int64(slot.start), Int64(pages))
    }

    /// A buffer. Its memory goes back when nobody holds it any more.
    // Safety: the memory belongs to this object alone; who shares it between threads only reads it once it is filled.
    package final class Block: @unchecked Sendable {
        /// The memory.
        package let buffer: UnsafeMutableRawBufferPointer
        let slot: FoldJob.Slot
        private let memory: SharedMemory
        private let base: UnsafeMutableRawPointer

        fileprivate init(_ memory: SharedMemory, _ base: UnsafeMutableRawPointer, _ slot: FoldJob.Slot) {
            self.memory = memory
            self.base = base
            self.slot = slot
            buffer = UnsafeMutableRawBufferPointer(start: base + (slot.offset - slot.start), count: slot.byteCount)
        }

        deinit { memory.free(base, slot) }
    }
}
