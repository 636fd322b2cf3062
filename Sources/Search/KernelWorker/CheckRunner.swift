internal import CKernelHarness
internal import Glibc

/// Carries out a `CheckJob`: every run on poisoned, fenced buffers that end or begin at an unmapped page, inputs
/// write-protected.
struct CheckRunner {
    let pool: OpaquePointer
    let library: LoadedLibrary
    let job: CheckJob

    /// Nanoseconds by which a part of a gang is late: as long as generated code waits before it gives up its processor.
    private static let lateness: Int64 = 2_000_000

    func perform() throws(RequestError) -> [RunReport] {
        let call = job.call
        let (inputs, outputs) = try job.mapped()
        defer { hearth_harness_set_zones(nil, 0) }
        // The same addresses serve all runs of one placement, so that contents change under them.
        var layouts: [Bool: Layout] = [:]
        for placement in [true, false] where job.runs.contains(where: { $0.endsAtGuard == placement }) {
            layouts[placement] = try Layout(call, library, pool, placement, inputs, job.sets[0])
        }
        var reports: [RunReport] = []
        var offset = 0
        // Code for parts that have to wait is met in each placement, for each part in turn if there are runs enough.
        let isGang = call.parts == 0
        var late: [Bool: Int32] = [:]
        defer { hearth_harness_set_late(-1, 0) }
        for run in job.runs {
            if isGang {
                let part = late[run.endsAtGuard, default: 0]
                hearth_harness_set_late(part, Self.lateness)
                late[run.endsAtGuard] = (part + 1) % hearth_pool_threads(pool)
            }
            guard let layout = layouts[run.endsAtGuard], job.sets.indices.contains(run.set) else {
                throw RequestError(.badRequest, "no set \(run.set)")
            }
            reports.append(try layout.run(run, set: job.sets[run.set], inputs: inputs))
            for (index, parameter) in call.parameters.enumerated() where parameter.role.isWritten {
                guard offset + parameter.byteCount <= outputs.byteCount else {
                    throw RequestError(.badRequest, "the outputs' file is too short")
                }
                memcpy(outputs.base + offset, layout.parameters[index].data, parameter.byteCount)
                offset += (parameter.byteCount + 63) / 64 * 64
            }
        }
        return reports
    }
}

/// All buffers of a call in one placement.
private final class Layout {
    let call: WorkerCall
    let pool: OpaquePointer
    let parameters: [GuardedBuffer]
    private let packed: [GuardedBuffer]
    private let shared: [GuardedBuffer]
    private let workspace: GuardedBuffer
    private let gangArea: GuardedBuffer?
    private let prepared: PreparedRun
    private var zones: [HearthZone] = []

    init(
        _ call: WorkerCall, _ library: LoadedLibrary, _ pool: OpaquePointer, _ endsAtGuard: Bool,
        _ inputs: SharedMapping,
        _ set: [Int]
    ) throws(RequestError) {
        func allocate(
            _ name: WorkerBuffer, _ byteCount: Int, alignment: Int = 64
        ) throws(RequestError) -> GuardedBuffer {
            guard
                let buffer = GuardedBuffer(name, byteCount: byteCount, endsAtGuard: endsAtGuard, alignment: alignment)
            else {
                throw RequestError(.noMemory, "no \(byteCount) bytes for \(name)")
            }
            return buffer
        }
        let function = try library.function(call.symbol)
        self.call = call
        self.pool = pool
        var parameters: [GuardedBuffer] = []
        for (index, parameter) in call.parameters.enumerated() {
            // A caller's tensors lie at multiples of their element; the rest is the runtime's own.
            let isCallers = parameter.role == .input || parameter.role == .output
            let buffer = try allocate(
                .parameter(index), parameter.byteCount,
                alignment: isCallers ? max(1, min(64, parameter.elementBytes)) : 64)
            if parameter.role == .constant {
                buffer.copy(from: inputs.base + set[index])
                buffer.protect(readOnly: true)
            }
            parameters.append(buffer)
        }
        let threads = Int(hearth_pool_threads(pool))
        workspace = try allocate(.workspace, call.workspaceStride * threads)
        gangArea = call.parts == 0 ? try allocate(.gangArea, Int(HEARTH_GANG_AREA_BYTES)) : nil
        var packed: [GuardedBuffer] = []
        for (index, packing) in call.packings.enumerated() {
            let buffer = try allocate(.packed(index), packing.byteCount)
            buffer.fill(0xCD)
            packed.append(buffer)
            zones = (parameters + packed + [workspace]).flatMap { $0.zones(readOnly: false) }
            zones.withUnsafeBufferPointer { hearth_harness_set_zones($0.baseAddress, Int32($0.count)) }
            let operands = packing.operands({ parameters[$0].data }, buffer.data)
            let code = try pack(library, packing, operands, call)
            if code != 0 { throw RequestError(.packingFailed, "\(packing.symbol) returned \(code)") }
            if let offset = buffer.damage() {
                throw RequestError(.packingDamagedFence, "\(packing.symbol) wrote byte \(offset) of its result")
            }
            buffer.protect(readOnly: true)
        }
        self.parameters = parameters
        self.packed = packed
        var shared: [GuardedBuffer] = []
        var operands: [UnsafeMutableRawPointer] = []
        for (number, argument) in call.arguments.enumerated() {
            switch argument {
            case .parameter(let index): operands.append(parameters[index].data)
            case .packed(let index): operands.append(packed[index].data)
            case .library: operands.append(oneDNN)
            case .shared(let byteCount):
                let buffer = try allocate(.shared(number), byteCount)
                shared.append(buffer)
                operands.append(buffer.data)
            }
        }
        self.shared = shared
        prepared = PreparedRun(
            hearth_harness_watched(function), operands: operands, call: call, parts: call.parts,
            gangArea: gangArea?.data,
            workspace: workspace.data, workspaceStride: call.workspaceStride)
        zones = zip(parameters, call.parameters).flatMap { $0.zones(readOnly: !$1.role.isWritten) }
        zones += packed.flatMap { $0.zones(readOnly: true) } + workspace.zones(readOnly: false)
        zones += shared.flatMap { $0.zones(readOnly: false) }
        if let gangArea { zones += gangArea.zones(readOnly: false) }
    }

    /// Sets up all contents, runs once and looks at what happened to memory and threads.
    func run(_ run: CheckJob.Run, set: [Int], inputs: SharedMapping) throws(RequestError) -> RunReport {
        for (index, parameter) in call.parameters.enumerated() {
            switch parameter.role {
            case .constant: break
            case .output: parameters[index].fill(run.poison)
            case .state: parameters[index].copy(from: inputs.base + set[index])
            case .input:
                parameters[index].protect(readOnly: false)
                parameters[index].copy(from: inputs.base + set[index])
                parameters[index].protect(readOnly: true)
            }
        }
        for buffer in shared { buffer.fill(run.poison) }
        workspace.fill(run.poison)
        zones.withUnsafeBufferPointer { hearth_harness_set_zones($0.baseAddress, Int32($0.count)) }
        let threads = hearth_harness_threads()
        let state = hearth_harness_state()
        let start = hearth_nanoseconds()
        let status = hearth_harness_run(pool, prepared.run)
        let nanoseconds = hearth_nanoseconds() - start
        let extraThreads = hearth_harness_threads() - threads
        let all = parameters + packed + shared + [workspace] + (gangArea.map { [$0] } ?? [])
        let damaged = all.lazy.compactMap { buffer in
            buffer.damage().map { RunReport.Damage(buffer: buffer.name, offset: $0) }
        }.first
        let changed = call.parameters.indices.first { index in
            let parameter = call.parameters[index]
            return !parameter.role.isWritten
                && memcmp(parameters[index].data, inputs.base + set[index], parameter.byteCount) != 0
        }
        return RunReport(
            code: status.launch < 0 ? 0 : Int(status.code), extraThreads: Int(extraThreads), damaged: damaged,
            changedInput: changed, changedState: hearth_harness_state().change(since: state),
            nanoseconds: Int(nanoseconds))
    }
}

/// Runs a packing function once, without workspace.
package func pack(
    _ library: LoadedLibrary, _ packing: WorkerCall.Packing, _ operands: [UnsafeMutableRawPointer], _ call: WorkerCall
) throws(RequestError) -> Int {
    let function = try library.function(packing.symbol)
    let dimensions = call.dimensions.map { Int64($0) }
    let buffers: [UnsafeMutableRawPointer?] = operands
    return Int(hearth_harness_call(function, buffers, dimensions))
}
