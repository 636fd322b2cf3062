import Glibc
import Synchronization

/// A thread that does one thing; whoever made it waits for its end.
final class CallerThread {
    private final class Work: Sendable {
        let body: @Sendable () throws -> Void
        let failure = Mutex<(any Error)?>(nil)

        init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }
    }

    private let work: Work
    private var thread = pthread_t()

    /// Starts it.
    init(_ body: @escaping @Sendable () throws -> Void) {
        work = Work(body)
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                // Safety: the reference was retained for this thread alone.
                let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
                do { try work.body() } catch { work.failure.withLock { $0 = error } }
                return nil
            }, Unmanaged.passRetained(work).toOpaque())
        precondition(status == 0, "no thread could be started")
    }

    /// Waits for its end, once; returns what it threw.
    func join() -> (any Error)? {
        pthread_join(thread, nil)
        return work.failure.withLock { $0 }
    }
}
