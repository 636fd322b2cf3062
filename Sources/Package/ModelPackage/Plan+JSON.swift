import Base
import ElementTypes
import JSON

extension Plan {
    /// The plan as JSON; `init(_:file:)` reads it back.
    package var json: JSONValue {
        var object: JSONObject = [
            "buffers": .array(buffers.rows.map(Self.json)), "launches": .array(launches.map(Self.json)),
            "copies": .array(
                copies.map {
                    ["output": JSONValue($0.output), "source": Self.json($0.source)]
                }),
        ]
        if !loops.isEmpty { object.members.append(.init(name: "loops", value: .array(loops.map(Self.json)))) }
        return .object(object)
    }

    /// The plan's file: its JSON with one line per buffer and launch.
    package var text: String {
        guard case .object(let object) = json else { return json.text }
        let members = object.members.map { member in
            let rows = (member.value.arrayValue ?? []).map(\.text).joined(separator: ",\n  ")
            return "\"\(member.name)\": [\(rows.isEmpty ? "" : "\n  \(rows)")]"
        }
        return "{\n\(members.joined(separator: ",\n"))\n}\n"
    }

    /// Reads what `json` wrote.
    package init(_ json: JSONValue, file: String = "plan.json") throws(PackageError) {
        let fields = try JSONFields(json, file: file, place: "")
        _ = (try fields.array("buffers"), try fields.array("launches"))
        self.init(
            launches: try fields.objects("launches", Self.launch), copies: try fields.objects("copies", Self.copy),
            loops: try fields.objects("loops", Self.loop))
        buffers.rows = try fields.objects("buffers", Self.buffer)
    }

    private static func json(_ buffer: Buffer) -> JSONValue {
        var object: JSONObject = ["label": .string(buffer.label), "bytes": JSONValue(buffer.byteCount)]
        func add(_ name: String, _ value: JSONValue) { object.members.append(.init(name: name, value: value)) }
        switch buffer.placement {
        case .input(let index): add("input", JSONValue(index))
        case .output(let index): add("output", JSONValue(index))
        case .weight(let name): add("weight", .string(name))
        case .state(let name, let initial):
            add("state", .string(name))
            if let initial { add("initial", .string(initial)) }
        case .library(let name): add("library", .string(name))
        case .arena(let launches):
            add("arena", .array([JSONValue(launches.lowerBound), JSONValue(launches.upperBound)]))
        }
        return .object(object)
    }

    private static func buffer(_ fields: JSONFields) throws(PackageError) -> Buffer {
        Buffer(
            label: try fields.optionalString("label") ?? "", byteCount: try fields.dimension("bytes"),
            placement: try placement(fields))
    }

    private static func placement(_ fields: JSONFields) throws(PackageError) -> Placement {
        if let index = try fields.optionalInteger("input") { return .input(index) }
        if let index = try fields.optionalInteger("output") { return .output(index) }
        if let name = try fields.optionalString("weight") { return .weight(name) }
        if let name = try fields.optionalString("library") { return .library(name) }
        if let name = try fields.optionalString("state") {
            return .state(name: name, initial: try fields.optionalString("initial"))
        }
        let bounds = try fields.optionalArray("arena").compactMap(\.integerValue)
        guard bounds.count == 2, bounds[0] <= bounds[1] else {
            throw fields.error("arena", "two rising launch numbers (or one of input, output, weight, library, state)")
        }
        return .arena(Int(bounds[0])...Int(bounds[1]))
    }

    /// A buffer's number, or an object with the number and an offset.
    private static func json(_ operand: Operand) -> JSONValue {
        let index = JSONValue(operand.buffer.index)
        return operand.byteOffset == 0 ? index : ["buffer": index, "offset": JSONValue(operand.byteOffset)]
    }

    private static func operand(_ value: JSONValue, _ file: String, _ place: String) throws(PackageError) -> Operand {
        if let index = value.integerValue, (0...Int64(Int32.max)).contains(index) { return Operand(ID(Int(index))) }
        let fields = try JSONFields(value, file: file, place: place)
        let index = try fields.integer("buffer")
        guard (0...Int(Int32.max)).contains(index) else { throw fields.error("buffer", "a buffer's number") }
        return Operand(ID(index), byteOffset: try fields.dimension("offset"))
    }

    private static func json(_ loop: Loop) -> JSONValue {
        [
            "launches": [JSONValue(loop.launches.lowerBound), JSONValue(loop.launches.upperBound)],
            "while": JSONValue(loop.condition.index),
        ]
    }

    private static func loop(_ fields: JSONFields) throws(PackageError) -> Loop {
        let bounds = try fields.array("launches").compactMap(\.integerValue)
        guard bounds.count == 2, 0 <= bounds[0], bounds[0] < bounds[1], bounds[1] <= Int64(Int32.max) else {
            throw fields.error("launches", "the numbers of the first launch and of the one after the last")
        }
        let condition = try fields.integer("while")
        guard (0...Int(Int32.max)).contains(condition) else { throw fields.error("while", "a buffer's number") }
        return Loop(launches: Int(bounds[0])..<Int(bounds[1]), condition: ID(condition))
    }

    private static func operands(_ fields: JSONFields) throws(PackageError) -> [Operand] {
        var operands: [Operand] = []
        for (index, value) in try fields.array("operands").enumerated() {
            operands.append(try operand(value, fields.file, "\(fields.path("operands"))[\(index)]"))
        }
        return operands
    }

    private static func json(_ launch: Launch) -> JSONValue {
        var object: JSONObject = [
            "kernel": .string(launch.kernel), "label": .string(launch.label),
            "operands": .array(launch.operands.map(Self.json)),
            "dimensions": .array(launch.dimensions.map { JSONValue($0) }),
        ]
        func add(_ name: String, _ value: JSONValue) { object.members.append(.init(name: name, value: value)) }
        switch launch.spread {
        case .parts(let count): add("parts", JSONValue(count))
        case .threads: add("spread", "threads")
        case .gang: add("spread", "gang")
        case .grid(let grid):
            add("spread", "grid")
            add("blocks", JSONValue(grid.blocks))
            add("threads", JSONValue(grid.threads))
            if grid.sharedBytes != 0 { add("shared", JSONValue(grid.sharedBytes)) }
            if grid.overlaps { add("overlaps", true) }
            switch grid.call {
            case .product(let product)?: add("product", .array(product.integers.map { JSONValue($0) }))
            case .convolution(let convolution)?:
                add("convolution", .array(convolution.integers.map { JSONValue($0) }))
            case nil: break
            }
        }
        if launch.workspaceBytes != 0 { add("workspace", JSONValue(launch.workspaceBytes)) }
        if launch.runsBeside { add("beside", true) }
        return .object(object)
    }

    private static func launch(_ fields: JSONFields) throws(PackageError) -> Launch {
        let spread: Spread
        switch try fields.optionalString("spread") {
        case nil: spread = .parts(try fields.dimension("parts"))
        case "threads": spread = .threads
        case "gang": spread = .gang
        case "grid":
            spread = .grid(
                Grid(
                    blocks: try fields.dimension("blocks"), threads: try fields.integer("threads"),
                    sharedBytes: try fields.optionalInteger("shared") ?? 0, overlaps: try fields.flag("overlaps"),
                    call: try call(fields)))
        case .some: throw fields.error("spread", "threads, gang or grid")
        }
        return Launch(
            kernel: try fields.string("kernel"), label: try fields.optionalString("label") ?? "",
            operands: try operands(fields), dimensions: try fields.dimensions("dimensions"),
            spread: spread,
            workspaceBytes: fields.object["workspace"] == nil ? 0 : try fields.dimension("workspace"),
            runsBeside: try fields.flag("beside"))
    }

    private static func call(_ fields: JSONFields) throws(PackageError) -> LibraryCall? {
        func integers(_ name: String) -> [Int]? {
            guard let value = fields.object[name] else { return nil }
            let integers = (value.arrayValue ?? []).compactMap { $0.integerValue.map { Int($0) } }
            return integers.count == value.arrayValue?.count ? integers : []
        }
        if let integers = integers("product") {
            guard let product = MatrixProduct(integers: integers) else {
                throw fields.error("product", "the integers of a product")
            }
            return .product(product)
        }
        guard let integers = integers("convolution") else { return nil }
        guard let convolution = ImageConvolution(integers: integers) else {
            throw fields.error("convolution", "the integers of a convolution")
        }
        return .convolution(convolution)
    }

    private static func copy(_ fields: JSONFields) throws(PackageError) -> Copy {
        guard let source = fields.object["source"] else { throw fields.error("source", "an object") }
        return Copy(
            output: try fields.integer("output"),
            source: try operand(source, fields.file, fields.path("source")))
    }
}
