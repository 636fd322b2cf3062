/// One way in which a judge of kernels was fooled in public, and what shows that this one is not.
package struct FailureRow: Sendable {
    /// From 1.
    package var number: Int
    /// What happened, in few words.
    package var failure: String
    /// Tests that cover it besides the candidates of the corpus that name this row: names of functions under `Tests`. Rows about
    /// baselines, timing, whole models and the way from a kernel to its measurement are no candidates.
    package var tests: [String]

    private init(_ number: Int, _ failure: String, tests: [String] = []) {
        self.number = number
        self.failure = failure
        self.tests = tests
    }

    /// All rows.
    package static let all: [FailureRow] = [
        .init(1, "does nothing, on memory that holds the answer"),
        .init(2, "computes a part of the output"),
        .init(3, "constant output"),
        .init(4, "statistically constant answers", tests: ["refusesToJudgeByConstants"]),
        .init(5, "changes its input"),
        .init(6, "works beside the clock"),
        .init(7, "a thread or process computes later", tests: ["seesWithoutFilters"]),
        .init(8, "a result that is computed at comparison"),
        .init(9, "replaces the timer or the comparison"),
        .init(10, "remembers outputs by address"),
        .init(11, "remembers inputs"),
        .init(12, "lower precision within a loose tolerance", tests: ["honestSumsPass", "allowsFourTimesTheWitness"]),
        .init(13, "right for ordinary numbers only", tests: ["followsInfinities", "orderDecidesNothingElse"]),
        .init(14, "a smaller problem than asked"),
        .init(15, "a kernel that is never called", tests: ["codeThatCrashesIsOneClearLine"]),
        .init(16, "a library that is credited as a kernel", tests: ["productsAgree"]),
        .init(17, "touches memory that is not its own"),
        .init(18, "a launch that failed silently"),
        .init(19, "a candidate that was never installed", tests: ["codeThatCrashesIsOneClearLine"]),
        .init(20, "checked in one shape, timed in another"),
        .init(21, "another state while timed than while checked", tests: ["tellsFasterFromSlower"]),
        .init(22, "only the overhead of launches is compared", tests: ["shortKernelsAreTimedInRuns"]),
        .init(23, "a weak baseline", tests: ["oneFailingRivalDoesNotLoseTheOthers", "thePromiseIsALineOfTheTable"]),
        .init(24, "decoding at one position only"),
        .init(25, "a branch for the tested shape", tests: ["furtherSizesAreTried", "sizesThatNobodySawAreChecked"]),
        .init(26, "a lucky measurement", tests: ["luckIsNoWin", "tellsFasterFromSlower"]),
        .init(27, "random operations with a loosened tolerance", tests: ["refusalsNameTheLine"]),
        .init(28, "hidden state between calls"),
        .init(29, "rare races and deadlocks", tests: ["partsDoNotMeet", "partsThatMeetAreFound"]),
        .init(30, "tampers with its judge", tests: ["leavesNoFile", "damagedRepliesAreErrors"]),
        .init(31, "the judge refuses an honest kernel", tests: ["rightKernelsAreAcceptedOnADevice"]),
    ]
}
