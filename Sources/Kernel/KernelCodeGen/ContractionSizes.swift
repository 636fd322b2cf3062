import ElementTypes
import KernelIR

/// What can be said of a contraction before any choice is taken, and the choices with their defaults.
struct ContractionSizes {
    /// The named choices.
    struct Choices {
        /// 0: products as they stand; 1: Winograd's F(2×2, 3×3); 2: windows over a padded copy; 3 and 4: oneDNN, with narrow
        /// and with wide blocks.
        var algorithm: Choice
        /// `ContractionInstruction`.
        var instruction: Choice
        /// Rows of the register tile.
        var rows: Choice
        /// Vectors across the register tile.
        var vectors: Choice
        /// 0: rows where they are, when possible; 1: always packed.
        var left: Choice
        /// Bytes of the left operand in one unit of work.
        var blockBytes: Choice
        /// Multiply-adds below which another part is not worth its start.
        var grain: Choice
        /// Steps of the depth in one turn of the inner loop.
        var unroll: Choice
        /// 0: read the right operand ahead; 1: leave it to the hardware.
        var prefetch: Choice

        /// All of them in order.
        var all: [Choice] { [algorithm, instruction, rows, vectors, left, blockBytes, grain, unroll, prefetch] }
    }

    let kernel: Kernel
    /// How Winograd's transform applies, if it does.
    let winograd: WinogradShape?
    /// How the copy of windows applies, if it does.
    let window: WindowShape?
    /// The contraction with its summed axes reordered and merged.
    let contraction: ContractionKernel
    let target: CPUTarget
    let ranges: VariableRanges
    let lanes: Int
    /// Known counts; nil where symbolic.
    let rowCount: Int?
    let columnCount: Int?
    /// Summed elements; a guess where symbolic.
    let depthCount: Int
    /// Whether the right operand reads only constants.
    let packsAtBuild: Bool

    init(_ kernel: Kernel, _ original: ContractionKernel, _ target: CPUTarget) {
        self.kernel = kernel
        self.target = target
        lanes = CPrelude.lanes(target)
        var ranges = kernel.ranges
        for axis in original.batch + original.rows + original.columns + original.taps + [original.depth] {
            ranges.declare(axis.variable, extent: axis.extent)
        }
        winograd = WinogradShape(kernel, original, ranges, lanes: lanes)
        let readsConstants = original.right.body.loadedParameters.allSatisfy { kernel.parameters[$0].isConstant }
        window =
            readsConstants && original.operandElement.isFloatingPoint ? WindowShape(kernel, original, ranges) : nil
        let contraction = Self.normalised(original, &ranges)
        self.contraction = contraction
        self.ranges = ranges
        rowCount = ContractionPlan.product(contraction.rows).constantValue
        columnCount = ContractionPlan.product(contraction.columns).constantValue
        depthCount = (ContractionPlan.product(contraction.taps) * contraction.depth.extent).constantValue ?? 512
        packsAtBuild =
            readsConstants
            && (ContractionPlan.product(contraction.batch) * ContractionPlan.product(contraction.columns)
                * ContractionPlan.product(contraction.taps) * contraction.depth.extent).constantValue != nil
    }

    /// Splits a depth that a view has flattened (heads × features) where its quotient and remainder address the left operand.
    private static func splittingDepth(
        _ original: ContractionKernel, _ ranges: inout VariableRanges
    ) -> ContractionKernel? {
        let depth = original.depth
        guard let (_, index, _) = original.left.plainLoad, let extent = depth.extent.constantValue else { return nil }
        var divisors: Set<Int> = []
        for term in index.terms {
            for case .modulo(let dividend, let divisor) in term.atoms
            where dividend == IntegerExpression(depth.variable) {
                if let value = divisor.constantValue { divisors.insert(value) }
            }
        }
        guard divisors.count == 1, let inner = divisors.first, extent % inner == 0, inner > 1 else { return nil }
        let (outerAxis, innerAxis) = (
            LoopAxis(Variable(.axis, 905_000), IntegerExpression(extent / inner)),
            LoopAxis(Variable(.axis, 905_001), IntegerExpression(inner))
        )
        for axis in [outerAxis, innerAxis] { ranges.declare(axis.variable, extent: axis.extent) }
        let place = IntegerExpression(outerAxis.variable) * inner + IntegerExpression(innerAxis.variable)
        var result = original.replacing(ranges) { $0 == depth.variable ? place : nil }
        result.taps.append(outerAxis)
        result.depth = innerAxis
        return result
    }

    /// Puts a summed axis of stride 1 innermost and merges taps that continue the depth in memory.
    private static func normalised(_ original: ContractionKernel, _ ranges: inout VariableRanges) -> ContractionKernel {
        var original = original
        if let split = splittingDepth(original, &ranges) { original = split }
        guard let (_, index, mask) = original.left.plainLoad,
            !([index] + mask).contains(where: { $0.variables.contains { $0.kind == .value } })
        else { return original }
        var result = original
        if index.linearCoefficient(of: original.depth.variable) != 1,
            let place = original.taps.lastIndex(where: { index.linearCoefficient(of: $0.variable) == 1 })
        {
            let tap = result.taps.remove(at: place)
            if result.depth.extent != 1 { result.taps.append(result.depth) }
            result.depth = tap
        }
        result.taps.removeAll { $0.extent == 1 }
        for tap in original.taps + [original.depth] where tap.extent == 1 && tap.variable != result.depth.variable {
            result = result.replacing(ranges) { $0 == tap.variable ? 0 : nil }
        }
        var fresh = 910_000
        while let tap = result.taps.last, let depth = result.depth.extent.constantValue,
            index.linearCoefficient(of: tap.variable)?.constantValue == depth,
            index.linearCoefficient(of: result.depth.variable) == 1 || fresh > 910_000,
            !mask.contains(where: { $0.contains(tap.variable) || $0.contains(result.depth.variable) })
        {
            let merged = Variable(.axis, fresh)
            fresh += 1
            let extent = tap.extent * depth
            ranges.declare(merged, extent: extent)
            let (outer, inner) = (tap.variable, result.depth.variable)
            let wide = IntegerExpression(merged)
            let quotient = wide.floorDivided(by: IntegerExpression(depth), ranges)
            let remainder = wide.modulo(IntegerExpression(depth), ranges)
            // The left index is linear in both with matching strides, so the pair becomes the merged axis itself.
            let left = result.left
            result = result.replacing(ranges) { $0 == outer ? quotient : ($0 == inner ? remainder : nil) }
            result.left = ScalarFunction(
                body: left.body.replacing(ranges) { $0 == outer ? 0 : ($0 == inner ? wide : nil) }, result: left.result)
            result.taps.removeLast()
            result.depth = LoopAxis(merged, extent)
        }
        return result
    }

    /// One variable for all rows, in row-major order, where every expression is linear in their position; nil where some
    /// expression is not.
    static func flattening(
        _ rows: [LoopAxis], _ expressions: [IntegerExpression], into flat: Variable
    ) -> [Variable: IntegerExpression]? {
        for expression in expressions {
            var expected: IntegerExpression?
            for axis in rows.reversed() {
                guard let coefficient = expression.linearCoefficient(of: axis.variable) else { return nil }
                if let expected, coefficient != expected { return nil }
                expected = coefficient * axis.extent
            }
        }
        var values: [Variable: IntegerExpression] = [:]
        for axis in rows { values[axis.variable] = axis == rows.last ? IntegerExpression(flat) : 0 }
        return values
    }

    /// How the rows of the left operand can be read by the given instruction without packing.
    func left(_ instruction: ContractionInstruction) -> ContractionPlan.Left {
        let wanted = instruction.packedElement
        guard contraction.operandElement == wanted, let (parameter, index, conditions) = contraction.left.plainLoad,
            kernel.parameters[parameter].element == wanted
                || (instruction.isInteger && kernel.parameters[parameter].element == .u8),
            let depth = contraction.depth.extent.constantValue ?? (instruction == .multiplyAdd ? 1 : nil),
            depth % instruction.depthUnit == 0,
            index.linearCoefficient(of: contraction.depth.variable) == 1
                || (contraction.depth.extent == 1 && !index.contains(contraction.depth.variable)),
            !([index] + conditions).contains(where: { $0.variables.contains { $0.kind == .value } })
        else { return .packed }
        let mask = conditions.filter { !ranges.isNonNegative($0) }
        if mask.isEmpty, contraction.taps.isEmpty, let stride = rowStride(index) {
            var base = index
            for axis in contraction.rows + [contraction.depth] {
                base = base.substituting(ranges) { $0 == axis.variable ? 0 : nil }
            }
            return .strided(base: base, stride: stride)
        }
        guard !instruction.usesTiles, !instruction.isInteger, contraction.depth.extent.constantValue != nil,
            ContractionPlan.product(contraction.taps).constantValue != nil, depth >= 8,
            !mask.contains(where: { $0.contains(contraction.depth.variable) })
        else { return .packed }
        return .indirect
    }

    /// The distance between neighbouring rows in row-major order, where it is the same for all.
    private func rowStride(_ index: IntegerExpression) -> IntegerExpression? {
        var stride: IntegerExpression?
        var expected: IntegerExpression?
        for axis in contraction.rows.reversed() where axis.extent != 1 {
            guard let coefficient = index.linearCoefficient(of: axis.variable),
                coefficient.variables.allSatisfy({ $0.kind == .symbol })
            else { return nil }
            if let expected, expected != coefficient { return nil }
            if stride == nil { stride = coefficient }
            expected = coefficient * axis.extent
        }
        return stride ?? 0
    }

    /// The choices of this contraction on this target, defaults first.
    var choices: Choices {
        var instructions: [Int] = [ContractionInstruction.multiplyAdd.rawValue]
        if contraction.operandElement == .bf16 {
            if target.hasBF16Dot, target.vectorBytes == 64 { instructions.insert(1, at: 0) }
            if usesTiles { instructions.insert(2, at: 0) }
        }
        if contraction.operandElement == .i8 {
            instructions = target.hasInt8Dot ? [ContractionInstruction.int8Dot.rawValue] : []
            if target.hasAMXInt8 {
                instructions.insert(ContractionInstruction.amxInt8.rawValue, at: usesTiles ? 0 : instructions.count)
            }
        }
        // Not by default: its gain is not measured yet.
        if offersSplit { instructions.append(ContractionInstruction.amxSplit.rawValue) }
        let (rows, vectors) = defaultTile
        let registers = target.vectorRegisters
        let rowChoices =
            [rows]
            + [14, 13, 12, 10, 8, 7, 6, 4, 2, 1].filter {
                $0 != rows && $0 <= max(rowCount ?? .max, 1) && $0 * vectors + vectors < registers
            }
        let vectorChoices = [vectors] + [1, 2, 3, 4, 6, 8].filter { $0 != vectors && rows * $0 + $0 < registers }
        let l2 = target.cacheBytes.count > 1 ? target.cacheBytes[1] : 1 << 20
        let l3 = target.cacheBytes.count > 2 ? target.cacheBytes[2] : 4 * l2
        let block = max(l2, l3 / (4 * max(target.threads, 1)))
        return Choices(
            algorithm: Choice("algorithm", algorithms).named(Self.algorithmWords),
            instruction: Choice("instruction", instructions).named(Self.instructionWords)
                .only(where: "algorithm", is: offersSplit ? [0] : nil),
            rows: Choice("rows", rowChoices),
            vectors: Choice("vectors", vectorChoices),
            left: Choice("left", [0, 1]),
            blockBytes: Choice("blockBytes", [block, l2 / 4, l2 / 2, l2]),
            grain: Choice("grain", [1 << 18, 1 << 16, 1 << 20]),
            unroll: Choice("unroll", [2, 1, 4]),
            prefetch: Choice("prefetch", [0, 1]))
    }

    /// Whether AMX multiplies by default.
    private var usesTiles: Bool {
        let hasTiles =
            switch contraction.operandElement {
            case .bf16: target.hasAMXBF16
            case .i8: target.hasAMXInt8
            case .f32, .f64, .f16, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .u8, .bool: false
            }
        return hasTiles && (rowCount ?? .max) > 4
    }

    /// Whether products of f32 may be summed as products of bf16 pieces: where the instruction is, for sums that may gain.
    var offersSplit: Bool {
        contraction.operandElement == .f32 && target.hasAMXBF16 && target.vectorBytes == 64
            && SplitProduct.mayPay(
                rows: rowCount, columns: columnCount,
                depth: (ContractionPlan.product(contraction.taps) * contraction.depth.extent).constantValue)
    }

    /// What people call the instructions that are not what the element type says.
    private static let instructionWords = [ContractionInstruction.amxSplit.rawValue: "six-bf16-products"]

    /// What people call the algorithms.
    private static let algorithmWords = [
        0: "generated", 1: "winograd", 2: "window", 3: "library", 4: "library-wide",
    ]

    private var algorithms: [Int] {
        if window != nil { return usesTiles ? [0, 2] : [2, 0] }
        let library = LibraryShape(self) == nil ? [] : [3, 4]
        return (winograd.map { $0.pays(target) ? [1, 0] : [0, 1] } ?? [0]) + library
    }

    /// Rows and vectors of the register tile. Accumulators, one row of the right operand and one broadcast fit the
    /// registers; at least 8 accumulators hide the latency of the additions.
    private var defaultTile: (rows: Int, vectors: Int) {
        let registers = target.vectorRegisters
        let across = columnCount.map { max(1, ($0 + lanes - 1) / lanes) } ?? 4
        guard let count = rowCount else {
            return registers >= 32 ? (12, min(2, across)) : (6, min(2, across))
        }
        // Few rows: many vectors, so that the right operand streams.
        let wide = registers >= 32 ? [1: 8, 2: 8, 3: 6, 4: 4, 5: 4, 6: 4] : [1: 8, 2: 4, 3: 3, 4: 2]
        if let vectors = wide[count] {
            // A matrix-vector product is cut along the columns only: leave every thread a few panels.
            let shared = count > 2 ? across : max(2, across / (4 * max(target.threads, 1)))
            return (max(count, 1), min(vectors, across, shared))
        }
        let vectors = min(2, across)
        var largest = (registers - 1 - vectors) / vectors
        largest = min(largest, 14)
        // Rows a multiple of 4 KB apart share one set of a level-1 cache of 12 or 8 ways.
        if case .strided(_, let stride) = left(.multiplyAdd), let step = stride.constantValue, step % 1024 == 0 {
            largest = min(largest, 12)
        }
        // There may be no rows at all.
        let tiles = max(1, (count + largest - 1) / largest)
        return (max(1, (count + tiles - 1) / tiles), vectors)
    }

    /// Cuts rows and panels into units of work and units into parts.
    func cut(
        tileRows: Int, panelColumns: Int, blockBytes: Int, grain: Int, isIndirect: Bool
    ) -> (rows: Int, panels: IntegerExpression, parts: IntegerExpression) {
        let threads = max(target.threads, 1)
        let wanted = 4 * threads
        let batch = ContractionPlan.product(contraction.batch)
        // Of each there may be none.
        let batches = max(1, batch.constantValue ?? 1)
        let rows = max(1, rowCount ?? 4096)
        // Windows overlap, so a row of a convolution adds little more than its own depth; its pointers count too.
        let tapCount = isIndirect ? ContractionPlan.product(contraction.taps).constantValue ?? 1 : 1
        let rowBytes = isIndirect ? depthCount / tapCount * 4 + tapCount * 16 : depthCount * 4
        let fitting = max(1, blockBytes / max(rowBytes, 1) / tileRows)
        let panels = columnCount.map { max(1, ($0 + panelColumns - 1) / panelColumns) }
        var tiles = min(fitting, (rows + tileRows - 1) / tileRows)
        let panelCount = panels ?? 16
        // When the columns do not give enough units, cut the rows finer.
        let rowUnits = max(1, (wanted + batches * panelCount - 1) / (batches * panelCount))
        let isNarrow = panelCount * panelColumns * depthCount * 4 <= (1 << 19)
        let minimumUnits = isNarrow ? max(rowUnits, (wanted + batches - 1) / batches) : rowUnits
        tiles = max(1, min(tiles, (rows + tileRows * minimumUnits - 1) / (tileRows * minimumUnits)))
        let blockRows = tiles * tileRows
        let rowBlocks = rowCount.map { max(1, ($0 + blockRows - 1) / blockRows) } ?? 1
        let columnUnits = max(1, (wanted + batches * rowBlocks - 1) / (batches * rowBlocks))
        let blockPanels = panels.map { max(1, ($0 + columnUnits - 1) / columnUnits) } ?? 1
        let units =
            batch
            * (ContractionPlan.product(contraction.rows) + (blockRows - 1))
            .floorDivided(by: IntegerExpression(blockRows), ranges)
            * ((ContractionPlan.product(contraction.columns) + (blockPanels * panelColumns - 1))
                .floorDivided(by: IntegerExpression(blockPanels * panelColumns), ranges))
        // Few rows wait for memory rather than for arithmetic, so their work weighs more.
        let weight = max(1, 8 / max(rowCount ?? 8, 1))
        let work =
            batch * ContractionPlan.product(contraction.rows) * ContractionPlan.product(contraction.columns)
            * (depthCount * weight)
        let parts = work.floorDivided(by: IntegerExpression(grain), ranges)
            .minimum(IntegerExpression(wanted), ranges).minimum(units, ranges).maximum(1, ranges)
        return (blockRows, IntegerExpression(blockPanels), parts)
    }
}

extension ContractionKernel {
    /// The contraction over other variables; axes stay.
    func replacing(_ ranges: VariableRanges, _ value: (Variable) -> IntegerExpression?) -> ContractionKernel {
        var result = self
        result.left = ScalarFunction(body: left.body.replacing(ranges, value), result: left.result)
        result.right = ScalarFunction(body: right.body.replacing(ranges, value), result: right.result)
        return result
    }
}
