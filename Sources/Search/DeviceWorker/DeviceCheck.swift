import DeviceAPI
import Glibc
import KernelWorker

/// Carries out a `CheckJob` on a device: every run on poisoned, fenced buffers.
final class DeviceCheck {
    private final class Held {
        let buffer: FencedBuffer
        init(_ buffer: consuming FencedBuffer) { self.buffer = buffer }
    }

    private let job: CheckJob
    private let queue: any DeviceQueue
    private let filler: SharedMemoryFiller?
    private let inputs: SharedMapping
    private let outputs: SharedMapping
    private let parameters: [Held]
    private let packed: [Held]
    private let shared: [Held]
    private let counters: Held
    private let packedContents: [[UInt8]]
    private let graph: any DeviceGraph

    init(
        _ device: any Device, _ queue: any DeviceQueue, _ filler: SharedMemoryFiller?, _ candidate: DeviceCandidate,
        _ job: CheckJob
    ) throws {
        let call = job.call
        let (inputs, outputs) = try job.mapped()
        func hold(_ name: WorkerBuffer, _ byteCount: Int) throws -> Held {
            Held(try FencedBuffer(name, byteCount: byteCount, device, queue))
        }
        var parameters: [Held] = []
        for (index, parameter) in call.parameters.enumerated() {
            let held = try hold(.parameter(index), parameter.byteCount)
            if parameter.role == .constant {
                let source = UnsafeRawBufferPointer(
                    start: inputs.base + job.sets[0][index], count: parameter.byteCount)
                try held.buffer.write(source, queue)
            }
            parameters.append(held)
        }
        var packed: [Held] = []
        var contents: [[UInt8]] = []
        for (index, packing) in call.packings.enumerated() {
            let bytes = try candidate.packed(packing, call, job.sets[0], inputs)
            defer { bytes.deallocate() }
            let held = try hold(.packed(index), packing.byteCount)
            try held.buffer.write(UnsafeRawBufferPointer(rebasing: bytes[..<packing.byteCount]), queue)
            try queue.synchronize()
            contents.append(Array(bytes[..<packing.byteCount]))
            packed.append(held)
        }
        var shared: [Held] = []
        var operands: [UnsafeMutableRawPointer] = []
        for (number, argument) in call.arguments.enumerated() {
            switch argument {
            case .parameter(let index): operands.append(parameters[index].buffer.data)
            case .packed(let index): operands.append(packed[index].buffer.data)
            case .library: throw RequestError(.badRequest, "a device calls no library of the host")
            case .shared(let byteCount):
                let held = try hold(.shared(number), byteCount)
                shared.append(held)
                operands.append(held.buffer.data)
            }
        }
        let words = call.grid?.counters ?? 0
        counters = try hold(.gangArea, 4 * words)
        if words > 0 { operands.append(counters.buffer.data) }
        graph = try device.makeGraph([try call.launch(try candidate.kernel(call.symbol), operands)])
        self.job = job
        self.queue = queue
        self.filler = filler
        self.inputs = inputs
        self.outputs = outputs
        self.parameters = parameters
        self.packed = packed
        self.shared = shared
        packedContents = contents
    }

    func perform() throws -> [RunReport] {
        var reports: [RunReport] = []
        var offset = 0
        for (number, run) in job.runs.enumerated() {
            guard job.sets.indices.contains(run.set) else { throw RequestError(.badRequest, "no set \(run.set)") }
            let (report, contents) = try perform(run, job.sets[run.set], isLast: number == job.runs.count - 1)
            reports.append(report)
            for (index, parameter) in job.call.parameters.enumerated() where parameter.role.isWritten {
                guard offset + parameter.byteCount <= outputs.byteCount else {
                    throw RequestError(.badRequest, "the outputs' file is too short")
                }
                contents[index].withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(start: outputs.base + offset, count: parameter.byteCount)
                        .copyMemory(from: $0)
                }
                offset += (parameter.byteCount + 63) / 64 * 64
            }
        }
        return reports
    }

    /// One run; returns what it did and the contents of parameters after it. What all runs share, constants and packed operands, is looked
    /// at after the last: whatever any run did to it is there still, and weights are large.
    private func perform(_ run: CheckJob.Run, _ set: [Int], isLast: Bool) throws -> (RunReport, [[UInt8]]) {
        func fill(_ held: Held, _ byte: UInt8) throws {
            let bytes = [UInt8](repeating: byte, count: held.buffer.byteCount)
            try bytes.withUnsafeBytes { try held.buffer.write($0, queue) }
            try queue.synchronize()
        }
        for (index, parameter) in job.call.parameters.enumerated() {
            switch parameter.role {
            case .constant: break
            case .output: try fill(parameters[index], run.poison)
            case .input, .state:
                let source = UnsafeRawBufferPointer(start: inputs.base + set[index], count: parameter.byteCount)
                try parameters[index].buffer.write(source, queue)
            }
        }
        for held in shared { try fill(held, run.poison) }
        try fill(counters, 0)
        try queue.synchronize()
        try filler?.fill(run.poison)
        var code = 0
        let start = nanoseconds()
        do throws(DeviceError) {
            try graph.run(UnsafeBufferPointer(start: nil, count: 0))
        } catch {
            guard case .kernelFailed(_, _, let reported) = error else { throw error }
            code = reported
        }
        let time = nanoseconds() - start
        var damaged: RunReport.Damage?
        func look(_ held: Held) throws -> [UInt8] {
            let (contents, damage) = try held.buffer.read(queue)
            if let damage, damaged == nil { damaged = .init(buffer: held.buffer.name, offset: damage) }
            return contents
        }
        var contents: [[UInt8]] = []
        var changed: Int?
        func holds(_ held: Held, _ expected: UnsafeRawPointer) throws -> Bool {
            let (isSame, damage) = try held.buffer.compare(with: expected, queue)
            if let damage, damaged == nil { damaged = .init(buffer: held.buffer.name, offset: damage) }
            return isSame
        }
        for (index, parameter) in job.call.parameters.enumerated() {
            contents.append(parameter.role.isWritten ? try look(parameters[index]) : [])
            guard parameter.role == .input || (parameter.role == .constant && isLast) else { continue }
            if try !holds(parameters[index], inputs.base + set[index]), changed == nil { changed = index }
        }
        for (held, expected) in zip(packed, packedContents) where isLast {
            let isSame = try expected.withUnsafeBytes { try $0.baseAddress.map { try holds(held, $0) } ?? true }
            if !isSame, damaged == nil { damaged = .init(buffer: held.buffer.name, offset: 0) }
        }
        for held in shared { _ = try look(held) }
        // Blocks count from zero, and leave zeros.
        if try look(counters).contains(where: { $0 != 0 }), damaged == nil {
            damaged = .init(buffer: .gangArea, offset: 0)
        }
        return (
            RunReport(code: code, extraThreads: 0, damaged: damaged, changedInput: changed, nanoseconds: time), contents
        )
    }
}

/// Nanoseconds on the monotonic clock.
func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
