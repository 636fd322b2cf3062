import DeviceAPI

/// How inputs and outputs in the host's memory travelled to and from a device with memory of its own.
package struct HostTraffic: Sendable, Equatable {
    /// Pieces of memory that are lent now and that the device reaches.
    package var imported = 0
    /// Why the device refused the last piece that was lent to no avail; nil where none was.
    package var refusal: String?
    /// Bytes that were copied between the device and the caller's memory.
    package var directBytes = 0
    /// Bytes of those in memory that was not lent, but imported for the time of a run.
    package var briefBytes = 0
    /// Bytes that went through pinned memory of the session.
    package var stagedBytes = 0

    /// Makes an account.
    package init(
        imported: Int = 0, refusal: String? = nil, directBytes: Int = 0, briefBytes: Int = 0, stagedBytes: Int = 0
    ) {
        self.imported = imported
        self.refusal = refusal
        self.directBytes = directBytes
        self.briefBytes = briefBytes
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
    /// So many bytes are imported for a run alone, as its caller keeps them that long. Measured on an H200 with PCIe 5: registering,
    /// copying and ending 16 MiB take 1.1 ms, the way through pinned memory 1.6; 256 MiB take 16 ms and 29.
    var briefThreshold = 16 << 20
    private var entries: [Entry] = []
    /// What is imported for the run that is under way.
    private var brief: [SharedBuffer] = []
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

    /// Whether something was imported for the run under way.
    var hasBrief: Bool { !brief.isEmpty }

    /// Ends what was imported for a run, when its copies have been waited for.
    mutating func endRun() { brief = [] }

    /// Whether the device's copies may use this memory until `endRun`, and counts it.
    mutating func takes(
        _ address: UnsafeRawPointer, _ byteCount: Int, writing: Bool, _ device: any Device
    ) -> Bool {
        let first = UInt(bitPattern: address)
        let isDirect =
            byteCount >= threshold
            && entries.contains {
                $0.range.lowerBound <= first && first + UInt(byteCount) <= $0.range.upperBound
                    && !(writing && $0.isReadOnly)
            }
        if isDirect || isBrief(address, byteCount, writing: writing, device) {
            traffic.directBytes += byteCount
            if !isDirect { traffic.briefBytes += byteCount }
            return true
        }
        traffic.stagedBytes += byteCount
        return false
    }

    private mutating func isBrief(
        _ address: UnsafeRawPointer, _ byteCount: Int, writing: Bool, _ device: any Device
    ) -> Bool {
        guard byteCount >= briefThreshold, device.limits.importsHostMemory else { return false }
        let memory = UnsafeRawBufferPointer(start: address, count: byteCount)
        guard let imported = try? SharedBuffer(device.importHost(memory, isReadOnly: !writing)) else { return false }
        brief.append(imported)
        return true
    }
}
