/// Where a search stands, for progress lines.
package struct SearchProgress: Sendable {
    package var trials: Int
    package var refused: Int
    /// Weighted time of all regions now, relative to their default schedules; 1 before anything was found.
    package var relativeTime: Double
}

extension Swarm {
    /// Where the search stands.
    package var progress: SearchProgress {
        var weights = 0.0
        var time = 0.0
        for view in views {
            weights += view.region.weight
            var ratio = 1.0
            if let first = view.defaultSeconds, let now = view.champion?.seconds, first > 0 { ratio = now / first }
            time += view.region.weight * ratio
        }
        let refused = views.reduce(0) { $0 + $1.refusals.count }
        return SearchProgress(trials: spent, refused: refused, relativeTime: weights > 0 ? time / weights : 1)
    }

    /// Runs the search until it stops; `clock` gives seconds. Cancelling the task stops after the batch under way. The
    /// size of a batch is part of what makes a search repeatable. The advisor, where there is one, is asked between batches.
    /// With `looksAhead` the next batch is proposed, and prepared, while the one before is evaluated: for kernels that are timed on another
    /// device than the one that compiles them. Agents then learn of verdicts one batch later.
    package mutating func run(
        _ evaluator: some CandidateEvaluator, batchSize: Int, looksAhead: Bool = false,
        clock: @Sendable () -> Double, advisor: (any ScheduleAdvisor)? = nil,
        report: (SearchProgress) -> Void = { _ in }
    ) async -> StopReason {
        var ahead: [Candidate] = []
        let reason = await run(
            evaluator, batchSize, looksAhead: looksAhead, &ahead, clock: clock, advisor: advisor, report: report)
        record(ahead.map { Trial(candidate: $0, verdict: .cancelled) })
        await evaluator.finish()
        return reason
    }

    /// What `run` does, but for what is left in `ahead`, proposed and not evaluated.
    private mutating func run(
        _ evaluator: some CandidateEvaluator, _ batchSize: Int, looksAhead: Bool, _ ahead: inout [Candidate],
        clock: @Sendable () -> Double, advisor: (any ScheduleAdvisor)?, report: (SearchProgress) -> Void
    ) async -> StopReason {
        let start = clock()
        while true {
            if Task.isCancelled { return .cancelled }
            if let reason = stopReason(seconds: clock() - start) { return reason }
            // Nothing is timed meanwhile: a model on this machine would disturb it. And what is waited for comes at the same place
            // of every search.
            if let advisor, let question = nextQuestion() {
                take(await advisor.advise(question), to: question)
                if let reason = stopReason(seconds: clock() - start) { return reason }
            }
            let batch = ahead.isEmpty ? nextBatch(limit: batchSize) : ahead
            ahead = []
            if batch.isEmpty { return .nothingLeft }
            if looksAhead {
                await evaluator.prepare(batch)
                ahead = nextBatch(limit: batchSize)
                await evaluator.prepare(ahead)
            }
            let verdicts = await evaluator.evaluate(batch)
            precondition(verdicts.count == batch.count, "every candidate gets a verdict")
            var finished: [Trial] = []
            for (candidate, verdict) in zip(batch, verdicts) {
                finished.append(
                    Trial(candidate: candidate, verdict: verdict, profile: await evaluator.profile(of: candidate)))
            }
            record(finished)
            report(progress)
            if verdicts.contains(.cancelled) { return .cancelled }
        }
    }
}
