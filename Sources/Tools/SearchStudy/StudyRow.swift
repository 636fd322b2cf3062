import Glibc

extension Study {
    /// A row of the table: geometric means of the best known by the best so far after some trials, over kernels and seeds, and the
    /// median of trials to 95 %.
    package struct Row: Sendable {
        package var contestant: String
        package var means: [Double]
        package var medianTrials: Double
        /// Part of the searches that came to 95 % within the budget.
        package var reached: Double
        package var millisecondsOfProposal: Double
        /// Means after equal time; nil where the time of trials was not recorded.
        package var timed: [Double]?

        /// Trials after which means are taken.
        package static let places = [8, 16, 24, 32, 48, 64]
        /// Seconds after which means are taken.
        package static let seconds = [1.0, 2, 4, 8, 16]

        /// Sums up runs.
        package init(_ contestant: String, _ runs: [Run]) {
            self.contestant = contestant
            func mean(_ part: (Run) -> Double) -> Double {
                exp(runs.reduce(0) { $0 + log(max(part($1), 1e-9)) } / Double(max(1, runs.count)))
            }
            means = Self.places.map { place in mean { $0.curve[place - 1] } }
            if runs.allSatisfy({ !$0.spent.isEmpty }) {
                timed = Self.seconds.map { seconds in mean { max($0.part(after: seconds), Self.nothing) } }
            }
            let trials = runs.map(\.trialsToGoal).sorted()
            medianTrials = trials.isEmpty ? 0 : Double(trials[(trials.count - 1) / 2] + trials[trials.count / 2]) / 2
            reached = Double(trials.count { $0 <= Study.budget }) / Double(max(1, trials.count))
            millisecondsOfProposal =
                runs.reduce(0) { $0 + $1.secondsOfProposal } / Double(max(1, runs.count)) * 1e3
        }

        /// A line of a Markdown table.
        package var line: String {
            let cells =
                [contestant] + means.map { Self.fixed($0, 3) } + [
                    medianTrials > Double(Study.budget) ? "> \(Study.budget)" : Self.fixed(medianTrials, 1),
                    "\(Int((reached * 100).rounded())) %", Self.fixed(millisecondsOfProposal, 2),
                ]
            return "| " + cells.joined(separator: " | ") + " |"
        }

        /// What counts as reached before the first trial is done: nothing runs yet, and no mean should hang on how little that is.
        private static let nothing = 0.1

        /// A line of the table at equal time; nil where times were not recorded.
        package var timedLine: String? {
            timed.map { "| " + ([contestant] + $0.map { Self.fixed($0, 3) }).joined(separator: " | ") + " |" }
        }

        /// The head of that table.
        package static var timedHead: String {
            let names = ["who"] + seconds.map { "\(Int($0)) s" }
            return "| " + names.joined(separator: " | ") + " |\n|" + names.map { _ in "---|" }.joined()
        }

        /// The head of the table at equal trials.
        package static var head: String {
            let names = ["who"] + places.map { "\($0)" } + ["trials to 95 %", "reached", "ms a proposal"]
            return "| " + names.joined(separator: " | ") + " |\n|" + names.map { _ in "---|" }.joined()
        }

        private static func fixed(_ value: Double, _ digits: Int) -> String {
            let scale = pow(10, Double(digits))
            var text = "\((value * scale).rounded() / scale)"
            let point = text.firstIndex(of: ".") ?? text.endIndex
            while text.distance(from: point, to: text.endIndex) <= digits { text += "0" }
            return text
        }
    }
}
