import Base
import ElementTypes

/// What a device does to run a model once: launches over buffers.
///
/// Sizes are expressions over the symbols of the package's interface; memory for buffers in the arena is laid out when a
/// session knows the symbols' values.
package struct Plan: Sendable, Equatable {
    /// Where a buffer's memory is.
    package enum Placement: Sendable, Equatable {
        /// The caller's memory of an input; kernels only read it. It is aligned to its element type, not more.
        case input(Int)
        /// The caller's memory of an output. It is aligned to its element type, not more.
        case output(Int)
        /// A tensor of the weights file, mapped and aligned to 256 bytes; kernels only read it.
        case weight(String)
        /// Memory of the session that lasts from run to run. It starts as a copy of a weight, or as zeros.
        case state(name: String, initial: String?)
        /// The table of functions of a vendor's library, which the device offers.
        case library(String)
        /// Memory that is needed from the first to the last of these launches.
        case arena(ClosedRange<Int>)
    }

    /// Memory that kernels work on.
    package struct Buffer: Sendable, Equatable {
        /// What it holds, for people.
        package var label: String
        /// Size in bytes; evaluated with symbols at their values in a run.
        package var byteCount: Dimension
        /// Where it is.
        package var placement: Placement

        /// Makes a buffer.
        package init(label: String = "", byteCount: Dimension, placement: Placement) {
            self.label = label
            self.byteCount = byteCount
            self.placement = placement
        }
    }

    /// A pointer passed to a kernel.
    package struct Operand: Sendable, Equatable {
        /// The buffer.
        package var buffer: ID<Buffer>
        /// Bytes from its start.
        package var byteOffset: Dimension

        /// Makes an operand.
        package init(_ buffer: ID<Buffer>, byteOffset: Dimension = 0) {
            self.buffer = buffer
            self.byteOffset = byteOffset
        }
    }

    /// How a launch is spread over threads.
    package enum Spread: Sendable, Equatable {
        /// Into this many parts, in any order.
        case parts(Dimension)
        /// Into one part per thread.
        case threads
        /// Into parts that run at the same time and may wait for each other; a zeroed area is passed as last buffer.
        case gang
        /// Into blocks of threads on a grid, for a device that runs those.
        case grid(Grid)
    }

    /// Blocks of threads along one axis.
    package struct Grid: Sendable, Equatable {
        /// Number of blocks; none means that there is nothing to do.
        package var blocks: Dimension
        /// Threads of a block.
        package var threads: Int
        /// Bytes of shared memory of a block that the launch asks for, beyond what the kernel declares.
        package var sharedBytes: Int
        /// Whether the launch may begin before the one before it has ended; the kernel waits itself.
        package var overlaps: Bool
        /// Computed by the vendor's library before the blocks run, on operands of the launch.
        package var call: LibraryCall?

        /// Makes a grid.
        package init(
            blocks: Dimension, threads: Int, sharedBytes: Int = 0, overlaps: Bool = false, call: LibraryCall? = nil
        ) {
            self.call = call
            self.blocks = blocks
            self.threads = threads
            self.sharedBytes = sharedBytes
            self.overlaps = overlaps
        }
    }

    /// One call of a kernel.
    package struct Launch: Sendable, Equatable {
        /// Name of the function in the program.
        package var kernel: String
        /// What it computes, for people.
        package var label: String
        /// Buffers in the kernel's order.
        package var operands: [Operand]
        /// Values of the kernel's dimensions.
        package var dimensions: [Dimension]
        /// How it is spread.
        package var spread: Spread
        /// Scratch memory of each thread, in bytes.
        package var workspaceBytes: Dimension
        /// Whether it needs nothing from the launch before it, nor from those which that one runs beside.
        package var runsBeside: Bool

        /// Makes a launch.
        package init(
            kernel: String, label: String = "", operands: [Operand], dimensions: [Dimension] = [],
            spread: Spread = .parts(1), workspaceBytes: Dimension = 0, runsBeside: Bool = false
        ) {
            self.kernel = kernel
            self.label = label
            self.operands = operands
            self.dimensions = dimensions
            self.spread = spread
            self.workspaceBytes = workspaceBytes
            self.runsBeside = runsBeside
        }
    }

    /// An output that no launch writes: it equals a part of another buffer once all launches are done.
    package struct Copy: Sendable, Equatable {
        /// Index of the output.
        package var output: Int
        /// Where its bytes start.
        package var source: Operand

        /// Makes a copy.
        package init(output: Int, source: Operand) {
            self.output = output
            self.source = source
        }
    }

    /// Launches that run for as long as a truth value holds, which is asked before each turn.
    package struct Loop: Sendable, Equatable {
        /// The launches of a turn.
        package var launches: Range<Int>
        /// The truth value: a buffer of one byte in the arena, 0 or 1.
        package var condition: ID<Buffer>

        /// Makes a loop.
        package init(launches: Range<Int>, condition: ID<Buffer>) {
            self.launches = launches
            self.condition = condition
        }
    }

    /// Buffers.
    package var buffers: Table<Buffer, Buffer>
    /// Launches in order.
    package var launches: [Launch]
    /// Copies after the last launch.
    package var copies: [Copy]
    /// Loops in the order of their launches, none within another.
    package var loops: [Loop]

    /// Makes a plan.
    package init(
        buffers: Table<Buffer, Buffer> = Table(), launches: [Launch] = [], copies: [Copy] = [], loops: [Loop] = []
    ) {
        self.buffers = buffers
        self.launches = launches
        self.copies = copies
        self.loops = loops
    }
}

extension Plan {
    /// The vendor's libraries that launches call, by name, with how many do.
    package var libraryCalls: [(library: String, count: Int)] {
        var counts: [String: Int] = [:]
        for launch in launches {
            if case .grid(let grid) = launch.spread, let call = grid.call { counts[call.library, default: 0] += 1 }
            // On the host a kernel takes the library's table as an operand.
            for operand in launch.operands {
                if case .library(let name) = buffers[operand.buffer].placement { counts[name, default: 0] += 1 }
            }
        }
        return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Those calls in words; nil where there are none.
    package var libraryNote: String? {
        let calls = libraryCalls
        if calls.isEmpty { return nil }
        return calls.map { "\($0.library) in \($0.count) of \(launches.count) launches" }.joined(separator: ", ")
            + "; the package runs only where that is installed"
    }
}
