import ElementTypes

/// A loaded set of kernels; it stays loaded as long as something refers to it.
package protocol DeviceProgram: AnyObject, Sendable {
    /// Name for messages.
    var name: String { get }
    /// The kernel of that name, or `missingKernel`.
    func kernel(named name: String) throws(DeviceError) -> KernelFunction
}

/// A kernel of a loaded program.
package struct KernelFunction: Sendable {
    /// Name in the program.
    package let name: String
    /// The program, which must outlive the kernel.
    package let program: any DeviceProgram
    /// What the device calls: on a CPU the function's address.
    // Safety: an opaque handle that only the device which made it interprets.
    package nonisolated(unsafe) let handle: UnsafeRawPointer

    /// Makes a kernel handle.
    package init(name: String, program: any DeviceProgram, handle: UnsafeRawPointer) {
        self.name = name
        self.program = program
        self.handle = handle
    }
}

/// One call of a kernel.
package struct Launch {
    /// A buffer that a kernel works on.
    package enum Operand: Equatable {
        /// Always the same address.
        case fixed(UnsafeMutableRawPointer)
        /// The address passed as slot `index` when the graph runs, plus an offset in bytes.
        case slot(Int, byteOffset: Int)
    }

    /// How the work is spread.
    package enum Spread: Equatable, Sendable {
        /// Into this many parts, in any order, at the same time or not.
        case parts(Int)
        /// Into as many parts as the device has threads.
        case threads
        /// Into parts that all work at the same time and may wait for each other; the device chooses how many, and passes
        /// a zeroed shared area as the last buffer.
        case gang
        /// Into blocks of threads on a grid. Arguments of the kernel are the operands, the dimensions, and the address of a
        /// 32-bit word that it sets to a code (`KernelCode`) when it cannot do its work; its launch then fails.
        case grid(Grid)
    }

    /// Blocks of threads, each with shared memory of its own.
    package struct Grid: Equatable, Sendable {
        /// Blocks along x, y and z; where one of them is 0 there is nothing to do.
        package var blocks: SIMD3<Int32>
        /// Threads of a block.
        package var threads: Int32
        /// Bytes of shared memory of a block that the launch asks for.
        package var sharedBytes: Int32
        /// Whether it may begin before the launch before it has ended; the kernel then waits where it needs its results.
        package var overlapsPredecessor: Bool
        /// Computed by the vendor's library before the blocks run, on operands of the launch.
        package var call: LibraryCall?

        /// Makes a grid.
        package init(
            blocks: SIMD3<Int32>, threads: Int32, sharedBytes: Int32 = 0, overlapsPredecessor: Bool = false,
            call: LibraryCall? = nil
        ) {
            self.call = call
            self.blocks = blocks
            self.threads = threads
            self.sharedBytes = sharedBytes
            self.overlapsPredecessor = overlapsPredecessor
        }
    }

    /// What to call.
    package var kernel: KernelFunction
    /// Buffers in the kernel's order.
    package var operands: [Operand]
    /// Dimension values in the kernel's order.
    package var dimensions: [Int64]
    /// How the work is spread.
    package var spread: Spread
    /// Whether it needs nothing from the launch before it (nor from those which that one runs beside).
    package var runsBeside: Bool

    /// Makes a launch.
    package init(
        kernel: KernelFunction, operands: [Operand], dimensions: [Int64], spread: Spread = .parts(1),
        runsBeside: Bool = false
    ) {
        self.kernel = kernel
        self.operands = operands
        self.dimensions = dimensions
        self.spread = spread
        self.runsBeside = runsBeside
    }
}

/// A captured list of launches. Not safe for use from two threads at once; separate graphs are.
package protocol DeviceGraph: AnyObject {
    /// Number of slots that a run takes.
    var slotCount: Int { get }

    /// Runs all launches in order with these slot addresses and returns when they are done.
    func run(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError)

    /// As `run`; returns nanoseconds from start to end of each launch. Launches that run beside each other share the
    /// time of their group: it stands at the first, the others get 0.
    func runProfiled(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) -> [UInt64]

    /// Runs everything `samples × inner` times; returns nanoseconds for each sample (all its inner runs together).
    func time(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, samples: Int, inner: Int) throws(DeviceError)
        -> [UInt64]
}
