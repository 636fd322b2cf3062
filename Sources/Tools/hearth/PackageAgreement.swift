import DeviceAPI
import ElementTypes
import Glibc
import KernelJudge
import ModelPackage
import PackageBuilder
import PackageRuntime
import ReferenceInterpreter
import Safetensors

/// Compares what a package computes with the truth stored in it, by the judge's rule.
enum PackageAgreement {
    /// One finding for each output of each recorded set.
    static func check(
        _ path: String, _ device: any Device, golden: String? = nil
    ) throws -> [ModelAgreement.Finding] {
        let loaded = try LoadedPackage(path: path, device: device, verified: true)
        let goldenPath = golden ?? loaded.directory.path(of: "golden.safetensors")
        if golden == nil, access(goldenPath, R_OK) != 0 {
            throw BadInput("\(path) records no inputs to be held to; give some with their truth by --golden FILE")
        }
        let file = try TensorFile(path: goldenPath)
        let recorded = file.header.tensors.map(\.name)
        guard recorded.contains(where: { $0.hasPrefix("truth.") }) else {
            throw BadInput("\(goldenPath) holds no truth; run hearth optimize with --inputs to record one")
        }
        var findings: [ModelAgreement.Finding] = []
        var set = 0
        while set == 0 || recorded.contains(where: { $0.hasPrefix("set.\(set).truth.") }) {
            let prefix = set == 0 ? "" : "set.\(set)."
            let inputs = try GoldenInputs(path: goldenPath, interface: loaded.interface, set: set)
            let session = try Session(loaded)
            try session.bind(inputs.types)
            let results = try session.outputs.map { try TensorMemory($0) }
            try inputs.addresses.withUnsafeBufferPointer { ins in
                try results.map(\.address).withUnsafeBufferPointer { try session.run(inputs: ins, outputs: $0) }
            }
            var outputs: [ModelAgreement.Output] = []
            for (index, result) in results.enumerated() {
                let truth = try values(file, "\(prefix)truth.\(index)", goldenPath)
                let witness = try values(file, "\(prefix)output.\(index)", goldenPath)
                let count = result.bytes.count / result.type.element.byteCount
                outputs.append(
                    .init(
                        name: "\(prefix)\(loaded.interface.outputs[index].name)",
                        values: (0..<count).map { result.value($0) },
                        reference: AgreementInput(element: result.type.element, truth: truth, witness: witness)))
            }
            for name in recorded where name.hasPrefix("\(prefix)truth.state.") {
                let state = String(name.dropFirst("\(prefix)truth.state.".count))
                let truth = try values(file, name, goldenPath)
                guard let output = file.header["\(prefix)output.state.\(state)"] else {
                    throw BadInput("\(goldenPath) lacks '\(prefix)output.state.\(state)'")
                }
                let memory = try TensorMemory(try file.type(output))
                // A state that no launch reads or writes has no buffer: it cannot have changed.
                guard try session.copyState(state, to: memory.bytes) else { continue }
                let witness = try values(file, "\(prefix)output.state.\(state)", goldenPath)
                outputs.append(
                    .init(
                        name: "\(prefix)state.\(state)", values: truth.indices.map { memory.value($0) },
                        reference: AgreementInput(element: memory.type.element, truth: truth, witness: witness)))
            }
            findings += ModelAgreement(outputs).findings
            set += 1
        }
        return findings
    }

    /// Compares outputs that were computed elsewhere with the truth of an input set; nil where the file holds none for it.
    static func compare(
        _ outputs: [(name: String, element: ElementType, values: [Double])], golden path: String, set: Int = 0
    ) throws -> [ModelAgreement.Finding]? {
        let file = try TensorFile(path: path)
        let prefix = set == 0 ? "" : "set.\(set)."
        guard outputs.indices.allSatisfy({ file.header["\(prefix)truth.\($0)"] != nil }) else { return nil }
        var found: [ModelAgreement.Output] = []
        for (index, output) in outputs.enumerated() {
            let truth = try values(file, "\(prefix)truth.\(index)", path)
            let witness = try values(file, "\(prefix)output.\(index)", path)
            found.append(
                .init(
                    name: "\(prefix)\(output.name)", values: output.values,
                    reference: AgreementInput(element: output.element, truth: truth, witness: witness)))
        }
        return ModelAgreement(found).findings
    }

    /// Whether a file's truth is of a model whose weights were coded in fewer bits.
    static func isCoded(golden path: String) throws -> Bool { try TensorFile(path: path).header["original.0"] != nil }

    /// How far each floating-point output of the first recorded set is from the truth of the model as it was before its
    /// weights were coded in fewer bits: one line each; none where they were not.
    static func deviations(_ path: String, _ device: any Device, golden: String? = nil) throws -> [String] {
        let loaded = try LoadedPackage(path: path, device: device, verified: true)
        let goldenPath = golden ?? loaded.directory.path(of: "golden.safetensors")
        let file = try TensorFile(path: goldenPath)
        guard file.header["original.0"] != nil else { return [] }
        let inputs = try GoldenInputs(path: goldenPath, interface: loaded.interface, set: 0)
        let session = try Session(loaded)
        try session.bind(inputs.types)
        let results = try session.outputs.map { try TensorMemory($0) }
        try inputs.addresses.withUnsafeBufferPointer { ins in
            try results.map(\.address).withUnsafeBufferPointer { try session.run(inputs: ins, outputs: $0) }
        }
        var lines: [String] = []
        for (index, result) in results.enumerated() where result.type.element.isFloatingPoint {
            let original = try values(file, "original.\(index)", goldenPath)
            let found = (0..<original.count).map { result.value($0) }
            let deviation = Deviation(found, from: original, width: result.type.shape.last ?? 1)
            lines.append("output '\(loaded.interface.outputs[index].name)': \(deviation)")
        }
        return lines
    }

    /// The elements of a tensor of a file as doubles.
    static func values(_ file: TensorFile, _ name: String, _ path: String) throws -> [Double] {
        guard let tensor = file.header[name] else { throw BadInput("\(path) lacks '\(name)'") }
        let memory = try TensorMemory(try file.type(tensor))
        memory.bytes.copyMemory(from: UnsafeRawBufferPointer(start: file.address(tensor), count: tensor.range.count))
        return (0..<memory.bytes.count / memory.type.element.byteCount).map { memory.value($0) }
    }
}
