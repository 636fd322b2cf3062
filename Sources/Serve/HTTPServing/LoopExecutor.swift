import NIOCore

/// Runs tasks on the threads that do the network's work, so that a request passes from a connection to its handler and back without a change
/// of threads (SE-0417). A job that comes from such a thread stays there.
final class LoopExecutor: TaskExecutor {
    private let group: any EventLoopGroup

    init(_ group: any EventLoopGroup) { self.group = group }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // The group's loop of this thread, where it is one of the group's.
        group.any().execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
