import Base
import ElementTypes
import GraphIR
import KernelIR

/// Tag of buffer IDs.
package enum BufferTag: Sendable {}
/// A buffer of a lowered program.
package typealias BufferID = ID<BufferTag>

/// Memory that kernels read and write.
package struct LoweredBuffer: Hashable, Sendable {
    /// Where the memory comes from.
    package enum Role: Hashable, Sendable {
        /// The n-th input, as the caller passes it.
        case input(Int)
        /// The n-th output, as the caller passes it.
        case output(Int)
        /// The n-th state; lives in the session.
        case state(Int)
        /// A tensor of the model's file.
        case parameter(String)
        /// A small constant by its elements.
        case literal([Double])
        /// Computed once, at build time.
        case folded
        /// Computed in every run.
        case temporary
    }

    package var role: Role
    /// Logical type of the tensor.
    package var type: TensorType
    /// Physical order of the axes, outermost first.
    package var layout: [Int]
    /// The value it holds; for reports.
    package var origin: String

    /// Strides in elements of the logical axes.
    package var strides: [Dimension] {
        let physical = rowMajorStrides(layout.map { type.shape[$0] })
        var strides = [Dimension](repeating: 0, count: layout.count)
        for (position, axis) in layout.enumerated() { strides[axis] = physical[position] }
        return strides
    }

    /// Whether the contents are known at build time.
    package var isConstant: Bool {
        switch role {
        case .parameter, .literal, .folded: true
        case .input, .output, .state, .temporary: false
        }
    }
}

/// A kernel and the buffers it is launched with.
package struct LoweredLaunch: Hashable, Sendable {
    package var kernel: Kernel
    /// One buffer for each of the kernel's parameters.
    package var buffers: [BufferID]
    /// Nodes of the graph that it computes; for reports and for the judge.
    package var nodes: [NodeID]
    /// Values of the graph that it reads, by parameter.
    package var operands: [Int: Value]
    /// Values of the graph that it writes, by parameter.
    package var results: [Int: Value]
    /// Whether it runs once, at build time.
    package var isConstant: Bool
}

/// A graph as kernels: what the search works on and what is written into a package.
package struct LoweredProgram: Hashable, Sendable {
    package var buffers: Table<BufferTag, LoweredBuffer>
    /// In an order in which every buffer is written before it is read.
    package var launches: [LoweredLaunch]
    /// For each output of the graph, the buffer that holds it at the end (an input, parameter or state passed through
    /// stays where it is).
    package var outputs: [BufferID]
    /// Launches that are repeated, in order.
    package var loops: [LoweredLoop]
}

/// Launches that run for as long as a truth value holds, which is asked before each turn.
package struct LoweredLoop: Hashable, Sendable {
    /// Places among the program's launches.
    package var launches: Range<Int>
    /// The buffer of the truth value, a bool.
    package var condition: BufferID
}

/// Why a graph cannot be lowered: the node and the reason.
package struct LoweringError: Error, Hashable, CustomStringConvertible {
    package var node: String
    package var origin: String
    package var reason: String

    package var description: String { "cannot lower \(node) (\(origin)): \(reason)" }
}
