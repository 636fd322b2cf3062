/// What a server did, in Prometheus' text format (version 0.0.4).
package struct Metrics {
    /// A model and what is known of it.
    package struct Model: Sendable {
        /// Name.
        package var name: String
        /// Version.
        package var version: String
        /// What it did.
        package var statistics: ModelStatistics
        /// Calls that wait.
        package var waiting: Int
        /// Batches that run.
        package var running: Int

        /// A model.
        package init(name: String, version: String, statistics: ModelStatistics, waiting: Int, running: Int) {
            (self.name, self.version, self.statistics) = (name, version, statistics)
            (self.waiting, self.running) = (waiting, running)
        }
    }

    private var text = ""

    /// The text for these models, a process and its open connections.
    package static func text(_ models: [Model], _ process: ProcessUsage, connections: Int) -> String {
        var metrics = Metrics()
        metrics.counters(models)
        metrics.histogram(
            models, "hearth_inference_request_duration_seconds", "Time from submission to end of requests answered.",
            \.latencies)
        metrics.histogram(
            models, "hearth_inference_queue_duration_seconds", "Time that requests answered waited.", \.waits)
        metrics.histogram(
            models, "hearth_inference_compute_duration_seconds", "Time that batches were computed.", \.computeTimes)
        metrics.family("hearth_inference_batch_rows", "histogram", "Rows of batches.")
        for model in models {
            let rows = model.statistics.batchRows
            metrics.buckets(
                model, "hearth_inference_batch_rows", RowHistogram.bounds.map { "\($0)" }, rows.counts, "\(rows.total)")
        }
        metrics.gauges(models)
        metrics.single("hearth_http_connections", "gauge", "Connections that are open.", "\(connections)")
        metrics.process(process)
        return metrics.text
    }

    private mutating func family(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    private mutating func single(_ name: String, _ kind: String, _ help: String, _ value: String) {
        family(name, kind, help)
        text += "\(name) \(value)\n"
    }

    /// A label's value: backslash, quote and line feed are escaped.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    private mutating func sample(_ name: String, _ model: Model, _ value: String, more: String = "") {
        text +=
            "\(name){model=\"\(Self.escaped(model.name))\",version=\"\(Self.escaped(model.version))\"\(more)} \(value)\n"
    }

    private mutating func counters(_ models: [Model]) {
        family("hearth_inference_requests_total", "counter", "Requests that ended, by how.")
        for model in models {
            let statistics = model.statistics
            for (status, count) in [
                ("success", statistics.success.count), ("failure", statistics.fail.count),
                ("cancelled", statistics.cancelled),
            ] {
                sample("hearth_inference_requests_total", model, "\(count)", more: ",status=\"\(status)\"")
            }
        }
        family("hearth_inference_rows_total", "counter", "Rows of requests answered.")
        for model in models { sample("hearth_inference_rows_total", model, "\(model.statistics.rows)") }
    }

    private mutating func gauges(_ models: [Model]) {
        family("hearth_inference_pending_requests", "gauge", "Requests that wait.")
        for model in models { sample("hearth_inference_pending_requests", model, "\(model.waiting)") }
        family("hearth_inference_running_batches", "gauge", "Batches that are computed.")
        for model in models { sample("hearth_inference_running_batches", model, "\(model.running)") }
    }

    private mutating func histogram(
        _ models: [Model], _ name: String, _ help: String, _ path: KeyPath<ModelStatistics, LatencyHistogram>
    ) {
        family(name, "histogram", help)
        for model in models {
            let times = model.statistics[keyPath: path]
            buckets(
                model, name, LatencyHistogram.bounds.map(Self.seconds), times.counts, Self.seconds(times.total))
        }
    }

    private mutating func buckets(
        _ model: Model, _ name: String, _ bounds: [String], _ counts: [UInt64], _ sum: String
    ) {
        var total: UInt64 = 0
        for (bound, count) in zip(bounds + ["+Inf"], counts) {
            total += count
            sample(name + "_bucket", model, "\(total)", more: ",le=\"\(bound)\"")
        }
        sample(name + "_sum", model, sum)
        sample(name + "_count", model, "\(total)")
    }

    private mutating func process(_ usage: ProcessUsage) {
        single(
            "process_cpu_seconds_total", "counter", "Processor time of the server.", Self.seconds(usage.processorTime))
        single("process_resident_memory_bytes", "gauge", "Memory that the server holds.", "\(usage.residentBytes)")
        single("process_start_time_seconds", "gauge", "When the server started, since 1970.", "\(usage.startSeconds)")
        single("process_open_fds", "gauge", "Files and sockets that are open.", "\(usage.openFiles)")
        single("process_threads", "gauge", "Threads of the server.", "\(usage.threads)")
    }

    /// Nanoseconds as seconds, exactly.
    private static func seconds(_ nanoseconds: UInt64) -> String {
        let digits = "\(nanoseconds % 1_000_000_000)"
        var fraction = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while fraction.hasSuffix("0"), fraction.utf8.count > 1 { fraction.removeLast() }
        return "\(nanoseconds / 1_000_000_000).\(fraction)"
    }
}
