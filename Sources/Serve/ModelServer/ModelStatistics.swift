import JSON

/// How often something took place, and for how long altogether.
package struct Tally: Sendable, Equatable {
    /// Times it took place.
    package var count: UInt64 = 0
    /// Nanoseconds altogether.
    package var total: UInt64 = 0

    /// Adds one of so many nanoseconds.
    package mutating func add(_ nanoseconds: UInt64) {
        count += 1
        total &+= nanoseconds
    }

    /// As the statistics extension has it.
    var json: JSONValue { ["count": .integer(Int64(count)), "ns": .integer(Int64(total))] }
}

/// What a version of a model did since it was loaded.
package struct ModelStatistics: Sendable, Equatable {
    /// Requests answered, from submission to end.
    package var success = Tally()
    /// Requests that failed, were refused or expired.
    package var fail = Tally()
    /// Waiting of requests answered.
    package var queue = Tally()
    /// Requests cancelled while they waited.
    package var cancelled: UInt64 = 0
    /// Putting inputs together, computing, and taking outputs apart.
    package var compute = Tally()
    /// Rows answered.
    package var rows: UInt64 = 0
    /// Batches by their rows, ascending.
    package var batches: [(rows: Int, runs: Tally)] = []
    /// Milliseconds since 1970 of the last request.
    package var lastInference: UInt64 = 0
    /// Latencies of requests answered.
    package var latencies = LatencyHistogram()
    /// Waiting times of requests answered.
    package var waits = LatencyHistogram()
    /// Times of batches.
    package var computeTimes = LatencyHistogram()
    /// Rows of batches.
    package var batchRows = RowHistogram()

    /// Nothing yet.
    package init() {}

    /// Adds a batch.
    mutating func add(batchRows: Int, _ nanoseconds: UInt64) {
        let index = batches.firstIndex { $0.rows >= batchRows } ?? batches.count
        compute.add(nanoseconds)
        computeTimes.add(nanoseconds)
        self.batchRows.add(batchRows)
        if index == batches.count || batches[index].rows != batchRows {
            // Clients choose the rows: what is kept of them has a bound.
            if batches.count >= 256 { return }
            batches.insert((batchRows, Tally()), at: index)
        }
        batches[index].runs.add(nanoseconds)
    }

    /// Whether both say the same.
    package static func == (left: Self, right: Self) -> Bool {
        left.success == right.success && left.fail == right.fail && left.queue == right.queue
            && left.cancelled == right.cancelled && left.compute == right.compute && left.rows == right.rows
            && left.batches.elementsEqual(right.batches) { $0 == $1 }
            && left.lastInference == right.lastInference && left.latencies == right.latencies
            && left.waits == right.waits && left.computeTimes == right.computeTimes
            && left.batchRows == right.batchRows
    }

    /// As the statistics extension has it.
    package func json(_ name: String, _ version: String) -> JSONValue {
        let none = Tally().json
        return [
            "name": .string(name), "version": .string(version), "last_inference": .integer(Int64(lastInference)),
            "inference_count": .integer(Int64(rows)), "execution_count": .integer(Int64(compute.count)),
            "inference_stats": [
                "success": success.json, "fail": fail.json, "queue": queue.json, "compute_input": none,
                "compute_infer": compute.json, "compute_output": none, "cache_hit": none, "cache_miss": none,
            ],
            "batch_stats": .array(
                batches.map {
                    [
                        "batch_size": .integer(Int64($0.rows)), "compute_input": none, "compute_infer": $0.runs.json,
                        "compute_output": none,
                    ]
                }),
        ]
    }
}

/// Counts of times in buckets of growing width, as Prometheus' histograms have them.
package struct LatencyHistogram: Sendable, Equatable {
    /// Upper bounds of the buckets in nanoseconds: 1, 2 and 5 of each decade from 100 µs to 10 s.
    package static let bounds: [UInt64] =
        [100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000].flatMap {
            [$0, 2 * $0, 5 * $0]
        } + [10_000_000_000]

    /// Times in each bucket, the last for those above all bounds.
    package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Nanoseconds altogether.
    package private(set) var total: UInt64 = 0

    /// No times.
    package init() {}

    /// Counts a time of so many nanoseconds.
    package mutating func add(_ nanoseconds: UInt64) {
        counts[Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count] += 1
        total &+= nanoseconds
    }
}

/// Counts of batches by their rows, in powers of two.
package struct RowHistogram: Sendable, Equatable {
    /// Upper bounds of the buckets.
    package static let bounds = (0...10).map { 1 << $0 }

    /// Batches in each bucket, the last for those above all bounds.
    package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Rows altogether.
    package private(set) var total: UInt64 = 0

    /// No batches.
    package init() {}

    /// Counts a batch of so many rows.
    package mutating func add(_ rows: Int) {
        counts[Self.bounds.firstIndex { rows <= $0 } ?? Self.bounds.count] += 1
        total &+= UInt64(rows)
    }
}
