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
    guard let table = hearth_onednn() else { preconditionFailure("a request without oneDNN was let through") }
    return UnsafeMutableRawPointer(mutating: table)
}

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
