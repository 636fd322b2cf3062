import ModelServer
import Testing

/// What Prometheus reads.
@Suite struct MetricsTests {
    private static func lines() -> [String] {
        let model = Metrics.Model(
            name: "a\"b\\c\nd", version: "2", statistics: ModelStatistics(), waiting: 3, running: 1)
        let usage = ProcessUsage(
            processorTime: 1_500_000_001, residentBytes: 4096, startSeconds: 1000, openFiles: 5, threads: 7)
        return Metrics.text([model], usage, connections: 2).split(separator: "\n").map(String.init)
    }

    @Test func samplesHaveTheirLabels() {
        let lines = Self.lines()
        let labels = #"model="a\"b\\c\nd",version="2""#
        #expect(lines.contains("hearth_inference_requests_total{\(labels),status=\"success\"} 0"))
        #expect(lines.contains("hearth_inference_pending_requests{\(labels)} 3"))
        #expect(lines.contains("hearth_inference_running_batches{\(labels)} 1"))
        #expect(lines.contains("hearth_inference_request_duration_seconds_bucket{\(labels),le=\"0.0001\"} 0"))
        #expect(lines.contains("hearth_inference_request_duration_seconds_bucket{\(labels),le=\"10.0\"} 0"))
        #expect(lines.contains("hearth_inference_batch_rows_bucket{\(labels),le=\"+Inf\"} 0"))
        #expect(lines.contains("process_cpu_seconds_total 1.500000001"))
        #expect(lines.contains("process_resident_memory_bytes 4096"))
    }

    @Test func everyFamilyIsDescribedOnce() {
        let lines = Self.lines()
        let described = lines.filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) }
        #expect(Set(described).count == described.count && described.count > 10)
        for line in lines where !line.hasPrefix("#") {
            let name = line.prefix { $0 != "{" && $0 != " " }
            #expect(described.contains { name == $0 || name.hasPrefix($0 + "_") }, "\(line)")
        }
    }

    @Test func bucketsCountUpwards() {
        var histogram = LatencyHistogram()
        for time in [50_000, 100_000, 100_001, 3_000_000, 99_000_000_000] as [UInt64] { histogram.add(time) }
        #expect(histogram.counts[0] == 2 && histogram.counts[1] == 1 && histogram.counts.last == 1)
        #expect(histogram.counts.reduce(0, +) == 5 && histogram.total == 99_003_250_001)
        var rows = RowHistogram()
        for count in [1, 2, 3, 5000] { rows.add(count) }
        #expect(rows.counts.prefix(3) == [1, 1, 1] && rows.counts.last == 1 && rows.total == 5006)
    }

    @Test func thisProcessIsSeen() {
        let usage = ProcessUsage.now
        #expect(usage.residentBytes > 1 << 20 && usage.openFiles > 0 && usage.threads > 0 && usage.processorTime > 0)
    }
}
