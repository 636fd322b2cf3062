import DeviceAPI

/// How inputs and outputs in the host's memory travelled to and from a device with memory of its own.
package struct HostTraffic: Sendable, Equatable {
    /// Pieces of memory that are lent now and that the device reaches.
    package var imported = 0
    /// Why the device refused the last piece that was lent to no avail; nil where none was.
    package var refusal: String?
    /// Bytes that were copied between the device and the caller's memory.
    package var directBytes = 0
    /// Bytes that went through pinned memory of the session.
    package var stagedBytes = 0

    /// Makes an account.
    package init(imported: Int = 0, refusal: String? = nil, directBytes: Int = 0, stagedBytes: Int = 0) {
        self.imported = imported
        self.refusal = refusal
        self.directBytes = directBytes
        self.stagedBytes = stagedBytes
    }
}

/// Memory of the host that a session's caller has lent to it. What the device takes is copied from and to without a detour; the rest
/// travels as if it had not been lent.
struct HostImports {
    private struct Entry {
        let range: Range<UInt>
        let isReadOnly: Bool
        let memory: SharedBuffer
    }

    /// Fewer bytes travel with others in one copy, which is quicker than one for each.
    var threshold = 64 << 10
    private var entries: [Entry] = []
    /// What came of it so far.
    private(set) var traffic = HostTraffic()

    /// Takes a piece; false where the device refuses it.
    mutating func add(_ memory: UnsafeRawBufferPointer, isReadOnly: Bool, _ device: any Device) -> Bool {
        let first = UInt(bitPattern: memory.baseAddress)
        do throws(DeviceError) {
            let buffer = SharedBuffer(try device.importHost(memory, isReadOnly: isReadOnly))
            entries.append(
                Entry(range: first..<first + UInt(memory.count), isReadOnly: isReadOnly, memory: buffer))
            traffic.imported = entries.count
            return true
        } catch {
            traffic.refusal = error.description
            return false
        }
    }

    /// Gives back the piece that begins there.
    mutating func end(_ address: UnsafeRawPointer) {
        entries.removeAll { $0.range.lowerBound == UInt(bitPattern: address) }
        traffic.imported = entries.count
    }

    /// Whether the device's copies may use this memory, and counts it.
    mutating func takes(_ address: UnsafeRawPointer, _ byteCount: Int, writing: Bool) -> Bool {
        let first = UInt(bitPattern: address)
        let isDirect =
            byteCount >= threshold
            && entries.contains {
                $0.range.lowerBound <= first && first + UInt(byteCount) <= $0.range.upperBound
                    && !(writing && $0.isReadOnly)
            }
        if isDirect { traffic.directBytes += byteCount } else { traffic.stagedBytes += byteCount }
        return isDirect
    }
}
