import ArgumentParser
import CPUDevice
import DeviceAPI
import ElementTypes
import Glibc
import ModelPackage
import PackageRuntime
import Safetensors

/// Runs a package on recorded inputs and compares with what PyTorch gave.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compares a package with recorded results of PyTorch.",
        discussion: "Example: hearth verify model.hearth --golden golden.safetensors")

    @Argument(help: "The package, a directory NAME.hearth.") var package: String
    @Option(name: [.customShort("g"), .long], help: "A capture's golden.safetensors: input.I and output.I.")
    var golden: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?

    func run() throws {
        let device = try CPUDevice(threads: threads)
        let loaded = try LoadedPackage(path: package, device: device, verified: true)
        let facts = loaded.directory.manifest.provenance
        guard let path = golden ?? facts.first(where: { $0.name == "inputs" })?.value else {
            throw BadInput("the package names no recorded results; give --golden FILE.safetensors")
        }
        let file = try TensorFile(path: path)
        var set = 0
        var worst = 0.0
        while set == 0 || file.header["set.\(set).output.0"] != nil {
            let prefix = set == 0 ? "" : "set.\(set)."
            let inputs = try GoldenInputs(path: path, interface: loaded.interface, set: set)
            let session = try Session(loaded)
            try session.bind(inputs.types)
            let results = try session.outputs.map { try TensorMemory($0) }
            for _ in 0..<1 {
                try inputs.addresses.withUnsafeBufferPointer { ins in
                    try results.map(\.address).withUnsafeBufferPointer { try session.run(inputs: ins, outputs: $0) }
                }
            }
            for (index, result) in results.enumerated() {
                guard let tensor = file.header["\(prefix)output.\(index)"] else { continue }
                let reference = try TensorMemory(try file.type(tensor))
                guard reference.type.shape == result.type.shape, reference.type.element == result.type.element else {
                    print("set \(set) output.\(index): \(result.type) instead of \(reference.type)")
                    worst = .infinity
                    continue
                }
                reference.bytes.copyMemory(
                    from: UnsafeRawBufferPointer(start: file.address(tensor), count: tensor.range.count))
                var (error, scale, first) = (0.0, 0.0, -1)
                for element in 0..<result.bytes.count / result.type.element.byteCount {
                    let (a, b) = (result.value(element), reference.value(element))
                    if a.isNaN != b.isNaN || (a.isInfinite || b.isInfinite) && a != b {
                        error = .infinity
                        if first < 0 { first = element }
                    } else if !a.isNaN, a != b {
                        error = max(error, abs(a - b))
                    }
                    if b.isFinite { scale = max(scale, abs(b)) }
                }
                let relative = error / max(scale, 1e-30)
                worst = max(worst, relative)
                print(
                    "set \(set) output.\(index) \(result.type): max |error| \(error), relative to the largest \(relative)"
                )
            }
            set += 1
        }
        print("worst \(worst)")
    }
}
