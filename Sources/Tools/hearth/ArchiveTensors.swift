import Base
import ElementTypes
import GraphIR
import ModelFiles
import ModelImport
import PackageBuilder
import ReferenceInterpreter

/// Weights where they lie in a model's archive.
final class ArchiveTensors: TensorSource {
    private let archive: ExportedProgramArchive
    private let stored: [String: StoredTensor]

    init(archive: consuming ExportedProgramArchive, stored: [String: StoredTensor]) {
        self.archive = archive
        self.stored = stored
    }

    /// The tensors among the inputs that the model was exported with, in the order of its signature; empty where the archive
    /// holds none that can be read.
    var samples: [TensorValue] {
        guard case .value(let value) = archive.contents.sampleInputs else { return [] }
        return value.leaves.compactMap { leaf in
            guard case .tensor(let tensor) = leaf, let element = ElementType(tensor.scalarType) else { return nil }
            return TensorValue(element, tensor.sizes, bytes: archive.elements(of: tensor))
        }
    }

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        if name == RandomState.name { return try RandomState.elements(seed: 0).withUnsafeBytes { try body($0) } }
        guard let tensor = stored[name] else { throw BadInput("the model holds no tensor '\(name)'") }
        let bytes = archive.elements(of: tensor)
        return try bytes.withUnsafeBytes { try body($0) }
    }
}
