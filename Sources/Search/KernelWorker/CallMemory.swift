internal import CKernelHarness
internal import COneDNN
internal import Glibc

/// C arrays that a `HearthRun` of one launch points at.
final class PreparedRun {
    let run: UnsafeMutablePointer<HearthRun>
    private let launch: UnsafeMutablePointer<HearthLaunch>
    private let buffers: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let dimensions: UnsafeMutablePointer<Int64>

    /// A run of `function` over `operands`; `gangArea` is appended for a gang launch.
    init(
        _ function: @escaping HearthKernel, operands: [UnsafeMutableRawPointer], call: WorkerCall, parts: Int,
        gangArea: UnsafeMutableRawPointer?, workspace: UnsafeMutableRawPointer, workspaceStride: Int
    ) {
        let all = operands + (gangArea.map { [$0] } ?? [])
        buffers = .allocate(capacity: max(1, all.count))
        for (index, operand) in all.enumerated() { (buffers + index).initialize(to: operand) }
        dimensions = .allocate(capacity: max(1, call.dimensions.count))
        for (index, value) in call.dimensions.enumerated() { (dimensions + index).initialize(to: Int64(value)) }
        launch = .allocate(capacity: 1)
        launch.initialize(
            to: HearthLaunch(
                kernel: function, buffers: buffers, dims: dimensions, parts: Int32(max(1, parts)),
                flags: gangArea == nil ? 0 : UInt32(HEARTH_LAUNCH_GANG), gang_area: gangArea))
        run = .allocate(capacity: 1)
        run.initialize(
            to: HearthRun(
                launches: launch, count: 1, threads: 0, workspace: workspace.assumingMemoryBound(to: CChar.self),
                workspace_stride: workspaceStride, nanoseconds: nil))
    }

    deinit {
        run.deallocate()
        launch.deallocate()
        buffers.deallocate()
        dimensions.deallocate()
    }
}

extension WorkerCall.Packing {
    /// What the packing function gets: its sources, the library's table if it asks for it, and the packed buffer.
    package func operands(
        _ parameters: (Int) -> UnsafeMutableRawPointer, _ packed: UnsafeMutableRawPointer
    ) -> [UnsafeMutableRawPointer] {
        sources.map(parameters) + (usesLibrary ? [oneDNN] : []) + [packed]
    }
}

/// oneDNN's table; requests that ask for it were refused where there is none.
var oneDNN: UnsafeMutableRawPointer {
    guard let table = warmOneDNN else { preconditionFailure("a request without oneDNN was let through") }
    return table
}

/// The table, once a product was computed on the thread that answers: what the library opens at its first work (it looks for
/// profilers), threads that may only compute could not.
// Safety: set once, by the first who asks; what it points at never changes.
private nonisolated(unsafe) let warmOneDNN: UnsafeMutableRawPointer? = {
    guard let table = hearth_onednn() else { return nil }
    var product = HearthProduct(
        rows: 1, columns: 1, depth: 1, left_row: 1, right_depth: 1, right_column: 1, result_row: 1, element: 0,
        unused: 0)
    let room = 1 << 16
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * room, alignment: 64)
    defer { memory.deallocate() }
    memset(memory, 0, 2 * room)
    let result = (memory + room).assumingMemoryBound(to: Float.self)
    if table.pointee.pack(&product, memory, memory + 64, Int64(room - 64)) == 0 {
        _ = table.pointee.multiply(&product, 1, memory, memory + 64, result)
    }
    return UnsafeMutableRawPointer(mutating: table)
}()

extension WorkerCall {
    /// Distance of two threads' workspaces.
    var workspaceStride: Int { (workspaceBytes + 63) / 64 * 64 }

    /// Throws unless all indices lie in their tables and every set has an offset inside the file for what is read.
    package func validate(sets: [[Int]], fileBytes: Int) throws(RequestError) {
        func require(_ holds: Bool, _ what: String) throws(RequestError) {
            if !holds { throw RequestError(.badRequest, what) }
        }
        for argument in arguments {
            switch argument {
            case .parameter(let index): try require(parameters.indices.contains(index), "no parameter \(index)")
            case .packed(let index): try require(packings.indices.contains(index), "no packing \(index)")
            case .library: try require(hearth_onednn() != nil, "oneDNN is not there")
            case .shared(let byteCount): try require(byteCount >= 0, "scratch memory of \(byteCount) bytes")
            }
        }
        for packing in packings {
            try require(!packing.usesLibrary || hearth_onednn() != nil, "oneDNN is not there")
            try require(packing.byteCount >= 0, "a packing of \(packing.byteCount) bytes")
            for source in packing.sources {
                let isConstant = parameters.indices.contains(source) && parameters[source].role == .constant
                try require(isConstant, "packing \(packing.symbol) reads parameter \(source), which is no constant")
            }
        }
        try require(workspaceBytes >= 0 && parts >= 0 && parts <= Int(HEARTH_MAX_PARTS), "\(parts) parts")
        try require(!sets.isEmpty, "no inputs")
        for set in sets {
            try require(set.count == parameters.count, "a set of \(set.count) parameters")
            for (offset, parameter) in zip(set, parameters) where parameter.role != .output {
                try require(offset >= 0 && offset + parameter.byteCount <= fileBytes, "an input outside of its file")
            }
        }
    }
}
