import Base
import DeviceAPI
import ElementTypes
import GraphLowering
import KernelCodeGen
import KernelIR

/// Runs what is known at build time: constant launches and the packing of weights, by the generated kernels themselves.
package final class ConstantFolder {
    /// A packed operand: which kernel asks for it and which buffers it is made from.
    struct PackingKey: Hashable {
        var kernel: KernelID
        var packing: Int
        var sources: [BufferID]
    }

    private let program: LoweredProgram
    private let list: KernelList
    private let generated: GeneratedProgram
    private let tensors: any TensorSource
    private let device: any Device
    private let code: any DeviceProgram
    /// Contents of constant buffers, 64-byte aligned.
    private var memory: [BufferID: AlignedBytes] = [:]
    private var packed: [PackingKey: Int] = [:]
    /// Packed operands in the order of their making.
    private(set) var packedBytes: [(bytes: AlignedBytes, element: ElementType, count: Int)] = []

    /// Prepares to fold the constants of a program whose kernels are loaded as `code`.
    package init(
        _ program: LoweredProgram, _ list: KernelList, _ generated: GeneratedProgram, tensors: any TensorSource,
        device: any Device, code: any DeviceProgram
    ) {
        self.program = program
        self.list = list
        self.generated = generated
        self.tensors = tensors
        self.device = device
        self.code = code
    }

    /// Runs all constant launches and packs the constant operands of the others.
    package func run() throws {
        for (index, launch) in program.launches.enumerated() {
            for position in generated.emitted[list.ofLaunch[index].index].packings.indices {
                _ = try packing(launch: index, position)
            }
            if launch.isConstant { try execute(index) }
        }
    }

    /// Contents of a constant buffer.
    func bytes(_ buffer: BufferID) throws -> AlignedBytes {
        if let known = memory[buffer] { return known }
        let description = program.buffers[buffer]
        guard let count = elementCount(description.type.shape).constantValue else {
            preconditionFailure("a constant has a static shape")
        }
        let bytes = AlignedBytes(count * description.type.element.byteCount)
        switch description.role {
        case .parameter(let name):
            try tensors.withTensor(name) { source in
                precondition(
                    source.count == bytes.count, "tensor \(name) has \(source.count) bytes, not \(bytes.count)")
                bytes.buffer.copyMemory(from: source)
            }
        case .literal(let elements):
            for (index, element) in elements.enumerated() {
                bytes.store(element, at: index, as: description.type.element)
            }
        case .folded, .input, .output, .state, .temporary: break
        }
        memory[buffer] = bytes
        return bytes
    }

    /// Frees a constant that nothing reads any more.
    func release(_ buffer: BufferID) { memory[buffer] = nil }

    /// The number of the packed operand that a launch's kernel asks for; packs it first if needed.
    func packing(launch index: Int, _ position: Int) throws -> Int {
        let id = list.ofLaunch[index]
        let packing = generated.emitted[id.index].packings[position]
        let launch = program.launches[index]
        let sources = packing.sources.map { launch.buffers[$0] }
        let key = PackingKey(kernel: id, packing: position, sources: sources)
        if let known = packed[key] { return known }
        let target = AlignedBytes(packing.count * packing.element.byteCount)
        var operands: [Launch.Operand] = []
        for source in sources { operands.append(.fixed(try bytes(source).address)) }
        if packing.usesLibrary { operands.append(try library()) }
        operands.append(.fixed(target.address))
        let call = Launch(
            kernel: try code.kernel(named: packing.symbol), operands: operands,
            dimensions: launch.kernel.symbols.map { _ in 0 }, spread: .threads)
        try run(call, workspaceBytes: 0)
        packed[key] = packedBytes.count
        packedBytes.append((target, packing.element, packing.count))
        return packedBytes.count - 1
    }

    private func library() throws -> Launch.Operand {
        guard let table = device.library(named: "oneDNN") else { throw BuildError.unsupported("oneDNN is not there") }
        return .fixed(table)
    }

    private func execute(_ index: Int) throws {
        let launch = program.launches[index]
        let emitted = generated.emitted[list.ofLaunch[index].index]
        var operands: [Launch.Operand] = []
        var scratch: [AlignedBytes] = []
        defer { withExtendedLifetime(scratch) {} }
        for argument in emitted.arguments {
            switch argument {
            case .parameter(let number): operands.append(.fixed(try bytes(launch.buffers[number]).address))
            case .packed(let number):
                operands.append(.fixed(packedBytes[try packing(launch: index, number)].bytes.address))
            case .library: operands.append(try library())
            case .shared(let bytes):
                let area = AlignedBytes(bytes.constantValue ?? 0)
                scratch.append(area)
                operands.append(.fixed(area.address))
            }
        }
        let spread: Launch.Spread =
            switch emitted.parts {
            case .count(let count): .parts(count.constantValue ?? 1)
            case .gang: .gang
            }
        let call = Launch(
            kernel: try code.kernel(named: emitted.symbol), operands: operands, dimensions: [], spread: spread)
        try run(call, workspaceBytes: emitted.workspaceBytes.constantValue ?? 0)
    }

    private func run(_ call: Launch, workspaceBytes: Int) throws {
        let graph = try device.makeGraph([call], slotCount: 0, workspaceBytes: workspaceBytes)
        try graph.run(UnsafeBufferPointer(start: nil, count: 0))
    }
}

/// Zeroed memory at a multiple of 64 bytes.
package final class AlignedBytes {
    /// The memory.
    package let buffer: UnsafeMutableRawBufferPointer

    /// Allocates `count` zero bytes.
    package init(_ count: Int) {
        buffer = .allocate(byteCount: max(count, 1), alignment: 64)
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        self.count = count
    }

    deinit { buffer.deallocate() }

    /// Number of bytes asked for.
    package let count: Int

    /// Where it starts.
    package var address: UnsafeMutableRawPointer {
        guard let base = buffer.baseAddress else { preconditionFailure("allocated memory has an address") }
        return base
    }

    /// Stores a number as an element.
    func store(_ value: Double, at index: Int, as element: ElementType) {
        let place = address + index * element.byteCount
        switch element {
        case .f64: place.storeBytes(of: value, as: Double.self)
        case .f32: place.storeBytes(of: Float(value), as: Float.self)
        case .f16: place.storeBytes(of: Self.half(value), as: UInt16.self)
        case .bf16:
            let bits = Float(value).bitPattern
            let rounded = value.isNaN ? bits | 0x40_0000 : bits &+ 0x7FFF &+ ((bits >> 16) & 1)
            place.storeBytes(of: UInt16(truncatingIfNeeded: rounded >> 16), as: UInt16.self)
        case .i64: place.storeBytes(of: Int64(value), as: Int64.self)
        case .i32: place.storeBytes(of: Int32(truncatingIfNeeded: Int64(value)), as: Int32.self)
        case .i16: place.storeBytes(of: Int16(truncatingIfNeeded: Int64(value)), as: Int16.self)
        case .i8: place.storeBytes(of: Int8(truncatingIfNeeded: Int64(value)), as: Int8.self)
        case .u8: place.storeBytes(of: UInt8(truncatingIfNeeded: Int64(value)), as: UInt8.self)
        case .bool: place.storeBytes(of: value != 0 ? 1 : 0, as: UInt8.self)
        }
    }

    /// The bits of the nearest f16, halves to even. Literals in graphs are few, so clarity beats speed.
    private static func half(_ value: Double) -> UInt16 {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = abs(value)
        if value.isNaN { return 0x7E00 }
        if magnitude >= 65520 { return sign | 0x7C00 }
        if magnitude < 0x1p-14 { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
        let exponent = Int(magnitude.exponent)
        let fraction = (magnitude.significand * 1024).rounded(.toNearestOrEven)
        return sign | UInt16((exponent + 14) * 1024 + Int(fraction))
    }
}
