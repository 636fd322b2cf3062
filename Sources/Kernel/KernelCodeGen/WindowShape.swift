import ElementTypes
import KernelIR

/// A convolution with few channels whose left operand is worth copying with its padding, so that a window's row is one
/// contiguous run: the first layer of an image or audio model.
struct WindowShape {
    let kernel: Kernel
    let original: ContractionKernel
    /// The contraction over runs: taps are what is left of the window, the depth is the run.
    let contraction: ContractionKernel
    /// Along the rows of an image (nil when there is one), and across them.
    let down: WindowAxis?
    let across: WindowAxis
    /// The other row axes.
    let images: [LoopAxis]
    /// Whether neighbouring channels are neighbours in memory.
    let channelsLast: Bool
    let channels: Int
    /// The channels, where there are several.
    let channel: LoopAxis?
    /// Copied columns.
    let copiedWidth: Int

    /// Copied rows for `count` rows of results.
    func copiedRows(_ count: Int) -> Int { down?.positions(count) ?? 1 }
    var y: LoopAxis? { down?.result }
    var x: LoopAxis { across.result }
    var tapY: LoopAxis? { down?.tap }
    var height: Int { down?.resultCount ?? 1 }
    var width: Int { across.resultCount }
    var strideY: Int { down?.stride ?? 1 }
    /// Elements of a copied row.
    var rowLength: Int { copiedWidth * (channelsLast ? channels : 1) }

    /// Finds the pattern, or nil.
    init?(_ kernel: Kernel, _ contraction: ContractionKernel, _ ranges: VariableRanges) {
        guard contraction.batch.isEmpty, let (parameter, index, mask) = contraction.left.plainLoad,
            contraction.left.body.nodes.count == 1,
            kernel.parameters[parameter].element == contraction.operandElement,
            !([index] + mask).contains(where: { $0.variables.contains { $0.kind == .value } }),
            ContractionPlan.product(contraction.columns).constantValue != nil
        else { return nil }
        // The axes that the padding looks at make the window; one more may be the channels.
        let summed = (contraction.taps + [contraction.depth]).filter { $0.extent != 1 }
        func step(_ axis: LoopAxis) -> Int { index.linearCoefficient(of: axis.variable)?.constantValue ?? 0 }
        let taps = summed.filter { axis in mask.contains { $0.contains(axis.variable) } }
            .sorted { step($0) > step($1) }
        let others = summed.filter { !taps.contains($0) }
        guard (1...2).contains(taps.count), others.count <= 1,
            let channels = (others.first?.extent ?? 1).constantValue, channels < 16
        else { return nil }
        let channelStride = others.first.map(step) ?? 1
        let isLast = channelStride == 1 || channels == 1
        // A merged run needs neighbouring taps to be neighbours in memory. Without padding nothing needs copying.
        guard !mask.isEmpty, let last = taps.last,
            let across = WindowAxis(last, among: contraction.rows, index: index, mask: mask), across.dilation == 1,
            across.unit == (isLast ? channels : 1)
        else { return nil }
        var down: WindowAxis?
        if taps.count == 2 {
            guard let found = WindowAxis(taps[0], among: contraction.rows, index: index, mask: mask),
                found.result != across.result
            else { return nil }
            down = found
        }
        self.kernel = kernel
        original = contraction
        self.down = down
        self.across = across
        images = contraction.rows.filter { $0 != across.result && $0 != down?.result }
        guard ContractionPlan.product(images).constantValue != nil else { return nil }
        channelsLast = isLast
        self.channels = channels
        channel = others.first
        let window = across.tapCount
        copiedWidth = across.positions(across.resultCount)
        var runs = contraction
        if isLast, channels > 1 {
            let merged = LoopAxis(Variable(.axis, 920_000), IntegerExpression(window * channels))
            var wide = ranges
            wide.declare(merged.variable, extent: merged.extent)
            let place = IntegerExpression(merged.variable)
            runs = runs.replacing(wide) {
                $0 == last.variable
                    ? place.floorDivided(by: IntegerExpression(channels), wide)
                    : ($0 == others[0].variable ? place.modulo(IntegerExpression(channels), wide) : nil)
            }
            runs.taps = down.map { [$0.tap] } ?? []
            runs.depth = merged
        } else {
            runs.taps = others + (down.map { [$0.tap] } ?? [])
            runs.depth = last
        }
        for tap in contraction.taps + [contraction.depth] where tap.extent == 1 {
            runs = runs.replacing(ranges) { $0 == tap.variable ? 0 : nil }
        }
        self.contraction = runs
        guard tileRows != nil else { return nil }
    }

    /// The largest divisor of a result row that fits the registers' tile; nil when there is none worth having.
    var tileRows: Int? { (4...14).last { width % $0 == 0 } }

    /// Where every tap begins in the copy of one block.
    func offsets(_ copiedRows: Int) -> [Int] {
        let tapRows = down?.tapCount ?? 1
        let planes = channelsLast ? 1 : channels
        return (0..<planes).flatMap { plane in
            (0..<tapRows).map { (plane * copiedRows + $0 * (down?.dilation ?? 1)) * rowLength }
        }
    }
}
