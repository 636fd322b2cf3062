import ElementTypes
import JSON

/// Writes the JSON part of an inference response of the Open Inference Protocol, version 2. Binary tensors follow it in the order in which
/// they were added; appending them is the caller's.
package struct InferenceResponseWriter: ~Copyable {
    /// How an output is given.
    package enum Form: Sendable, Equatable {
        /// As a list in the JSON.
        case json
        /// As bytes behind the JSON.
        case binary
        /// In shared memory, where it is already.
        case shared(InferenceRequest.SharedPlace)
    }

    private var text: [UInt8] = []
    private var count = 0

    /// A response of a model to the request of that identifier.
    package init(model: String, version: String, id: String) {
        text.reserveCapacity(512)
        append("{\"model_name\":")
        append(JSONValue.string(model).text)
        append(",\"model_version\":")
        append(JSONValue.string(version).text)
        if !id.isEmpty {
            append(",\"id\":")
            append(JSONValue.string(id).text)
        }
        append(",\"outputs\":[")
    }

    private mutating func append(_ part: String) { text.append(contentsOf: part.utf8) }

    private mutating func begin(_ name: String, _ datatype: String, _ shape: [Int]) {
        if count > 0 { append(",") }
        count += 1
        append("{\"name\":")
        append(JSONValue.string(name).text)
        append(",\"datatype\":\"\(datatype)\",\"shape\":[\(shape.map(String.init).joined(separator: ","))]")
    }

    /// Adds an output whose elements are in `memory`, row-major.
    package mutating func add(
        _ name: String, _ element: ElementType, _ shape: [Int], _ memory: UnsafeRawBufferPointer, as form: Form
    ) {
        begin(name, Datatype.name(element), shape)
        switch form {
        case .json:
            append(",\"data\":")
            TensorElements.write(memory, element, to: &text)
        case .binary: append(",\"parameters\":{\"binary_data_size\":\(memory.count)}")
        case .shared(let place):
            append(",\"parameters\":{\"shared_memory_region\":\(JSONValue.string(place.region).text)")
            append(",\"shared_memory_offset\":\(place.offset),\"shared_memory_byte_size\":\(memory.count)}")
        }
        append("}")
    }

    /// Adds texts in place of an output, such as the classes of the largest elements; returns the bytes that follow the JSON where they are
    /// not in it: each text after its length in four bytes.
    package mutating func add(_ name: String, texts: [String], _ shape: [Int], isBinary: Bool) -> [UInt8] {
        begin(name, "BYTES", shape)
        var bytes: [UInt8] = []
        if isBinary {
            for text in texts {
                withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
                bytes.append(contentsOf: text.utf8)
            }
            append(",\"parameters\":{\"binary_data_size\":\(bytes.count)}")
        } else {
            append(",\"data\":")
            append(JSONValue.array(texts.map { .string($0) }).text)
        }
        append("}")
        return bytes
    }

    /// The JSON part.
    package consuming func finish() -> [UInt8] {
        text.append(contentsOf: "]}".utf8)
        return text
    }
}
