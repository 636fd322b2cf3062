import KernelIR

extension SIMTEmitter {
    /// Schedules that lean on less and less, the plainest last: what a kernel falls back on when its default is refused.
    /// None of them says what the default says.
    package func saferSchedules(_ kernel: Kernel) -> [Schedule] {
        let choices = choices(kernel)
        let wanted: [[String: Int]]
        switch kernel.body {
        case .nest: wanted = [["team": 1, "turned": 0], ["team": 0, "turned": 0]]
        case .contraction:
            // In a library's place what would stand there without it; tiles without matrix units, then one sum a point.
            let isLibrary = choices.first { $0.name == "algorithm" }?.values.first == 5
            wanted =
                (isLibrary ? [["algorithm": 3]] : []) + [
                    ["algorithm": 1, "parts": 1], ["algorithm": 0], ["algorithm": 0, "team": 0],
                ]
        case .attention: wanted = [["form": 0], ["form": 0, "rows": 1, "parts": 1]]
        case .recurrence: wanted = [["shared": 0]]
        case .sort: wanted = [["threads": 128]]
        }
        let defaults = Dictionary(uniqueKeysWithValues: choices.map { ($0.name, $0.values[0]) })
        // A schedule that says what another says already is no other way.
        var seen: Set<Schedule> = [Schedule(defaults)]
        return wanted.compactMap { values in
            let offered = values.filter { name, value in
                choices.contains { $0.name == name && $0.values.contains(value) }
            }
            let schedule = Schedule(offered)
            return seen.insert(Schedule(defaults.merging(offered) { $1 })).inserted ? schedule : nil
        }
    }
}
