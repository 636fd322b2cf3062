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
    static let device: Result<OpenCLDevice, DeviceError> = Result { () throws(DeviceError) in try OpenCLDevice() }

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
        let packed = try HostLibrary.pack(emitted, buffers, dimensions).map(place)
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
}
