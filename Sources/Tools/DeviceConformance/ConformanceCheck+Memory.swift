import DeviceAPI
import ElementTypes

extension ConformanceCheck {
    /// Memory, copies and their order.
    static let memory: [ConformanceCheck] = [
        .init("limits are sane") { bench in
            let limits = bench.device.limits
            try require(limits.cores >= 1 && limits.threads >= 1 && limits.memoryBytes > 0, "nothing to work with")
            try require(limits.vectorBytes >= 16 && limits.alignment >= 64, "narrow vectors or alignment")
            try require(!limits.dialects.isEmpty && limits.elementTypes.contains(.f32), "no dialect, or no f32")
            try require(limits.fingerprint.utf8.count == 16, "fingerprint '\(limits.fingerprint)'")
            try require(limits.lacking(limits.requirements).isEmpty, "it lacks what its own programs need")
            if let blocks = limits.blocks {
                try require(
                    blocks.warp >= 1 && blocks.threads >= 64 && blocks.sharedBytes >= 16 << 10, "blocks of \(blocks)")
            }
        },
        .init("buffers are aligned and keep their bytes") { bench in
            let device = bench.device
            let queue = try device.makeQueue()
            for byteCount in [0, 1, 63, 64, 65, 4096, 5 << 20] {
                let buffer = try device.allocate(byteCount)
                try require(buffer.byteCount == byteCount, "\(buffer.byteCount) bytes for \(byteCount)")
                let offset = UInt(bitPattern: buffer.address) % UInt(device.limits.alignment)
                try require(offset == 0, "a buffer begins \(offset) bytes off its alignment")
                try queue.fill(buffer, with: 0xA5)
                var back = [UInt8](repeating: 0, count: byteCount)
                try back.withUnsafeMutableBytes { try queue.copy(buffer, at: 0, to: $0) }
                try queue.synchronize()
                try require(
                    back.allSatisfy { $0 == 0xA5 }, "\(byteCount) bytes did not keep what they were filled with")
            }
        },
        .init("memory that cannot be had is refused") { bench in
            for byteCount in [Int.max, -1] {
                try requireError(
                    "a buffer of \(byteCount) bytes",
                    { if case .outOfMemory(byteCount, _) = $0 as? DeviceError { true } else { false } }
                ) { _ = try bench.device.allocate(byteCount).byteCount }
            }
            // And what was refused leaves the device as it was.
            let queue = try bench.device.makeQueue()
            let buffer = try bench.device.allocate(64)
            try queue.fill(buffer, with: 1)
            try queue.synchronize()
        },
        .init("copies stay inside") { bench in
            let queue = try bench.device.makeQueue()
            let buffer = try bench.device.allocate(16)
            for (offset, count) in [(-1, 1), (0, 17), (16, 1), (17, 0), (Int.max, 8)] {
                let expected = DeviceError.outOfBounds(offset: offset, byteCount: count, bufferBytes: 16)
                var bytes = [UInt8](repeating: 0, count: count)
                try requireError("a copy of \(count) bytes to \(offset)", { $0 as? DeviceError == expected }) {
                    try bytes.withUnsafeBytes { try queue.copy($0, to: buffer, at: offset) }
                }
                try requireError("a copy of \(count) bytes from \(offset)", { $0 as? DeviceError == expected }) {
                    try bytes.withUnsafeMutableBytes { try queue.copy(buffer, at: offset, to: $0) }
                }
            }
            try [UInt8](1...4).withUnsafeBytes { try queue.copy($0, to: buffer, at: 12) }
            var tail = [UInt8](repeating: 0, count: 4)
            try tail.withUnsafeMutableBytes { try queue.copy(buffer, at: 12, to: $0) }
            try queue.synchronize()
            try require(tail == [1, 2, 3, 4], "\(tail) came back")
        },
        .init("copies happen in the order of their queue") { bench in
            let queue = try bench.device.makeQueue()
            let count = 3 << 20
            let first = try bench.device.allocate(count)
            let second = try bench.device.allocate(count)
            let host = try bench.device.allocateHost(count)
            for round in 1...3 {
                host.address.initializeMemory(as: UInt8.self, repeating: UInt8(round), count: count)
                try queue.copy(UnsafeRawBufferPointer(start: host.address, count: count), to: first, at: 0)
                try queue.copy(from: first.address, to: second.address, count)
                try queue.fill(first, with: 0)
                try queue.copy(second, at: 0, to: UnsafeMutableRawBufferPointer(start: host.address, count: count))
                try queue.synchronize()
                let back = UnsafeRawBufferPointer(start: host.address, count: count)
                try require(back.allSatisfy { $0 == UInt8(round) }, "round \(round) brought back other bytes")
            }
        },
        .init("host memory that is there already is imported, or refused without harm") { bench in
            let (device, count) = (bench.device, 3 << 20)
            let queue = try device.makeQueue()
            let buffer = try device.allocate(count)
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 8192, alignment: 4096)
            defer { memory.deallocate() }
            // Whole pages, and what begins and ends inside of pages.
            for (offset, length, isReadOnly) in [(0, count, false), (4096, count, true), (4216, count - 333, false)] {
                let part = UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + length])
                func travel() throws {
                    for round in 1...2 {
                        for index in part.indices { part[index] = UInt8(truncatingIfNeeded: index &* 31 &+ round) }
                        try queue.copy(UnsafeRawBufferPointer(part), to: buffer, at: 0)
                        try queue.synchronize()
                        var back = [UInt8](repeating: 0, count: length)
                        try back.withUnsafeMutableBytes { try queue.copy(buffer, at: 0, to: $0) }
                        try queue.synchronize()
                        try require(back.elementsEqual(part), "other bytes arrived from imported memory")
                        if isReadOnly { continue }
                        part.initializeMemory(as: UInt8.self, repeating: 0)
                        try queue.copy(buffer, at: 0, to: part)
                        try queue.synchronize()
                        try require(back.elementsEqual(part), "other bytes arrived in imported memory")
                    }
                }
                do {
                    let imported = try device.importHost(UnsafeRawBufferPointer(part), isReadOnly: isReadOnly)
                    try require(device.limits.importsHostMemory, "memory was imported, which the limits deny")
                    try require(
                        imported.address == part.baseAddress && imported.byteCount == length, "it lies elsewhere")
                    try travel()
                } catch let error as DeviceError {
                    let isRefusal = if case .notImported = error { true } else { false }
                    let isUnknown = if case .unsupported = error { true } else { false }
                    guard isRefusal || isUnknown else { throw error }
                    try require(isRefusal == device.limits.importsHostMemory, "the limits say otherwise: \(error)")
                }
                // After the end, or after a refusal, as before.
                try travel()
            }
        },
        .init("events tell times in order") { bench in
            let queue = try bench.device.makeQueue()
            let buffer = try bench.device.allocate(8 << 20)
            let first = try queue.record()
            for _ in 0..<20 { try queue.fill(buffer, with: 3) }
            let second = try queue.record()
            try queue.synchronize()
            let time = try second.since(first)
            try require(time > 0 && time < 60_000_000_000, "20 fills took \(time) ns")
        },
    ]
}
