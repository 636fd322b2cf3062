/// A search begins: what is optimised, for what, and what may be spent.
package struct SearchStart: EventPayload {
    package static let kind = "start"
    /// Name of the model.
    package var model = ""
    /// Kind of device: `cpu`, `cuda`, `opencl`.
    package var device = ""
    /// Name of the machine's processor or GPU.
    package var machine = ""
    package var threads = 0
    /// What is to become less: `latency`, `throughput`, `memory`, `energy`.
    package var objective = "latency"
    package var constraints: [String] = []
    package var hints: [String] = []
    /// The region that alone is searched.
    package var only: String?
    /// Most trials of kernels, and most of the whole model; together the budget.
    package var trials = 0
    package var modelTrials = 0
    /// Seconds for both levels.
    package var budgetSeconds = 0.0
    package var seed = 0
    /// Candidates of kernels that are proposed together: the order of proposals hangs on it.
    package var batch: Int?
    /// Bytes a second that all threads read from memory, measured; nil when unknown.
    package var memoryRate: Double?
    /// Operations a second of products, measured, by type of the factors.
    package var operationRates: [String: Double] = [:]

    package static let fields: [EventField<Self>] = [
        .text("model", \.model), .text("device", \.device), .text("machine", \.machine),
        .integer("threads", \.threads), .text("objective", \.objective), .texts("constraints", \.constraints),
        .texts("hints", \.hints), .text("only", \.only), .integer("trials", \.trials),
        .integer("model_trials", \.modelTrials), .number("budget_seconds", \.budgetSeconds), .integer("seed", \.seed),
        .integer("batch", \.batch), .number("memory_rate", \.memoryRate), .numbers("operation_rates", \.operationRates),
    ]

    package init() {}
}

/// A stage of the build ended.
package struct StageEnd: EventPayload {
    package static let kind = "stage"
    package var stage = ""
    package var seconds = 0.0

    package static let fields: [EventField<Self>] = [.text("stage", \.stage), .number("seconds", \.seconds)]

    package init() {}
}

/// What is searched as one: a kernel, or the decisions about the whole model (`model`).
package struct RegionOpening: EventPayload {
    package static let kind = "region"
    /// `model`, or `region.0`, `region.1`, … in the order of the first launches.
    package var region = ""
    /// Name of the kernel.
    package var kernel = ""
    /// Hash of what it computes: the same in every model and on every machine.
    package var key = ""
    /// Part of the model's time under default schedules, in 0...1.
    package var share = 0.0
    /// Launches of a call that it stands for.
    package var launches = 1
    /// Operations of one launch, and bytes that it reads and writes if it touches each once.
    package var operations = 0.0
    package var bytes = 0.0
    /// Type of the factors of its products.
    package var element = ""
    /// Seconds that no launch can go below by the judge's bound; 0 when unknown.
    package var floorSeconds = 0.0
    /// Open decisions, such as `tile: 4 2 8`, the default first.
    package var choices: [String] = []
    /// Whether it is searched.
    package var searched = true
    /// Why not, or what else is to be said.
    package var note = ""

    package static let fields: [EventField<Self>] = [
        .text("region", \.region), .text("kernel", \.kernel), .text("key", \.key), .number("share", \.share),
        .integer("launches", \.launches), .number("operations", \.operations), .number("bytes", \.bytes),
        .text("element", \.element), .number("floor_seconds", \.floorSeconds), .texts("choices", \.choices),
        .flag("searched", \.searched), .text("note", \.note),
    ]

    package init() {}
}

/// A candidate got its verdict.
package struct TrialEnd: EventPayload {
    package static let kind = "trial"
    package var region = ""
    /// Who proposed it.
    package var agent = ""
    package var schedule = ""
    /// `correct`, `refused` or `notJudged`.
    package var verdict = ""
    /// Seconds of one launch, or of one call of the whole model; nil for others than correct ones.
    package var seconds: Double?
    /// Why it was not judged; nil where it was.
    package var reason: String?

    /// The verdict of what could not be judged, because the machine failed: it says nothing of the kernel.
    package static let notJudged = "notJudged"

    package static let fields: [EventField<Self>] = [
        .text("region", \.region), .text("agent", \.agent), .text("schedule", \.schedule), .text("verdict", \.verdict),
        .number("seconds", \.seconds), .text("reason", \.reason),
    ]

    package init() {}
}

/// A candidate became a region's champion.
package struct RegionWin: EventPayload {
    package static let kind = "win"
    package var region = ""
    package var agent = ""
    package var schedule = ""
    package var seconds = 0.0
    /// Seconds of the champion before; nil for the first.
    package var beforeSeconds: Double?

    package static let fields: [EventField<Self>] = [
        .text("region", \.region), .text("agent", \.agent), .text("schedule", \.schedule),
        .number("seconds", \.seconds), .number("before_seconds", \.beforeSeconds),
    ]

    package init() {}
}

/// A candidate was refused.
package struct TrialRefusal: EventPayload {
    package static let kind = "refusal"
    package var region = ""
    package var agent = ""
    package var schedule = ""
    /// What kind of fault: the first word of the reason.
    package var fault = ""
    /// The judge's reason.
    package var reason = ""

    package static let fields: [EventField<Self>] = [
        .text("region", \.region), .text("agent", \.agent), .text("schedule", \.schedule), .text("fault", \.fault),
        .text("reason", \.reason),
    ]

    package init() {}
}

/// Where one level of the search stands.
package struct SearchStanding: EventPayload {
    package static let kind = "progress"
    /// `cover` (the whole model) or `search` (kernels).
    package var stage = ""
    package var trials = 0
    package var refused = 0
    /// Time of all regions now, by that under default schedules; 1 at first.
    package var relativeTime = 1.0

    package static let fields: [EventField<Self>] = [
        .text("stage", \.stage), .integer("trials", \.trials), .integer("refused", \.refused),
        .number("relative_time", \.relativeTime),
    ]

    package init() {}
}

/// A region's result stands.
package struct RegionClosing: EventPayload {
    package static let kind = "closed"
    package var region = ""
    /// The schedule in the package; empty for the default.
    package var schedule = ""
    /// Who proposed it.
    package var agent = ""
    package var defaultSeconds: Double?
    package var bestSeconds: Double?
    /// `judge` or `whole model`.
    package var verifiedBy = ""
    package var note = ""

    package static let fields: [EventField<Self>] = [
        .text("region", \.region), .text("schedule", \.schedule), .text("agent", \.agent),
        .number("default_seconds", \.defaultSeconds), .number("best_seconds", \.bestSeconds),
        .text("verified_by", \.verifiedBy), .text("note", \.note),
    ]

    package init() {}
}

/// An output of the finished package beside the truth.
package struct OutputAccuracy: EventPayload {
    package static let kind = "output"
    /// The output, after its set of inputs where there are several.
    package var output = ""
    package var elements = 0
    /// Largest and root mean square error of the package, of PyTorch, and what is allowed.
    package var maximum = 0.0
    package var rms = 0.0
    package var torchMaximum = 0.0
    package var torchRMS = 0.0
    package var allowedMaximum = 0.0
    package var allowedRMS = 0.0

    package static let fields: [EventField<Self>] = [
        .text("output", \.output), .integer("elements", \.elements), .number("max", \.maximum), .number("rms", \.rms),
        .number("torch_max", \.torchMaximum), .number("torch_rms", \.torchRMS),
        .number("allowed_max", \.allowedMaximum), .number("allowed_rms", \.allowedRMS),
    ]

    package init() {}
}

/// Memory of the package: its arena and its weights.
package struct PackageMemory: EventPayload {
    package static let kind = "memory"
    /// Bytes under default decisions and schedules; nil where there was no search.
    package var defaultBytes: Double?
    package var bytes = 0.0

    package static let fields: [EventField<Self>] = [
        .number("default_bytes", \.defaultBytes), .number("bytes", \.bytes),
    ]

    package init() {}
}

/// The finished package timed beside something else, in turn.
package struct ModelComparison: EventPayload {
    package static let kind = "comparison"
    /// `default` (the package without the search), or a mode of PyTorch or a peer.
    package var against = ""
    /// Seconds of a call of ours and of theirs; what else the objective measures has its own name in the note.
    package var seconds = 0.0
    package var theirSeconds = 0.0
    /// Theirs by ours: above 1 the package is faster. Then its 95 % interval.
    package var ratio = 0.0
    package var low = 0.0
    package var high = 0.0
    /// Rounds behind it; 0 where both are the same code, which needs no measurement.
    package var rounds = 0
    /// Why it was not measured.
    package var failure: String?

    package static let fields: [EventField<Self>] = [
        .text("against", \.against), .number("seconds", \.seconds), .number("their_seconds", \.theirSeconds),
        .number("ratio", \.ratio), .number("low", \.low), .number("high", \.high), .integer("rounds", \.rounds),
        .text("failure", \.failure),
    ]

    package init() {}

    /// Whether the package gains.
    package var gain: Gain { Gain(ratio: ratio, low: low) }
}

/// A language model was asked, because the user named one.
package struct AdviceEnd: EventPayload {
    package static let kind = "advice"
    package var region = ""
    /// The endpoint with the model's name, or the record that answered in its place.
    package var source = ""
    /// Whether something was sent over the network.
    package var isSent = false
    /// Counted from 1.
    package var request = 0
    package var seconds = 0.0
    /// Schedules that the answer came to, texts of kernels among them.
    package var schedules = 0
    /// How many of them are texts; nil where none were asked for.
    package var texts: Int?
    /// Why the rest of it was of no use.
    package var faults: [String] = []
    /// Why there was no answer.
    package var failure: String?

    package static let fields: [EventField<Self>] = [
        .text("region", \.region), .text("source", \.source), .flag("sent", \.isSent), .integer("request", \.request),
        .number("seconds", \.seconds), .integer("schedules", \.schedules), .integer("texts", \.texts),
        .texts("faults", \.faults), .text("failure", \.failure),
    ]

    package init() {}
}

/// Something that a person should know.
package struct SearchNote: EventPayload {
    package static let kind = "note"
    package var text = ""

    package static let fields: [EventField<Self>] = [.text("text", \.text)]

    package init() {}
}

/// All is written.
package struct SearchDone: EventPayload {
    package static let kind = "done"
    /// Path of the package.
    package var package = ""
    /// One sentence: what was gained, or "no gain …".
    package var summary = ""

    package static let fields: [EventField<Self>] = [.text("package", \.package), .text("summary", \.summary)]

    package init() {}
}
