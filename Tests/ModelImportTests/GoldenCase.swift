import ElementTypes
import Glibc
import GraphIR
import MappedFiles
import ModelFiles
import ModelImport
import ReferenceInterpreter
import Safetensors

/// What an imported model's results are held against.
struct GoldenCase {
    /// Why a case does not pass: one line.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let program: String
    let golden: String

    /// Imports the program, runs every set of inputs and compares every output and changed buffer.
    func check() throws {
        let archive = try ExportedProgramArchive(path: program)
        let model = try ImportedModel(archive.contents)
        try GraphChecker.check(model.graph, stage: "import")
        let tensors = ArchiveTensors(archive: archive, stored: model.tensors)
        let golden = try GoldenFile(path: golden)
        var set = 0
        while let recorded = golden.set(set) {
            try check(model, tensors, recorded, set)
            set += 1
        }
        if set == 0 { throw Failure(description: "no recorded set") }
    }

    private func check(
        _ model: ImportedModel, _ tensors: ArchiveTensors, _ recorded: GoldenFile.Set, _ number: Int
    ) throws {
        var exact = Interpreter(model.graph, tensors: tensors)
        var rounded = Interpreter(model.graph, tensors: tensors, policy: .roundAfterEachNode)
        let truth = try exact.run(recorded.inputs)
        let witness = try rounded.run(recorded.inputs)
        guard truth.count == recorded.outputs.count else {
            throw Failure(description: "\(truth.count) outputs, PyTorch \(recorded.outputs.count)")
        }
        for (index, wanted) in recorded.outputs.enumerated() {
            try compare("set \(number) output \(index)", truth[index], witness[index], wanted)
        }
        for (name, wanted) in recorded.states {
            guard let index = model.graph.states.firstIndex(where: { $0.name == name }) else {
                throw Failure(description: "the graph has no state '\(name)'")
            }
            try compare("set \(number) state \(name)", try exact.state(index), try rounded.state(index), wanted)
        }
    }

    /// Integers and bools must be equal. Floating results may differ from the exact ones by four times what rounding
    /// after every operation does, plus 16 units in the last place of the largest element: PyTorch's kernels sum in the
    /// element type or f32, where the witness sums in double.
    private func compare(
        _ place: String, _ truth: TensorValue, _ witness: TensorValue, _ wanted: TensorValue
    ) throws {
        guard truth.element == wanted.element, truth.shape == wanted.shape else {
            throw Failure(
                description: "\(place): \(truth.element)\(truth.shape), PyTorch \(wanted.element)\(wanted.shape)")
        }
        if let integers = wanted.integers {
            // Of values that round to the same number, exact and rounded arithmetic may choose different ones.
            if truth.integers == integers || witness.integers == integers { return }
            throw Failure(description: "\(place): integers differ")
        }
        let (exact, rounded, torch) = (truth.doubles, witness.doubles, wanted.doubles)
        let allowed = tolerance(wanted.element, exact, rounded)
        for index in torch.indices {
            let (found, expected) = (exact[index], torch[index])
            if found == expected || (found.isNaN && expected.isNaN) || wanted.element.rounded(found) == expected {
                continue
            }
            if !(abs(found - expected) <= allowed) {
                throw Failure(
                    description: "\(place)[\(index)]: \(found), PyTorch \(expected), allowed \(allowed)")
            }
        }
    }

    private func tolerance(_ element: ElementType, _ exact: [Double], _ rounded: [Double]) -> Double {
        let epsilon: Double
        switch element {
        case .f64: epsilon = 0x1p-52
        case .f32: epsilon = 0x1p-23
        case .f16: epsilon = 0x1p-10
        case .bf16: epsilon = 0x1p-7
        case .f8e4m3: epsilon = 0x1p-3
        case .f8e5m2: epsilon = 0x1p-2
        case .bool, .i64, .i32, .i16, .i8, .u8: return 0
        }
        let scale = exact.filter(\.isFinite).map { abs($0) }.max() ?? 0
        let witnessed = zip(exact, rounded).map { abs($0 - $1) }.filter(\.isFinite).max() ?? 0
        return 4 * witnessed + 16 * epsilon * scale
    }
}

/// Weights where they lie in an archive.
final class ArchiveTensors: TensorSource {
    private let archive: ExportedProgramArchive
    private let stored: [String: StoredTensor]

    init(archive: consuming ExportedProgramArchive, stored: [String: StoredTensor]) {
        self.archive = archive
        self.stored = stored
    }

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        if name == RandomState.name { return try RandomState.elements(seed: 0).withUnsafeBytes { try body($0) } }
        guard let tensor = stored[name] else { throw GoldenCase.Failure(description: "no tensor '\(name)'") }
        let bytes = archive.elements(of: tensor)
        return try bytes.withUnsafeBytes { try body($0) }
    }
}

/// A `golden.safetensors`: `input.I`, `output.I` and `state.NAME`, further sets under `set.K.`.
final class GoldenFile {
    /// One recorded call.
    struct Set {
        var inputs: [TensorValue]
        var outputs: [TensorValue]
        var states: [(name: String, value: TensorValue)]
    }

    private let file: MappedFile
    private let header: SafetensorsFile

    init(path: String) throws {
        file = try MappedFile(path: path)
        header = try file.withBytes { bytes throws(SafetensorsError) in try SafetensorsFile(bytes) }
    }

    /// The set of a number, or nil where the file has fewer. A call without tensor inputs still has outputs.
    func set(_ number: Int) -> Set? {
        let prefix = number == 0 ? "" : "set.\(number)."
        var inputs: [(Int, TensorValue)] = []
        var outputs: [(Int, TensorValue)] = []
        var states: [(String, TensorValue)] = []
        for tensor in header.tensors {
            guard tensor.name.hasPrefix(prefix) else { continue }
            let name = tensor.name.dropFirst(prefix.count)
            if name.hasPrefix("input."), let index = Int(name.dropFirst(6)) { inputs.append((index, value(tensor))) }
            if name.hasPrefix("output."), let index = Int(name.dropFirst(7)) { outputs.append((index, value(tensor))) }
            if name.hasPrefix("state.") { states.append((String(name.dropFirst(6)), value(tensor))) }
        }
        if outputs.isEmpty { return nil }
        return Set(
            inputs: inputs.sorted { $0.0 < $1.0 }.map(\.1), outputs: outputs.sorted { $0.0 < $1.0 }.map(\.1),
            states: states.map { (name: $0.0, value: $0.1) })
    }

    private func value(_ tensor: SafetensorsFile.Tensor) -> TensorValue {
        guard let element = tensor.type.elementType else { preconditionFailure("element type \(tensor.type)") }
        // Safety: the header's ranges were checked against the file's length.
        let value = file.withUnsafeBytes {
            TensorValue(element, tensor.shape, bytes: UnsafeRawBufferPointer(rebasing: $0[tensor.range]))
        }
        guard let value else { preconditionFailure("'\(tensor.name)' has another length than its shape asks") }
        return value
    }
}
