import ArgumentParser
import SearchControl
import SearchEvents

extension SearchGoal.Objective: ExpressibleByArgument {}
extension ControlError: UserFault {}
extension EventError: UserFault {}

/// What steers a search and how it is shown: the options of `optimize` that are not about the model.
struct SearchOptions: ParsableArguments {
    @Option(
        help: """
            What is to become less: latency (seconds of a call), throughput (seconds a call with a session for each thread at \
            the same time, four on a GPU), memory (arena and weights) or energy (where the device measures it). For memory and \
            energy a call may take at most \(SearchGoal.slowdown) times what it took by default.
            """)
    var objective = SearchGoal.Objective.latency
    @Option(
        name: .customLong("constraint"),
        help: "A limit that the package must keep: 'memory<500MB', 'latency<5ms'; may be given again.")
    var constraints: [String] = []
    @Option(
        name: .customLong("hint"),
        help: """
            Narrows choices of a region: 'region.3: algorithm=winograd', '*: unroll=2'; 'model' is the region of decisions about \
            the whole model; may be given again.
            """)
    var hints: [String] = []
    @Option(
        help: """
            Search one region alone: region.3, a kernel's name or a part of it, or model; the others take what is known as \
            fastest (see: hearth inspect --launches).
            """)
    var only: String?
    @Option(
        help: """
            Compare the package at the end, as bench does, with all (every mode of PyTorch that means something on the device, and on the \
            processor ONNX Runtime and OpenVINO where they are), or with those named: eager,compile,max-autotune.
            """)
    var against: String?
    @Option(help: "Write the report as one HTML page to this file as well; it is in the package anyway.") var report:
        String?
    @Flag(help: "Print events as JSON Lines (see Documentation/search-events.md).") var json = false
    @Flag(help: "Print lines on a terminal too, no live view; as with NO_COLOR or TERM=dumb.") var plain = false

    /// What the search is for.
    func goal() throws(ControlError) -> SearchGoal {
        var parsed: [SearchConstraint] = []
        for text in constraints { parsed.append(try SearchConstraint(parsing: text)) }
        return SearchGoal(objective, parsed)
    }

    /// What narrows it.
    func parsedHints() throws(ControlError) -> [SearchHint] {
        var parsed: [SearchHint] = []
        for text in hints { parsed.append(try SearchHint(parsing: text)) }
        return parsed
    }

    /// Whether kernels are named, so that decisions about the whole model that would make others of them are not searched.
    func namesKernels(_ hints: [SearchHint]) -> Bool {
        (only.map { $0 != SearchRecord.model } ?? false)
            || hints.contains { !$0.isForAll && $0.region != SearchRecord.model }
    }

    /// What is at odds with a run without trials.
    func fault(trials: Int) -> String? {
        if trials > 0 { return nil }
        if !hints.isEmpty { return "--hint narrows a search: give --trials 1 or more" }
        if only != nil { return "--only is about a search: give --trials 1 or more" }
        if objective != .latency { return "--objective is about a search: give --trials 1 or more" }
        return nil
    }
}
