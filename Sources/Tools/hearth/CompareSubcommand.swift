import ArgumentParser
import Baselines
import DeviceAPI
import JSON
import KernelJudge
import SearchControl
import SearchEvents

/// Checks a package against its truth and times it beside another; started by `optimize`, never by people.
struct CompareSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Checks a package and times it beside another (internal).",
        shouldDisplay: false)

    @Argument(help: "The candidate.") var candidate: String
    @Argument(help: "The package it is timed beside.") var champion: String
    @Option(help: "\(DeviceChoice.help) (default: what the package was made for).") var device: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?
    @Option(help: "Rounds of the comparison.") var rounds = 15
    @Option(help: "What is compared: latency, throughput or energy.") var measure = SearchGoal.Objective.latency

    func run() throws {
        let turn = try DeviceChoice.turns(for: candidate, asked: self.device)
        try DeviceChoice.enterSandbox(for: candidate, asked: self.device)
        let device = try DeviceChoice.open(for: candidate, asked: self.device, threads: threads)
        if let wrong = try PackageAgreement.check(candidate, device).first(where: { !$0.passes }) {
            print(JSONValue.object(JSONObject(members: [.init(name: "refused", value: .string("\(wrong)"))])).text)
            return
        }
        let measured = try PackageComparison.time(candidate, champion, device, rounds: rounds, measure, turn)
        let (timing, decisive) = (measured.times, measured.joules ?? measured.times)
        let gain = Gain(ratio: decisive.ratio, low: decisive.interval.lowerBound)
        let answer: JSONValue = [
            "seconds": .number(timing.ours * 1e-9), "championSeconds": .number(timing.theirs * 1e-9),
            "isWin": .bool(gain.isGain), "ratio": .number(decisive.ratio),
            "low": .number(decisive.interval.lowerBound), "high": .number(decisive.interval.upperBound),
            "rounds": .integer(Int64(decisive.rounds.count)),
        ]
        print(answer.text)
    }
}
