import DeviceAPI
import Base
import ElementTypes
import ModelPackage
import PackageRuntime

/// What runs batches of one model on one thread. Keeps sessions laid out for the sizes that occurred last.
final class ModelWorker {
    private let package: LoadedPackage
    /// Sessions, the one used last at the end.
    private var sessions: [Session] = []
    /// Sessions kept: each has memory of its own.
    private let sessionLimit: Int
    /// Whether runs leave something behind in a session.
    private let hasState: Bool
    /// Memory in which inputs of several calls are put together, by input.
    private var gathered: [TensorMemory?]

    init(_ package: LoadedPackage, sessionLimit: Int = 8) {
        self.package = package
        self.sessionLimit = sessionLimit
        hasState = package.plan.buffers.rows.contains {
            if case .state = $0.placement { true } else { false }
        }
        gathered = .init(repeating: nil, count: package.interface.inputs.count)
    }

    /// A session for inputs of these types.
    private func session(_ types: [TensorDescription], values: [Int: Int]) throws(RuntimeError) -> Session {
        if let index = sessions.lastIndex(where: { $0.inputs == types }) {
            let session = sessions.remove(at: index)
            sessions.append(session)
            if !values.isEmpty { try session.bind(types, values: values) }
            return session
        }
        let session: Session
        if sessions.count < sessionLimit {
            session = try Session(package)
        } else {
            session = sessions.removeFirst()
        }
        try session.bind(types, values: values)
        sessions.append(session)
        return session
    }

    /// Runs inputs of the usual sizes once, so that the first request finds everything in place.
    func warmUp() throws(RuntimeError) {
        let interface = package.interface
        let types = try interface.typicalInputs()
        var inputs: [CallTensor] = []
        for type in types { inputs.append(CallTensor(try TensorMemory(type))) }
        for binding in interface.symbols {
            if case .value(let input) = binding.source, inputs[input].byteCount <= 8 {
                withUnsafeBytes(of: Int64(binding.symbol.hint).littleEndian) { value in
                    inputs[input].address.copyMemory(
                        from: value.baseAddress!, byteCount: inputs[input].byteCount)
                }
            }
        }
        _ = try run(inputs, destinations: .init(repeating: nil, count: interface.outputs.count))
    }

    /// Runs one call.
    func run(_ inputs: [CallTensor], destinations: [CallTensor?]) throws(RuntimeError) -> [CallTensor] {
        let types = inputs.map(\.type)
        var values: [Int: Int] = [:]
        for binding in package.interface.symbols {
            if case .value(let input) = binding.source {
                values[input] = Session.integer(at: inputs[input].address, types[input].element)
            }
        }
        let session = try session(types, values: values)
        if hasState { try session.reset() }
        var outputs: [CallTensor] = []
        for (index, type) in session.outputs.enumerated() {
            if let place = destinations[index] {
                outputs.append(place)
            } else {
                outputs.append(CallTensor(try TensorMemory(type, isCleared: false)))
            }
        }
        try inputs.map { UnsafeRawPointer($0.address) }.withUnsafeBufferPointer { inputs throws(RuntimeError) in
            try outputs.map(\.address).withUnsafeBufferPointer { outputs throws(RuntimeError) in
                try session.run(inputs: inputs, outputs: outputs)
            }
        }
        return outputs
    }

    /// Runs calls of the same sizes but for their rows as one, and gives each its own rows of the outputs.
    func run(_ calls: [InferenceCall], rows: [Int]) throws(RuntimeError) -> [[CallTensor]] {
        let total = rows.reduce(0, +)
        var inputs: [CallTensor] = []
        for index in calls[0].inputs.indices {
            var type = calls[0].inputs[index].type
            type.shape[0] = total
            let memory = try self.gathered(index, type)
            var place = memory.address
            for call in calls {
                let part = call.inputs[index]
                place.copyMemory(from: part.address, byteCount: part.byteCount)
                place += part.byteCount
            }
            inputs.append(memory)
        }
        let outputs = try run(inputs, destinations: .init(repeating: nil, count: package.interface.outputs.count))
        var results: [[CallTensor]] = []
        var first = 0
        for (call, count) in zip(calls, rows) {
            var own: [CallTensor] = []
            for (index, output) in outputs.enumerated() {
                var type = output.type
                type.shape[0] = count
                let part = CallTensor(type, at: output.address + output.byteCount / total * first, of: output.owner)
                if let place = call.destinations[index] {
                    place.address.copyMemory(from: part.address, byteCount: part.byteCount)
                    own.append(place)
                } else {
                    own.append(part)
                }
            }
            results.append(own)
            first += count
        }
        return results
    }

    /// Memory for an input of several calls, grown as needed and used again.
    private func gathered(_ index: Int, _ type: TensorDescription) throws(RuntimeError) -> CallTensor {
        if let memory = gathered[index], memory.bytes.count >= type.byteCount ?? 0 {
            return CallTensor(type, at: memory.address, of: memory)
        }
        let memory = try TensorMemory(type, isCleared: false)
        gathered[index] = memory
        return CallTensor(memory)
    }
}
