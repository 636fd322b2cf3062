package import KernelWorker
internal import Synchronization

/// Runs functions of generated libraries for what they compute, in the worker process: constants of a model at build time. A
/// function that crashes, hangs or writes outside of its buffers ends the worker and harms nothing else; the next call
/// meets a fresh one. One call at a time.
package final class ConstantWorker: Sendable {
    /// A buffer of the function, with the name that errors give it.
    package enum Operand {
        case read(WorkerBuffer, SharedMemory.Block)
        case written(WorkerBuffer, SharedMemory.Block)
        /// Zeroed memory of this size that all parts share.
        case scratch(WorkerBuffer, byteCount: Int)
        /// The table of functions of oneDNN.
        case library
    }

    /// Where operands lie.
    package let memory: SharedMemory
    private let timeLimit: Double
    private let bench: Mutex<Bench>

    /// A process that `command` starts when it is first needed. A call may take `timeLimit` seconds and another for every ten
    /// megabytes of its operands.
    package init(_ command: WorkerCommand, timeLimit: Double = 60) throws(Refusal) {
        memory = try SharedMemory()
        self.timeLimit = timeLimit
        bench = Mutex(Bench(command: command))
    }

    /// Calls the function `symbol` of the library at `path`, whose contents must never change, and waits for its end.
    package func call(
        _ symbol: String, library path: String, _ operands: [Operand], dimensions: [Int], workspaceBytes: Int,
        spread: FoldJob.Spread
    ) throws(Refusal) {
        let placed = operands.map { operand -> FoldJob.Operand in
            switch operand {
            case .read(let name, let block): .read(name, block.slot)
            case .written(let name, let block): .written(name, block.slot)
            case .scratch(let name, let byteCount): .scratch(name, byteCount: byteCount)
            case .library: .library
            }
        }
        var bytes = 0
        for operand in operands {
            switch operand {
            case .read(_, let block), .written(_, let block): bytes += block.buffer.count
            case .scratch, .library: break
            }
        }
        let limit = timeLimit + Double(bytes) * 1e-7
        let file = memory.reference
        let result = bench.withLock { bench -> Result<Void, Refusal> in
            do throws(Refusal) {
                let (reply, _) = try bench.ask([path], limit: limit) { numbers in
                    .fold(
                        FoldJob(
                            library: numbers[0], symbol: symbol, file: file, operands: placed, dimensions: dimensions,
                            workspaceBytes: workspaceBytes, spread: spread))
                }
                guard case .checked(let reports) = reply, reports.count == 1 else {
                    throw .notJudged(reason: "the worker did not answer a call")
                }
                try Bench.refuse(reports[0])
                return .success(())
            } catch {
                bench.dismissWorker()
                return .failure(error)
            }
        }
        withExtendedLifetime(operands) {}
        try result.get()
    }
}
