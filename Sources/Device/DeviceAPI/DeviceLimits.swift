import Base
import ElementTypes

/// What a device can do, as a value. The search space and the code generators read it; nothing asks who made the device.
package struct DeviceLimits: Sendable, Equatable {
    /// What kind of device it is: which plans of a package it can run.
    package enum Kind: String, CaseIterable, Sendable {
        case cpu, cuda
        case openCL = "opencl"
    }

    /// A language that kernels are written in.
    package enum Dialect: String, CaseIterable, Sendable {
        /// C with vector extensions, compiled to a shared object.
        case c
        case cudaCPlusPlus = "cuda"
        case triton
        case openCLC = "opencl"
    }

    /// Sizes in bytes; 0 when unknown.
    package struct Caches: Sendable, Equatable {
        /// First-level data cache of one core.
        package var l1Data: Int
        /// Second-level cache of one core.
        package var l2: Int
        /// Last-level cache.
        package var l3: Int
        /// Logical CPUs that share one last-level cache.
        package var l3SharedBy: Int

        /// Makes cache sizes.
        package init(l1Data: Int, l2: Int, l3: Int, l3SharedBy: Int) {
            self.l1Data = l1Data
            self.l2 = l2
            self.l3 = l3
            self.l3SharedBy = l3SharedBy
        }
    }

    /// A rate measured on one thread and on all; where blocks of threads run, on one block and on all that fit.
    package struct Rate: Sendable, Equatable {
        /// Per second on one thread, or in one block.
        package var oneThread: Double
        /// Per second on all together.
        package var allThreads: Double

        /// Makes a rate.
        package init(oneThread: Double, allThreads: Double) {
            self.oneThread = oneThread
            self.allThreads = allThreads
        }
    }

    /// What was measured, in bytes or operations per second (a multiply-add is two operations).
    package struct Rates: Sendable, Equatable {
        /// Bytes read from memory.
        package var memoryRead: Rate
        /// fp32 operations.
        package var fp32: Rate
        /// bf16 operations summed in fp32 by dedicated instructions; nil where there are none.
        package var bf16: Rate?
        /// int8 operations summed in int32 by dedicated instructions; nil where there are none.
        package var int8: Rate?
        /// f16 operations summed in fp32 by dedicated instructions; nil where there are none.
        package var f16: Rate?

        /// Makes rates.
        package init(memoryRead: Rate, fp32: Rate, bf16: Rate?, int8: Rate?, f16: Rate? = nil) {
            self.memoryRead = memoryRead
            self.fp32 = fp32
            self.bf16 = bf16
            self.int8 = int8
            self.f16 = f16
        }
    }

    /// A vendor's library that was found, for kernels to call.
    package struct Library: Sendable, Equatable {
        /// Such as `oneDNN`.
        package var name: String
        /// As it states it.
        package var version: String

        /// Makes a description.
        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// What a device that runs blocks of threads promises a block.
    package struct Blocks: Sendable, Equatable {
        /// Name of the instruction set, such as `sm_90`.
        package var architecture: String
        /// Names of the instruction sets whose programs run here, its own first.
        package var accepts: [String]
        /// Threads that run in step.
        package var warp: Int
        /// Most threads of a block.
        package var threads: Int
        /// Most bytes of shared memory of a block.
        package var sharedBytes: Int

        /// Makes a promise.
        package init(architecture: String, accepts: [String]? = nil, warp: Int, threads: Int, sharedBytes: Int) {
            self.architecture = architecture
            self.accepts = accepts ?? [architecture]
            self.warp = warp
            self.threads = threads
            self.sharedBytes = sharedBytes
        }
    }

    /// Short name that selects the device: `cpu`.
    package var name: String
    /// What kind of device it is.
    package var kind: Kind
    /// Maker as the hardware states it; for people only.
    package var vendor: String
    /// Model as the hardware states it.
    package var model: String
    /// Instruction sets, sorted.
    package var features: [InstructionFeature]
    /// Units that work at the same time: physical cores, or multiprocessors.
    package var cores: Int
    /// Threads that a launch is spread over.
    package var threads: Int
    /// Blocks of threads; nil for a device whose kernels work in parts.
    package var blocks: Blocks?
    /// Cache sizes.
    package var caches: Caches
    /// Memory in bytes.
    package var memoryBytes: Int
    /// Bytes in the widest vector register; 16 at least.
    package var vectorBytes: Int
    /// Element types that kernels can load and store.
    package var elementTypes: [ElementType]
    /// Languages that kernels may be written in.
    package var dialects: [Dialect]
    /// Whether kernels can read memory that the host mapped, so that weights need no copy.
    package var readsHostMemory: Bool
    /// Whether memory that the host has already can be imported; no part of the identity.
    package var importsHostMemory = false
    /// Whether kernels run on the host's own cores, so that nothing else may while they are timed; no part of the identity.
    package var sharesHostCores: Bool
    /// Whether a list of launches can be captured and replayed as one.
    package var capturesGraphs: Bool
    /// Alignment in bytes of every buffer.
    package var alignment: Int
    /// Libraries of the vendor that are there; no part of the identity.
    package var libraries: [Library] = []
    /// Measured rates; nil until measured.
    package var rates: Rates?

    /// Makes limits.
    package init(
        name: String, kind: Kind, vendor: String, model: String, features: [InstructionFeature], cores: Int,
        threads: Int, blocks: Blocks? = nil,
        caches: Caches, memoryBytes: Int, vectorBytes: Int, elementTypes: [ElementType], dialects: [Dialect],
        readsHostMemory: Bool, capturesGraphs: Bool, alignment: Int = 64, rates: Rates? = nil
    ) {
        self.name = name
        self.kind = kind
        self.vendor = vendor
        self.model = model
        self.features = features.sorted()
        self.cores = cores
        self.threads = threads
        self.blocks = blocks
        self.caches = caches
        self.memoryBytes = memoryBytes
        self.vectorBytes = vectorBytes
        self.elementTypes = elementTypes
        self.dialects = dialects
        self.readsHostMemory = readsHostMemory
        sharesHostCores = kind == .cpu
        self.capturesGraphs = capturesGraphs
        self.alignment = alignment
        self.rates = rates
    }

    /// Whether all of `needed` are there.
    package func supports(_ needed: some Sequence<InstructionFeature>) -> Bool {
        needed.allSatisfy { features.contains($0) }
    }

    /// What a program for this device needs to run elsewhere: its instruction sets by name.
    package var requirements: [String] { blocks.map { [$0.architecture] } ?? features.map(\.rawValue) }

    /// Those of a program's requirements that are missing here.
    package func lacking(_ requirements: [String]) -> [String] {
        if let blocks { return requirements.filter { !blocks.accepts.contains($0) } }
        return requirements.filter { name in
            InstructionFeature(rawValue: name).map { !features.contains($0) } ?? true
        }
    }

    /// Text that is equal exactly for machines whose timings may be compared: model, instruction sets, threads, caches.
    /// Measured rates vary between runs and take no part.
    package var identity: String {
        let instructions = features.map(\.rawValue).joined(separator: "+")
        let cacheText = "\(caches.l1Data)/\(caches.l2)/\(caches.l3)"
        let architecture = blocks.map { ";\($0.architecture)" } ?? ""
        return "\(kind.rawValue);\(vendor);\(model);\(instructions);\(cores)c\(threads)t;\(cacheText)\(architecture)"
    }

    /// Hash of `identity`: 16 hexadecimal digits.
    package var fingerprint: String { ContentHash.of(identity).description }
}
