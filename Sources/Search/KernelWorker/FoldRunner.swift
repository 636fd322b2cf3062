internal import CKernelHarness
internal import COneDNN
internal import Glibc

/// Carries out a `FoldJob`. Operands are the shared file's own pages, so that nothing is copied: what is read is mapped
/// without the right to write, what is written stands between two unmapped pages with a fence in what it leaves of its own,
/// and nothing else of the file is mapped while the function runs.
struct FoldRunner {
    let pool: OpaquePointer
    let library: LoadedLibrary
    let job: FoldJob

    func perform() throws(RequestError) -> RunReport {
        let function = try library.function(job.symbol)
        let threads = Int(hearth_pool_threads(pool))
        let parts: Int
        switch job.spread {
        case .parts(let count): parts = count
        case .threads: parts = threads
        case .gang: parts = 0
        }
        guard parts >= 0, parts <= Int(HEARTH_MAX_PARTS), job.workspaceBytes >= 0 else {
            throw RequestError(.badRequest, "\(parts) parts with \(job.workspaceBytes) bytes")
        }
        let buffers = try mapped()
        let call = WorkerCall(
            library: job.library, symbol: job.symbol, arguments: [], packings: [], parameters: [],
            dimensions: job.dimensions, workspaceBytes: job.workspaceBytes, parts: parts)
        let workspace = try allocate(.workspace, call.workspaceStride * threads)
        let gangArea = job.spread == .gang ? try allocate(.gangArea, Int(HEARTH_GANG_AREA_BYTES)) : nil
        let operands = buffers.map { $0?.data ?? oneDNN }
        let prepared = PreparedRun(
            hearth_harness_watched(function), operands: operands, call: call, parts: parts, gangArea: gangArea?.data,
            workspace: workspace.data,
            workspaceStride: call.workspaceStride)
        let own = buffers.compactMap { $0 } + [workspace] + (gangArea.map { [$0] } ?? [])
        let zones = own.flatMap { $0.zones(readOnly: $0.isReadOnly) }
        zones.withUnsafeBufferPointer { hearth_harness_set_zones($0.baseAddress, Int32($0.count)) }
        defer { hearth_harness_set_zones(nil, 0) }
        let before = hearth_harness_threads()
        let state = hearth_harness_state()
        let start = hearth_nanoseconds()
        let status = hearth_harness_run(pool, prepared.run)
        let nanoseconds = hearth_nanoseconds() - start
        let extraThreads = hearth_harness_threads() - before
        let damaged = own.lazy.compactMap { buffer in
            buffer.damage().map { RunReport.Damage(buffer: buffer.name, offset: $0) }
        }.first
        return RunReport(
            code: status.launch < 0 ? 0 : Int(status.code), extraThreads: Int(extraThreads), damaged: damaged,
            changedInput: nil, changedState: hearth_harness_state().change(since: state), nanoseconds: Int(nanoseconds))
    }

    /// The operands in memory; nil stands for the library's table.
    private func mapped() throws(RequestError) -> [GuardedBuffer?] {
        let descriptor = job.file.descriptor
        guard descriptor >= 0 else { throw RequestError(.noMemory, "no shared file") }
        // Generated code is to meet no open file.
        defer { hearth_harness_close_files() }
        func map(_ name: WorkerBuffer, _ slot: FoldJob.Slot, isReadOnly: Bool) throws(RequestError) -> GuardedBuffer {
            guard slot.byteCount >= 0, slot.start >= 0, slot.start % FoldJob.Slot.page == 0,
                slot.offset + slot.byteCount <= job.file.byteCount
            else { throw RequestError(.badRequest, "\(name) does not lie in the shared file") }
            guard let buffer = GuardedBuffer(name, descriptor, slot, isReadOnly: isReadOnly) else {
                throw RequestError(.noMemory, "cannot map \(slot.byteCount) bytes of \(name)")
            }
            return buffer
        }
        var buffers: [GuardedBuffer?] = []
        for operand in job.operands {
            switch operand {
            case .read(let name, let slot): buffers.append(try map(name, slot, isReadOnly: true))
            case .written(let name, let slot): buffers.append(try map(name, slot, isReadOnly: false))
            case .scratch(let name, let byteCount):
                let buffer = try allocate(name, byteCount)
                buffer.fill(0)
                buffers.append(buffer)
            case .library:
                guard hearth_onednn() != nil else { throw RequestError(.badRequest, "oneDNN is not there") }
                buffers.append(nil)
            }
        }
        return buffers
    }

    private func allocate(_ name: WorkerBuffer, _ byteCount: Int) throws(RequestError) -> GuardedBuffer {
        guard byteCount >= 0, let buffer = GuardedBuffer(name, byteCount: byteCount, endsAtGuard: true) else {
            throw RequestError(.noMemory, "no \(byteCount) bytes for \(name)")
        }
        return buffer
    }
}
