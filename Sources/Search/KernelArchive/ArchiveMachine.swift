/// A machine that trials were timed on.
package struct ArchiveMachine: Hashable, Sendable {
    /// Equal exactly where timings may be compared.
    package var fingerprint: String
    /// Which kind of device: `cpu`, `cuda`, `opencl`; empty where only the fingerprint is known.
    package var kind: String
    /// Model as the hardware states it.
    package var model: String
    /// Instruction sets and architectures.
    package var features: [String]
    /// Units that work at the same time, and threads that a launch is spread over.
    package var cores: Int
    package var threads: Int
    /// Bytes of the caches, the nearest first; 0 when unknown.
    package var caches: [Int]
    /// Bytes of memory.
    package var memory: Int

    /// Makes a machine.
    package init(
        fingerprint: String, kind: String = "", model: String = "", features: [String] = [], cores: Int = 0,
        threads: Int = 0, caches: [Int] = [], memory: Int = 0
    ) {
        self.fingerprint = fingerprint
        self.kind = kind
        self.model = model
        self.features = features
        self.cores = cores
        self.threads = threads
        self.caches = caches
        self.memory = memory
    }
}

/// A kernel that trials were made of: what it is known by and what makes others similar to it.
package struct ArchiveKernel: Hashable, Sendable {
    /// An extent by the name of its part in the kernel, such as `rows`.
    package struct Extent: Hashable, Sendable {
        package var name: String
        package var value: Int

        /// Makes an extent.
        package init(_ name: String, _ value: Int) {
            self.name = name
            self.value = value
        }
    }

    /// Hash of the canonical text: equal kernels.
    package var key: String
    /// Name in reports.
    package var name: String
    /// Which kind of kernel, such as `contraction`, or `model` for decisions about a whole model.
    package var kind: String
    /// Hash of the text without its numbers: kernels of one structure and other sizes share it.
    package var family: String
    /// The element type that most of the work is done in.
    package var element: String
    /// Element types of all buffers, in the order of the parameters.
    package var elements: [String]
    /// Always the same names in the same order for kernels of one kind.
    package var extents: [Extent]
    /// Bytes of all buffers.
    package var bytes: Double
    /// Arithmetic operations.
    package var operations: Double

    /// Makes a kernel.
    package init(
        key: String, name: String, kind: String, family: String, element: String, elements: [String],
        extents: [Extent], bytes: Double, operations: Double
    ) {
        self.key = key
        self.name = name
        self.kind = kind
        self.family = family
        self.element = element
        self.elements = elements
        self.extents = extents
        self.bytes = bytes
        self.operations = operations
    }
}
