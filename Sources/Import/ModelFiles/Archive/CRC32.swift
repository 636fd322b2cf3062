/// CRC-32 as zip uses it (ISO 3309, reflected polynomial 0xEDB88320), eight bytes a step (Kounavis and Berry, 2005).
package enum CRC32 {
    /// Eight tables of 256: `tables[k * 256 + b]` is the checksum of byte `b` followed by `k` zero bytes.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
            tables[byte] = value
        }
        for byte in 256..<2048 {
            let previous = tables[byte - 256]
            tables[byte] = previous >> 8 ^ tables[Int(previous & 255)]
        }
        return tables
    }()

    /// The checksum of the bytes.
    package static func checksum(_ bytes: RawSpan) -> UInt32 {
        // Safety: every load below lies inside `data`, and every table index is at most 7 * 256 + 255.
        tables.withUnsafeBufferPointer { table in
            bytes.withUnsafeBytes { data in
                var crc: UInt32 = 0xFFFF_FFFF
                var place = 0
                while place + 8 <= data.count {
                    let word = UInt64(littleEndian: data.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                    let mixed = word ^ UInt64(crc)
                    crc =
                        table[1792 + Int(mixed & 255)] ^ table[1536 + Int(mixed >> 8 & 255)]
                        ^ table[1280 + Int(mixed >> 16 & 255)] ^ table[1024 + Int(mixed >> 24 & 255)]
                        ^ table[768 + Int(mixed >> 32 & 255)] ^ table[512 + Int(mixed >> 40 & 255)]
                        ^ table[256 + Int(mixed >> 48 & 255)] ^ table[Int(mixed >> 56)]
                    place += 8
                }
                while place < data.count {
                    crc = crc >> 8 ^ table[Int((crc ^ UInt32(data[place])) & 255)]
                    place += 1
                }
                return ~crc
            }
        }
    }
}
