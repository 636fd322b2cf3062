/// A product of matrices as a vendor's library computes it, on operands of a launch:
/// `result[b, m, n] = Σ_k left[b, m, k] × right[b, n, k] + bias[n] + addend[b, m, n]`, with factors of one type and sums in f32.
package struct MatrixProduct: Hashable, Sendable {
    /// Where the elements of a matrix lie: at `offset + b·batch + line·(m or n) + step·(k, or n of the result)`.
    package struct Matrix: Hashable, Sendable {
        /// Number of the operand.
        package var operand: Int
        /// The first element.
        package var offset: Int
        /// Elements between rows (of the right matrix: between columns).
        package var line: Int
        /// Elements between neighbours of a row; it or `line` is 1.
        package var step: Int
        /// Elements between batches; 0 where all have one matrix.
        package var batch: Int

        /// Makes a place.
        package init(operand: Int, offset: Int = 0, line: Int, step: Int = 1, batch: Int = 0) {
            self.operand = operand
            self.offset = offset
            self.line = line
            self.step = step
            self.batch = batch
        }
    }

    /// f16, bf16 or f32.
    package var element: ElementType
    /// What factors of f32 may be rounded to.
    package var factors: FactorPrecision
    /// f32, or `element`.
    package var resultElement: ElementType
    /// `[rows, columns, depth]` of every batch.
    package var rows: Int
    package var columns: Int
    package var depth: Int
    package var batches: Int
    package var left: Matrix
    package var right: Matrix
    /// Its `step` is 1.
    package var result: Matrix
    /// Number of the operand with one element of `resultElement` a column, and the first of them.
    package var bias: Bias?
    /// Number of the operand whose elements lie as those of the result do, of `resultElement`, and are added; nil where none are.
    package var addend: Int?
    /// Number of the operand that the library may use as it likes, and its size.
    package var workspace: Int
    package var workspaceBytes: Int
    /// Which of the library's proposals, best first by its own reckoning; the last one where it has fewer.
    package var proposal: Int

    /// A row that is added to all rows.
    package struct Bias: Hashable, Sendable {
        package var operand: Int
        package var offset: Int

        /// Makes a place.
        package init(operand: Int, offset: Int) {
            self.operand = operand
            self.offset = offset
        }
    }

    /// Every matrix and the bias begin at a multiple of this many bytes; operands themselves do.
    package static let alignment = 16

    /// Makes a product.
    package init(
        element: ElementType, resultElement: ElementType, rows: Int, columns: Int, depth: Int, batches: Int = 1,
        left: Matrix, right: Matrix, result: Matrix, bias: Bias? = nil, addend: Int? = nil, workspace: Int,
        workspaceBytes: Int, proposal: Int = 0, factors: FactorPrecision = .own
    ) {
        self.element = element
        self.factors = factors
        self.resultElement = resultElement
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.batches = batches
        self.left = left
        self.right = right
        self.result = result
        self.bias = bias
        self.addend = addend
        self.workspace = workspace
        self.workspaceBytes = workspaceBytes
        self.proposal = proposal
    }

    /// What is wrong with it as a launch of so many operands; nil where nothing is.
    package func fault(operands: Int) -> String? {
        let numbers =
            [left.operand, right.operand, result.operand, workspace] + (bias.map { [$0.operand] } ?? [])
            + (addend.map { [$0] } ?? [])
        if let number = numbers.first(where: { !(0..<operands).contains($0) }) {
            return "refers to operand \(number) of \(operands)"
        }
        let most = 1 << 31
        if [rows, columns, depth, batches].contains(where: { !(1..<most).contains($0) }) {
            return "has \(batches) products of \(rows) x \(columns) x \(depth)"
        }
        if ![.f16, .bf16, .f32].contains(element) || ![.f32, element].contains(resultElement) {
            return "is of \(element.rawValue) to \(resultElement.rawValue)"
        }
        func isMatrix(_ matrix: Matrix, _ lines: Int, _ length: Int) -> Bool {
            let places = [matrix.offset, matrix.batch]
            guard places.allSatisfy({ (0..<most * 256).contains($0) }), matrix.line >= 1, matrix.step >= 1,
                matrix.line < most, matrix.step < most, LibraryCall.isCount([batches, matrix.batch]),
                LibraryCall.isCount([lines, matrix.line]), LibraryCall.isCount([length, matrix.step])
            else { return false }
            return matrix.step == 1 ? matrix.line >= length : matrix.line == 1 && matrix.step >= lines
        }
        guard isMatrix(left, rows, depth), isMatrix(right, columns, depth), isMatrix(result, rows, columns),
            result.step == 1, batches == 1 || result.batch >= columns,
            bias.map({ (0..<most).contains($0.offset) }) ?? true,
            (0..<most).contains(workspaceBytes), (0..<1024).contains(proposal)
        else { return "has matrices that overlap themselves" }
        return nil
    }

    /// Bytes that an operand must have at least; 0 for one that takes no part.
    package func byteCount(of operand: Int) -> Int {
        func bytes(_ matrix: Matrix, _ lines: Int, _ length: Int, _ type: ElementType) -> Int {
            guard matrix.operand == operand else { return 0 }
            let last =
                matrix.offset + (batches - 1) * matrix.batch + (lines - 1) * matrix.line + (length - 1) * matrix.step
            return (last + 1) * type.byteCount
        }
        var added = result
        added.operand = addend ?? -1
        return [
            bytes(left, rows, depth, element), bytes(right, columns, depth, element),
            bytes(result, rows, columns, resultElement), bytes(added, rows, columns, resultElement),
            workspace == operand ? workspaceBytes : 0,
            bias.map { $0.operand == operand ? ($0.offset + columns) * resultElement.byteCount : 0 } ?? 0,
        ].max() ?? 0
    }

    // MARK: As integers

    /// The product as integers, for files and wires; `init(integers:)` reads them.
    package var integers: [Int] {
        let types = ElementType.allCases
        func place(_ matrix: Matrix) -> [Int] {
            [matrix.operand, matrix.offset, matrix.line, matrix.step, matrix.batch]
        }
        return [
            types.firstIndex(of: element) ?? 0, types.firstIndex(of: resultElement) ?? 0, rows, columns, depth, batches,
        ] + place(left) + place(right) + place(result)
            + [bias?.operand ?? -1, bias?.offset ?? 0, workspace, workspaceBytes, proposal]
            + (factors == .own ? addend.map { [$0] } ?? [] : [addend ?? -1, 1])
    }

    /// Reads `integers`; nil where they are none.
    package init?(integers: [Int]) {
        let types = ElementType.allCases
        guard (26...28).contains(integers.count), types.indices.contains(integers[0]),
            types.indices.contains(integers[1])
        else {
            return nil
        }
        func place(_ from: Int) -> Matrix {
            Matrix(
                operand: integers[from], offset: integers[from + 1], line: integers[from + 2], step: integers[from + 3],
                batch: integers[from + 4])
        }
        self.init(
            element: types[integers[0]], resultElement: types[integers[1]], rows: integers[2], columns: integers[3],
            depth: integers[4], batches: integers[5], left: place(6), right: place(11), result: place(16),
            bias: integers[21] < 0 ? nil : .init(operand: integers[21], offset: integers[22]),
            addend: integers.count > 26 && integers[26] >= 0 ? integers[26] : nil, workspace: integers[23],
            workspaceBytes: integers[24], proposal: integers[25],
            factors: integers.count > 27 && integers[27] != 0 ? .tf32 : .own)
    }
}
