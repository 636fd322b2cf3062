/// What identifies a trial: equal keys may share verdicts.
package struct ArchiveKey: Hashable, Sendable {
    /// What made the code.
    package struct Builder: Hashable, Sendable {
        /// Version of the generator and the judge; see `KernelSearch.generatorVersion`.
        package var generator: String
        /// The compiler with its version.
        package var compiler: String

        /// Makes a description.
        package init(generator: String, compiler: String) {
            self.generator = generator
            self.compiler = compiler
        }
    }

    /// Hash of the kernel's canonical text, with types and shapes: `ArchiveKernel.key`.
    package var kernel: String
    /// Fingerprint of the machine: `ArchiveMachine.fingerprint`.
    package var machine: String
    package var builder: Builder
    /// Canonical schedule text.
    package var schedule: String

    /// Makes a key.
    package init(kernel: String, machine: String, builder: Builder, schedule: String) {
        self.kernel = kernel
        self.machine = machine
        self.builder = builder
        self.schedule = schedule
    }
}

/// One trial, as it is kept.
package struct ArchiveRecord: Hashable, Sendable {
    /// What came of it.
    package enum Outcome: Hashable, Sendable {
        /// Seconds of one call, of the champion it was timed against, and whether it won.
        case timed(seconds: Double, championSeconds: Double, isWin: Bool)
        /// The judge's reason.
        case refused(reason: String)
    }

    /// What the samples of a timing say.
    package struct Samples: Hashable, Sendable {
        /// Median of the champion's time / the candidate's, and the ends of its 95 % interval.
        package var speedup: Double
        package var low: Double
        package var high: Double
        /// Calls of a sample, and groups of samples.
        package var calls: Int
        package var groups: Int

        /// Makes a summary.
        package init(speedup: Double, low: Double, high: Double, calls: Int, groups: Int) {
            self.speedup = speedup
            self.low = low
            self.high = high
            self.calls = calls
            self.groups = groups
        }
    }

    package var key: ArchiveKey
    /// The agent that proposed it.
    package var agent: String
    package var outcome: Outcome
    /// nil for refusals, and where nobody wrote it down.
    package var samples: Samples?
    /// What else is known of what was timed, by the names of `Documentation/archive-format.md`; finite numbers of 0 or more.
    package var profile: [String: Double]
    /// Seconds since 1970 at which it was judged; 0 for "when it is appended".
    package var time: Int64

    /// Makes a record.
    package init(
        key: ArchiveKey, agent: String, outcome: Outcome, samples: Samples? = nil, profile: [String: Double] = [:],
        time: Int64 = 0
    ) {
        self.key = key
        self.agent = agent
        self.outcome = outcome
        self.samples = samples
        self.profile = profile
        self.time = time
    }
}

extension ArchiveRecord.Outcome {
    /// What a remembered trial says of a candidate beside today's champion.
    package enum Recall: Hashable, Sendable {
        case refused(reason: String)
        case timed(seconds: Double, isWin: Bool)
        /// It may win against this champion, which it never met: it must be judged again.
        case unclear
    }

    /// The trial beside a champion of `seconds`; nil when there is none yet. Remembered times are multiplied by `scale`. What was
    /// found against this very champion is believed, and what is slower than the champion loses; no memory of times alone
    /// makes a winner.
    package func recall(besides seconds: Double?, scale: Double = 1) -> Recall {
        switch self {
        case .refused(let reason): return .refused(reason: reason)
        case .timed(let own, let champion, let isWin):
            let scaled = own * scale
            guard let seconds else { return .timed(seconds: scaled, isWin: true) }
            if abs(champion * scale - seconds) <= 1e-9 * seconds { return .timed(seconds: scaled, isWin: isWin) }
            return scaled >= seconds ? .timed(seconds: scaled, isWin: false) : .unclear
        }
    }
}
