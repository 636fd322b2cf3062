import Base
import ElementTypes
import JSON

extension Manifest {
    /// The manifest as JSON; `init(_:)` reads it back.
    package var json: JSONValue {
        var object: JSONObject = [
            "format": "hearth-package", "version": JSONValue(version), "name": .string(name),
            "inputs": .array(interface.inputs.map(Self.json)), "outputs": .array(interface.outputs.map(Self.json)),
            "symbols": .array(interface.symbols.map(Self.json)), "guards": .array(interface.guards.map(Self.json)),
            "plans": .array(plans.map(Self.json)),
        ]
        if let rows = interface.independentRows {
            object.members.append(.init(name: "independent_rows", value: JSONValue(rows)))
        }
        if let weights { object.members.append(.init(name: "weights", value: .string(weights))) }
        object.members.append(
            .init(
                name: "provenance",
                value: .object(JSONObject(members: provenance.map { .init(name: $0.name, value: .string($0.value)) }))))
        object.members.append(
            .init(
                name: "files",
                value: .array(
                    files.map {
                        [
                            "path": .string($0.path), "bytes": JSONValue($0.byteCount),
                            FileDigest.name: .string($0.digest.description),
                        ]
                    })))
        return .object(object)
    }

    /// Reads what `json` wrote.
    package init(_ json: JSONValue, file: String = "manifest.json") throws(PackageError) {
        let fields = try JSONFields(json, file: file, place: "")
        guard fields.object["format"]?.stringValue == "hearth-package" else {
            throw fields.error("format", "\"hearth-package\"")
        }
        let version = try fields.integer("version")
        guard Self.versions.contains(version) else {
            throw .unsupportedVersion(found: version, supported: Self.versions)
        }
        let interface = ModelInterface(
            inputs: try fields.objects("inputs", Self.port), outputs: try fields.objects("outputs", Self.port),
            symbols: try fields.objects("symbols", Self.binding), guards: try fields.objects("guards", Self.condition),
            independentRows: try fields.optionalInteger("independent_rows"))
        var facts: [Fact] = []
        if let value = fields.object["provenance"] {
            let texts = try JSONFields(value, file: file, place: "provenance")
            for member in texts.object.members {
                facts.append(Fact(name: member.name, value: try texts.string(member.name)))
            }
        }
        self.init(
            name: try fields.string("name"), interface: interface, plans: try fields.objects("plans", Self.entry),
            weights: try fields.optionalString("weights"), provenance: facts,
            files: try fields.objects("files", Self.fileEntry), version: version)
    }

    private static func json(_ port: ModelInterface.Port) -> JSONValue {
        [
            "name": .string(port.name), "type": .string(port.type.element.rawValue),
            "shape": .array(port.type.shape.map { JSONValue($0) }),
        ]
    }

    private static func port(_ fields: JSONFields) throws(PackageError) -> ModelInterface.Port {
        guard let element = ElementType(rawValue: try fields.string("type")) else {
            throw fields.error("type", "an element type such as f32")
        }
        return .init(name: try fields.string("name"), type: TensorType(element, try fields.dimensions("shape")))
    }

    private static func json(_ binding: ModelInterface.Binding) -> JSONValue {
        var object: JSONObject = [
            "name": .string(binding.symbol.name), "minimum": JSONValue(binding.symbol.minimum),
            "maximum": binding.symbol.maximum.map { JSONValue($0) } ?? .null, "hint": JSONValue(binding.symbol.hint),
        ]
        switch binding.source {
        case .extent(let input, let axis):
            object.members.append(.init(name: "input", value: JSONValue(input)))
            object.members.append(.init(name: "axis", value: JSONValue(axis)))
        case .value(let input): object.members.append(.init(name: "value_of", value: JSONValue(input)))
        }
        return .object(object)
    }

    private static func binding(_ fields: JSONFields) throws(PackageError) -> ModelInterface.Binding {
        let symbol = Symbol(
            name: try fields.string("name"), minimum: try fields.integer("minimum"),
            maximum: try fields.optionalInteger("maximum"), hint: try fields.integer("hint"))
        if let input = try fields.optionalInteger("value_of") {
            return .init(symbol: symbol, source: .value(input: input))
        }
        return .init(
            symbol: symbol, source: .extent(input: try fields.integer("input"), axis: try fields.integer("axis")))
    }

    private static func json(_ condition: ModelInterface.Guard) -> JSONValue {
        [
            "left": JSONValue(condition.left), "relation": .string(condition.relation.rawValue),
            "right": JSONValue(condition.right),
        ]
    }

    private static func condition(_ fields: JSONFields) throws(PackageError) -> ModelInterface.Guard {
        guard let relation = ModelInterface.Guard.Relation(rawValue: try fields.string("relation")) else {
            throw fields.error("relation", "one of == != < <=")
        }
        return .init(try fields.dimension("left"), relation, try fields.dimension("right"))
    }

    private static func json(_ entry: PlanEntry) -> JSONValue {
        [
            "file": .string(entry.file), "program": .string(entry.program), "device": .string(entry.device),
            "features": .array(entry.features.map { .string($0) }), "fingerprint": .string(entry.fingerprint),
            "machine": .string(entry.machine),
        ]
    }

    private static func entry(_ fields: JSONFields) throws(PackageError) -> PlanEntry {
        PlanEntry(
            file: try fields.string("file"), program: try fields.string("program"), device: try fields.string("device"),
            features: try fields.strings("features"), fingerprint: try fields.string("fingerprint"),
            machine: try fields.string("machine"))
    }

    private static func fileEntry(_ fields: JSONFields) throws(PackageError) -> File {
        guard let digest = ContentHash(try fields.string(FileDigest.name)) else {
            throw fields.error(FileDigest.name, "16 hexadecimal digits")
        }
        return File(path: try fields.string("path"), byteCount: try fields.integer("bytes"), digest: digest)
    }
}
