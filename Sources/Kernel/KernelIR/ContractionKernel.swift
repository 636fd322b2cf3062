import ElementTypes

/// `result[b, m, n] = epilogue(Σ_{taps, depth} left[b, m, taps, depth] × right[b, n, taps, depth])`.
///
/// A convolution is the same thing: rows are output positions, taps the kernel's window, depth the channels, and the
/// mask of `left` the padding. `left` is usually a plain load whose index is linear in the depth with stride 1 and whose
/// mask does not hold the depth; anything else is a prologue, computed while a block is packed.
///
/// An epilogue may read several sums of a point: where a column has several right operands (a perceptron's gate and what it
/// gates), and sums over a row of the left operand alone (a norm's squares). `.accumulator` is the first product, slots from
/// 1 on are the gate's other products and then `rowSums`.
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
    /// The loop over the right operands of a column, of constant extent; `right` is over its variable too. Nil for one.
    package var gate: LoopAxis?
    /// Functions over batch, rows, taps and depth that are summed over taps and depth, in f32. Where there are any, the left
    /// operand is still to be multiplied by what the epilogue makes of them, and is not rounded.
    package var rowSums: [ScalarFunction]
    /// What the operands are rounded to before they are multiplied (f32, bf16, f16); sums are f32.
    package var operandElement: ElementType
    /// What operands of f32 may be rounded to.
    package var factors: FactorPrecision
    /// Computed from the sums and loads, over batch, rows and columns.
    package var epilogue: ScalarBody
    package var stores: [Store]

    /// Makes a contraction.
    package init(
        batch: [LoopAxis], rows: [LoopAxis], columns: [LoopAxis], taps: [LoopAxis], depth: LoopAxis,
        left: ScalarFunction, right: ScalarFunction, operandElement: ElementType, epilogue: ScalarBody, stores: [Store],
        gate: LoopAxis? = nil, rowSums: [ScalarFunction] = [], factors: FactorPrecision = .own
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
        self.gate = gate
        self.rowSums = rowSums
        self.factors = factors
    }

    /// Right operands of a column.
    package var gates: Int { gate?.extent.constantValue ?? 1 }

    /// Sums of a point of the result.
    package var sums: Int { gates + rowSums.count }

    /// Whether every point of the result is stored once, at a place that follows from the point alone: what writers of tiles expect.
    package var storesPoints: Bool {
        stores.count == 1
            && stores.allSatisfy { store in
                ([store.index] + store.mask).allSatisfy { !$0.variables.contains { $0.kind == .value } }
            }
    }

    /// Types of the epilogue's slots; the first, which is the accumulator, is not read as one.
    package var slotTypes: [ElementType] {
        Array(repeating: operandElement.computeType, count: gates) + rowSums.map { _ in .f32 }
    }
}
