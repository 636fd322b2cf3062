import KernelIR

extension KernelEmitter {
    /// The decision that a contraction runs as a plain nest of loops. No agent proposes it: it is what remains where every
    /// faster way was refused.
    static let plain = Choice("plain", [0, 1])

    /// Schedules that lean on less and less, the plainest last: what a kernel falls back on when its default is refused.
    /// None of them says what the default says.
    package func saferSchedules(_ kernel: Kernel) -> [Schedule] {
        let choices = choices(kernel)
        /// The given decisions, as far as this kernel offers them.
        func offered(_ values: [String: Int]) -> Schedule {
            Schedule(
                values.filter { name, value in
                    choices.contains { $0.name == name && $0.values.contains(value) }
                })
        }
        let scalar = ["lanes": -2, "unroll": 1]
        var schedules: [Schedule]
        switch kernel.body {
        case .nest: schedules = [offered(["unroll": 1]), offered(scalar)]
        case .contraction(let body):
            if hasMicrokernel(kernel, body) {
                let plain = Self.plain.name
                schedules = [
                    offered(["algorithm": 0]), offered(["algorithm": 0, "instruction": 0]), Schedule([plain: 1]),
                    Schedule(scalar.merging([plain: 1]) { one, _ in one }),
                ]
            } else {
                schedules = [offered(["unroll": 1]), offered(scalar)]
            }
        case .attention:
            schedules = [
                offered(["tiles": 0]), offered(["tiles": 0, "form": 0, "queryVectors": 1]),
                offered(["tiles": 0, "form": 1]),
            ]
        case .recurrence:
            schedules = [offered(["gang": 0]), offered(["gang": 0, "batchRows": 1, "unitBlocks": 1, "ahead": 0])]
        case .sort: schedules = [offered(["select": 0])]
        }
        // A schedule that says what the default says already is no other way.
        var seen: Set<Schedule> = [Schedule(defaults(choices))]
        return schedules.filter { schedule in
            var complete = defaults(choices)
            for (name, value) in schedule.values { complete[name] = value }
            return seen.insert(Schedule(complete)).inserted
        }
    }

    private func defaults(_ choices: [Choice]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: choices.map { ($0.name, $0.values[0]) })
    }
}
