import DeviceAPI

/// Measures what a device that runs blocks of threads reaches at most, with kernels that do nothing else: the counterpart of what
/// a processor measures when it is opened.
package struct DeviceRates {
    /// Seconds that one timed launch should take at least.
    private static let shortest = 0.002
    private static let samples = 5

    private let device: any Device
    /// Makes an image of a kernel's text.
    private let compile: (String) async throws -> [UInt8]

    /// Measures a device; `compile` makes an image of a kernel's text for it.
    package init(_ device: any Device, compile: @escaping (String) async throws -> [UInt8]) {
        self.device = device
        self.compile = compile
    }

    /// Rates of the whole device (`allThreads`) and of one block (`oneThread`), each the best of several launches. Takes about
    /// a second, and memory of eight times the cache. Nil for a device without such kernels.
    package func measure() async throws -> DeviceLimits.Rates? {
        var found: [RateKernel.Subject: DeviceLimits.Rate] = [:]
        for kernel in RateKernel.all(for: device.limits) {
            let program = try device.loadProgram(bytes: try await compile(kernel.text), name: "rate")
            found[kernel.subject] = try measure(kernel, try program.kernel(named: "rate"))
        }
        guard let memory = found[.memoryRead], let fp32 = found[.fp32] else { return nil }
        func better(_ first: RateKernel.Subject, _ second: RateKernel.Subject) -> DeviceLimits.Rate? {
            [found[first], found[second]].compactMap { $0 }.max { $0.allThreads < $1.allThreads }
        }
        return .init(
            memoryRead: memory, fp32: fp32, bf16: better(.bf16, .groupBF16), int8: better(.int8, .groupInt8),
            f16: better(.f16, .groupF16))
    }

    private func measure(_ kernel: RateKernel, _ function: KernelFunction) throws -> DeviceLimits.Rate {
        if kernel.subject == .memoryRead { return try memory(kernel, function) }
        let target = try device.allocate(256)
        // As many turns as the shortest time asks for.
        var turns = 64
        func seconds(_ blocks: Int) throws -> Double {
            try best(kernel, function, nil, target.address, count: turns, blocks: blocks, samples: Self.samples)
        }
        while turns < 1 << 24, try seconds(device.limits.cores) < Self.shortest { turns *= 4 }
        func rate(_ blocks: Int) throws -> Double {
            kernel.operations * Double(turns) * Double(blocks) / (try seconds(blocks))
        }
        var most = 0.0
        for blocks in kernel.blocks { most = max(most, try rate(blocks * device.limits.cores)) }
        return .init(oneThread: try rate(1), allThreads: most)
    }

    private func memory(_ kernel: RateKernel, _ function: KernelFunction) throws -> DeviceLimits.Rate {
        let limits = device.limits
        // Many times the cache, so that it cannot serve the reads, within reason for small devices.
        let wanted = max(256 << 20, 32 * limits.caches.l2)
        let free = device.telemetry?.freeBytes ?? limits.memoryBytes
        let byteCount = min(wanted, max(64 << 20, min(free, limits.memoryBytes) / 8)) & ~0xFFFF
        let source = try device.allocate(byteCount)
        let target = try device.allocate(256)
        let queue = try device.makeQueue()
        try queue.fill(source, with: 0x5A)
        try queue.synchronize()
        func rate(_ blocks: Int, part: Int = 1, samples: Int = Self.samples) throws -> Double {
            let count = byteCount / 16 / part
            let time = try best(
                kernel, function, source.address, target.address, count: count, blocks: blocks, samples: samples)
            return Double(count * 16) / time
        }
        var most = 0.0
        for blocks in kernel.blocks { most = max(most, try rate(blocks * limits.cores)) }
        return .init(oneThread: try rate(1, part: 64, samples: 2), allThreads: most)
    }

    /// Seconds of the shortest of some launches, after one untimed.
    private func best(
        _ kernel: RateKernel, _ function: KernelFunction, _ source: UnsafeMutableRawPointer?,
        _ target: UnsafeMutableRawPointer, count: Int, blocks: Int, samples: Int
    ) throws -> Double {
        let launch = Launch(
            kernel: function, operands: [.fixed(source ?? target), .fixed(target)], dimensions: [Int64(count)],
            spread: .grid(.init(blocks: [Int32(blocks), 1, 1], threads: Int32(kernel.threads), sharedBytes: 0)))
        let graph = try device.makeGraph([launch])
        let slots = UnsafeBufferPointer<UnsafeMutableRawPointer>(start: nil, count: 0)
        _ = try graph.time(slots, samples: 1, inner: 1)
        let times = try graph.time(slots, samples: samples, inner: 1)
        return Double(max(1, times.min() ?? 1)) * 1e-9
    }
}
