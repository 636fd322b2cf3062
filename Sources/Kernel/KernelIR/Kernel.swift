import ElementTypes

/// One buffer that a kernel reads or writes, in the order of its ABI.
package struct KernelParameter: Hashable, Sendable {
    /// What the kernel does with the buffer.
    package enum Access: String, Hashable, Sendable {
        case read, write, readWrite
    }

    /// Type of the elements in memory.
    package var element: ElementType
    /// Number of elements, over symbols.
    package var count: IntegerExpression
    package var access: Access
    /// Whether the contents are known at build time (a weight), so that the kernel may ask for them packed.
    package var isConstant: Bool

    /// Makes a parameter.
    package init(element: ElementType, count: IntegerExpression, access: Access, isConstant: Bool) {
        self.element = element
        self.count = count
        self.access = access
        self.isConstant = isConstant
    }
}

/// A loop over 0..<extent; its variable is of kind `.axis`.
package struct LoopAxis: Hashable, Sendable {
    package var variable: Variable
    /// Number of iterations, over symbols.
    package var extent: IntegerExpression

    /// Makes an axis.
    package init(_ variable: Variable, _ extent: IntegerExpression) {
        self.variable = variable
        self.extent = extent
    }
}

/// One launch (waist 2): parameters and what is computed. Which loops run where, in what tiles and with which instructions
/// is not said here but in a `Schedule`.
package struct Kernel: Hashable, Sendable {
    /// What a kernel computes; each kind has its own choices and its own emitter.
    package enum Body: Hashable, Sendable {
        /// Elementwise work, reductions and normalisations: nests that share outer axes.
        case nest(NestKernel)
        /// Matrix products and convolutions.
        case contraction(ContractionKernel)
        /// Softmax attention without the score matrix in memory.
        case attention(AttentionKernel)
        /// A recurrent cell over time.
        case recurrence(RecurrenceKernel)
        /// Sorting along an axis.
        case sort(SortKernel)
    }

    /// Names the kernel in reports and in generated code; no part of its identity.
    package var name: String
    package var parameters: [KernelParameter]
    /// Symbols that occur, in the order of the ABI's dimension values.
    package var symbols: [Variable]
    /// Bounds of the symbols.
    package var ranges: VariableRanges
    package var body: Body

    /// Makes a kernel.
    package init(
        name: String, parameters: [KernelParameter], symbols: [Variable], ranges: VariableRanges, body: Body
    ) {
        self.name = name
        self.parameters = parameters
        self.symbols = symbols
        self.ranges = ranges
        self.body = body
    }
}
