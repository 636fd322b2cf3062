/// What a file is that is not an exported program, as far as its first bytes or its entries tell.
package enum ModelFileKind: Sendable, Equatable, CaseIterable {
    /// A zip of `torch.save`: a `state_dict` or a pickled module.
    case checkpoint
    /// A checkpoint from before PyTorch 1.6.
    case legacyCheckpoint
    /// A pickle that PyTorch did not write.
    case pickle
    /// An archive of `torch.jit.save`.
    case torchScript
    /// Compiled by AOTInductor.
    case aotInductor
    /// An archive of `torch.package`.
    case torchPackage
    /// A zip of something else.
    case otherZip
    /// Weights in safetensors.
    case safetensors
    /// Weights in GGUF.
    case gguf
    /// An ONNX model.
    case onnx
    /// A Keras or other HDF5 file.
    case hdf5
    /// A TensorFlow Lite model.
    case tensorFlowLite
    /// An array of NumPy.
    case numpy
    /// The stand-in that Git LFS leaves for a file that was not fetched.
    case gitLFSPointer
    /// Compressed by gzip, xz, zstd, bzip2 or 7z.
    case compressed
    /// Text, such as Python source.
    case text
    /// None of the above.
    case unknown

    private static let export =
        "torch.export.save(torch.export.export(model, example_inputs), \"model.pt2\")"

    /// One line: what the file is, and how to get an exported program.
    package var advice: String {
        switch self {
        case .checkpoint:
            "is a PyTorch checkpoint (torch.save): weights without a program; "
                + "build the model in Python, load the weights, then \(Self.export)"
        case .legacyCheckpoint:
            "is a PyTorch checkpoint in the format before 1.6: weights without a program; "
                + "build the model in Python, load the weights, then \(Self.export)"
        case .pickle: "is a Python pickle, not an exported program; load the model in Python, then \(Self.export)"
        case .torchScript:
            "is a TorchScript archive (torch.jit.save), which cannot be exported; "
                + "build the original model in Python, then \(Self.export)"
        case .aotInductor:
            "is an AOTInductor package: compiled code without a program; "
                + "go back to the model in Python, then \(Self.export)"
        case .torchPackage:
            "is a torch.package archive: Python code, not an exported program; "
                + "load the model in Python, then \(Self.export)"
        case .otherZip: "is a zip archive, but not an exported program; in Python: \(Self.export)"
        case .safetensors:
            "is a safetensors file: weights without a program; "
                + "build the model in Python, load the weights, then \(Self.export)"
        case .gguf:
            "is a GGUF file: weights without a program; "
                + "build the model in Python, load the weights, then \(Self.export)"
        case .onnx: "is an ONNX model; export from PyTorch instead: \(Self.export)"
        case .hdf5: "is an HDF5 (Keras) file; build the model in PyTorch, then \(Self.export)"
        case .tensorFlowLite: "is a TensorFlow Lite model; build the model in PyTorch, then \(Self.export)"
        case .numpy: "is a NumPy array, not a model; in Python: \(Self.export)"
        case .gitLFSPointer: "is a Git LFS pointer, not the file itself; fetch it with: git lfs pull"
        case .compressed: "is a compressed file; unpack it first"
        case .text:
            "is text, not an exported program; for a Python function give file.py:function, or in Python: \(Self.export)"
        case .unknown: "is not an exported program; in Python: \(Self.export)"
        }
    }
}

extension ModelFileKind {
    /// What a file is that does not begin like a zip archive.
    package init(leadingBytes bytes: RawSpan) {
        self = Self.signatures.first { bytes.starts(with: $0.bytes, at: $0.offset) }?.kind ?? Self.guess(bytes)
    }

    private static let signatures: [(offset: Int, bytes: StaticString, kind: ModelFileKind)] = [
        (0, "GGUF", .gguf), (0, "version https://git-lfs", .gitLFSPointer), (4, "TFL3", .tensorFlowLite),
        (1, "HDF\r\n", .hdf5), (1, "NUMPY", .numpy), (1, "7zXZ", .compressed), (0, "BZh", .compressed),
    ]

    /// The signatures that are not text.
    private static func guess(_ bytes: RawSpan) -> ModelFileKind {
        let start = (0..<min(16, bytes.byteCount)).map { bytes.integer($0, as: UInt8.self) ?? 0 }
        func begins(_ signature: [UInt8]) -> Bool { start.starts(with: signature) }
        // PyTorch's magic number 0x1950a86a20f9469cfc6c, as a ten-byte integer in protocol 2.
        if begins([0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) {
            return .legacyCheckpoint
        }
        if start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) { return .pickle }
        if begins([0x1F, 0x8B]) || begins([0x28, 0xB5, 0x2F, 0xFD]) || begins([0x37, 0x7A, 0xBC, 0xAF]) {
            return .compressed
        }
        if let length = bytes.integer(0, as: UInt64.self), length >= 2, length < 100_000_000, start.count > 8,
            start[8] == UInt8(ascii: "{")
        {
            return .safetensors
        }
        // An ONNX model is a protocol buffer: field 1, the version, then field 2, the producer, or field 7, the graph.
        if start.count > 3, start[0] == 8, start[1] < 32, start[2] == 0x12 || start[2] == 0x3A { return .onnx }
        let isText = !start.isEmpty && start.allSatisfy { $0 >= 0x20 && $0 < 0x7F || (9...13).contains($0) }
        return isText ? .text : .unknown
    }

    /// What a zip archive is that has no exported program.
    package init(entries: [ZipArchive.Entry]) {
        func has(_ suffix: String) -> Bool { entries.contains { $0.name.hasSuffix(suffix) } }
        if entries.contains(where: { $0.name.contains("data/aotinductor/") }) {
            self = .aotInductor
        } else if has("constants.pkl") || has("bytecode.pkl") {
            self = .torchScript
        } else if entries.contains(where: { $0.name.contains(".data/extern_modules") }) {
            self = .torchPackage
        } else if has("data.pkl") {
            self = .checkpoint
        } else {
            self = .otherZip
        }
    }
}
