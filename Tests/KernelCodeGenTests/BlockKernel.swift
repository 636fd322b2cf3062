import DeviceAPI
import ElementTypes
import Foundation
import KernelIR
import OpenCLDevice

@testable import KernelCodeGen

/// A kernel in OpenCL C, built for the first OpenCL device of this machine (PoCL where there is no GPU).
final class BlockKernel: RunnableKernel {
    typealias Failure = CompiledKernel.Failure

    let kernel: Kernel
    let emitted: EmittedKernel
    private let device: OpenCLDevice
    private let function: KernelFunction

    /// The device, or why there is none.
    static let device: Result<OpenCLDevice, DeviceError> = Result { () throws(DeviceError) in
        // PoCL 3.1's default way to run the items of a group ("loopvec") computes some of these kernels wrongly, where
        // "loops" and "cbs" agree with the references.
        setenv("POCL_WORK_GROUP_METHOD", "cbs", 0)
        return try OpenCLDevice()
    }

    static var isThere: Bool { (try? device.get()) != nil }

    static let target = SIMTTarget(
        dialect: .openCL, architecture: "opencl", warp: 32, threads: 1024, sharedBytes: 48 * 1024, multiprocessors: 2,
        l2Bytes: 1 << 20)

    init(_ kernel: Kernel, _ schedule: Schedule = Schedule()) throws {
        self.kernel = kernel
        device = try Self.device.get()
        let emitter = SIMTEmitter(Self.target)
        emitted = try emitter.emit(kernel, symbol: "tested", schedule)
        let program = try device.loadProgram(bytes: Array((emitter.prelude + emitted.source).utf8), name: "tested")
        function = try program.kernel(named: "tested")
    }

    func run(_ buffers: inout [[UInt8]], dimensions: [Int64], parts: Int32 = 1) throws {
        let queue = try device.makeQueue()
        let symbols = kernel.symbols
        func value(_ expression: IntegerExpression) -> Int {
            expression.evaluate { variable in symbols.firstIndex(of: variable).map { Int(dimensions[$0]) } ?? 0 } ?? 0
        }
        // 64 bytes that nothing may touch stand after every buffer.
        let arena = try device.allocate(1 << 26)
        var used = 0
        func place(_ bytes: [UInt8]) throws -> UnsafeMutableRawPointer {
            let address = arena.address + used
            let guarded = bytes + [UInt8](repeating: 0xA5, count: 64)
            guard used + guarded.count <= arena.byteCount else { throw Failure(description: "the arena is full") }
            try guarded.withUnsafeBytes { try queue.copy($0, to: arena, at: used) }
            used += (guarded.count + 255) / 256 * 256
            return address
        }
        let given = try buffers.map(place)
        let packed = try pack(buffers, dimensions).map(place)
        var operands: [Launch.Operand] = []
        for argument in emitted.arguments {
            switch argument {
            case .parameter(let number): operands.append(.fixed(given[number]))
            case .packed(let number): operands.append(.fixed(packed[number]))
            case .library: throw Failure(description: "a library on a device of blocks")
            case .shared(let bytes):
                operands.append(.fixed(try place([UInt8](repeating: 0xFF, count: value(bytes)))))
            }
        }
        guard case .grid(let grid) = emitted.parts else { throw Failure(description: "no grid") }
        var counters: UnsafeMutableRawPointer?
        if grid.counters > 0 {
            counters = try place([UInt8](repeating: 0, count: 4 * grid.counters))
            operands.append(.fixed(counters!))
        }
        let launch = Launch(
            kernel: function, operands: operands, dimensions: symbols.isEmpty ? [] : dimensions,
            spread: .grid(
                .init(blocks: [Int32(value(grid.blocks)), 1, 1], threads: Int32(grid.threads))))
        let graph = try device.makeGraph([launch])
        // Twice: what a launch leaves in counters must do for the next.
        for _ in 0..<2 { try graph.run(UnsafeBufferPointer(start: nil, count: 0)) }
        for (number, address) in given.enumerated() {
            var found = [UInt8](repeating: 0, count: buffers[number].count + 64)
            try found.withUnsafeMutableBytes { try queue.copy(arena, at: address - arena.address, to: $0) }
            guard found.suffix(64).allSatisfy({ $0 == 0xA5 }) else {
                throw Failure(description: "buffer \(number) is overrun")
            }
            buffers[number] = Array(found.dropLast(64))
        }
        if let counters {
            var found = [UInt8](repeating: 1, count: 4 * grid.counters)
            try found.withUnsafeMutableBytes { try queue.copy(arena, at: counters - arena.address, to: $0) }
            guard found.allSatisfy({ $0 == 0 }) else { throw Failure(description: "counters are not left zero") }
        }
    }

    /// Runs the packings on the host.
    private func pack(_ buffers: [[UInt8]], _ dimensions: [Int64]) throws -> [[UInt8]] {
        if emitted.packings.isEmpty { return [] }
        let text = KernelEmitter(TestTarget.portable.target).prelude + emitted.packingSource
        let library = try HostLibrary(text)
        return try emitted.packings.map { packing in
            var sources = packing.sources.map { buffers[$0] }
            var target = [UInt8](repeating: 0xA5, count: packing.count * packing.element.byteCount)
            try library.call(packing.symbol, &sources, &target, dimensions)
            return target
        }
    }
}

/// C text compiled and loaded, for packings.
private final class HostLibrary {
    private let handle: UnsafeMutableRawPointer

    init(_ text: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-packing-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (code, object) = (folder.appending(path: "packing.c"), folder.appending(path: "packing.so"))
        try Data(text.utf8).write(to: code)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["clang", "-O1", "-w", "-shared", "-fPIC", "-o", object.path, code.path]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0, let handle = dlopen(object.path, RTLD_NOW) else {
            throw CompiledKernel.Failure(description: "the packing does not compile")
        }
        self.handle = handle
    }

    deinit { dlclose(handle) }

    /// Calls a packing in three parts.
    func call(_ name: String, _ sources: inout [[UInt8]], _ target: inout [UInt8], _ dimensions: [Int64]) throws {
        guard let symbol = dlsym(handle, name) else {
            throw CompiledKernel.Failure(description: "no packing \(name)")
        }
        let function = unsafeBitCast(symbol, to: CompiledKernel.Function.self)
        var pointers: [UnsafeMutableRawPointer?] = []
        for source in sources {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: source.count + 64, alignment: 64)
            copy.copyMemory(from: source, byteCount: source.count)
            pointers.append(copy)
        }
        let result = UnsafeMutableRawPointer.allocate(byteCount: target.count + 64, alignment: 64)
        pointers.append(result)
        for part in 0..<Int32(3) { _ = function(pointers, dimensions, nil, part, 3) }
        target = Array(UnsafeRawBufferPointer(start: result, count: target.count))
        for pointer in pointers { pointer?.deallocate() }
    }
}
