import ElementTypes
import Glibc
import KernelCodeGen
import KernelIR
import KernelJudge

/// Makes what the judge can run of a kernel and a schedule: a shared object of the host's, or a file of a device's images.
package struct CandidateCompiler: Sendable {
    /// What is made of a text.
    package enum Build: Hashable, Sendable {
        /// What a package holds.
        case plain
        /// C that traps at undefined behaviour, most of the compiler's work left out: it is run a few times only.
        case trapping
        /// CUDA C++ whose warps come late to barriers and out of them: a race that time alone decides ends otherwise.
        case outOfStep
    }

    /// What generates text, for the host or a device.
    package let generator: CodeGenerator
    private let toolchain: CToolchain
    private let images: DeviceImages?
    private let packings = PackingLibraries()

    /// Why there is no code.
    package struct Failure: Error {
        /// One line or several, as the compiler has it.
        package var reason: String
    }

    /// Makes a compiler; `images` is nil where the host runs everything.
    package init(generator: CodeGenerator, toolchain: CToolchain, images: DeviceImages?) {
        self.generator = generator
        self.toolchain = toolchain
        self.images = images
    }

    /// Whether C of ours runs, and not a device's images.
    var isForHost: Bool { images == nil }

    /// The build that shows faults which the plain one may hide by chance; nil where there is none.
    package func revealing(_ emitted: EmittedKernel) -> Build? {
        guard !isForHost else { return .trapping }
        let isOurs = !emitted.source.isEmpty && emitted.triton == nil
        return isOurs && generator.device?.target.dialect == .cuda ? .outOfStep : nil
    }

    /// What the refusal of a revealing build says of the kernel; nil where it says nothing.
    package func hiddenFault(_ refusal: Refusal, _ build: Build) -> Refusal? {
        switch (build, refusal) {
        // What compilers make of a trap: ud2 on x86, brk on ARM.
        case (.trapping, .crashed(let signal)) where [SIGILL, SIGTRAP].contains(Int32(signal)): .undefinedBehaviour
        case (.outOfStep, _) where refusal.blamesKernel: .race(reason: "\(refusal)")
        default: nil
        }
    }

    /// Name and version of what compiles, a part of the archive's keys.
    var version: String { images?.version ?? toolchain.version }

    /// The text of a kernel under a schedule, of the symbol `candidate`.
    package func emit(_ kernel: Kernel, _ schedule: Schedule) -> Result<EmittedKernel, Failure> {
        do {
            return .success(try generator.emit(kernel, symbol: "candidate", schedule))
        } catch {
            return .failure(Failure(reason: "\(error)"))
        }
    }

    /// Writes what becomes of a text to `path` and a file beside it, side by side with others, and what the compiler said of it, where
    /// it did.
    func compile(
        _ emitted: EmittedKernel, _ path: String, _ build: Build = .plain
    ) async -> Result<(kernel: CandidateKernel, facts: CubinFacts?), Failure> {
        do {
            var emitted = emitted
            var facts: CubinFacts?
            // Without symbols, which name the file that was compiled: equal code is equal bytes.
            var flags = generator.host.compilerFlags + ["-s"]
            if build == .trapping { flags = flags.map { $0 == "-O3" ? "-O1" : $0 } + toolchain.undefinedBehaviourTraps }
            if let images {
                var unit = GeneratedProgram.DeviceUnit(emitted, generator)
                if build == .outOfStep { unit.text = SIMTPrelude.outOfStep + unit.text }
                let written = try await images.write(unit, to: path)
                facts = written.facts
                if let kept = facts?.globalBytes, kept > 0 {
                    return .failure(Failure(reason: "it keeps \(kept) bytes in the device's memory between launches"))
                }
                emitted = emitted.asking(sharedBytes: written.sharedBytes)
                if !emitted.packings.isEmpty {
                    let text = generator.host.prelude + emitted.packingSource
                    try await packings.write(text, flags, toolchain, to: path + ".host.so")
                }
            } else {
                try await toolchain.compile(generator.prelude + emitted.source, flags: flags, to: path)
            }
            return .success((CandidateKernel(emitted, libraryPath: path), facts))
        } catch {
            return .failure(Failure(reason: "\(error)"))
        }
    }

    /// What the judge runs of a text, written to `path` and a file beside it.
    package func candidate(
        _ emitted: EmittedKernel, at path: String, _ build: Build = .plain
    ) async -> Result<CandidateKernel, Failure> {
        await compile(emitted, path, build).map(\.kernel)
    }
}

extension EmittedKernel {
    /// Name of the algorithm where an infinity makes NaN of results that it does not reach.
    var spreadsAs: String? {
        // Which algorithm a library of convolutions takes is its own affair.
        if case .grid(let grid) = parts, case .convolution? = grid.call { return LibraryCall.convolutionLibrary }
        return spreading
    }
}

extension CandidateKernel {
    /// An emitted kernel that was compiled to a library.
    package init(_ emitted: EmittedKernel, libraryPath: String) {
        var arguments: [Argument] = []
        for argument in emitted.arguments {
            switch argument {
            case .parameter(let number): arguments.append(.parameter(number))
            case .packed(let number): arguments.append(.packed(number))
            case .library: arguments.append(.library)
            case .shared(let bytes): arguments.append(.shared(bytes: bytes))
            }
        }
        let parts: Parts =
            switch emitted.parts {
            case .count(let count): .count(count)
            case .gang: .gang
            case .grid(let grid):
                .grid(
                    blocks: grid.blocks, threads: grid.threads, sharedBytes: grid.sharedBytes, overlaps: grid.overlaps,
                    counters: grid.counters, call: grid.call)
            }
        self.init(
            libraryPath: libraryPath, symbol: emitted.symbol, arguments: arguments,
            packings: emitted.packings.map {
                Packing(
                    symbol: $0.symbol, sources: $0.sources, byteCount: $0.count * $0.element.byteCount,
                    usesLibrary: $0.usesLibrary)
            }, workspaceBytes: emitted.workspaceBytes, parts: parts, spreading: emitted.spreadsAs,
            overflowing: emitted.overflowing)
    }
}
