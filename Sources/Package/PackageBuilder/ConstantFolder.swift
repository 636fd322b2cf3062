import Base
import ElementTypes
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelWorker

/// Computes what is known at build time: constant launches and the packing of weights, by the generated kernels themselves,
/// which run in a worker process. Weights lie in memory that both share; those that are only packed leave it as soon as
/// they are, so that it holds little more than what the package does.
package final class ConstantFolder {
    /// A packed operand.
    struct Packed {
        var bytes: SharedMemory.Block
        var element: ElementType
        var count: Int
    }

    private struct Place: Hashable {
        var launch: Int
        var packing: Int
    }

    private let program: LoweredProgram
    private let list: KernelList
    private let graph: Graph
    private let generated: GeneratedProgram
    private let tensors: any TensorSource
    private let library: String
    private let workshop: ConstantWorkshop
    /// Contents of constant buffers.
    private var memory: [BufferID: SharedMemory.Block] = [:]
    /// What the contents of computed buffers were made of.
    private var keys: [BufferID: ContentHash] = [:]
    /// Numbers of packed operands by what they were made of.
    private var numbers: [ContentHash: Int] = [:]
    /// Numbers of packed operands by launch and place.
    private var places: [Place: Int] = [:]
    /// Computed buffers that several launches write one after another.
    private let shared: Set<BufferID>
    /// Packed operands in the order of their making.
    private(set) var packed: [Packed] = []

    /// Prepares to fold the constants of a program whose kernels are compiled to `library`, a path of its own.
    init(
        _ form: ModelForm, _ generated: GeneratedProgram, tensors: any TensorSource, library: String,
        workshop: ConstantWorkshop
    ) {
        program = form.program
        list = form.list
        graph = form.graph
        self.generated = generated
        self.tensors = tensors
        self.library = library
        self.workshop = workshop
        var written: Set<BufferID> = []
        var shared: Set<BufferID> = []
        for launch in program.launches where launch.isConstant {
            for (parameter, buffer) in zip(launch.kernel.parameters, launch.buffers) where parameter.access != .read {
                if !written.insert(buffer).inserted { shared.insert(buffer) }
            }
        }
        self.shared = shared
    }

    /// Runs all constant launches and packs the constant operands of the others. Throws `ConstantRefused` where generated
    /// code misbehaves.
    func run() throws {
        let last = lastUses()
        for (index, launch) in program.launches.enumerated() {
            for position in emitted(index).packings.indices { _ = try packing(launch: index, position) }
            if launch.isConstant { try execute(index) }
            for buffer in Set(launch.buffers) where last[buffer] == index { memory[buffer] = nil }
        }
    }

    /// The last launch that reads each parameter or literal: what else needs it takes it from where it comes from.
    private func lastUses() -> [BufferID: Int] {
        var last: [BufferID: Int] = [:]
        for (index, launch) in program.launches.enumerated() {
            for buffer in launch.buffers {
                switch program.buffers[buffer].role {
                case .parameter, .literal: last[buffer] = index
                case .folded, .input, .output, .state, .temporary: break
                }
            }
        }
        return last
    }

    /// Gives the bytes of a constant buffer to `body`.
    func withBytes<Result>(_ buffer: BufferID, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        if case .parameter(let name) = program.buffers[buffer].role, memory[buffer] == nil {
            return try tensors.withTensor(name, body)
        }
        let block = try bytes(buffer)
        return try withExtendedLifetime(block) { try body(UnsafeRawBufferPointer(block.buffer)) }
    }

    /// Contents of a constant buffer in memory that the worker sees.
    private func bytes(_ buffer: BufferID) throws -> SharedMemory.Block {
        if let known = memory[buffer] { return known }
        let description = program.buffers[buffer]
        let block = try allocate(elements(buffer), description.type.element)
        switch description.role {
        case .parameter(let name):
            try tensors.withTensor(name) { source in
                precondition(
                    source.count == block.buffer.count,
                    "tensor \(name) has \(source.count) bytes, not \(block.buffer.count)")
                block.buffer.copyMemory(from: source)
            }
        case .literal(let elements):
            for (index, element) in elements.enumerated() {
                block.buffer.store(element, at: index, as: description.type.element)
            }
        case .folded, .input, .output, .state, .temporary: break
        }
        memory[buffer] = block
        return block
    }

    private func elements(_ buffer: BufferID) -> Int {
        guard let count = elementCount(program.buffers[buffer].type.shape).constantValue else {
            preconditionFailure("a constant has a static shape")
        }
        return count
    }

    private func allocate(_ count: Int, _ element: ElementType) throws(BuildError) -> SharedMemory.Block {
        do throws(Refusal) {
            return try workshop.worker.memory.allocate(count * element.byteCount)
        } catch {
            throw .unsupported("constants do not fit into memory: \(error)")
        }
    }

    private func emitted(_ launch: Int) -> EmittedKernel { generated.emitted[list.ofLaunch[launch].index] }

    /// What determines the contents of a constant buffer.
    private func key(_ buffer: BufferID) -> ContentHash {
        if let known = keys[buffer] { return known }
        let description = program.buffers[buffer]
        switch description.role {
        case .parameter(let name): return ContentHash.of("parameter \(name)")
        case .literal(let elements): return ContentHash.of("literal \(description.type.element) \(elements)")
        case .folded, .input, .output, .state, .temporary:
            preconditionFailure("a constant is read before it is computed")
        }
    }

    /// What determines what a function computes: `function`, its name, which is a hash of its kernel and schedule, or its text;
    /// and what it reads.
    private func key(_ function: String, _ sources: [BufferID]) -> ContentHash {
        ContentHash.of(([function] + sources.map { "\(key($0))" }).joined(separator: " "))
    }

    /// The number of the packed operand that a launch's kernel asks for; packs it first if needed.
    func packing(launch index: Int, _ position: Int) throws -> Int {
        let place = Place(launch: index, packing: position)
        if let known = places[place] { return known }
        let packing = emitted(index).packings[position]
        let launch = program.launches[index]
        let sources = packing.sources.map { launch.buffers[$0] }
        let key = key(emitted(index).text(of: packing) ?? packing.symbol, sources)
        if let known = numbers[key] {
            places[place] = known
            return known
        }
        let block: SharedMemory.Block
        if let known = workshop.find([key])?.first {
            block = known
        } else {
            block = try allocate(packing.count, packing.element)
            var operands: [ConstantWorker.Operand] = []
            for (parameter, source) in zip(packing.sources, sources) {
                operands.append(.read(.parameter(parameter), try bytes(source)))
            }
            if packing.usesLibrary { operands.append(.library) }
            operands.append(.written(.packed(position), block))
            try call(
                index, packing.symbol, operands, dimensions: launch.kernel.symbols.map { _ in 0 }, workspaceBytes: 0,
                .threads)
            workshop.keep([(key, block)])
        }
        numbers[key] = packed.count
        places[place] = packed.count
        packed.append(Packed(bytes: block, element: packing.element, count: packing.count))
        return packed.count - 1
    }

    private func execute(_ index: Int) throws {
        let launch = program.launches[index]
        let emitted = emitted(index)
        let parameters = launch.kernel.parameters
        let read = launch.buffers.indices.filter { parameters[$0].access != .write }.map { launch.buffers[$0] }
        let written = launch.buffers.indices.filter { parameters[$0].access != .read }
        let key = key(emitted.symbol, read)
        let results = written.map { (launch.buffers[$0], ContentHash.of("\(key) \($0)")) }
        for (buffer, key) in results { keys[buffer] = key }
        // What another launch writes on cannot be held for a third.
        let isOwn = results.allSatisfy { !shared.contains($0.0) }
        if isOwn, let known = workshop.find(results.map { $0.1 }) {
            for ((buffer, _), block) in zip(results, known) { memory[buffer] = block }
            return
        }
        var operands: [ConstantWorker.Operand] = []
        for (place, argument) in emitted.arguments.enumerated() {
            switch argument {
            case .parameter(let number):
                let block = try bytes(launch.buffers[number])
                operands.append(
                    parameters[number].access == .read
                        ? .read(.parameter(number), block) : .written(.parameter(number), block))
            case .packed(let number):
                operands.append(.read(.packed(number), packed[try packing(launch: index, number)].bytes))
            case .library: operands.append(.library)
            case .shared(let bytes):
                operands.append(.scratch(.shared(place), byteCount: bytes.constantValue ?? 0))
            }
        }
        let spread: FoldJob.Spread =
            switch emitted.parts {
            case .count(let count): .parts(min(65535, max(1, count.constantValue ?? 1)))
            case .gang: .gang
            case .grid: preconditionFailure("constants are computed by code for the host")
            }
        try call(
            index, emitted.symbol, operands, dimensions: [],
            workspaceBytes: emitted.workspaceBytes.constantValue ?? 0, spread)
        workshop.keep(try isOwn ? results.map { ($0.1, try bytes($0.0)) } : [])
    }

    private func call(
        _ index: Int, _ symbol: String, _ operands: [ConstantWorker.Operand], dimensions: [Int], workspaceBytes: Int,
        _ spread: FoldJob.Spread
    ) throws {
        let name = program.launches[index].kernel.name
        do throws(Refusal) {
            try workshop.worker.call(
                symbol, library: library, operands, dimensions: dimensions, workspaceBytes: workspaceBytes,
                spread: spread)
        } catch {
            guard error.blamesKernel else {
                throw BuildError.unsupported("constants of kernel \(name) were not computed: \(error)")
            }
            throw ConstantRefused(
                kernel: name, origin: program.origin(index, graph), isPacking: symbol != emitted(index).symbol,
                refusal: error)
        }
    }
}

extension EmittedKernel {
    /// The text of a packing function without its name, so that schedules that pack alike share what they pack; nil where it
    /// uses other functions or tables of the kernel, which all carry the kernel's symbol.
    fileprivate func text(of packing: Packing) -> String? {
        let source = packingSource.isEmpty ? source : packingSource
        guard let start = source.range(of: "int32_t \(packing.symbol)(", before: ") {\n"),
            let end = source[start.upperBound...].firstRange(of: "\n}\n")
        else { return nil }
        let body = source[start.upperBound..<end.lowerBound]
        guard !body.contains(symbol) else { return nil }
        return "\(packing.element) \(packing.count) \(packing.usesLibrary) \(body)"
    }
}

extension String {
    /// From the beginning of a line to the end of the same line, where it begins and ends with these.
    fileprivate func range(of prefix: String, before suffix: String) -> Range<Index>? {
        for place in ranges(of: prefix) {
            guard let end = self[place.upperBound...].firstRange(of: "\n") else { return nil }
            if self[place.lowerBound..<end.upperBound].hasSuffix(suffix) { return place.lowerBound..<end.upperBound }
        }
        return nil
    }
}
