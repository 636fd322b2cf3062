internal import JSON

/// The header of a safetensors file: where each tensor's bytes lie.
///
/// Follows huggingface/safetensors: eight bytes of length, a JSON header, then the tensors without gaps. This value holds
/// no bytes; ranges count from the start of the file, row-major, little-endian.
package struct SafetensorsFile: Sendable, Equatable {
    /// One tensor.
    package struct Tensor: Sendable, Equatable {
        /// Name, unique in the file.
        package var name: String
        /// Element type.
        package var type: SafetensorsType
        /// Dimensions, outermost first; empty for a scalar.
        package var shape: [Int]
        /// Its bytes, from the start of the file.
        package var range: Range<Int>
    }

    /// Largest header, as in the reference reader.
    package static let headerLimit = 100_000_000

    /// Free texts of the file, in order.
    package let metadata: [(name: String, value: String)]
    /// Tensors in header order, without the padding that `SafetensorsLayout` writes.
    package let tensors: [Tensor]
    private let places: [String: Int]

    /// The tensor of a name.
    package subscript(name: String) -> Tensor? { places[name].map { tensors[$0] } }

    /// Equal when they describe the same tensors and texts.
    package static func == (a: Self, b: Self) -> Bool {
        a.tensors == b.tensors && a.metadata.elementsEqual(b.metadata, by: ==)
    }

    /// Reads the header and checks that the tensors tile the data exactly.
    package init(_ bytes: RawSpan) throws(SafetensorsError) {
        guard bytes.byteCount >= 8 else { throw .tooShort(byteCount: bytes.byteCount) }
        // Safety: eight bytes are there.
        let length = UInt64(littleEndian: bytes.unsafeLoadUnaligned(as: UInt64.self))
        guard length >= 2, length <= UInt64(Self.headerLimit), length <= UInt64(bytes.byteCount - 8) else {
            throw .badHeaderLength(length: length, byteCount: bytes.byteCount)
        }
        let dataStart = 8 + Int(length)
        let header: JSONValue
        do {
            header = try JSONReader(depthLimit: 8).read(bytes.extracting(8..<dataStart))
        } catch {
            throw .header(error)
        }
        guard case .object(let object) = header else {
            throw .badField(tensor: "", field: "the header", expected: "an object")
        }
        var metadata: [(name: String, value: String)] = []
        var tensors: [Tensor] = []
        tensors.reserveCapacity(object.members.count)
        for member in object.members {
            if member.name == "__metadata__" {
                metadata = try Self.texts(member.value)
            } else {
                tensors.append(try Self.tensor(member, dataStart: dataStart, byteCount: bytes.byteCount))
            }
        }
        try Self.checkTiling(tensors, from: dataStart, to: bytes.byteCount)
        tensors.removeAll { $0.name.hasPrefix(SafetensorsLayout.paddingPrefix) }
        self.metadata = metadata
        self.tensors = tensors
        self.places = Dictionary(
            tensors.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    private static func texts(_ value: JSONValue) throws(SafetensorsError) -> [(name: String, value: String)] {
        guard let object = value.objectValue else {
            throw .badField(tensor: "__metadata__", field: "the value", expected: "an object")
        }
        var texts: [(name: String, value: String)] = []
        for member in object.members {
            guard let text = member.value.stringValue else {
                throw .badField(tensor: "__metadata__", field: "every value", expected: "a string")
            }
            texts.append((member.name, text))
        }
        return texts
    }

    private static func tensor(
        _ member: JSONObject.Member, dataStart: Int, byteCount: Int
    ) throws(SafetensorsError) -> Tensor {
        let name = member.name
        guard let object = member.value.objectValue else {
            throw .badField(tensor: name, field: "the value", expected: "an object")
        }
        guard let typeName = object["dtype"]?.stringValue else {
            throw .badField(tensor: name, field: "dtype", expected: "a string")
        }
        guard let type = SafetensorsType(rawValue: typeName) else { throw .unknownType(tensor: name, type: typeName) }
        let shape = try naturals(object["shape"], tensor: name, field: "shape")
        let offsets = try naturals(object["data_offsets"], tensor: name, field: "data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .badField(tensor: name, field: "data_offsets", expected: "two rising numbers")
        }
        guard let expected = byteLength(shape, type) else { throw .tooLarge(tensor: name) }
        if offsets[1] - offsets[0] != expected {
            throw .wrongLength(tensor: name, expected: expected, found: offsets[1] - offsets[0])
        }
        if offsets[1] > byteCount - dataStart {
            throw .outOfBounds(tensor: name, end: offsets[1], dataByteCount: byteCount - dataStart)
        }
        return Tensor(name: name, type: type, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    private static func naturals(
        _ value: JSONValue?, tensor: String, field: String
    ) throws(SafetensorsError) -> [Int] {
        let wrong = SafetensorsError.badField(tensor: tensor, field: field, expected: "a list of natural numbers")
        guard let elements = value?.arrayValue else { throw wrong }
        var numbers: [Int] = []
        for element in elements {
            guard let number = element.integerValue, number >= 0 else { throw wrong }
            numbers.append(Int(number))
        }
        return numbers
    }

    /// Bytes of a tensor; `nil` when they do not fit an `Int` or are not whole.
    static func byteLength(_ shape: [Int], _ type: SafetensorsType) -> Int? {
        var bits = type.bitCount
        // Zero dimensions first: no order of the others may overflow then.
        if shape.contains(0) { return 0 }
        for size in shape {
            let (product, overflowed) = bits.multipliedReportingOverflow(by: size)
            if overflowed { return nil }
            bits = product
        }
        return bits % 8 == 0 ? bits / 8 : nil
    }

    private static func checkTiling(_ tensors: [Tensor], from start: Int, to end: Int) throws(SafetensorsError) {
        var place = start
        let inOrder = tensors.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        for tensor in inOrder {
            if tensor.range.lowerBound != place {
                throw .hole(
                    tensor: tensor.name, expected: place - start, found: tensor.range.lowerBound - start)
            }
            place = tensor.range.upperBound
        }
        if place != end { throw .trailing(byteCount: end - place) }
    }
}
