import ElementTypes
import ModelPackage
import PackageRuntime
import Safetensors

/// Which tensor of a file is which input: by the name that the package gives it, or by position, `input.0`, `input.1`, ….
enum InputNames {
    /// What a capture's golden file holds beside inputs.
    private static let others = ["output.", "truth.", "state.", "set.", "original."]

    /// The tensors of a file for each input in order, of input set `set`; sets after the first are `set.K.input.I`. Throws
    /// for an input that the file lacks and for a tensor that is no input.
    static func tensors(
        of interface: ModelInterface, in file: SafetensorsFile, set: Int = 0
    ) throws(RuntimeError) -> [SafetensorsFile.Tensor] {
        let names = interface.inputs.map(\.name)
        let places = names.indices.map { "input.\($0)" }
        let known = Set(names + places)
        for tensor in file.tensors where !known.contains(tensor.name) {
            guard others.contains(where: { tensor.name.hasPrefix($0) }) else {
                throw .unknownInput(name: tensor.name, expected: names)
            }
        }
        var found: [SafetensorsFile.Tensor] = []
        for (index, port) in interface.inputs.enumerated() {
            let tensor = set == 0 ? file[port.name] ?? file[places[index]] : file["set.\(set).\(places[index])"]
            guard let tensor else { throw .missingInput(name: port.name, expected: port.type.description) }
            found.append(tensor)
        }
        return found
    }
}
