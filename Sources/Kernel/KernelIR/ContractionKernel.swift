import ElementTypes

/// `result[b, m, n] = epilogue(Σ_{taps, depth} left[b, m, taps, depth] × right[b, n, taps, depth])`.
///
/// A convolution is the same thing: rows are output positions, taps the kernel's window, depth the channels, and the
/// mask of `left` the padding. `left` is usually a plain load whose index is linear in the depth with stride 1 and whose
/// mask does not hold the depth; anything else is a prologue, computed while a block is packed.
package struct ContractionKernel: Hashable, Sendable {
    /// Loops whose points are separate products.
    package var batch: [LoopAxis]
    /// Rows of the result (m), outermost first.
    package var rows: [LoopAxis]
    /// Columns of the result (n), outermost first; usually one axis, contiguous in the result.
    package var columns: [LoopAxis]
    /// Summed axes outside the depth.
    package var taps: [LoopAxis]
    /// The innermost summed axis.
    package var depth: LoopAxis
    /// Over batch, rows, taps and depth.
    package var left: ScalarFunction
    /// Over batch, columns, taps and depth. When it reads only constant parameters it is packed at build time.
    package var right: ScalarFunction
    /// What the operands are rounded to before they are multiplied (f32, bf16, f16); sums are f32.
    package var operandElement: ElementType
    /// Computed from `.accumulator` and loads, over batch, rows and columns.
    package var epilogue: ScalarBody
    package var stores: [Store]

    /// Makes a contraction.
    package init(
        batch: [LoopAxis], rows: [LoopAxis], columns: [LoopAxis], taps: [LoopAxis], depth: LoopAxis,
        left: ScalarFunction, right: ScalarFunction, operandElement: ElementType, epilogue: ScalarBody, stores: [Store]
    ) {
        self.batch = batch
        self.rows = rows
        self.columns = columns
        self.taps = taps
        self.depth = depth
        self.left = left
        self.right = right
        self.operandElement = operandElement
        self.epilogue = epilogue
        self.stores = stores
    }
}
