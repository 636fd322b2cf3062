import CPUDevice
import DeviceAPI
import ElementTypes
import TestSupport
import Testing

/// A device under test and how to get kernels for it.
struct DeviceUnderTest: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let make: @Sendable () throws -> any Device
    /// Binary with the kernels `scale`, `whoRan`, `fail`, `meet` of `conformanceSource`.
    let program: @Sendable () throws -> [UInt8]
}

/// `scale`: buffers [x, y], dims [count, factor]: y = factor · x over int64. `whoRan`: buffers [marks]: counts runs of each
/// part. `fail`: returns 7 in part 1. `meet`: gang kernel, buffers [out, area]: part p adds p + 1 to a shared sum, waits for
/// all parts, and stores the sum at out[p], the number of parts at out[1000].
private let conformanceSource = """
    typedef long long i64;
    int scale(void *const *b, const i64 *d, void *w, int part, int parts) {
        const i64 *x = b[0]; i64 *y = b[1]; i64 n = d[0];
        for (i64 i = n * part / parts; i < n * (part + 1) / parts; i++) y[i] = x[i] * d[1];
        return 0;
    }
    int whoRan(void *const *b, const i64 *d, void *w, int part, int parts) {
        ((i64 *)b[0])[part] += 1; return 0;
    }
    int fail(void *const *b, const i64 *d, void *w, int part, int parts) { return part == 1 ? 7 : 0; }
    int scratch(void *const *b, const i64 *d, void *w, int part, int parts) {
        volatile unsigned char *s = w; i64 bad = 0;
        for (i64 i = 0; i < d[0]; i++) s[i] = (unsigned char)part;
        for (i64 i = 0; i < d[0]; i++) bad += s[i] != (unsigned char)part;
        ((i64 *)b[0])[part] = bad; return 0;
    }
    int meet(void *const *b, const i64 *d, void *w, int part, int parts) {
        i64 *out = b[0]; int *area = b[1];
        __atomic_fetch_add(&area[0], part + 1, __ATOMIC_ACQ_REL);
        __atomic_fetch_add(&area[1], 1, __ATOMIC_ACQ_REL);
        while (__atomic_load_n(&area[1], __ATOMIC_ACQUIRE) != parts) {}
        out[part] = area[0]; if (part == 0) out[1000] = parts;
        return 0;
    }
    """

private let compiled = Result { try KernelCompiler.compile(conformanceSource) }

private let devices = [1, 2, 3, 8].map { (threads: Int) in
    DeviceUnderTest(
        testDescription: "cpu, \(threads) threads", make: { try CPUDevice(threads: threads) },
        program: { try compiled.get() })
}

/// What the processor does with kernels of its own, on one thread and on more than there are. What every device must do is
/// `ConformanceCheck`.
@Suite struct CPUDeviceTests {
    private let noSlots = UnsafeBufferPointer<UnsafeMutableRawPointer>(start: nil, count: 0)

    private func numbers(_ buffer: borrowing DeviceBuffer, _ queue: any DeviceQueue, count: Int) throws -> [Int64] {
        var values = [Int64](repeating: -1, count: count)
        try values.withUnsafeMutableBytes { try queue.copy(buffer, at: 0, to: $0) }
        try queue.synchronize()
        return values
    }

    @Test(arguments: devices) func limitsAreSane(_ device: DeviceUnderTest) throws {
        let limits = try device.make().limits
        #expect(limits.cores >= 1 && limits.threads >= 1 && limits.memoryBytes > 0)
        #expect(limits.vectorBytes >= 16 && limits.alignment >= 64)
        #expect(!limits.dialects.isEmpty && limits.elementTypes.contains(.f32))
        #expect(limits.fingerprint.utf8.count == 16)
        #expect(limits.features == limits.features.sorted())
    }

    @Test(arguments: devices) func buffersAreAlignedAndKeepTheirBytes(_ device: DeviceUnderTest) throws {
        let device = try device.make()
        let queue = try device.makeQueue()
        for byteCount in [0, 1, 63, 64, 65, 4096, 5 << 20] {
            let buffer = try device.allocate(byteCount)
            #expect(buffer.byteCount == byteCount)
            #expect(UInt(bitPattern: buffer.address) % UInt(device.limits.alignment) == 0)
            try queue.fill(buffer, with: 0xA5)
            var back = [UInt8](repeating: 0, count: byteCount)
            try back.withUnsafeMutableBytes { try queue.copy(buffer, at: 0, to: $0) }
            try queue.synchronize()
            #expect(back.allSatisfy { $0 == 0xA5 })
        }
        #expect(throws: DeviceError.outOfMemory(byteCount: Int.max)) { _ = try device.allocate(Int.max).byteCount }
    }

    @Test(arguments: devices) func copiesStayInside(_ device: DeviceUnderTest) throws {
        let device = try device.make()
        let queue = try device.makeQueue()
        let buffer = try device.allocate(16)
        for (offset, count) in [(-1, 1), (0, 17), (16, 1), (17, 0), (Int.max, 8)] {
            let bytes = [UInt8](repeating: 0, count: count)
            #expect(throws: DeviceError.outOfBounds(offset: offset, byteCount: count, bufferBytes: 16)) {
                try bytes.withUnsafeBytes { try queue.copy($0, to: buffer, at: offset) }
            }
        }
        try [UInt8](1...4).withUnsafeBytes { try queue.copy($0, to: buffer, at: 12) }
        var tail = [UInt8](repeating: 0, count: 4)
        try tail.withUnsafeMutableBytes { try queue.copy(buffer, at: 12, to: $0) }
        try queue.synchronize()
        #expect(tail == [1, 2, 3, 4])
    }

    @Test(arguments: devices) func launchesOfAGraphRunInOrder(_ device: DeviceUnderTest) throws {
        let program = try device.program()
        let device = try device.make()
        let queue = try device.makeQueue()
        let scale = try device.loadProgram(bytes: program, name: "conformance").kernel(named: "scale")
        let count = 1000
        let buffer = try device.allocate(count * 8)
        let other = try device.allocate(count * 8)
        try (0..<Int64(count)).map { $0 }.withUnsafeBytes { try queue.copy($0, to: buffer, at: 0) }
        // Back and forth twenty times, spread in every way; a launch that starts early reads stale numbers.
        let spreads: [Launch.Spread] = [.parts(1), .threads, .parts(7), .parts(1), .parts(100), .parts(2)]
        let launches = (0..<20).map { step in
            let operands: [Launch.Operand] = [.fixed(buffer.address), .fixed(other.address)]
            return Launch(
                kernel: scale, operands: step % 2 == 0 ? operands : operands.reversed(),
                dimensions: [Int64(count), step % 3 == 0 ? 3 : -1], spread: spreads[step % spreads.count])
        }
        let graph = try device.makeGraph(launches)
        try queue.run(graph, noSlots)
        let factor: Int64 = (0..<20).reduce(1) { $0 * ($1 % 3 == 0 ? 3 : -1) }
        #expect(try numbers(buffer, queue, count: count) == (0..<Int64(count)).map { $0 * factor })
    }

    @Test(arguments: devices) func everyPartRunsOnce(_ device: DeviceUnderTest) throws {
        let program = try device.program()
        let device = try device.make()
        let queue = try device.makeQueue()
        let kernel = try device.loadProgram(bytes: program, name: "conformance").kernel(named: "whoRan")
        for parts in [1, 2, 3, 5, 64, 999] {
            let first = try device.allocate(parts * 8)
            let second = try device.allocate(parts * 8)
            try queue.fill(first, with: 0)
            try queue.fill(second, with: 0)
            let graph = try device.makeGraph([
                Launch(kernel: kernel, operands: [.fixed(first.address)], dimensions: [], spread: .parts(parts)),
                Launch(
                    kernel: kernel, operands: [.fixed(second.address)], dimensions: [], spread: .parts(parts),
                    runsBeside: true),
            ])
            for _ in 0..<50 { try queue.run(graph, noSlots) }
            #expect(try numbers(first, queue, count: parts) == [Int64](repeating: 50, count: parts))
            #expect(try numbers(second, queue, count: parts) == [Int64](repeating: 50, count: parts))
        }
    }

    @Test(arguments: devices) func slotsBindAtEachRun(_ device: DeviceUnderTest) throws {
        let program = try device.program()
        let device = try device.make()
        let queue = try device.makeQueue()
        let scale = try device.loadProgram(bytes: program, name: "conformance").kernel(named: "scale")
        let graph = try device.makeGraph(
            [
                Launch(
                    kernel: scale, operands: [.slot(0, byteOffset: 8), .slot(1, byteOffset: 0)], dimensions: [2, 10])
            ], slotCount: 2, workspaceBytes: 0)
        for base in [Int64(1), 5] {
            let input = try device.allocate(24)
            let output = try device.allocate(16)
            try [base, base + 1, base + 2].withUnsafeBytes { try queue.copy($0, to: input, at: 0) }
            try [input.address, output.address].withUnsafeBufferPointer { try queue.run(graph, $0) }
            #expect(try numbers(output, queue, count: 2) == [(base + 1) * 10, (base + 2) * 10])
        }
        #expect(throws: DeviceError.wrongSlotCount(expected: 2, found: 0)) { try graph.run(noSlots) }
    }

    @Test(arguments: devices) func threadsOfAGangMeet(_ device: DeviceUnderTest) throws {
        let program = try device.program()
        let device = try device.make()
        let queue = try device.makeQueue()
        let meet = try device.loadProgram(bytes: program, name: "conformance").kernel(named: "meet")
        let out = try device.allocate(1001 * 8)
        let gang = Launch(kernel: meet, operands: [.fixed(out.address)], dimensions: [], spread: .gang)
        let graph = try device.makeGraph([gang, gang, gang])
        for _ in 0..<20 {
            try queue.fill(out, with: 0)
            try queue.run(graph, noSlots)
            let values = try numbers(out, queue, count: 1001)
            let parts = values[1000]
            #expect(parts >= 1 && parts <= Int64(device.limits.threads))
            #expect(values.prefix(Int(parts)).allSatisfy { $0 == parts * (parts + 1) / 2 })
        }
    }

    @Test(arguments: devices) func workspacesAreApart(_ device: DeviceUnderTest) throws {
        let program = try device.program()
        let device = try device.make()
        let queue = try device.makeQueue()
        let kernel = try device.loadProgram(bytes: program, name: "conformance").kernel(named: "scratch")
        let bad = try device.allocate(40 * 8)
        let graph = try device.makeGraph(
            [Launch(kernel: kernel, operands: [.fixed(bad.address)], dimensions: [1000], spread: .parts(40))],
            slotCount: 0, workspaceBytes: 1000)
        try queue.run(graph, noSlots)
        #expect(try numbers(bad, queue, count: 40) == [Int64](repeating: 0, count: 40))
    }

    @Test(arguments: devices) func failuresNameTheLaunch(_ device: DeviceUnderTest) throws {
        let bytes = try device.program()
        let device = try device.make()
        let queue = try device.makeQueue()
        let program = try device.loadProgram(bytes: bytes, name: "conformance")
        let marks = try device.allocate(8)
        try queue.fill(marks, with: 0)
        let mark = Launch(
            kernel: try program.kernel(named: "whoRan"), operands: [.fixed(marks.address)], dimensions: [])
        let fail = Launch(kernel: try program.kernel(named: "fail"), operands: [], dimensions: [], spread: .parts(3))
        let graph = try device.makeGraph([mark, fail, mark])
        for _ in 0..<5 {
            #expect(throws: DeviceError.kernelFailed(launch: 1, kernel: "fail", code: 7)) { try graph.run(noSlots) }
        }
        #expect(try numbers(marks, queue, count: 1) == [5], "launches after a failure must not run")
        #expect(throws: DeviceError.missingKernel(name: "absent", program: "conformance")) {
            try program.kernel(named: "absent")
        }
        #expect(throws: DeviceError.self) { try device.loadProgram(bytes: [1, 2, 3], name: "junk") }
        #expect(throws: DeviceError.self) { try device.loadProgram(path: "/nonexistent/kernels.so") }
        #expect(throws: DeviceError.badLaunch(launch: 0, reason: "has 0 parts")) {
            try device.makeGraph([Launch(kernel: fail.kernel, operands: [], dimensions: [], spread: .parts(0))])
        }
        #expect(throws: DeviceError.badLaunch(launch: 0, reason: "refers to slot 0 of 0")) {
            try device.makeGraph([
                Launch(kernel: fail.kernel, operands: [.slot(0, byteOffset: 0)], dimensions: [])
            ])
        }
    }

    @Test(arguments: devices) func callersFromSeveralThreadsTakeTurns(_ device: DeviceUnderTest) async throws {
        let bytes = try device.program()
        let device = try device.make()
        let kernel = try device.loadProgram(bytes: bytes, name: "conformance").kernel(named: "whoRan")
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let queue = try device.makeQueue()
                    let marks = try device.allocate(5 * 8)
                    try queue.fill(marks, with: 0)
                    let graph = try device.makeGraph([
                        Launch(kernel: kernel, operands: [.fixed(marks.address)], dimensions: [], spread: .parts(5))
                    ])
                    for _ in 0..<200 { try queue.run(graph, UnsafeBufferPointer(start: nil, count: 0)) }
                    var values = [Int64](repeating: -1, count: 5)
                    try values.withUnsafeMutableBytes { try queue.copy(marks, at: 0, to: $0) }
                    try queue.synchronize()
                    return values == [Int64](repeating: 200, count: 5)
                }
            }
            for try await good in group { #expect(good) }
        }
    }

    @Test(arguments: devices) func timesComeOnePerSampleAndLaunch(_ device: DeviceUnderTest) throws {
        let bytes = try device.program()
        let device = try device.make()
        let queue = try device.makeQueue()
        let kernel = try device.loadProgram(bytes: bytes, name: "conformance").kernel(named: "whoRan")
        let marks = try device.allocate(24)
        try queue.fill(marks, with: 0)
        let launch = Launch(kernel: kernel, operands: [.fixed(marks.address)], dimensions: [], spread: .parts(3))
        let graph = try device.makeGraph([launch, launch])
        #expect(try graph.time(noSlots, samples: 7, inner: 3).count == 7)
        #expect(try graph.runProfiled(noSlots).count == 2)
        #expect(try numbers(marks, queue, count: 3) == [44, 44, 44])
        let (before, after) = (try queue.record(), try queue.record())
        #expect(try after.since(before) < 10_000_000_000)
    }
}
