import ElementTypes
import KernelIR

/// C source text of one scheduled kernel and how to call it.
///
/// ABI of every function: `int32_t NAME(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t
/// parts)`; a non-zero result is an error code. `dims` holds the values of `Kernel.symbols`; workspace belongs to the
/// calling thread.
package struct EmittedKernel: Hashable, Sendable {
    /// A buffer of the main function.
    package enum Argument: Hashable, Sendable {
        /// The kernel's n-th parameter as it is.
        case parameter(Int)
        /// The n-th of `packings`.
        case packed(Int)
        /// The table of functions of a vendor's library that the caller offers (`HearthLibrary` of the device).
        case library
        /// Scratch memory that all parts share: so many bytes, over symbols, 64-byte aligned, contents undefined.
        case shared(bytes: IntegerExpression)
    }

    /// A constant operand rearranged once at build time, in the layout that the main function wants.
    package struct Packing: Hashable, Sendable {
        /// Name of the function that packs; same ABI, buffers: `sources`, then the packed buffer.
        package var symbol: String
        /// The kernel's parameters that it reads.
        package var sources: [Int]
        /// Element type of the packed buffer.
        package var element: ElementType
        /// Number of its elements.
        package var count: Int
        /// Whether the function takes the library's table, between the sources and the packed buffer.
        package var usesLibrary = false

        /// Makes a packing.
        package init(symbol: String, sources: [Int], element: ElementType, count: Int) {
            self.symbol = symbol
            self.sources = sources
            self.element = element
            self.count = count
        }
    }

    /// How the runtime splits a launch.
    package enum Parts: Hashable, Sendable {
        /// At most this many parts (an expression over symbols), handed out dynamically.
        case count(IntegerExpression)
        /// One part a thread, all running at once: the kernel synchronises its parts itself. A zeroed 4096-byte shared
        /// area is passed as one more buffer after the others.
        case gang
        /// A grid of blocks of threads, for a device that runs those.
        case grid(Grid)
    }

    /// A grid of blocks along x.
    package struct Grid: Hashable, Sendable {
        /// Number of blocks, over symbols.
        package var blocks: IntegerExpression
        /// Threads of a block.
        package var threads: Int
        /// Bytes of shared memory that the launch asks for, beyond what the kernel declares.
        package var sharedBytes: Int
        /// Whether the kernel may begin before the one before it has ended: it waits itself before it touches anything but
        /// constants.
        package var overlaps: Bool
        /// 32-bit words that blocks count in. They are passed as one more buffer after the others, are zero before the
        /// first launch, and are left zero by every launch.
        package var counters: Int
        /// Computed by the vendor's library before the blocks run, on the arguments.
        package var call: LibraryCall?
        /// Another size of its blocks, for every second of such launches: each size fills another resource of a processor, so that
        /// two blocks of one launch never share a processor, but blocks of neighbouring launches do.
        package var alternate: Footprint?

        /// What a block takes of a processor.
        package struct Footprint: Hashable, Sendable {
            /// Threads; those beyond the kernel's own end at once.
            package var threads: Int
            /// Bytes of shared memory that the launch asks for.
            package var sharedBytes: Int

            /// Makes a footprint.
            package init(threads: Int, sharedBytes: Int) {
                self.threads = threads
                self.sharedBytes = sharedBytes
            }
        }

        /// Makes a grid.
        package init(
            blocks: IntegerExpression, threads: Int, sharedBytes: Int = 0, overlaps: Bool = false, counters: Int = 0
        ) {
            self.blocks = blocks
            self.threads = threads
            self.sharedBytes = sharedBytes
            self.overlaps = overlaps
            self.counters = counters
        }
    }

    /// Name of the main function.
    package var symbol: String
    /// All functions; needs the shared prelude before it.
    package var source: String
    /// C text of the packings where `source` is not for the host; needs the host's prelude before it.
    package var packingSource = ""
    /// Buffers of the main function in order.
    package var arguments: [Argument]
    package var packings: [Packing]
    /// Bytes of workspace for each thread, over symbols.
    package var workspaceBytes: IntegerExpression
    package var parts: Parts
    /// Set where `source` is in Triton: then `TritonToolchain` compiles it, with its own prelude, and says how much shared
    /// memory its launches ask for.
    package var triton: TritonSource?
    /// Name of the algorithm where an infinity makes NaN of what it does not, or of what would be infinite: it subtracts elements from each
    /// other which the definition only adds, or measures them by the greatest.
    package var spreading: String?
    /// Name of the algorithm where it may overflow though no number of the definition does: it scales late.
    package var overflowing: String?
    /// What must be said of it wherever it is listed, since its arithmetic is not what its element type says; nil where it is.
    package var note: String?

    /// Who wrote its text in place of which schedule's (`WrittenTexts`): nothing is known of it then but how it is called; nil where it was generated.
    package var author: String?

    /// Makes an emitted kernel.
    package init(
        symbol: String, source: String, packingSource: String = "", arguments: [Argument], packings: [Packing],
        workspaceBytes: IntegerExpression, parts: Parts
    ) {
        self.symbol = symbol
        self.source = source
        self.packingSource = packingSource
        self.arguments = arguments
        self.packings = packings
        self.workspaceBytes = workspaceBytes
        self.parts = parts
    }
}

extension EmittedKernel {
    /// The kernel with launches that ask for so many bytes of shared memory; nil leaves it as it is.
    package func asking(sharedBytes: Int?) -> EmittedKernel {
        guard let sharedBytes, case .grid(var grid) = parts else { return self }
        grid.sharedBytes = sharedBytes
        var kernel = self
        kernel.parts = .grid(grid)
        return kernel
    }

    /// The kernel with at least so many threads in the second of its two sizes, if it has two; nil leaves it as it is.
    package func filling(threads: Int?) -> EmittedKernel {
        guard let threads, case .grid(var grid) = parts, let second = grid.alternate else { return self }
        grid.alternate?.threads = max(second.threads, threads)
        var kernel = self
        kernel.parts = .grid(grid)
        return kernel
    }
}

/// Why a kernel cannot be generated for a target.
package struct EmissionError: Error, Hashable, CustomStringConvertible {
    /// The kernel's name.
    package var kernel: String
    package var reason: String

    package var description: String { "cannot generate kernel \(kernel): \(reason)" }

    /// Makes an error.
    package init(kernel: String, reason: String) {
        self.kernel = kernel
        self.reason = reason
    }
}
