/// What a processor of a GPU holds at once, by architecture (CUDA C++ Programming Guide 12.x, table "Technical Specifications per Compute
/// Capability").
package struct ProcessorRoom: Hashable, Sendable {
    /// Threads and blocks that are there at once, at most.
    package let threads: Int
    package let blocks: Int
    /// Bytes of shared memory of all blocks together.
    package let sharedBytes: Int
    /// Registers of all threads together.
    package let registers = 65_536

    /// The room of an architecture such as `sm_90a`; nil where it is not in the table.
    package init?(architecture: String) {
        guard architecture.hasPrefix("sm_") else { return nil }
        switch architecture.dropFirst(3).prefix(while: \.isNumber) {
        case "70": (threads, blocks, sharedBytes) = (2048, 32, 96 << 10)
        case "75": (threads, blocks, sharedBytes) = (1024, 16, 64 << 10)
        case "80": (threads, blocks, sharedBytes) = (2048, 32, 164 << 10)
        case "86": (threads, blocks, sharedBytes) = (1536, 16, 100 << 10)
        case "87": (threads, blocks, sharedBytes) = (1536, 16, 164 << 10)
        case "89": (threads, blocks, sharedBytes) = (1536, 24, 100 << 10)
        case "90", "100": (threads, blocks, sharedBytes) = (2048, 32, 228 << 10)
        default: return nil
        }
    }
}

extension CubinFacts {
    /// What part of the threads that a processor holds run at once, in 0...1.
    package struct Occupancy: Hashable, Sendable {
        /// Under all limits together.
        package var all: Double
        /// As registers alone, and as shared memory alone would allow it.
        package var byRegisters: Double
        package var byShared: Double
    }

    /// The occupancy of launches with blocks of `threads` and so many bytes of shared memory that they ask for beside the declared ones.
    /// Registers are dealt to warps in steps of 256, and every block costs 1 KiB of shared memory from sm_80 on (Programming Guide). The grid
    /// may be too small to reach it.
    package func occupancy(threads: Int, askedBytes: Int, in room: ProcessorRoom) -> Occupancy {
        let warps = max(1, (threads + 31) / 32)
        let most = room.threads / 32
        func share(_ blocks: Int) -> Double { Double(min(most, blocks * warps)) / Double(most) }
        let ofWarp = (max(1, registers) * 32 + 255) / 256 * 256
        let byRegisters = share(room.registers / ofWarp / warps)
        let reserved = room.sharedBytes >= 100 << 10 ? 1024 : 0
        let ofBlock = sharedBytes + askedBytes + reserved
        let byShared = ofBlock > 0 ? share(room.sharedBytes / ofBlock) : 1
        let byThreads = share(min(room.blocks, most / warps))
        return Occupancy(all: min(byRegisters, byShared, byThreads), byRegisters: byRegisters, byShared: byShared)
    }
}

/// What an ELF file says of its machine code.
package enum ObjectFacts {
    /// Bytes of the section `.text` of a little-endian 64-bit ELF file; nil where it is none or has none.
    package static func codeBytes(_ bytes: UnsafeRawBufferPointer) -> Int? {
        func number(_ at: Int, _ size: Int) -> Int {
            guard at >= 0, size <= bytes.count, at <= bytes.count - size else { return 0 }
            var number = 0
            for place in (0..<size).reversed() { number = number << 8 | Int(bytes[at + place]) }
            return number
        }
        guard bytes.count > 64, bytes[..<4].elementsEqual([0x7F, 0x45, 0x4C, 0x46]) else { return nil }
        let (table, entry, count) = (number(0x28, 8), number(0x3A, 2), number(0x3C, 2))
        // What a damaged file may state does not fit it.
        guard table > 0, table < bytes.count, entry >= 64 else { return nil }
        let names = number(table + number(0x3E, 2) * entry + 0x18, 8)
        for section in 0..<count {
            let header = table + section * entry
            let start = number(header, 4)
            guard names >= 0, names < bytes.count, start < bytes.count - names else { continue }
            let name = bytes[(names + start)...].prefix { $0 != 0 }
            if name.elementsEqual(".text".utf8) { return number(header + 0x20, 8) }
        }
        return nil
    }
}
