import DeviceAPI
import ModelPackage
import PackageRuntime
import Safetensors

/// Inputs for a package from a capture's `golden.safetensors` (`input.I`) or from a file that uses the model's own names.
struct GoldenInputs {
    let file: TensorFile
    let types: [TensorDescription]
    let memory: [TensorMemory]

    /// Reads the inputs of set `set`; set 0 is the one without prefix.
    init(path: String, interface: ModelInterface, set: Int = 0) throws {
        file = try TensorFile(path: path)
        var types: [TensorDescription] = []
        var memory: [TensorMemory] = []
        for tensor in try InputNames.tensors(of: interface, in: file.header, set: set) {
            let type = try file.type(tensor)
            let copy = try TensorMemory(type)
            copy.bytes.copyMemory(from: UnsafeRawBufferPointer(start: file.address(tensor), count: tensor.range.count))
            types.append(type)
            memory.append(copy)
        }
        self.types = types
        self.memory = memory
    }

    /// Numbers of a file's input sets whose tensors have the types of the first one's, that one first.
    static func setsAlike(path: String, interface: ModelInterface) throws -> [Int] {
        let first = try GoldenInputs(path: path, interface: interface)
        var found = [0]
        var set = 1
        while first.file.header.tensors.contains(where: { $0.name.hasPrefix("set.\(set).input.") }) {
            let tensors = try InputNames.tensors(of: interface, in: first.file.header, set: set)
            if try tensors.map({ try first.file.type($0) }) == first.types { found.append(set) }
            set += 1
        }
        return found
    }

    /// Addresses in the package's order.
    var addresses: [UnsafeRawPointer] { memory.map { UnsafeRawPointer($0.address) } }
}
