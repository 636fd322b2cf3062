import ElementTypes

/// What code generation must know of a device that runs blocks of threads; made from a device's limits.
///
/// Arguments of every kernel in order: a pointer for each of `EmittedKernel.arguments`; the counters, where
/// `EmittedKernel.Grid.counters` asks for some; an `int64_t` for each of `Kernel.symbols`; last a pointer to one `int32_t`,
/// the device's word for errors, which the kernel sets to a `KernelCode` when it meets an error and never clears.
package struct SIMTTarget: Hashable, Sendable {
    /// Language of the generated text.
    package var dialect: SIMTDialect
    /// Name of the instruction set, such as `sm_90`; `opencl` where the driver compiles text.
    package var architecture: String
    /// Threads that run in step.
    package var warp: Int
    /// Most threads of a block.
    package var threads: Int
    /// Most bytes of shared memory of a block.
    package var sharedBytes: Int
    /// Processors that run blocks.
    package var multiprocessors: Int
    /// Bytes of the cache in front of memory.
    package var l2Bytes: Int
    /// Whether kernels may be written in Triton too.
    package var hasTriton = false
    /// Whether a library of the vendor's computes products on its streams.
    package var hasProductLibrary = false
    /// Whether a library of the vendor's computes convolutions on its streams.
    package var hasConvolutionLibrary = false
    /// Calls that a library refused on this device.
    private var refusedCalls: Set<RefusedCall> = []

    /// Makes a target.
    package init(
        dialect: SIMTDialect, architecture: String, warp: Int, threads: Int, sharedBytes: Int, multiprocessors: Int,
        l2Bytes: Int
    ) {
        self.dialect = dialect
        self.architecture = architecture
        self.warp = warp
        self.threads = threads
        self.sharedBytes = sharedBytes
        self.multiprocessors = multiprocessors
        self.l2Bytes = l2Bytes
    }

    /// A call that is generated instead, as `LibraryCall` names library and sizes.
    private struct RefusedCall: Hashable {
        var library: String
        var sizes: String
    }

    /// Leaves a call out, or all calls of a library.
    package mutating func leaveOut(_ refusal: LibraryRefusal) {
        if let sizes = refusal.sizes {
            refusedCalls.insert(.init(library: refusal.library, sizes: sizes))
        } else {
            hasProductLibrary = hasProductLibrary && refusal.library != LibraryCall.productLibrary
            hasConvolutionLibrary = hasConvolutionLibrary && refusal.library != LibraryCall.convolutionLibrary
        }
    }

    /// Whether a library may be called for sizes.
    func takes(_ library: String, _ sizes: String) -> Bool {
        !refusedCalls.contains(.init(library: library, sizes: sizes))
    }

    /// Number of an NVIDIA architecture: 90 for `sm_90` and `sm_90a`; 0 elsewhere.
    package var capability: Int {
        guard dialect == .cuda, architecture.hasPrefix("sm_") else { return 0 }
        return Int(architecture.dropFirst(3).prefix { $0.isNumber }) ?? 0
    }

    /// Whether a kernel can begin before the one before it has ended and wait for its results (`griddepcontrol`).
    package var overlaps: Bool { capability >= 90 }
    /// Whether there are matrix products of warps on bf16 and f16 (`mma.sync.m16n8k16`) and copies into shared memory
    /// that run beside (`cp.async`).
    var hasMatrixUnits: Bool { capability >= 80 }
    /// Whether up to eight neighbouring blocks read each other's shared memory (thread block clusters).
    var hasClusters: Bool { capability >= 90 }
    /// Whether four warps multiply tiles of shared memory together (`wgmma`, in `sm_90a` alone).
    var hasGroupUnits: Bool { dialect == .cuda && architecture == "sm_90a" }
    /// Whether threads of a warp read each other's registers.
    var hasShuffles: Bool { dialect == .cuda }
}
