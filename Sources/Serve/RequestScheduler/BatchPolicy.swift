/// How batches of one model form, and how much may wait.
package struct BatchPolicy: Sendable, Equatable {
    /// Rows of a batch at most; 1 to batch nothing.
    package var maximumRows: Int
    /// Sizes that run at once when they can be formed, ascending.
    package var preferredRows: [Int]
    /// Nanoseconds that the oldest call waits for company; 0 to run what waits as soon as a worker is free.
    package var delay: UInt64
    /// Calls that wait at most.
    package var queueLimit: Int
    /// Bytes of the calls that wait at most.
    package var queueByteLimit: Int
    /// Calls of one client that wait at most.
    package var clientLimit: Int
    /// Levels of priority; 0 is the most urgent.
    package var priorityLevels: Int
    /// Nanoseconds after which a call that waits counts as one level more urgent, so that none starves.
    package var ageing: UInt64

    /// A policy.
    package init(
        maximumRows: Int = 32, preferredRows: [Int] = [], delay: UInt64 = 0, queueLimit: Int = 1024,
        queueByteLimit: Int = 1 << 30, clientLimit: Int = 1024, priorityLevels: Int = 4, ageing: UInt64 = 1_000_000_000
    ) {
        (self.maximumRows, self.preferredRows, self.delay) = (maximumRows, preferredRows, delay)
        (self.queueLimit, self.queueByteLimit, self.clientLimit) = (queueLimit, queueByteLimit, clientLimit)
        (self.priorityLevels, self.ageing) = (priorityLevels, ageing)
    }

    /// Throws what makes no sense.
    package func check() throws(BatchPolicyError) {
        for (name, value) in [
            ("the maximum batch size", maximumRows), ("the queue's limit", queueLimit),
            ("the queue's limit in bytes", queueByteLimit), ("a client's limit", clientLimit),
            ("the number of priority levels", priorityLevels),
        ] where value < 1 {
            throw .tooSmall(what: name, found: value)
        }
        if ageing < 1 { throw .tooSmall(what: "the time of ageing", found: 0) }
        for (index, rows) in preferredRows.enumerated() {
            let least = index == 0 ? 1 : preferredRows[index - 1] + 1
            guard rows >= least, rows <= maximumRows else { throw .badPreferred(preferredRows, maximum: maximumRows) }
        }
    }
}

/// What is wrong with a policy.
package enum BatchPolicyError: Error, Equatable, CustomStringConvertible {
    /// A number that has to be 1 at least.
    case tooSmall(what: String, found: Int)
    /// Preferred sizes that do not ascend from 1 to the maximum.
    case badPreferred([Int], maximum: Int)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .tooSmall(let what, let found): "\(what) is \(found), and should be 1 at least"
        case .badPreferred(let rows, let maximum):
            "preferred batch sizes \(rows) should ascend, from 1 to the maximum batch size of \(maximum)"
        }
    }
}
