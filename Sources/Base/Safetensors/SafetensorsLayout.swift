internal import JSON

/// Where the tensors of a file to be written will lie, and the bytes before them.
///
/// Writing is: `headerBytes`, then every tensor's bytes at its range, zeros between. `ranges` rise in the order given.
package struct SafetensorsLayout: Sendable, Equatable {
    /// A tensor to be written.
    package struct Declaration: Sendable, Equatable {
        /// Name, unique in the file.
        package var name: String
        /// Element type.
        package var type: SafetensorsType
        /// Dimensions, outermost first.
        package var shape: [Int]

        /// A tensor.
        package init(name: String, type: SafetensorsType, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    /// Names of the tensors that fill gaps begin like this: the format allows no gaps, but kernels want aligned rows.
    static let paddingPrefix = "__padding__."

    /// The file's first bytes; they end where the first tensor starts.
    package let headerBytes: [UInt8]
    /// Bytes of each declared tensor, from the start of the file.
    package let ranges: [Range<Int>]
    /// Length of the file.
    package let byteCount: Int

    /// Places tensors one after another, each starting at a multiple of `alignment` bytes (a power of two, at least 8).
    package init(
        _ declarations: [Declaration], metadata: [(name: String, value: String)] = [], alignment: Int = 64
    ) throws(SafetensorsError) {
        precondition(alignment >= 8 && alignment & (alignment - 1) == 0, "alignment is a power of two, at least 8")
        var members: [JSONObject.Member] = []
        if !metadata.isEmpty {
            let texts = metadata.map { JSONObject.Member(name: $0.name, value: .string($0.value)) }
            members.append(.init(name: "__metadata__", value: .object(JSONObject(members: texts))))
        }
        var names: Set<String> = ["__metadata__"]
        var offset = 0
        var offsets: [Range<Int>] = []
        for declaration in declarations {
            if !names.insert(declaration.name).inserted || declaration.name.hasPrefix(Self.paddingPrefix) {
                throw .badName(name: declaration.name)
            }
            guard declaration.shape.allSatisfy({ $0 >= 0 }),
                let length = SafetensorsFile.byteLength(declaration.shape, declaration.type), length < Int.max / 4,
                offset < Int.max / 4
            else { throw .tooLarge(tensor: declaration.name) }
            let aligned = (offset + alignment - 1) & ~(alignment - 1)
            if aligned > offset {
                let padding = Declaration(
                    name: Self.paddingPrefix + String(offsets.count), type: .u8, shape: [aligned - offset])
                members.append(Self.member(padding, offset..<aligned))
            }
            members.append(Self.member(declaration, aligned..<aligned + length))
            offsets.append(aligned..<aligned + length)
            offset = aligned + length
        }
        var header = Array(JSONValue.object(JSONObject(members: members)).text.utf8)
        let unpadded = header.count + 8
        let dataStart = (unpadded + alignment - 1) & ~(alignment - 1)
        header += repeatElement(UInt8(ascii: " "), count: dataStart - unpadded)
        let length = UInt64(header.count)
        self.headerBytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header
        self.ranges = offsets.map { $0.lowerBound + dataStart..<$0.upperBound + dataStart }
        self.byteCount = dataStart + offset
    }

    private static func member(_ tensor: Declaration, _ offsets: Range<Int>) -> JSONObject.Member {
        .init(
            name: tensor.name,
            value: [
                "dtype": .string(tensor.type.rawValue), "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                "data_offsets": [.integer(Int64(offsets.lowerBound)), .integer(Int64(offsets.upperBound))],
            ])
    }

    /// A whole file in memory. `contents` are the tensors' bytes in the order of the declarations.
    package func file(contents: [[UInt8]]) -> [UInt8] {
        precondition(contents.count == ranges.count, "one content a tensor")
        var bytes = headerBytes
        bytes.reserveCapacity(byteCount)
        for (content, range) in zip(contents, ranges) {
            precondition(content.count == range.count, "a content is as long as its tensor")
            bytes += repeatElement(0, count: range.lowerBound - bytes.count)
            bytes += content
        }
        return bytes
    }
}
