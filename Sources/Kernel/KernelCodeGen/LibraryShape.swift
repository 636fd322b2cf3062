import ElementTypes
import KernelIR

/// A contraction that oneDNN can compute: one product of a strided left operand with a constant strided right operand, both
/// in f32 or both in bf16.
struct LibraryShape {
    let rows: Int
    let columns: Int
    let depth: Int
    /// Where row 0 of the left operand begins, in elements of its parameter, and the distance between rows.
    let leftBase: IntegerExpression
    let leftRow: Int
    let leftParameter: Int
    let rightParameter: Int
    /// First element and distances of the right operand.
    let rightBase: Int
    let rightDepth: Int
    let rightColumn: Int
    /// f32 or bf16.
    let element: ElementType

    /// Fails where oneDNN is not there or the contraction is of another form.
    init?(_ sizes: ContractionSizes) {
        let contraction = sizes.contraction
        guard sizes.target.hasOneDNN, contraction.batch.isEmpty, contraction.taps.isEmpty, sizes.packsAtBuild,
            let rows = sizes.rowCount, let columns = sizes.columnCount,
            let depth = contraction.depth.extent.constantValue, rows > 0, columns > 0, depth > 0,
            contraction.operandElement == .f32 || (contraction.operandElement == .bf16 && sizes.target.hasBF16Dot),
            let (leftParameter, _, _) = contraction.left.plainLoad,
            sizes.kernel.parameters[leftParameter].element == contraction.operandElement,
            // Rows as they lie: what the f32 micro-kernel asks of f32, whatever the element.
            case .strided(let base, let stride) = sizes.left(
                contraction.operandElement == .f32 ? .multiplyAdd : .bf16Dot),
            let leftRow = stride.constantValue
        else { return nil }
        guard let (rightParameter, index, mask) = contraction.right.plainLoad,
            mask.allSatisfy({ sizes.ranges.isNonNegative($0) }),
            sizes.kernel.parameters[rightParameter].element == contraction.operandElement,
            let rightDepth = index.linearCoefficient(of: contraction.depth.variable)?.constantValue
        else { return nil }
        // Column axes must be one axis in disguise: each steps over all of the next.
        var rightColumn: Int?
        var expected: Int?
        for axis in contraction.columns.reversed() where axis.extent != 1 {
            guard let step = index.linearCoefficient(of: axis.variable)?.constantValue,
                let extent = axis.extent.constantValue, expected == nil || expected == step
            else { return nil }
            rightColumn = rightColumn ?? step
            expected = step * extent
        }
        // The epilogue addresses rows by one number.
        let written =
            contraction.epilogue.expressions + contraction.stores.flatMap { [$0.index] + $0.mask }
        guard
            contraction.rows.count <= 1
                || ContractionSizes.flattening(contraction.rows, written, into: ContractionWriter.flatRow) != nil
        else { return nil }
        let variables = Set((contraction.columns + [contraction.depth]).map(\.variable))
        guard index.variables.allSatisfy({ variables.contains($0) }),
            let start = index.substituting(sizes.ranges, { variables.contains($0) ? 0 : nil }).constantValue
        else { return nil }
        self.rows = rows
        self.columns = columns
        self.depth = depth
        leftBase = base
        self.leftRow = rows == 1 ? depth : leftRow
        self.leftParameter = leftParameter
        self.rightParameter = rightParameter
        rightBase = start
        self.rightDepth = depth == 1 ? max(1, columns) : rightDepth
        self.rightColumn = rightColumn ?? 1
        element = contraction.operandElement
        // Overlapping or reversed rows are not what a matrix is.
        guard self.leftRow >= depth, self.rightDepth > 0, self.rightColumn > 0 else { return nil }
    }
}
