import Base
import DeviceAPI
import ElementTypes
import Glibc
import GraphIR
import KernelCodeGen
import KernelJudge
import ModelPackage
import PackageBuilder
import PackageRuntime
import ReferenceInterpreter

/// A device under test, with what makes kernels for it.
package struct ConformanceBench: Sendable {
    /// The device.
    package let device: any Device
    private let images: DeviceImages?
    private let host: DeviceLimits
    private let toolchain: CToolchain
    private let worker: WorkerCommand
    private let folder: String

    /// Makes a bench. `images` compiles for a device that runs blocks of threads, `host` are the limits of the processor, and
    /// `folder` is one that exists, for packages that are removed again.
    package init(
        device: any Device, images: DeviceImages?, host: DeviceLimits, toolchain: CToolchain, worker: WorkerCommand,
        folder: String
    ) {
        self.device = device
        self.images = images
        self.host = host
        self.toolchain = toolchain
        self.worker = worker
        self.folder = folder
    }

    /// Gives a graph's package to `body`.
    func withPackage<Result>(
        _ graph: Graph, _ tensors: any TensorSource, _ body: (LoadedPackage) throws -> Result
    ) async throws -> Result {
        let path = "\(folder)/conformance-\(getpid())-\(UInt64.random(in: 0 ... .max)).hearth"
        var pipeline = try pipeline()
        try await pipeline.build(.init(graph: graph, tensors: tensors), to: path)
        defer { PackageWriter.remove(path) }
        return try body(try LoadedPackage(path: path, device: device, verified: true))
    }

    private func pipeline() throws -> Pipeline {
        guard let images else {
            return Pipeline(device: device, toolchain: toolchain, worker: worker, usesLibraries: false)
        }
        guard
            let pipeline = Pipeline(
                limits: device.limits, images: images, host: host, toolchain: toolchain, worker: worker)
        else { throw ConformanceFailure("there is no generator of kernels for \(device.limits.name)") }
        return pipeline
    }

    /// Builds a graph for the device, runs it `runs` times in one session, and holds every result to the judge's rule beside
    /// the interpreter's. With `each`, every element by itself: the judge allows errors by an output's largest element, behind which
    /// wrong small ones hide.
    func agree(
        _ graph: Graph, inputs: [TensorValue], tensors: NamedTensors, runs: Int = 1, each: Bool = false
    ) async throws {
        try await withPackage(graph, tensors) { package in
            let session = try Session(package)
            var exact = Interpreter(graph, tensors: tensors)
            var rounding = Interpreter(graph, tensors: tensors, policy: .roundAfterEachNode)
            for run in 0..<runs {
                let truth = try exact.run(inputs)
                let witness = try rounding.run(inputs)
                let found = try session.run(
                    inputs.map { HostTensor(TensorDescription($0.element, $0.shape), bytes: $0.bytes) })
                var outputs: [ModelAgreement.Output] = []
                for (index, output) in graph.outputs.enumerated() {
                    let type = found[index].type
                    guard let value = TensorValue(type.element, type.shape, bytes: found[index].bytes) else {
                        throw ConformanceFailure("output '\(output.name)' has \(found[index].bytes.count) bytes")
                    }
                    if each {
                        try Self.agreeEach(output.name, value, truth[index].doubles, witness[index].doubles)
                        continue
                    }
                    outputs.append(
                        .init(
                            name: output.name, values: value.doubles,
                            reference: AgreementInput(
                                element: type.element, truth: truth[index].doubles, witness: witness[index].doubles)))
                }
                if let wrong = ModelAgreement(outputs).findings.first(where: { !$0.passes }) {
                    throw ConformanceFailure(runs > 1 ? "run \(run): \(wrong)" : "\(wrong)")
                }
            }
        }
    }

    /// Throws for the first element that is farther from the truth than a function may err by itself: some units in the last place,
    /// in f32 and f64 of the value, in narrower types one, since they are computed in f32.
    private static func agreeEach(
        _ name: String, _ found: TensorValue, _ truth: [Double], _ witness: [Double]
    ) throws {
        let element = found.element
        let units = element == .f64 ? 64.0 : element == .f32 ? 16 : 1
        for (index, value) in found.doubles.enumerated() {
            let (right, near) = (truth[index], witness[index])
            if value == right || value == near || (value.isNaN && (right.isNaN || near.isNaN)) { continue }
            let allowed = max(units * element.epsilon * abs(right), 4 * abs(near - right), element.leastPositive)
            guard element.isFloatingPoint, right.isFinite, value.isFinite, abs(value - right) <= allowed else {
                throw ConformanceFailure("'\(name)' is \(value) at element \(index), not \(right)")
            }
        }
    }

    /// Gives the only kernel of a graph to `body`, with the way to launch it on other memory.
    func withKernel<Result>(_ graph: Graph, _ body: (ConformanceKernel) throws -> Result) async throws -> Result {
        try await withPackage(graph, NamedTensors()) { package in
            guard package.plan.launches.count == 1 else {
                throw ConformanceFailure("a graph of one kernel became \(package.plan.launches.count) launches")
            }
            return try body(ConformanceKernel(package))
        }
    }
}

/// A kernel of a package and how its launches look.
struct ConformanceKernel {
    private let package: LoadedPackage

    init(_ package: LoadedPackage) { self.package = package }

    /// A launch over memory for each input and output of the graph, in order.
    func launch(_ inputs: [Launch.Operand], _ outputs: [Launch.Operand]) throws -> Launch {
        let plan = package.plan.launches[0]
        var operands: [Launch.Operand] = []
        for operand in plan.operands {
            switch package.plan.buffers[operand.buffer].placement {
            case .input(let index): operands.append(inputs[index])
            case .output(let index): operands.append(outputs[index])
            case .weight, .state, .library, .arena: throw ConformanceFailure("the kernel reads more than its inputs")
            }
        }
        let spread: Launch.Spread
        switch plan.spread {
        case .parts(let count): spread = .parts(max(1, count.constantValue ?? 1))
        case .threads: spread = .threads
        case .gang: spread = .gang
        case .grid(let grid):
            spread = .grid(
                .init(
                    blocks: [Int32(grid.blocks.constantValue ?? 0), 1, 1], threads: Int32(grid.threads),
                    sharedBytes: Int32(grid.sharedBytes), overlapsPredecessor: grid.overlaps))
        }
        return Launch(kernel: package.kernels[0], operands: operands, dimensions: [], spread: spread)
    }
}

extension ConformanceKernel {
    /// What a library's call leaves in operand 2 after two runs. `contents` are the bytes of its operands at first; where one has fewer
    /// than the call needs, as the workspace has, what follows is arbitrary.
    func result(of call: LibraryCall, _ contents: [[UInt8]]) throws -> [UInt8] {
        let (device, queue) = (package.device, try package.device.makeQueue())
        let counts = contents.enumerated().map { max($1.count, call.byteCount(of: $0)) }
        let arena = try device.allocate(counts.reduce(0) { $0 + ($1 + 255) / 256 * 256 })
        var places: [Int] = []
        var used = 0
        for (part, count) in zip(contents, counts) {
            places.append(used)
            try part.withUnsafeBytes { try queue.copy($0, to: arena, at: used) }
            used += (count + 255) / 256 * 256
        }
        try queue.synchronize()
        var launch = try launch([.fixed(arena.address)], [.fixed(arena.address)])
        launch.operands = places.map { .fixed(arena.address + $0) }
        launch.spread = .grid(.init(blocks: .zero, threads: 32, call: call))
        let graph = try device.makeGraph([launch])
        for _ in 0..<2 { try graph.run(UnsafeBufferPointer(start: nil, count: 0)) }
        var found = [UInt8](repeating: 0, count: contents[2].count)
        try found.withUnsafeMutableBytes { try queue.copy(arena, at: places[2], to: $0) }
        try queue.synchronize()
        return found
    }
}

/// Tensors by name.
struct NamedTensors: TensorSource {
    var tensors: [String: TensorValue] = [:]

    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try (tensors[name]?.bytes ?? []).withUnsafeBytes(body)
    }
}
