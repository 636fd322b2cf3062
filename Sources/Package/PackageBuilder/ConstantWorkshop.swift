import Base
import KernelJudge
import Synchronization

/// What all folding of one build shares: the process that runs the generated code, and the constants that somebody still
/// holds, by what they were made of. The same constant of another form of the model, or of the final package after the
/// search, is not made again.
final class ConstantWorkshop: Sendable {
    /// How the process is started.
    let command: WorkerCommand
    /// Runs the generated code.
    let worker: ConstantWorker
    private let known = Mutex<[ContentHash: Held]>([:])
    private let made = Atomic(0)

    /// Weak: the memory of constants that no program uses any more goes back.
    private struct Held: Sendable {
        weak var block: SharedMemory.Block?
    }

    /// Makes a workshop; `timeLimit` is that of a `ConstantWorker`.
    init(_ command: WorkerCommand, timeLimit: Double = 60) throws(BuildError) {
        self.command = command
        do throws(Refusal) {
            worker = try ConstantWorker(command, timeLimit: timeLimit)
        } catch {
            throw .unsupported("constants cannot be computed: \(error)")
        }
    }

    /// Calls of generated functions so far.
    var calls: Int { made.load(ordering: .relaxed) }

    /// The constants of these names, if all of them are held by somebody.
    func find(_ keys: [ContentHash]) -> [SharedMemory.Block]? {
        known.withLock { known in
            var blocks: [SharedMemory.Block] = []
            for key in keys {
                guard let block = known[key]?.block else { return nil }
                blocks.append(block)
            }
            return blocks
        }
    }

    /// Notes constants that a call has made.
    func keep(_ blocks: [(key: ContentHash, block: SharedMemory.Block)]) {
        made.add(1, ordering: .relaxed)
        known.withLock { known in
            for (key, block) in blocks { known[key] = Held(block: block) }
        }
    }
}
