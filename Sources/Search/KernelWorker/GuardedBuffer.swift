internal import CKernelHarness
internal import Glibc

/// Memory for one buffer between two unmapped pages. What the buffer leaves of its own pages is a fence of known bytes.
final class GuardedBuffer {
    /// Byte of the fence.
    static let fence: UInt8 = 0xA5
    static let page = FoldJob.Slot.page

    /// First byte of the buffer.
    let data: UnsafeMutableRawPointer
    let byteCount: Int
    let name: WorkerBuffer
    /// Whether it was made of pages that cannot be written.
    let isReadOnly: Bool
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    private var inner: UnsafeMutableRawPointer { mapping + Self.page }
    private var innerBytes: Int { mappedBytes - 2 * Self.page }

    /// Nil when memory is short. `endsAtGuard` puts the end at the unmapped page, but for what is left to a beginning at a
    /// multiple of `alignment`.
    init?(_ name: WorkerBuffer, byteCount: Int, endsAtGuard: Bool, alignment: Int = 64) {
        let pages = max(1, (byteCount + Self.page - 1) / Self.page)
        let total = (pages + 2) * Self.page
        guard let mapping = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapping != MAP_FAILED
        else { return nil }
        mprotect(mapping, Self.page, PROT_NONE)
        mprotect(mapping + total - Self.page, Self.page, PROT_NONE)
        self.mapping = mapping
        mappedBytes = total
        self.name = name
        self.byteCount = byteCount
        isReadOnly = false
        let rounded = (byteCount + alignment - 1) / alignment * alignment
        data = endsAtGuard ? mapping + total - Self.page - rounded : mapping + Self.page
        memset(inner, Int32(Self.fence), innerBytes)
    }

    /// Pages of a shared file between two unmapped ones; nil when they cannot be mapped. The buffer keeps its contents; what
    /// it leaves of its pages becomes the fence.
    init?(_ name: WorkerBuffer, _ descriptor: Int32, _ slot: FoldJob.Slot, isReadOnly: Bool) {
        let bytes = FoldJob.Slot.pageBytes(slot.byteCount)
        let total = bytes + 2 * Self.page
        guard let mapping = mmap(nil, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
            mapping != MAP_FAILED
        else { return nil }
        let protection = isReadOnly ? PROT_READ : PROT_READ | PROT_WRITE
        // Over pages that were just reserved for it.
        let inner = mmap(mapping + Self.page, bytes, protection, MAP_SHARED | MAP_FIXED, descriptor, slot.start)
        guard inner != MAP_FAILED else {
            munmap(mapping, total)
            return nil
        }
        self.mapping = mapping
        mappedBytes = total
        self.name = name
        byteCount = slot.byteCount
        self.isReadOnly = isReadOnly
        data = mapping + Self.page + (slot.offset - slot.start)
        guard !isReadOnly else { return }
        memset(mapping + Self.page, Int32(Self.fence), data - (mapping + Self.page))
        memset(data + byteCount, Int32(Self.fence), mapping + total - Self.page - (data + byteCount))
    }

    deinit { munmap(mapping, mappedBytes) }

    /// Fills the buffer.
    func fill(_ byte: UInt8) { memset(data, Int32(byte), byteCount) }

    /// Copies `byteCount` bytes in.
    func copy(from source: UnsafeRawPointer) { memcpy(data, source, byteCount) }

    /// Forbids or allows writes.
    func protect(readOnly: Bool) {
        mprotect(inner, innerBytes, readOnly ? PROT_READ : PROT_READ | PROT_WRITE)
    }

    /// The first damaged byte of the fence, from the buffer's start.
    func damage() -> Int? {
        if isReadOnly { return nil }
        let before = data - inner
        let after = innerBytes - before - byteCount
        if let offset = Self.firstDifference(inner, before) { return offset - before }
        return Self.firstDifference(data + byteCount, after).map { $0 + byteCount }
    }

    private static func firstDifference(_ start: UnsafeMutableRawPointer, _ count: Int) -> Int? {
        (0..<count).first { start.load(fromByteOffset: $0, as: UInt8.self) != fence }
    }

    /// The ranges that a fault is looked up in.
    func zones(readOnly: Bool) -> [HearthZone] {
        let base = UInt(bitPattern: data)
        func zone(_ start: UnsafeMutableRawPointer, _ count: Int, _ kind: Int) -> HearthZone {
            HearthZone(
                start: UInt(bitPattern: start), end: UInt(bitPattern: start + count), base: base, kind: Int32(kind),
                buffer: Int32(name.code))
        }
        var zones = [
            zone(mapping, Self.page, Int(HEARTH_ZONE_GUARD)),
            zone(mapping + mappedBytes - Self.page, Self.page, Int(HEARTH_ZONE_GUARD)),
        ]
        if readOnly { zones.append(zone(inner, innerBytes, Int(HEARTH_ZONE_READ_ONLY))) }
        return zones
    }
}

/// A shared file's bytes for as long as this object lives.
package final class SharedMapping {
    /// First byte.
    package let base: UnsafeMutableRawPointer
    /// Size of the file.
    package let byteCount: Int

    /// Nil when it cannot be mapped.
    package init?(_ file: WorkerFile, writable: Bool) {
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        // Private for inputs: a write could not reach the parent's file even if the pages were writable.
        let flags = writable ? MAP_SHARED : MAP_PRIVATE
        guard let mapped = mmap(nil, max(1, file.byteCount), protection, flags, file.descriptor, 0),
            mapped != MAP_FAILED
        else { return nil }
        base = mapped
        byteCount = file.byteCount
    }

    deinit { munmap(base, max(1, byteCount)) }
}
