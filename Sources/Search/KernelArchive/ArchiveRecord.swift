package import JSON

/// What identifies a trial: equal keys may share verdicts.
package struct ArchiveKey: Hashable, Sendable {
    /// Canonical text of the region, with types and shape class, or its hash.
    package var region: String
    /// Schedule with the versions of choice space, generator and toolchain.
    package var candidate: String
    /// Fingerprint of the machine.
    package var machine: String

    /// Makes a key.
    package init(region: String, candidate: String, machine: String) {
        self.region = region
        self.candidate = candidate
        self.machine = machine
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

    package var key: ArchiveKey
    /// Canonical schedule text.
    package var schedule: String
    /// The agent that proposed it.
    package var agent: String
    package var outcome: Outcome

    /// Makes a record.
    package init(key: ArchiveKey, schedule: String, agent: String, outcome: Outcome) {
        self.key = key
        self.schedule = schedule
        self.agent = agent
        self.outcome = outcome
    }

    /// One line of the archive.
    package var json: JSONValue {
        var object = JSONObject(members: [
            .init(name: "region", value: .string(key.region)), .init(name: "candidate", value: .string(key.candidate)),
            .init(name: "machine", value: .string(key.machine)), .init(name: "schedule", value: .string(schedule)),
            .init(name: "agent", value: .string(agent)),
        ])
        switch outcome {
        case .timed(let seconds, let championSeconds, let isWin):
            object.members.append(.init(name: "seconds", value: .number(seconds)))
            object.members.append(.init(name: "championSeconds", value: .number(championSeconds)))
            object.members.append(.init(name: "isWin", value: .bool(isWin)))
        case .refused(let reason): object.members.append(.init(name: "refused", value: .string(reason)))
        }
        return .object(object)
    }

    /// Reads one line; nil when a member is missing or of another type.
    package init?(_ json: JSONValue) {
        guard let object = json.objectValue, let region = object["region"]?.stringValue,
            let candidate = object["candidate"]?.stringValue, let machine = object["machine"]?.stringValue,
            let schedule = object["schedule"]?.stringValue, let agent = object["agent"]?.stringValue
        else { return nil }
        key = ArchiveKey(region: region, candidate: candidate, machine: machine)
        self.schedule = schedule
        self.agent = agent
        if let reason = object["refused"]?.stringValue {
            outcome = .refused(reason: reason)
        } else if let seconds = object["seconds"]?.doubleValue,
            let championSeconds = object["championSeconds"]?.doubleValue, let isWin = object["isWin"]?.boolValue
        {
            outcome = .timed(seconds: seconds, championSeconds: championSeconds, isWin: isWin)
        } else {
            return nil
        }
    }
}
