import Testing
import ElementTypes
import Foundation
import ReferenceInterpreter

/// One graph of one node with inputs and PyTorch's outputs, from `Fixtures/torch_cases.json`.
struct TorchCase: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let graph: String
    let inputs: [StoredValue]
    let outputs: [StoredValue]
    var testDescription: String { name }

    static let all: [TorchCase] = {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/torch_cases.json")
        guard let data = try? Data(contentsOf: url), let cases = try? JSONDecoder().decode([TorchCase].self, from: data)
        else { fatalError("cannot read \(url.path)") }
        return cases
    }()
}

/// A tensor in the fixture.
struct StoredValue: Decodable, Sendable {
    let value: TensorValue

    private enum Key: String, CodingKey { case element, shape, elements }

    private struct Number: Decodable {
        let value: Double

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                value = Double(text) ?? .nan
            } else {
                value = try container.decode(Double.self)
            }
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let name = try container.decode(String.self, forKey: .element)
        guard let element = ElementType(rawValue: name) else { fatalError("element type \(name)") }
        let shape = try container.decode([Int].self, forKey: .shape)
        value =
            element.isInteger
            ? TensorValue(element, shape, integers: try container.decode([Int64].self, forKey: .elements))
            : TensorValue(element, shape, try container.decode([Number].self, forKey: .elements).map(\.value))
    }
}

/// Tensors by name, as bytes; what is missing throws.
struct NamedTensors: TensorSource {
    var tensors: [String: [UInt8]] = [:]

    struct Missing: Error {}

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard let bytes = tensors[name] else { throw Missing() }
        return try bytes.withUnsafeBytes(body)
    }
}
