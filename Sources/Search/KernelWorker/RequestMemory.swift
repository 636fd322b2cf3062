extension WorkerRequest {
    /// Bytes that carrying it out takes of a worker at most, generously: what more is asked for is a candidate's doing. `threads`
    /// is the number of threads that share the work.
    package func memoryBytes(threads: Int) -> Int {
        let buffers: Int
        switch self {
        case .load, .forget: buffers = 0
        case .check(let job): buffers = 2 * job.call.memoryBytes(threads: threads, constantCopies: 1)
        case .time(let job):
            buffers = [job.candidate, job.incumbent]
                .reduce(0) { $0 + $1.memoryBytes(threads: threads, constantCopies: job.constantCopies) }
        case .fold(let job):
            var bytes = threads * job.workspaceBytes
            for case .scratch(_, let byteCount) in job.operands { bytes += byteCount }
            buffers = bytes
        }
        return files.reduce(2 * buffers) { $0 + 2 * $1.byteCount } + Self.ownBytes
    }

    /// What a worker may take besides buffers: a library and what it needs, stacks and heaps of threads, a vendor's workspace.
    private static let ownBytes = 1 << 30
}

extension WorkerCall {
    /// Bytes of all buffers when constants and packed operands are there several times, without guards.
    fileprivate func memoryBytes(threads: Int, constantCopies: Int) -> Int {
        var bytes = threads * workspaceStride
        for parameter in parameters {
            bytes += parameter.byteCount * (parameter.role == .constant ? constantCopies : 1)
        }
        for packing in packings { bytes += packing.byteCount * constantCopies }
        for case .shared(let byteCount) in arguments { bytes += byteCount * constantCopies }
        return bytes
    }
}
