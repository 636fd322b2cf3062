import ElementTypes
import KernelIR

/// Which instructions multiply and add.
package enum ContractionInstruction: Int, CaseIterable, Hashable, Sendable {
    /// f32 multiply-add; narrower operands are rounded while they are packed.
    case multiplyAdd = 0
    /// AVX-512 BF16: dot products of pairs.
    case bf16Dot = 1
    /// AMX: products of 16 × 32 by 32 × 16 tiles.
    case amx = 2
    /// VNNI: dot products of four bytes, summed in i32.
    case int8Dot = 3
    /// AMX: products of 16 × 64 by 64 × 16 tiles of bytes, summed in i32.
    case amxInt8 = 4
    /// AMX: products of f32 as six products of bf16 pieces; see `SplitProduct`.
    case amxSplit = 5

    /// Summed elements that one instruction takes together; runs of the packed operands are padded to it.
    var depthUnit: Int {
        switch self {
        case .multiplyAdd: 1
        case .bf16Dot: 2
        case .amx, .amxSplit: 32
        case .int8Dot: 4
        case .amxInt8: 64
        }
    }

    /// Summed elements of a column that lie together in a packed panel.
    var run: Int {
        switch self {
        case .multiplyAdd: 1
        case .bf16Dot, .amx, .amxSplit: 2
        case .int8Dot, .amxInt8: 4
        }
    }

    /// Type of the packed operands.
    var packedElement: ElementType {
        switch self {
        case .multiplyAdd: .f32
        case .bf16Dot, .amx, .amxSplit: .bf16
        case .int8Dot, .amxInt8: .i8
        }
    }

    /// Whether tile registers hold the sums.
    var usesTiles: Bool { self == .amx || self == .amxInt8 || self == .amxSplit }
    /// Packed elements of one element of an operand.
    var pieces: Int { self == .amxSplit ? SplitProduct.pieces : 1 }
    /// Packed elements behind each packed row and panel that say what it holds.
    var markElements: Int { self == .amxSplit ? SplitProduct.markElements : 0 }
    /// Whether products are of integers and sums exact.
    var isInteger: Bool { self == .int8Dot || self == .amxInt8 }
    /// C type of the sums, and of a vector of them.
    var sum: (scalar: String, vector: String) { isInteger ? ("int32_t", "vi") : ("float", "vf") }
}

/// What is decided before a contraction is written: layouts, tile sizes and how the work is cut.
///
/// The right operand is packed as panels `[panel][tap][depth / u][nr][u]` (u = 1, 2 for bf16, 4 for bytes), padded with zeros;
/// `nr` is a whole number of vectors. The register tile is `mr` rows by `nr` columns; its left elements are broadcast, so
/// rows need no packing as long as the depth is contiguous. `SplitProduct` has layouts of its own. This is the inner product loop of Goto and van de Geijn,
/// "Anatomy of High-Performance Matrix Multiplication", without its outermost packing of the left operand.
struct ContractionPlan {
    /// How the micro-kernel finds the rows of the left operand.
    enum Left: Hashable {
        /// Row `m` begins at `base + m × stride`; one run of the whole depth.
        case strided(base: IntegerExpression, stride: IntegerExpression)
        /// A table of row pointers for every tap; masked rows point at zeros, taps masked for a whole tile are left out.
        case indirect
        /// Rows of a block are evaluated into the workspace first.
        case packed
        /// Rows lie a constant distance apart within a tile; every tap begins at an offset of its own.
        case window
    }

    let kernel: Kernel
    /// The contraction with its summed axes reordered and merged.
    var contraction: ContractionKernel
    let target: CPUTarget
    var ranges: VariableRanges
    var instruction: ContractionInstruction
    /// f32 elements of a vector.
    let lanes: Int
    var left: Left
    /// Whether the right operand is packed at build time.
    let packsAtBuild: Bool
    /// Rows of the register tile, and smaller tiles that finish a block, largest first.
    var tileRows: Int
    var tailRows: [Int]
    /// Vectors across the register tile, and across the last panel (the same when the columns are symbolic).
    var vectors: Int
    var lastVectors: Int
    /// Rows and panels of one unit of work.
    var blockRows: Int
    var blockPanels: IntegerExpression
    /// Bytes ahead at which the right operand is prefetched: 0 never, −1 the next panel while this one is in use.
    var prefetch: Int
    /// Steps of the depth in one turn of the inner loop.
    var unroll: Int
    var parts: IntegerExpression
    /// Taps summed before the next panel slice is taken: a panel larger than the level-2 cache is passed slice by slice, with
    /// the sums of a block kept in the workspace. Nil where one pass does.
    var sliceTaps: Int?
    /// Whether the rows of a block follow one another in row-major order.
    var hasRowsInOrder = true

    /// Columns of a panel.
    var panelColumns: Int { vectors * lanes }
    /// Storage type of the packed operands.
    var packedElement: ElementType { instruction.packedElement }
    /// All rows, all columns, all taps.
    var rows: IntegerExpression { Self.product(contraction.rows) }
    var columns: IntegerExpression { Self.product(contraction.columns) }
    var taps: IntegerExpression { Self.product(contraction.taps) }
    /// Depth of one tap with its padding.
    var paddedDepth: IntegerExpression {
        let unit = IntegerExpression(instruction.depthUnit)
        return (contraction.depth.extent + (instruction.depthUnit - 1)).floorDivided(by: unit, ranges) * unit
    }
    /// Whether the taps of packed operands follow one another without padding: the runs of a window over few channels are
    /// shorter than what an instruction takes together.
    var isFlat: Bool {
        if instruction == .amxSplit { return true }
        guard left == .packed, packsAtBuild, instruction != .multiplyAdd,
            let depth = contraction.depth.extent.constantValue,
            taps.constantValue != nil, taps != 1
        else { return false }
        return depth % instruction.depthUnit != 0
    }
    /// Elements from one tap to the next in packed rows and panels.
    var tapStride: IntegerExpression { isFlat ? contraction.depth.extent : paddedDepth }
    /// Elements of a packed row of the left operand; of one column of a panel.
    var packedDepth: IntegerExpression {
        guard isFlat else { return taps * paddedDepth }
        let unit = IntegerExpression(instruction.depthUnit)
        return (taps * contraction.depth.extent + (instruction.depthUnit - 1)).floorDivided(by: unit, ranges) * unit
    }
    var panels: IntegerExpression {
        (columns + (panelColumns - 1)).floorDivided(by: IntegerExpression(panelColumns), ranges)
    }
    var rowBlocks: IntegerExpression {
        (rows + (blockRows - 1)).floorDivided(by: IntegerExpression(blockRows), ranges)
    }
    var columnBlocks: IntegerExpression {
        (panels + blockPanels - 1).floorDivided(by: blockPanels, ranges)
    }
    /// Elements of one packed panel. With VNNI the i32 that the sums of each column begin at follow the columns.
    var panelElements: IntegerExpression {
        (packedDepth * instruction.pieces + (instruction == .int8Dot ? 4 : 0)) * panelColumns + instruction.markElements
    }
    /// Elements from one packed row of the left operand to the next.
    var rowElements: IntegerExpression { packedDepth * instruction.pieces + instruction.markElements }
    /// Whether the left operand holds bytes without a sign.
    var isLeftUnsigned: Bool {
        Int8Operand.element(contraction.left, kernel.parameters) == .u8
    }
    /// Batch axes that the right operand depends on.
    var rightBatch: [LoopAxis] {
        contraction.batch.filter { contraction.right.body.variables.contains($0.variable) }
    }

    /// Product of extents.
    static func product(_ axes: [LoopAxis]) -> IntegerExpression {
        axes.reduce(IntegerExpression(1)) { $0 * $1.extent }
    }

    /// Position of a point of `axes` in row-major order.
    static func position(_ axes: [LoopAxis]) -> IntegerExpression {
        axes.reduce(IntegerExpression(0)) { $0 * $1.extent + IntegerExpression($1.variable) }
    }

    init(_ kernel: Kernel, _ original: ContractionKernel, _ schedule: Schedule, _ target: CPUTarget) {
        let sizes = ContractionSizes(kernel, original, target)
        let choices = sizes.choices
        self.kernel = kernel
        self.target = target
        contraction = sizes.contraction
        ranges = sizes.ranges
        lanes = sizes.lanes
        packsAtBuild = sizes.packsAtBuild
        var instruction =
            ContractionInstruction(rawValue: schedule[choices.instruction]) ?? .multiplyAdd
        // Only where it is offered is it right, whatever a schedule says.
        if instruction == .amxSplit, !sizes.offersSplit || schedule[choices.algorithm] != 0 {
            instruction = .multiplyAdd
        }
        self.instruction = instruction
        let left = schedule[choices.left] == 1 ? .packed : sizes.left(instruction)
        self.left = left
        let tileRows = schedule[choices.rows]
        let vectors = schedule[choices.vectors]
        if instruction.usesTiles {
            self.tileRows = 32
            self.vectors = 2
        } else {
            self.tileRows = tileRows
            self.vectors = vectors
        }
        if let count = sizes.rowCount {
            tailRows = count % self.tileRows == 0 ? [] : [count % self.tileRows]
        } else {
            tailRows = [8, 4, 2, 1].filter { $0 < tileRows }
        }
        let panelColumns = self.vectors * lanes
        if let count = sizes.columnCount, count % panelColumns != 0, !instruction.usesTiles {
            lastVectors = (count % panelColumns + lanes - 1) / lanes
        } else {
            lastVectors = self.vectors
        }
        let cut = sizes.cut(
            tileRows: self.tileRows, panelColumns: panelColumns, blockBytes: schedule[choices.blockBytes],
            grain: schedule[choices.grain], isIndirect: left == .indirect)
        blockRows = cut.rows
        blockPanels = cut.panels
        parts = cut.parts
        if left == .indirect, let taps = Self.product(contraction.taps).constantValue,
            let depth = contraction.depth.extent.constantValue
        {
            let l2 = target.cacheBytes.count > 1 ? target.cacheBytes[1] : 1 << 20
            let tapBytes = depth * panelColumns * instruction.packedElement.byteCount
            if taps * tapBytes > l2 { sliceTaps = max(1, l2 / 2 / tapBytes) }
        }
        unroll = schedule[choices.unroll]
        // One tile of rows passes each panel once: read ahead. More tiles hide the reading of the next panel.
        let single = (sizes.rowCount ?? .max) <= self.tileRows
        prefetch = schedule[choices.prefetch] == 1 ? 0 : (single ? (sizes.rowCount == 1 ? 0 : 4096) : -1)
    }
}

extension ScalarBody {
    /// All indices and masks.
    var expressions: [IntegerExpression] {
        nodes.flatMap { node -> [IntegerExpression] in
            switch node {
            case .load(_, let index, let mask): [index] + mask
            case .integerExpression(let expression): [expression]
            case .condition(let mask): mask
            case .position(_, let extent, let mask): [extent] + mask
            case .real, .integer, .truth, .apply, .cast, .slot, .row, .accumulator, .scan: []
            }
        }
    }

    /// Loop variables and symbols of all indices and masks.
    var variables: Set<Variable> {
        var found: Set<Variable> = []
        for expression in expressions { found.formUnion(expression.variables) }
        return found
    }

    /// Parameters that are read.
    var loadedParameters: Set<Int> {
        Set(nodes.compactMap { if case .load(let parameter, _, _) = $0 { parameter } else { nil } })
    }

    /// The body over other variables.
    func replacing(_ ranges: VariableRanges, _ value: (Variable) -> IntegerExpression?) -> ScalarBody {
        mapping { $0.substituting(ranges, value) }
    }
}
