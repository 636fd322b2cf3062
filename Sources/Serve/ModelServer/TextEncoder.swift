import ElementTypes
import InferenceProtocol
import ModelPackage
import PackageRuntime
import Tokenizers

/// A model of text as vectors, with the tokenizer that it was trained with: texts become calls of one row each, so that texts of all requests
/// share batches.
package struct TextEncoder: Sendable {
    /// What an input of the model takes.
    private enum Role {
        case identifiers, mask, types
    }

    private let tokenizer: Tokenizer
    private let roles: [Role]
    private let elements: [ElementType]
    private let output: Int
    private let outputCount: Int
    /// Tokens that the model takes of a text: at least, at most.
    private let lengths: ClosedRange<Int>
    private let hasMask: Bool

    /// An encoder of a model whose inputs are identifiers `[texts, tokens]`, and perhaps a mask and types of the same shape, and that gives
    /// a vector for each text.
    package init(_ interface: ModelInterface, _ tokenizer: Tokenizer, model: String) throws(ServeError) {
        func no(_ reason: String) -> ServeError { .notEncoder(name: model, reason: reason) }
        var roles: [Role] = []
        for port in interface.inputs {
            guard port.type.element.isInteger || port.type.element == .bool, port.type.shape.count == 2 else {
                throw no("its input '\(port.name)' is \(port.type), not numbers of [texts, tokens]")
            }
            let name = port.name.lowercased()
            roles.append(
                name.contains("mask")
                    ? .mask : name.contains("type") || name.contains("segment") ? .types : .identifiers)
        }
        guard roles.count(where: { $0 == .identifiers }) == 1 else {
            throw no(
                "its inputs \(interface.inputs.map(\.name)) should be token identifiers and perhaps a mask and token types"
            )
        }
        let output = interface.outputs.firstIndex { $0.type.element == .f32 && $0.type.shape.count == 2 }
        guard let output else { throw no("none of its outputs is a vector for each text, f32[texts, features]") }
        let extent = interface.inputs[0].type.shape[1]
        if let fixed = extent.constantValue {
            lengths = fixed...fixed
        } else if let index = interface.symbols.indices.first(where: { extent == Dimension(Variable(.symbol, $0)) }) {
            let symbol = interface.symbols[index].symbol
            lengths = max(symbol.minimum, 1)...max(symbol.maximum ?? Int(Int32.max), 1)
        } else {
            throw no("the number of its tokens is \(extent)")
        }
        (self.tokenizer, self.roles, self.output) = (tokenizer, roles, output)
        elements = interface.inputs.map(\.type.element)
        outputCount = interface.outputs.count
        hasMask = roles.contains(.mask)
    }

    /// The tokens of an input. A text is cut to as many as the model takes; tokens are the caller's, and too many are refused.
    package func tokens(_ input: EmbeddingsRequest.Input) throws(ServeError) -> [Int32] {
        let tokens =
            switch input {
            case .text(let text):
                tokenizer.encode(text, limit: min(lengths.upperBound, tokenizer.maximumTokens ?? Int.max))
            case .tokens(let tokens): tokens
            }
        if tokens.isEmpty { throw .badBody(.unsupported("an empty text")) }
        if tokens.count > lengths.upperBound {
            throw .badBody(.unsupported("an input of \(tokens.count) tokens, more than \(lengths.upperBound),"))
        }
        return tokens
    }

    /// A call of one row. Tokens are padded, where the model has a mask to say so, to one of few lengths, so that more texts share a batch.
    package func call(_ tokens: [Int32]) throws(ServeError) -> InferenceCall {
        var length = max(tokens.count, lengths.lowerBound)
        if hasMask { length = min(Self.bucket(length), lengths.upperBound) }
        guard hasMask || length == tokens.count else {
            throw .badBody(
                .unsupported("a text of \(tokens.count) tokens, where the model takes \(length) and has no mask,"))
        }
        var inputs: [CallTensor] = []
        for (role, element) in zip(roles, elements) {
            let memory: TensorMemory
            do throws(RuntimeError) {
                memory = try TensorMemory(TensorDescription(element, [1, length]))
            } catch {
                throw .model(error)
            }
            for index in 0..<length {
                let value: Int32 =
                    switch role {
                    case .identifiers: index < tokens.count ? tokens[index] : tokenizer.padding
                    case .mask: index < tokens.count ? 1 : 0
                    case .types: 0
                    }
                // Little-endian: the low bytes are the element.
                withUnsafeBytes(of: Int64(value).littleEndian) { bytes in
                    let part = UnsafeRawBufferPointer(rebasing: bytes[..<element.byteCount])
                    UnsafeMutableRawBufferPointer(
                        rebasing: memory.bytes[index * element.byteCount..<(index + 1) * element.byteCount]
                    ).copyMemory(from: part)
                }
            }
            inputs.append(CallTensor(memory))
        }
        return InferenceCall(inputs, destinations: .init(repeating: nil, count: outputCount))
    }

    /// The vector that a call gave.
    package func vector(_ result: CallResult, dimensions: Int?) -> [Float] {
        let whole = Array(result.outputs[output].bytes.bindMemory(to: Float.self))
        return dimensions.map { Array(whole.prefix($0)) } ?? whole
    }

    /// The next of the lengths 8, 16, … 64, 80, … 128, 160, … 256, 320, …: at most a quarter of what is computed is padding beyond 32.
    static func bucket(_ length: Int) -> Int {
        var step = 8
        while length > 8 * step { step *= 2 }
        return (length + step - 1) / step * step
    }
}
