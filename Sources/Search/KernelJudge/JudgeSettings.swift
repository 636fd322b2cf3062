/// How the judge works. What decides over right and wrong is not here: it is no setting.
package struct JudgeSettings: Hashable, Sendable {
    /// Determines inputs and the order of timed mixtures.
    package var seed: UInt64
    /// Seconds that all runs of one request may take.
    package var timeLimit: Double
    /// ABBA groups of a timing.
    package var groups: Int
    /// Nanoseconds that a timed sample should take at least.
    package var sampleNanoseconds: Int
    /// What a win must exceed, as a fraction.
    package var margin: Double
    /// A candidate whose speed-up is at least this gets the full battery of inputs; others are only told their time.
    package var batteryThreshold: Double
    /// Whether the library is looked at before it is loaded.
    package var auditsLibrary: Bool
    /// Whether what timed calls left behind is computed again in a new process. A device's program keeps nothing beyond its own memory, which
    /// goes when it is unloaded, and a process that uses a GPU takes a fifth of a second to begin, more than all else of a short trial.
    package var restartsWorker: Bool

    /// Makes settings.
    package init(
        seed: UInt64 = 1, timeLimit: Double = 30, groups: Int = 15, sampleNanoseconds: Int = 200_000,
        margin: Double = 0.02, batteryThreshold: Double = 0.95, auditsLibrary: Bool = true, restartsWorker: Bool = true
    ) {
        self.seed = seed
        self.timeLimit = timeLimit
        self.groups = groups
        self.sampleNanoseconds = sampleNanoseconds
        self.margin = margin
        self.batteryThreshold = batteryThreshold
        self.auditsLibrary = auditsLibrary
        self.restartsWorker = restartsWorker
    }

    /// Settings for candidates on a device that is not the host: what runs there is no shared object that could be looked at, and starting
    /// a process that uses it takes long.
    package static func onDevice(groups: Int = 15) -> JudgeSettings {
        JudgeSettings(timeLimit: 60, groups: groups, auditsLibrary: false, restartsWorker: false)
    }
}
