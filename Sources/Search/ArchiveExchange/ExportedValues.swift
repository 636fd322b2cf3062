internal import JSON
internal import KernelArchive

// What a line says of a machine, a kernel and a trial. Names of kernels stay at home: they come from the user's model.

extension ArchiveMachine {
    /// The line's value.
    var json: JSONValue {
        [
            "fingerprint": .string(fingerprint), "kind": .string(kind), "model": .string(model),
            "features": .array(features.map { .string($0) }), "cores": .integer(Int64(cores)),
            "threads": .integer(Int64(threads)), "caches": .array(caches.map { .integer(Int64($0)) }),
            "memory": .integer(Int64(memory)),
        ]
    }

    /// Reads the line's value.
    init(_ fields: FieldReader) throws(ExportError) {
        self.init(
            fingerprint: try fields.word("fingerprint"), kind: try fields.word("kind"),
            model: try fields.text("model", limit: 256), features: try fields.words("features"),
            cores: try fields.count("cores"), threads: try fields.count("threads"),
            caches: try fields.counts("caches"), memory: try fields.count("memory"))
    }
}

extension ArchiveKernel {
    /// The line's value.
    var json: JSONValue {
        let members = extents.map { JSONObject.Member(name: $0.name, value: .integer(Int64($0.value))) }
        return [
            "key": .string(key), "kind": .string(kind), "family": .string(family), "element": .string(element),
            "elements": .array(elements.map { .string($0) }), "extents": .object(JSONObject(members: members)),
            "bytes": .number(bytes), "operations": .number(operations),
        ]
    }

    /// Reads the line's value.
    init(_ fields: FieldReader) throws(ExportError) {
        self.init(
            key: try fields.text("key", limit: 256), name: "", kind: try fields.word("kind"),
            family: try fields.word("family"), element: try fields.word("element"),
            elements: try fields.words("elements"),
            extents: try fields.extents("extents").map { ArchiveKernel.Extent($0.name, $0.value) },
            bytes: try fields.number("bytes"), operations: try fields.number("operations"))
    }
}

extension ArchiveRecord {
    /// The line's value.
    var json: JSONValue {
        var object: JSONObject = [
            "kernel": .string(key.kernel), "machine": .string(key.machine),
            "generator": .string(key.builder.generator), "compiler": .string(key.builder.compiler),
            "schedule": .string(key.schedule), "agent": .string(agent), "time": .integer(time),
        ]
        func add(_ name: String, _ value: JSONValue) { object.members.append(.init(name: name, value: value)) }
        switch outcome {
        case .refused(let reason): add("refused", .string(reason))
        case .timed(let seconds, let championSeconds, let isWin):
            add("seconds", .number(seconds))
            add("champion_seconds", .number(championSeconds))
            add("won", .bool(isWin))
        }
        if let samples {
            add("speedup", .array([.number(samples.low), .number(samples.speedup), .number(samples.high)]))
            add("calls", .integer(Int64(samples.calls)))
            add("groups", .integer(Int64(samples.groups)))
        }
        if !profile.isEmpty {
            let members = profile.sorted { $0.key < $1.key }
                .map { JSONObject.Member(name: $0.key, value: .number($0.value)) }
            add("profile", .object(JSONObject(members: members)))
        }
        return .object(object)
    }

    /// Reads the line's value.
    init(_ fields: FieldReader) throws(ExportError) {
        let key = ArchiveKey(
            kernel: try fields.text("kernel", limit: 256), machine: try fields.word("machine"),
            builder: .init(generator: try fields.word("generator"), compiler: try fields.text("compiler", limit: 512)),
            schedule: try fields.text("schedule", limit: 1 << 16))
        let outcome: Outcome
        var samples: Samples?
        if fields.has("refused") {
            outcome = .refused(reason: try fields.text("refused"))
        } else {
            outcome = .timed(
                seconds: try fields.number("seconds", isPositive: true),
                championSeconds: try fields.number("champion_seconds", isPositive: true),
                isWin: try fields.flag("won"))
        }
        if fields.has("speedup") {
            let (low, speedup, high) = try fields.triple("speedup")
            samples = Samples(
                speedup: speedup, low: low, high: high, calls: try fields.count("calls"),
                groups: try fields.count("groups"))
        }
        self.init(
            key: key, agent: try fields.text("agent", limit: 256), outcome: outcome, samples: samples,
            profile: fields.has("profile") ? try fields.numbers("profile") : [:], time: Int64(try fields.count("time")))
    }
}
