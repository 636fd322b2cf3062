/// Identifies a call while it waits.
package struct CallID: Hashable, Sendable {
    /// A number used once.
    package let number: UInt64

    /// An identifier.
    package init(_ number: UInt64) { self.number = number }
}

/// What the scheduler knows of a call.
package struct ScheduledCall: Sendable, Equatable {
    /// Who it is.
    package var id: CallID
    /// Calls of equal keys may share a batch.
    package var key: Int
    /// Rows, at least 1.
    package var rows: Int
    /// Whether it may share a batch at all.
    package var isBatchable: Bool
    /// Bytes that it holds while it waits.
    package var byteCount: Int
    /// Number of the client, for fairness.
    package var client: Int
    /// Urgency, 0 the most urgent.
    package var priority: Int
    /// A time after which it is not begun any more, in nanoseconds.
    package var deadline: UInt64?

    /// A call.
    package init(
        id: CallID, key: Int = 0, rows: Int = 1, isBatchable: Bool = true, byteCount: Int = 0, client: Int = 0,
        priority: Int = 0, deadline: UInt64? = nil
    ) {
        (self.id, self.key, self.rows, self.isBatchable) = (id, key, rows, isBatchable)
        (self.byteCount, self.client, self.priority, self.deadline) = (byteCount, client, priority, deadline)
    }
}

/// Calls that run as one.
package struct Batch: Sendable, Equatable {
    /// A number used once.
    package var number: UInt64
    /// The calls, the most urgent first.
    package var calls: [ScheduledCall]
    /// Their rows together.
    package var rows: Int
    /// When it was formed, in nanoseconds.
    package var formed: UInt64
}

/// What a worker that is free should do.
package enum Step: Sendable, Equatable {
    /// Run a batch.
    case run(Batch)
    /// Ask again at this time, in nanoseconds, or when a call comes.
    case waitUntil(UInt64)
    /// Ask again when a call comes.
    case idle
}

/// Why a call is not taken.
package enum Refusal: Error, Equatable, CustomStringConvertible {
    /// As many calls wait as may; `retryAfter` estimates in nanoseconds when fewer will.
    case queueFull(limit: Int, retryAfter: UInt64)
    /// Calls of as many bytes wait as may.
    case bytesFull(limit: Int, retryAfter: UInt64)
    /// As many calls of this client wait as may.
    case clientFull(limit: Int, retryAfter: UInt64)
    /// Its deadline has passed already.
    case expired
    /// The model is being unloaded.
    case closed

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .queueFull(let limit, _): "\(limit) requests wait, and no more may; try again later"
        case .bytesFull(let limit, _): "requests of \(limit) bytes wait, and no more may; try again later"
        case .clientFull(let limit, _): "\(limit) requests of this client wait, and no more may; try again later"
        case .expired: "the request's deadline has passed"
        case .closed: "the server takes no more requests for this model: it is being unloaded"
        }
    }
}
