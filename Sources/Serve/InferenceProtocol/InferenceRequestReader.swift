import ElementTypes
import JSON

/// Reads the body of `POST /v2/models/{name}/infer`, following the Open Inference Protocol, version 2, with its extensions for binary
/// tensors, classification, priorities and shared memory. Checks all that can be checked without the model, and allocates nothing that
/// the body does not hold.
package struct InferenceRequestReader: Sendable {
    /// Bytes of JSON that are read at most.
    package var jsonByteLimit: Int
    /// Tensors that a request may name.
    package static let tensorLimit = 1024

    /// A reader.
    package init(jsonByteLimit: Int = 64 << 20) { self.jsonByteLimit = jsonByteLimit }

    /// Reads a body; `headerLength` is the header `Inference-Header-Content-Length`, the bytes of the JSON part, where it is there.
    package func read(_ body: RawSpan, headerLength: String? = nil) throws(ProtocolError) -> InferenceRequest {
        var jsonBytes = body.byteCount
        if let headerLength {
            guard let count = Int(headerLength), (0...body.byteCount).contains(count) else {
                throw .badHeaderLength(headerLength, bodyBytes: body.byteCount)
            }
            jsonBytes = count
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader(depthLimit: 32, byteLimit: jsonByteLimit, takesNonFiniteNumbers: true)
                .read(body.extracting(first: jsonBytes))
        } catch {
            throw .notJSON(error.description)
        }
        let fields = try Fields(value, "the request")
        var request = InferenceRequest(inputs: [])
        request.id = try fields.string("id") ?? ""
        if let parameters = try fields.object("parameters") {
            try readParameters(parameters, &request)
        }
        var place = jsonBytes
        guard let inputs = try fields.list("inputs") else {
            throw .badMember(path: "inputs", expected: "a list", found: "missing")
        }
        guard inputs.count <= Self.tensorLimit else { throw .unsupported("a request of \(inputs.count) inputs") }
        for (index, input) in inputs.enumerated() {
            let read = try self.input(try Fields(input, "inputs[\(index)]"), &place, body.byteCount)
            if request.inputs.contains(where: { $0.name == read.name }) {
                throw .duplicate(what: "input", name: read.name)
            }
            request.inputs.append(read)
        }
        if place != body.byteCount { throw .trailingBytes(body.byteCount - place) }
        if let outputs = try fields.list("outputs"), !outputs.isEmpty {
            guard outputs.count <= Self.tensorLimit else { throw .unsupported("a request of \(outputs.count) outputs") }
            var read: [InferenceRequest.Output] = []
            for (index, output) in outputs.enumerated() {
                let output = try self.output(try Fields(output, "outputs[\(index)]"))
                if read.contains(where: { $0.name == output.name }) {
                    throw .duplicate(what: "output", name: output.name)
                }
                read.append(output)
            }
            request.outputs = read
        }
        return request
    }

    private func readParameters(_ fields: Fields, _ request: inout InferenceRequest) throws(ProtocolError) {
        request.isBinaryByDefault = try fields.bool("binary_data_output") ?? false
        request.priority = try fields.count("priority") ?? 0
        request.timeout = try fields.count("timeout")
        for name in ["sequence_id", "sequence_start", "sequence_end"] {
            switch fields[name] {
            case nil, .bool(false), .integer(0), .string(""): break
            default: throw .unsupported("'parameters.\(name)': a package's state belongs to one session, and")
            }
        }
    }

    private func input(
        _ fields: Fields, _ place: inout Int, _ bodyBytes: Int
    ) throws(ProtocolError) -> InferenceRequest.Input {
        let name = try fields.required("name")
        let datatype = try fields.required("datatype")
        guard let element = Datatype.element(datatype) else { throw .unknownDatatype(tensor: name, name: datatype) }
        guard let extents = try fields.list("shape") else {
            throw .badMember(path: fields.path("shape"), expected: "a list of integers", found: "missing")
        }
        var shape: [Int] = []
        var count = element.byteCount
        for extent in extents {
            guard let integer = extent.integerValue, integer >= 0, let extent = Int(exactly: integer),
                shape.count < 64
            else { throw .badShape(tensor: name, shape: JSONValue.array(extents).text) }
            let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
            if overflow || product > 1 << 47 { throw .badShape(tensor: name, shape: JSONValue.array(extents).text) }
            count = product
            shape.append(extent)
        }
        if shape.contains(0) { count = 0 }
        let parameters = try fields.object("parameters")
        let shared = try parameters.flatMap { parameters throws(ProtocolError) in try self.place(parameters) }
        let binary = try parameters.flatMap { parameters throws(ProtocolError) in
            try parameters.count("binary_data_size")
        }
        let data = fields["data"]
        var input = InferenceRequest.Input(name: name, element: element, shape: shape, content: .binary(0..<0))
        switch (data, binary, shared) {
        case (let data?, nil, nil):
            guard case .array = data else {
                throw .badMember(path: fields.path("data"), expected: "a list", found: data.kindName)
            }
            input.content = .json(data)
        case (nil, let size?, nil):
            guard size == count else { throw .wrongCount(tensor: name, what: "bytes", expected: count, found: size) }
            guard size <= bodyBytes - place else {
                throw .wrongCount(tensor: name, what: "bytes in the body", expected: count, found: bodyBytes - place)
            }
            input.content = .binary(place..<place + size)
            place += size
        case (nil, nil, let shared?):
            guard shared.byteCount == count else {
                throw .wrongCount(
                    tensor: name, what: "bytes of shared memory", expected: count, found: shared.byteCount)
            }
            input.content = .shared(shared)
        case (nil, nil, nil): throw .badContent(tensor: name, found: "no data")
        case (_, _, _): throw .badContent(tensor: name, found: "data in more than one place")
        }
        return input
    }

    private func output(_ fields: Fields) throws(ProtocolError) -> InferenceRequest.Output {
        var output = InferenceRequest.Output(name: try fields.required("name"))
        guard let parameters = try fields.object("parameters") else { return output }
        output.isBinary = try parameters.bool("binary_data")
        output.classes = try parameters.count("classification") ?? 0
        output.place = try place(parameters)
        if output.classes > 0, output.place != nil {
            throw .unsupported("classification of output '\(output.name)' into shared memory")
        }
        return output
    }

    private func place(_ fields: Fields) throws(ProtocolError) -> InferenceRequest.SharedPlace? {
        guard let region = try fields.string("shared_memory_region") else { return nil }
        guard let byteCount = try fields.count("shared_memory_byte_size") else {
            throw .badMember(
                path: fields.path("shared_memory_byte_size"), expected: "a number of bytes", found: "missing")
        }
        return .init(region: region, offset: try fields.count("shared_memory_offset") ?? 0, byteCount: byteCount)
    }
}
