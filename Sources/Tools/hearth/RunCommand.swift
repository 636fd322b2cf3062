import ArgumentParser
import Base
import DeviceAPI
import ElementTypes
import Glibc
import JSON
import ModelPackage
import PackageRuntime
import Safetensors

/// Runs a package on inputs from a file, zeros or random numbers.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a package.",
        discussion: """
            Inputs come from a safetensors file with one tensor per input, named as the package's inputs are or input.0, \
            input.1, … in their order (a capture's golden file will do); or they are made up, and --set gives their \
            symbolic dimensions.

            Example: hearth run model.hearth --inputs in.safetensors --outputs out.safetensors
            """)

    /// How inputs are made up.
    enum Fill: String, ExpressibleByArgument, CaseIterable {
        case zeros, random
    }

    @Argument(help: "The package, a directory NAME.hearth.") var package: String
    @Option(name: [.customShort("i"), .long], help: "A safetensors file with a tensor for each input.") var inputs:
        String?
    @Option(name: [.customShort("o"), .long], help: "A safetensors file to write the outputs to.") var outputs: String?
    @Option(help: "How to make up inputs: zeros or random.") var fill = Fill.random
    @Option(help: "Seed of random inputs.") var seed: UInt64 = 0
    @Option(name: .customLong("set"), help: "A symbolic dimension of made-up inputs, such as batch=4.")
    var settings: [String] = []
    @Option(name: .customLong("repeat"), help: "Runs to time; the state goes on from run to run.") var repetitions = 1
    @Option(help: "\(DeviceChoice.help) (default: what the package was made for).") var device: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?
    @Flag(help: "Leave out the check of the weights' hash.") var unverified = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if repetitions < 1 { throw ValidationError("--repeat should be at least 1") }
        if let threads, threads < 1 { throw ValidationError("--threads should be at least 1") }
        if inputs != nil, !settings.isEmpty { throw ValidationError("--set is for made-up inputs, not with --inputs") }
    }

    func run() throws {
        let start = Self.now()
        let device = try DeviceChoice.open(for: package, asked: self.device, threads: threads)
        let loaded = try LoadedPackage(path: package, device: device, verified: !unverified)
        let session = try Session(loaded)
        let loadTime = Self.now() - start
        if !loaded.isTunedForThisMachine {
            Failure.complain(
                loaded.entry.machine == device.limits.model
                    ? "hearth: note: the package was tuned with another number of threads or other rights"
                    : "hearth: note: the package was tuned on another machine (\(loaded.entry.machine))")
        }
        let file = try inputs.map { try TensorFile(path: $0) }
        let (types, addresses, memory) =
            if let file { try Self.inputs(file, loaded.interface) } else { try madeUpInputs(loaded.interface) }
        try session.bind(types, values: Self.values(loaded.interface, types, addresses))
        let results = try session.outputs.map { try TensorMemory($0) }
        var times: [UInt64] = []
        var firstResult: UInt64 = 0
        for _ in 0..<repetitions {
            let before = Self.now()
            try addresses.withUnsafeBufferPointer { inputs in
                try results.map(\.address).withUnsafeBufferPointer { try session.run(inputs: inputs, outputs: $0) }
            }
            let after = Self.now()
            times.append(after - before)
            if times.count == 1 { firstResult = after }
        }
        withExtendedLifetime((file, memory)) {}
        if let outputs { try Self.write(results, loaded.interface, to: outputs) }
        report(results, loaded.interface, times, loadTime: loadTime, start: start, firstResult: firstResult)
    }

    /// The inputs of a file, where they are mapped if their alignment allows it.
    private static func inputs(_ file: TensorFile, _ interface: ModelInterface) throws -> (
        [TensorDescription], [UnsafeRawPointer], [TensorMemory]
    ) {
        var types: [TensorDescription] = []
        var addresses: [UnsafeRawPointer] = []
        var memory: [TensorMemory] = []
        for tensor in try InputNames.tensors(of: interface, in: file.header) {
            let type = try file.type(tensor)
            types.append(type)
            let address = file.address(tensor)
            if UInt(bitPattern: address) % UInt(type.element.byteCount) == 0 {
                addresses.append(address)
            } else {
                let copy = try TensorMemory(type)
                copy.bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: tensor.range.count))
                memory.append(copy)
                addresses.append(UnsafeRawPointer(copy.address))
            }
        }
        return (types, addresses, memory)
    }

    /// Inputs of zeros or random numbers with the dimensions that occurred at export, or those set.
    private func madeUpInputs(_ interface: ModelInterface) throws -> (
        [TensorDescription], [UnsafeRawPointer], [TensorMemory]
    ) {
        var values = interface.symbols.map(\.symbol.hint)
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Int(parts[1]), (0...Int(Int32.max)).contains(value) else {
                throw BadInput("--set takes NAME=NUMBER, not '\(setting)'")
            }
            let names = interface.symbols.enumerated().map { ($0, $1.symbol.name) }
            guard let index = names.first(where: { parts[0] == $0.1 || parts[0] == "s\($0.0)" })?.0 else {
                let known = names.map(\.1).joined(separator: ", ")
                throw BadInput(
                    "the model has no symbolic dimension '\(parts[0])'"
                        + (known.isEmpty ? "; its shapes are fixed" : "; it has \(known)"))
            }
            values[index] = value
        }
        let types = try interface.inputs(for: values)
        var memory: [TensorMemory] = []
        var random = SeededRandom(seed: seed)
        for type in types {
            let tensor = try TensorMemory(type)
            switch fill {
            case .zeros: break
            case .random: tensor.randomise(&random)
            }
            memory.append(tensor)
        }
        for (index, binding) in interface.symbols.enumerated() {
            if case .value(let input) = binding.source { memory[input].setInteger(values[index]) }
        }
        return (types, memory.map { UnsafeRawPointer($0.address) }, memory)
    }

    /// Values of the inputs that stand for dimensions.
    private static func values(
        _ interface: ModelInterface, _ types: [TensorDescription], _ addresses: [UnsafeRawPointer]
    ) throws -> [Int: Int] {
        var values: [Int: Int] = [:]
        for case .value(let input) in interface.symbols.map(\.source) where types.indices.contains(input) {
            // Of another type or without elements it holds no value; binding says so.
            guard types[input].element.isInteger, types[input].byteCount ?? 0 > 0 else { continue }
            let copy = try TensorMemory(types[input])
            copy.bytes.copyMemory(from: UnsafeRawBufferPointer(start: addresses[input], count: copy.bytes.count))
            values[input] = Int(copy.value(0))
        }
        return values
    }

    private static func write(_ results: [TensorMemory], _ interface: ModelInterface, to path: String) throws {
        let layout = try SafetensorsLayout(
            zip(interface.outputs, results).map {
                .init(name: $0.name, type: SafetensorsType($1.type.element), shape: $1.type.shape)
            })
        let bytes = layout.file(contents: results.map { Array($0.bytes) })
        // A device or a pipe is written to; it must not be replaced by a file.
        var status = stat()
        let isPlace = stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
        if isPlace {
            guard let file = fopen(path, "w") else { throw BadInput("'\(path)' could not be opened for writing") }
            let written = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            guard fclose(file) == 0, written == bytes.count else {
                throw BadInput("'\(path)' could not be written: \(String(cString: strerror(errno)))")
            }
            return
        }
        // A file that a link leads to is replaced, not the link. Under another name first, so that the file appears whole
        // or not at all.
        let resolved = realpath(path, nil)
        defer { free(resolved) }
        let destination = resolved.map { String(cString: $0) } ?? path
        let partial = "\(destination).\(getpid()).partial"
        func fail() -> BadInput {
            let reason = String(cString: strerror(errno))
            unlink(partial)
            return BadInput("'\(path)' could not be written: \(reason)")
        }
        guard let file = fopen(partial, "w") else { throw fail() }
        let written = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        guard fclose(file) == 0, written == bytes.count, rename(partial, destination) == 0 else { throw fail() }
    }

    private func report(
        _ results: [TensorMemory], _ interface: ModelInterface, _ times: [UInt64], loadTime: UInt64, start: UInt64,
        firstResult: UInt64
    ) {
        let first = firstResult - start
        let peak = ProcessMemory.peakBytes
        let times = times.sorted()
        let median = times[times.count / 2]
        if json {
            let outputs = zip(interface.outputs, results).map { port, result -> JSONValue in
                let summary = result.summary
                return [
                    "name": .string(port.name), "type": .string(result.type.element.rawValue),
                    "shape": .array(result.type.shape.map { .integer(Int64($0)) }), "minimum": .number(summary.minimum),
                    "maximum": .number(summary.maximum), "mean": .number(summary.mean),
                ]
            }
            let value: JSONValue = [
                "package": .string(package), "load_ns": .integer(Int64(loadTime)),
                "first_result_ns": .integer(Int64(first)),
                // On the monotonic clock, so that whoever started this process can tell the time since then.
                "first_result_clock_ns": .integer(Int64(firstResult)),
                "peak_bytes": peak.map { .integer(Int64($0)) } ?? .null, "runs": .integer(Int64(times.count)),
                "median_ns": .integer(Int64(median)), "minimum_ns": .integer(Int64(times[0])),
                "outputs": .array(outputs),
            ]
            print(value.prettyText, terminator: "")
            return
        }
        for (port, result) in zip(interface.outputs, results) {
            let summary = result.summary
            let start = (0..<min(result.count, 5)).map { TextFormat.fixed(result.value($0), 4) }
            print(
                "\(port.name): \(result.type)  min \(TextFormat.fixed(summary.minimum, 4))  max "
                    + "\(TextFormat.fixed(summary.maximum, 4))  mean \(TextFormat.fixed(summary.mean, 4))  "
                    + "[\(start.joined(separator: ", "))\(result.count > 5 ? ", …" : "")]")
        }
        print(
            "load \(TextFormat.time(Double(loadTime))), first result after \(TextFormat.time(Double(first)))"
                + (times.count == 1
                    ? ""
                    : ", median of \(times.count) runs \(TextFormat.time(Double(median))), fastest "
                        + TextFormat.time(Double(times[0])))
                + (peak.map { ", peak memory \(TextFormat.bytes($0))" } ?? ""))
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension TensorMemory {
    /// Number of elements.
    var count: Int { bytes.count / type.element.byteCount }

    /// Least, greatest and mean element.
    var summary: (minimum: Double, maximum: Double, mean: Double) {
        guard count > 0 else { return (0, 0, 0) }
        var (minimum, maximum, sum) = (Double.infinity, -Double.infinity, 0.0)
        for index in 0..<count {
            let value = value(index)
            minimum = Swift.min(minimum, value)
            maximum = Swift.max(maximum, value)
            sum += value
        }
        return (minimum, maximum, sum / Double(count))
    }

    /// Sets the only element of an integer tensor.
    func setInteger(_ value: Int) {
        withUnsafeBytes(of: Int64(value).littleEndian) { bytes.copyMemory(from: .init(rebasing: $0[..<bytes.count])) }
    }
}
