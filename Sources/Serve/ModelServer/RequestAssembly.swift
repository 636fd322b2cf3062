import ElementTypes
import InferenceProtocol
import ModelPackage
import PackageRuntime

/// Between requests of the protocol and calls of a model.
package struct RequestAssembly: Sendable {
    /// The model's interface.
    package let interface: ModelInterface
    /// Where shared tensors are.
    package let regions: SharedMemoryRegions

    /// Assembles calls of a model.
    package init(_ interface: ModelInterface, _ regions: SharedMemoryRegions) {
        (self.interface, self.regions) = (interface, regions)
    }

    /// The call that a request asks for; binary tensors are read from its body. Shapes and names are checked before anything is allocated.
    package func call(_ request: InferenceRequest, body: UnsafeRawBufferPointer) throws(ServeError) -> InferenceCall {
        guard request.inputs.count == interface.inputs.count else {
            if let missing = interface.inputs.first(where: { port in
                !request.inputs.contains { $0.name == port.name }
            }) {
                throw .model(.missingInput(name: missing.name, expected: missing.type.description))
            }
            throw unknownInput(request)
        }
        var given: [InferenceRequest.Input] = []
        var types: [TensorDescription] = []
        for port in interface.inputs {
            guard let input = request.inputs.first(where: { $0.name == port.name }) else {
                throw unknownInput(request)
            }
            given.append(input)
            types.append(TensorDescription(input.element, input.shape))
        }
        for (port, type) in zip(interface.inputs, types)
        where port.type.element != type.element || port.type.shape.count != type.shape.count {
            throw .model(.wrongInput(name: port.name, expected: port.type.description, found: type.description))
        }
        var inputs: [CallTensor] = []
        for (input, type) in zip(given, types) { inputs.append(try tensor(input, type, body)) }
        var destinations: [CallTensor?] = .init(repeating: nil, count: interface.outputs.count)
        for output in request.outputs ?? [] {
            guard let index = interface.outputs.firstIndex(where: { $0.name == output.name }) else {
                throw .unknownOutput(name: output.name, expected: interface.outputs.map(\.name))
            }
            if let place = output.place {
                destinations[index] = try destination(place, index, inputs)
            }
        }
        return InferenceCall(inputs, destinations: destinations)
    }

    private func unknownInput(_ request: InferenceRequest) -> ServeError {
        let names = interface.inputs.map(\.name)
        let name = request.inputs.first { !names.contains($0.name) }?.name ?? "?"
        return .model(.unknownInput(name: name, expected: names))
    }

    private func tensor(
        _ input: InferenceRequest.Input, _ type: TensorDescription, _ body: UnsafeRawBufferPointer
    ) throws(ServeError) -> CallTensor {
        switch input.content {
        case .shared(let place): return try regions.region(place.region).tensor(type, at: place.offset)
        case .binary(let range):
            let memory = try Self.memory(type)
            memory.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: body[range]))
            return CallTensor(memory)
        case .json(let data):
            // A list has at least a byte of text for each element: the memory asked for is in proportion to the request.
            guard type.byteCount ?? Int.max <= 16 * body.count + 64 else {
                throw .badBody(
                    .wrongCount(
                        tensor: input.name, what: "elements at most",
                        expected: (type.byteCount ?? Int.max) / type.element.byteCount, found: body.count))
            }
            let memory = try Self.memory(type)
            do throws(ProtocolError) {
                try TensorElements.read(data, tensor: input.name, type.element, type.shape, into: memory.bytes)
            } catch {
                throw .badBody(error)
            }
            return CallTensor(memory)
        }
    }

    private static func memory(_ type: TensorDescription) throws(ServeError) -> TensorMemory {
        do throws(RuntimeError) {
            return try TensorMemory(type, isCleared: false)
        } catch {
            throw .model(error)
        }
    }

    /// Memory of a client for an output, of exactly the size that it will have.
    private func destination(
        _ place: InferenceRequest.SharedPlace, _ index: Int, _ inputs: [CallTensor]
    ) throws(ServeError) -> CallTensor {
        let types: [TensorDescription]
        do throws(RuntimeError) {
            let symbols = try interface.bind(inputs.map(\.type)) { input in
                Session.integer(at: inputs[input].address, inputs[input].type.element)
            }
            types = try interface.outputs(for: symbols)
        } catch {
            throw .model(error)
        }
        guard let needed = types[index].byteCount, needed <= place.byteCount else {
            throw .badRegion(
                name: place.region,
                reason: "is given \(place.byteCount) bytes of for output '\(interface.outputs[index].name)', "
                    + "which is \(types[index])")
        }
        return try regions.region(place.region).tensor(types[index], at: place.offset)
    }

    /// What a response holds: the JSON, and the tensors whose bytes follow it in order.
    package struct Response: Sendable {
        /// The JSON part.
        package var json: [UInt8]
        /// Bytes behind it.
        package var parts: [Part]

        /// Bytes of a response.
        package enum Part: Sendable {
            /// A tensor's.
            case tensor(CallTensor)
            /// Other bytes.
            case bytes([UInt8])

            /// Length.
            package var count: Int {
                switch self {
                case .tensor(let tensor): tensor.byteCount
                case .bytes(let bytes): bytes.count
                }
            }
        }
    }

    /// The response to a request.
    package func response(
        _ result: CallResult, to request: InferenceRequest, model: String, version: String
    ) -> Response {
        var writer = InferenceResponseWriter(model: model, version: version, id: request.id)
        var parts: [Response.Part] = []
        let asked = request.outputs ?? interface.outputs.map { InferenceRequest.Output(name: $0.name) }
        for output in asked {
            guard let index = interface.outputs.firstIndex(where: { $0.name == output.name }) else { continue }
            let tensor = result.outputs[index]
            let isBinary = output.isBinary ?? request.isBinaryByDefault
            if output.classes > 0 {
                let (texts, shape) = Classification.texts(
                    tensor.bytes, tensor.type.element, tensor.type.shape, count: output.classes)
                let bytes = writer.add(output.name, texts: texts, shape, isBinary: isBinary)
                if isBinary { parts.append(.bytes(bytes)) }
                continue
            }
            let form: InferenceResponseWriter.Form =
                if let place = output.place { .shared(place) } else { isBinary ? .binary : .json }
            writer.add(output.name, tensor.type.element, tensor.type.shape, tensor.bytes, as: form)
            if form == .binary { parts.append(.tensor(tensor)) }
        }
        return Response(json: writer.finish(), parts: parts)
    }
}
