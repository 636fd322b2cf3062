import Base
import DeviceAPI
import ElementTypes
import KernelCodeGen
import KernelIR

/// Runs trials on a device that runs blocks of threads.
package struct TrialRunner {
    /// One schedule's outcome.
    package struct Outcome: Sendable {
        package let schedule: Schedule
        /// What went wrong, or nil.
        package let fault: String?
        /// Largest difference from the plain result, as a part of the largest result.
        package let difference: Double
        /// Microseconds of one launch among launches over other memory; nil where it was not timed.
        package let microseconds: Double?
    }

    private let device: any Device
    private let emitter: SIMTEmitter
    private let queue: any DeviceQueue
    /// Gives the image of a unit.
    private let image: (Unit) throws -> Image

    /// What is compiled: a name in the table of images, and the kernel `trial` with what must stand before it.
    package struct Unit: Sendable {
        package let name: String
        package let text: String
        /// Set where the text is in Triton.
        package let triton: TritonSource?

        init(_ name: String, _ emitted: EmittedKernel, _ emitter: SIMTEmitter) {
            self.name = name
            triton = emitted.triton
            text = (triton == nil ? emitter.prelude : TritonPrelude.text) + emitted.source
        }
    }

    /// What a unit became.
    package struct Image: Sendable {
        package var bytes: [UInt8]
        /// Bytes of shared memory that launches ask for, where only the compiler knows.
        package var sharedBytes: Int?

        /// Makes an image.
        package init(bytes: [UInt8], sharedBytes: Int? = nil) {
            self.bytes = bytes
            self.sharedBytes = sharedBytes
        }
    }

    /// Makes a runner; `image` compiles a unit, or finds what was compiled before.
    package init(device: any Device, target: SIMTTarget, image: @escaping (Unit) throws -> Image) throws {
        self.device = device
        emitter = SIMTEmitter(target)
        queue = try device.makeQueue()
        self.image = image
    }

    /// All units of a trial, plain schedule first.
    package static func units(_ trial: KernelTrial, number: Int, _ emitter: SIMTEmitter) -> [Unit] {
        ([trial.plain] + trial.schedules).enumerated().compactMap { index, schedule in
            guard let emitted = try? emitter.emit(trial.kernel, symbol: "trial", schedule) else { return nil }
            return Unit("\(number)_\(index)", emitted, emitter)
        }
    }

    /// Runs all schedules of a trial; `packer` calls the functions of `packingText`.
    package func run(_ trial: KernelTrial, number: Int, isTimed: Bool, packer: @escaping Packer) throws -> [Outcome] {
        let kernel = trial.kernel
        let counts = kernel.parameters.map { $0.count.constantValue ?? 0 }
        var random = SeededRandom(seed: UInt64(number + 1))
        var contents: [[UInt8]] = []
        for (parameter, count) in zip(kernel.parameters, counts) {
            contents.append(
                parameter.access == .read
                    ? Self.numbers(count, parameter.element, &random)
                    : [UInt8](repeating: 0xFF, count: count * parameter.element.byteCount))
        }
        let case0 = TrialCase(trial: trial, number: number, contents: contents, packer: packer)
        let plain = try result(case0, trial.plain, 0)
        let largest = max(plain.map(abs).max() ?? 0, 1e-30)
        return trial.schedules.enumerated().compactMap { index, schedule in
            // What the device has no instructions for is no way to run there.
            guard applies(schedule, kernel) else { return nil }
            do {
                let found = try result(case0, schedule, index + 1)
                var worst = 0.0
                for (a, b) in zip(found, plain) {
                    let difference = abs(a - b)
                    worst = max(worst, difference.isNaN ? (a.isNaN && b.isNaN ? 0 : .infinity) : difference)
                }
                worst /= largest
                let time = isTimed ? try microseconds(case0, schedule, index + 1) : nil
                let fault = worst <= trial.tolerance ? nil : "differs by \(worst) of the largest result"
                return Outcome(schedule: schedule, fault: fault, difference: worst, microseconds: time)
            } catch {
                return Outcome(schedule: schedule, fault: "\(error)", difference: .infinity, microseconds: nil)
            }
        }
    }

    /// Calls a function that packs an operand, by its name, on the buffers of its ABI.
    package typealias Packer = (_ symbol: String, _ buffers: [UnsafeMutableRawPointer]) throws -> Void

    /// The host C of all packings of a trial, without the host's prelude; empty where nothing is packed.
    package static func packingText(_ trial: KernelTrial, _ emitter: SIMTEmitter) -> String {
        trial.schedules.enumerated().map { index, schedule in
            (try? emitter.emit(trial.kernel, symbol: "trial\(index + 1)", schedule).packingSource) ?? ""
        }.joined()
    }

    private func applies(_ schedule: Schedule, _ kernel: Kernel) -> Bool {
        let forms: Set<String> = ["algorithm", "form", "shared"]
        return emitter.choices(kernel).filter { forms.contains($0.name) }.allSatisfy { choice in
            choice.values.contains(schedule[choice])
        }
    }

    /// Bytes that a launch must read and write at least, and its multiply-adds times two.
    package static func work(_ trial: KernelTrial) -> (bytes: Double, operations: Double) {
        let bytes = trial.kernel.parameters.reduce(0.0) {
            $0 + Double(($1.count.constantValue ?? 0) * $1.element.byteCount)
        }
        guard case .contraction(let body) = trial.kernel.body else { return (bytes, 0) }
        let points = (body.batch + body.rows + body.columns + body.taps + [body.depth]).reduce(2.0 * Double(body.gates))
        {
            $0 * Double($1.extent.constantValue ?? 1)
        }
        return (bytes, points)
    }

    // MARK: Running

    private func function(_ trial: TrialCase, _ schedule: Schedule, _ index: Int) throws -> (
        EmittedKernel, KernelFunction
    ) {
        let name = "\(trial.number)_\(index)"
        let emitted = try emitter.emit(trial.trial.kernel, symbol: "trial", schedule)
        let image = try image(Unit(name, emitted, emitter))
        let function = try device.loadProgram(bytes: image.bytes, name: name).kernel(named: "trial")
        return (emitted.asking(sharedBytes: image.sharedBytes), function)
    }

    private func launch(
        _ emitted: EmittedKernel, _ function: KernelFunction, _ addresses: [UnsafeMutableRawPointer],
        _ others: [UnsafeMutableRawPointer], isSecond: Bool = false
    ) throws -> Launch {
        var operands: [Launch.Operand] = []
        var (addresses, others) = (addresses[...], others[...])
        for argument in emitted.arguments {
            switch argument {
            case .parameter, .packed: operands.append(.fixed(addresses.removeFirst()))
            case .shared: operands.append(.fixed(others.removeFirst()))
            case .library: throw TrialFailure("an argument that trials do not have")
            }
        }
        guard case .grid(var grid) = emitted.parts else { throw TrialFailure("no grid") }
        if isSecond, let other = grid.alternate {
            (grid.threads, grid.sharedBytes) = (other.threads, other.sharedBytes)
        }
        if grid.counters > 0 { operands.append(.fixed(others.removeFirst())) }
        return Launch(
            kernel: function, operands: operands, dimensions: [],
            spread: .grid(
                .init(
                    blocks: [Int32(grid.blocks.constantValue ?? 0), 1, 1], threads: Int32(grid.threads),
                    sharedBytes: Int32(grid.sharedBytes), overlapsPredecessor: grid.overlaps, call: grid.call)))
    }

    /// Contents of the parameters and packed operands in the order in which `launch` takes them, and the place of what is
    /// written.
    private func operands(
        _ trial: TrialCase, _ emitted: EmittedKernel, _ index: Int
    ) throws -> (contents: [[UInt8]], written: Int) {
        var contents: [[UInt8]] = []
        var written = 0
        for argument in emitted.arguments {
            switch argument {
            case .parameter(let number):
                if trial.trial.kernel.parameters[number].access != .read { written = contents.count }
                contents.append(trial.contents[number])
            case .packed(let number): contents.append(try packed(trial, emitted, index, number))
            case .shared, .library: break
            }
        }
        return (contents, written)
    }

    private func packed(_ trial: TrialCase, _ emitted: EmittedKernel, _ index: Int, _ number: Int) throws -> [UInt8] {
        let packing = emitted.packings[number]
        // Schedules that only read otherwise pack alike.
        let key = "\(number) \(emitted.packingSource)"
        if let before = trial.packed.bytes[key] { return before }
        var buffers: [UnsafeMutableRawPointer] = []
        defer { for buffer in buffers { buffer.deallocate() } }
        let size = packing.count * packing.element.byteCount
        for source in packing.sources.map({ trial.contents[$0] }) {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: max(source.count, 1), alignment: 64)
            source.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: copy, count: $0.count).copyMemory(from: $0) }
            buffers.append(copy)
        }
        buffers.append(.allocate(byteCount: max(size, 1), alignment: 64))
        // Symbols of one library differ by the schedule.
        try trial.packer("trial\(index)" + packing.symbol.dropFirst("trial".count), buffers)
        let bytes = Array(UnsafeRawBufferPointer(start: buffers[buffers.count - 1], count: size))
        trial.packed.bytes[key] = bytes
        return bytes
    }

    /// Bytes of scratch memory and counters in the order in which `launch` takes them.
    private func scratch(_ emitted: EmittedKernel) -> [Int] {
        var sizes: [Int] = []
        for case .shared(let bytes) in emitted.arguments { sizes.append(bytes.constantValue ?? 0) }
        if case .grid(let grid) = emitted.parts, grid.counters > 0 { sizes.append(4 * grid.counters) }
        return sizes
    }

    private func result(_ trial: TrialCase, _ schedule: Schedule, _ index: Int) throws -> [Double] {
        let (emitted, function) = try function(trial, schedule, index)
        let (contents, written) = try operands(trial, emitted, index)
        let arena = try Arena(device, contents.map(\.count) + scratch(emitted))
        try queue.fill(arena.buffer, with: 0)
        for (number, bytes) in contents.enumerated() {
            try bytes.withUnsafeBytes { try queue.copy($0, to: arena.buffer, at: arena.offsets[number]) }
        }
        let addresses = arena.offsets.map { arena.buffer.address + $0 }
        let one = try launch(
            emitted, function, Array(addresses[..<contents.count]), Array(addresses[contents.count...]))
        // Twice: what a launch leaves behind must do for the next.
        try queue.synchronize()
        try device.makeGraph([one, one]).run(UnsafeBufferPointer(start: nil, count: 0))
        var found = [UInt8](repeating: 0, count: contents[written].count)
        try found.withUnsafeMutableBytes { try queue.copy(arena.buffer, at: arena.offsets[written], to: $0) }
        try queue.synchronize()
        let element = trial.trial.kernel.parameters.last { $0.access != .read }?.element ?? .f32
        return Self.doubles(found, element)
    }

    /// Launches over as many copies of the operands as do not fit in any cache, one after the other in one graph.
    private func microseconds(_ trial: TrialCase, _ schedule: Schedule, _ index: Int) throws -> Double {
        let (emitted, function) = try function(trial, schedule, index)
        let contents = try operands(trial, emitted, index).contents
        let sizes = contents.map(\.count)
        let copies = min(200, max(8, (256 << 20) / max(1, sizes.reduce(0, +))))
        let other = scratch(emitted)
        let arena = try Arena(device, (0..<copies).flatMap { _ in sizes } + other)
        try queue.fill(arena.buffer, with: 0)
        for (number, bytes) in contents.enumerated() {
            try bytes.withUnsafeBytes { try queue.copy($0, to: arena.buffer, at: arena.offsets[number]) }
            let first = UnsafeRawPointer(arena.buffer.address + arena.offsets[number])
            for copy in 1..<copies {
                let place = arena.buffer.address + arena.offsets[copy * sizes.count + number]
                try queue.copy(from: first, to: place, bytes.count)
            }
        }
        try queue.synchronize()
        let addresses = arena.offsets.map { arena.buffer.address + $0 }
        let rest = Array(addresses[(copies * sizes.count)...])
        let launches = try (0..<copies).map { copy in
            try launch(
                emitted, function, Array(addresses[copy * sizes.count..<(copy + 1) * sizes.count]), rest,
                isSecond: copy % 2 == 1)
        }
        let graph = try device.makeGraph(launches)
        let times = try graph.time(UnsafeBufferPointer(start: nil, count: 0), samples: 7, inner: 1)
        return Double(times.min() ?? 0) / 1000 / Double(copies)
    }

    // MARK: Numbers

    private static func numbers(_ count: Int, _ element: ElementType, _ random: inout SeededRandom) -> [UInt8] {
        // Large operands repeat: drawing them would take longer than running.
        let drawn = min(count, 1 << 20 | 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * element.byteCount)
        for _ in 0..<drawn {
            let value = Float(random.uniform() * 2 - 1)
            switch element {
            case .bf16:
                let bits = value.bitPattern
                withUnsafeBytes(of: UInt16((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)) { bytes += $0 }
            case .f16: withUnsafeBytes(of: Float16(value).bitPattern) { bytes += $0 }
            case .i8, .u8: bytes.append(UInt8(truncatingIfNeeded: random.next()))
            case .f8e4m3: bytes.append(Float8.e4m3.bits(Double(value)))
            case .f8e5m2: bytes.append(Float8.e5m2.bits(Double(value)))
            default: withUnsafeBytes(of: value) { bytes += $0 }
            }
        }
        var size = bytes.count
        while size < count * element.byteCount {
            bytes += bytes[..<min(size, count * element.byteCount - size)]
            size = bytes.count
        }
        return bytes
    }

    private static func doubles(_ bytes: [UInt8], _ element: ElementType) -> [Double] {
        bytes.withUnsafeBytes { raw in
            switch element {
            case .bf16: raw.bindMemory(to: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
            case .f16: raw.bindMemory(to: UInt16.self).map { Double(Float16(bitPattern: $0)) }
            default: raw.bindMemory(to: Float.self).map { Double($0) }
            }
        }
    }
}

/// A trial under way: what its parameters hold, and what packs them.
private struct TrialCase {
    let trial: KernelTrial
    let number: Int
    let contents: [[UInt8]]
    let packer: TrialRunner.Packer
    /// What was packed already.
    let packed = Packed()

    final class Packed {
        var bytes: [String: [UInt8]] = [:]
    }
}

/// One buffer cut into pieces.
private struct Arena: ~Copyable {
    let buffer: DeviceBuffer
    let offsets: [Int]

    init(_ device: any Device, _ sizes: [Int]) throws {
        var offsets: [Int] = []
        var used = 0
        for size in sizes {
            offsets.append(used)
            used += (size + 255) / 256 * 256
        }
        self.offsets = offsets
        buffer = try device.allocate(max(used, 256))
    }
}

/// Why a trial could not run.
struct TrialFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
