/// What counters of the processor say that holds a kernel back, as a row of a table.
package struct CounterHint: Sendable {
    /// A sentence for people and for minds that read.
    package var words: String
    /// Kinds of decisions that it hangs on.
    package var matters: Set<Speciality>
    /// Those of which more should be tried.
    package var more: Set<Speciality>
    /// Whether a profile shows it. What is not known shows nothing.
    package var applies: @Sendable (TrialProfile) -> Bool

    /// All rows. The bounds are where such misses begin to cost a tenth or more of the time (about 14 cycles for a read from the second
    /// cache, 20 for a branch or a page), no measured optimum.
    package static let table: [CounterHint] = [
        CounterHint(
            words: "it fetches more from memory than it touches, so lines leave the caches before they are used again",
            matters: [.tiling], more: []
        ) { ($0[.lastLevelShare] ?? 0) > 1.5 },
        CounterHint(
            words: "many of its reads miss the first cache", matters: [.tiling, .pipelining], more: []
        ) { ($0[.l1Misses] ?? 0) > 40 && !$0.isBusy },
        CounterHint(
            words: "many of its reads miss the table of pages, so it strides over memory", matters: [.tiling],
            more: []
        ) { ($0[.tlbMisses] ?? 0) > 3 },
        CounterHint(
            words: "many of its branches are guessed wrong, so its loops are short or end raggedly",
            matters: [.tiling, .pipelining], more: []
        ) { ($0[.branchMisses] ?? 0) > 5 },
        CounterHint(
            words:
                "it executes less than one instruction a cycle though little is missed, so instructions wait for each other",
            matters: [.pipelining, .vectors], more: [.pipelining, .vectors]
        ) { profile in
            guard let rate = profile[.instructionsPerCycle], let misses = profile[.l1Misses],
                let branches = profile[.branchMisses]
            else { return false }
            // What misses the first cache seldom misses the others less; a kernel that keeps memory or arithmetic busy is slow for them.
            return rate < 1 && misses < 10 && branches < 2 && (profile[.tlbMisses] ?? 0) < 1
                && (profile[.lastLevelShare] ?? 0) <= 1.5 && !profile.isBusy
        },
    ]
}

extension TrialProfile {
    /// What counters say that holds the kernel back, in the order of the table; nothing where nothing was counted.
    package var hints: [CounterHint] { CounterHint.table.filter { $0.applies(self) } }

    /// Kinds of decisions that what holds the kernel back hangs on.
    package var matters: Set<Speciality> { hints.reduce(into: []) { $0.formUnion($1.matters) } }

    /// Kinds of decisions of which more should be tried. What spills does not want more at once, whatever waits.
    package var moreOf: Set<Speciality> {
        hints.reduce(into: Set<Speciality>()) { $0.formUnion($1.more) }.subtracting(lessOf)
    }

    /// Whether it says nothing of what holds the kernel back.
    var isSilent: Bool { matters.isEmpty && lessOf.isEmpty }
}
