/// What a cubin says of its one kernel: attributes of `.nv.info` sections of the ELF file that NVRTC writes.
package struct CubinFacts: Equatable, CustomStringConvertible {
    /// Registers of a thread.
    package private(set) var registers = 0
    /// Bytes of local memory of a thread: spilled registers and arrays that are not in registers.
    package private(set) var localBytes = 0
    /// Bytes of shared memory that the kernel declares, with what the architecture keeps for itself.
    package private(set) var sharedBytes = 0
    /// Bytes of variables in the device's memory, which outlive a launch.
    package private(set) var globalBytes = 0

    /// Makes facts.
    package init(registers: Int, localBytes: Int, sharedBytes: Int) {
        (self.registers, self.localBytes, self.sharedBytes) = (registers, localBytes, sharedBytes)
    }

    package var description: String { "\(registers) registers, \(localBytes) local, \(sharedBytes) shared" }

    /// Threads of a block, whole warps and at most 1024, that leave of a processor's 65,536 registers those of four warps at 168
    /// (attention over a cache, `SIMTDecodeWriter`), so that two such blocks never fit; a warp's are counted in steps of 256 (CUDA C++
    /// Programming Guide, compute capability 9.0).
    package var threadsBesideAttention: Int {
        let ofWarp = (max(1, registers) * 32 + 255) / 256 * 256
        return min(32, (65_536 - 4 * 168 * 32) / ofWarp) * 32
    }

    /// Reads the section table of a little-endian 64-bit ELF file.
    package init?(_ bytes: [UInt8]) {
        func number(_ at: Int, _ size: Int) -> Int {
            guard at >= 0, at + size <= bytes.count else { return 0 }
            return bytes[at..<at + size].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard bytes.count > 64, bytes[..<4].elementsEqual([0x7F, 0x45, 0x4C, 0x46]) else { return nil }
        let (table, entry, count) = (number(0x28, 8), number(0x3A, 2), number(0x3C, 2))
        let names = number(table + number(0x3E, 2) * entry + 0x18, 8)
        for section in 0..<count {
            let header = table + section * entry
            let start = names + number(header, 4)
            let name = String(decoding: bytes[start...].prefix { $0 != 0 }, as: UTF8.self)
            let (offset, size) = (number(header + 0x18, 8), number(header + 0x20, 8))
            if name.hasPrefix(".nv.shared."), !name.hasPrefix(".nv.shared.reserved") {
                sharedBytes = max(sharedBytes, size)
            }
            if name == ".nv.global" || name.hasPrefix(".nv.global.") { globalBytes += size }
            guard name == ".nv.info" else { continue }
            var at = offset
            while at + 4 <= offset + size {
                let (format, attribute, value) = (number(at, 1), number(at + 1, 1), number(at + 2, 2))
                // Attribute 0x2f: registers; 0x11: bytes of the stack frame. Both hold the function's number first.
                if attribute == 0x2F { registers = max(registers, number(at + 8, 4)) }
                if attribute == 0x11 { localBytes = max(localBytes, number(at + 8, 4)) }
                at += 4 + (format == 4 ? value : 0)
            }
        }
    }
}
