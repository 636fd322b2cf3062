import ElementTypes
import KernelIR

/// A convolution with few channels whose left operand is worth copying with its padding, so that a window's row is one
/// contiguous run: the first layer of an image or audio model.
struct WindowShape {
    let kernel: Kernel
    let original: ContractionKernel
    /// The contraction over runs: taps are what is left of the window, the depth is the run.
    let contraction: ContractionKernel
    /// Result rows of an image (nil when there is one) and results along a row.
    let y: LoopAxis?
    let x: LoopAxis
    /// The other row axes.
    let images: [LoopAxis]
    let tapY: LoopAxis?
    let tapX: LoopAxis
    /// Steps of a result row and of a tap in copied rows; steps of a result and of a tap in copied columns.
    let strideY: Int
    let dilationY: Int
    let strideX: Int
    let dilationX: Int
    /// Whether neighbouring channels are neighbours in memory.
    let channelsLast: Bool
    let channels: Int
    let height: Int
    let width: Int
    /// Copied columns.
    let copiedWidth: Int

    /// Copied rows for `count` rows of results.
    func copiedRows(_ count: Int) -> Int {
        strideY * (count - 1) + dilationY * ((tapY?.extent.constantValue ?? 1) - 1) + 1
    }
    /// Elements of a copied row.
    var rowLength: Int { copiedWidth * (channelsLast ? channels : 1) }

    /// Finds the pattern, or nil.
    init?(_ kernel: Kernel, _ contraction: ContractionKernel, _ ranges: VariableRanges) {
        guard contraction.batch.isEmpty, let (parameter, index, mask) = contraction.left.plainLoad,
            contraction.left.body.nodes.count == 1,
            kernel.parameters[parameter].element == contraction.operandElement,
            let channels = contraction.depth.extent.constantValue,
            channels < 16,
            !([index] + mask).contains(where: { $0.variables.contains { $0.kind == .value } }),
            !mask.contains(where: { $0.contains(contraction.depth.variable) }),
            ContractionPlan.product(contraction.columns).constantValue != nil
        else { return nil }
        let taps = contraction.taps.filter { $0.extent != 1 }
        guard (1...2).contains(taps.count) else { return nil }
        let channelStride = index.linearCoefficient(of: contraction.depth.variable)?.constantValue ?? 0
        /// The result axis that shares a position with a tap, with the steps of both.
        func partner(_ tap: LoopAxis) -> (axis: LoopAxis, stride: Int, dilation: Int, unit: Int)? {
            guard let step = index.linearCoefficient(of: tap.variable)?.constantValue, step > 0 else { return nil }
            for row in contraction.rows where row.extent != 1 {
                guard let move = index.linearCoefficient(of: row.variable)?.constantValue, move > 0 else { continue }
                let unit = greatestCommonDivisor(step, move)
                let (stride, dilation) = (move / unit, step / unit)
                guard stride == 1 || dilation == 1 else { continue }
                let isShared = mask.allSatisfy { condition in
                    guard let a = condition.linearCoefficient(of: row.variable)?.constantValue,
                        let b = condition.linearCoefficient(of: tap.variable)?.constantValue
                    else { return false }
                    return a * dilation == b * stride
                }
                // A condition that holds the tap must hold its row too; one pair suffices to tell them apart.
                if isShared,
                    mask.isEmpty || mask.contains(where: { $0.contains(tap.variable) && $0.contains(row.variable) })
                {
                    return (row, stride, dilation, unit)
                }
            }
            return nil
        }
        guard !mask.isEmpty, let last = taps.last, let across = partner(last) else { return nil }
        let isLast = channelStride == 1 || channels == 1
        guard across.unit == (isLast ? channels : 1), let width = across.axis.extent.constantValue else { return nil }
        // A merged run needs neighbouring taps to be neighbours in memory.
        guard across.dilation == 1 else { return nil }
        var down: (axis: LoopAxis, stride: Int, dilation: Int, unit: Int)?
        if taps.count == 2 {
            guard let found = partner(taps[0]), found.axis != across.axis else { return nil }
            down = found
        }
        self.kernel = kernel
        original = contraction
        (y, x) = (down?.axis, across.axis)
        (tapY, tapX) = (taps.count == 2 ? taps[0] : nil, last)
        images = contraction.rows.filter { $0 != across.axis && $0 != down?.axis }
        guard ContractionPlan.product(images).constantValue != nil, let height = (down?.axis.extent ?? 1).constantValue,
            let window = last.extent.constantValue, (down == nil) == (tapY == nil),
            tapY?.extent.constantValue != nil || tapY == nil
        else { return nil }
        self.height = height
        self.width = width
        (strideY, dilationY) = (down?.stride ?? 1, down?.dilation ?? 1)
        (strideX, dilationX) = (across.stride, across.dilation)
        channelsLast = isLast
        self.channels = channels
        copiedWidth = strideX * (width - 1) + window
        var runs = contraction
        if isLast, channels > 1 {
            let merged = LoopAxis(Variable(.axis, 920_000), IntegerExpression(window * channels))
            var wide = ranges
            wide.declare(merged.variable, extent: merged.extent)
            let place = IntegerExpression(merged.variable)
            runs = runs.replacing(wide) {
                $0 == last.variable
                    ? place.floorDivided(by: IntegerExpression(channels), wide)
                    : ($0 == contraction.depth.variable ? place.modulo(IntegerExpression(channels), wide) : nil)
            }
            runs.taps = tapY.map { [$0] } ?? []
            runs.depth = merged
        } else {
            runs.taps = (channels > 1 ? [contraction.depth] : []) + (tapY.map { [$0] } ?? [])
            if channels == 1 {
                runs = runs.replacing(ranges) { $0 == contraction.depth.variable ? 0 : nil }
            }
            runs.depth = last
        }
        for tap in contraction.taps where tap.extent == 1 {
            runs = runs.replacing(ranges) { $0 == tap.variable ? 0 : nil }
        }
        self.contraction = runs
        guard tileRows != nil else { return nil }
    }

    /// The largest divisor of a result row that fits the registers' tile; nil when there is none worth having.
    var tileRows: Int? { (4...14).last { width % $0 == 0 } }

    /// Where every tap begins in the copy of one block.
    func offsets(_ copiedRows: Int) -> [Int] {
        let down = tapY?.extent.constantValue ?? 1
        let planes = channelsLast ? 1 : channels
        return (0..<planes).flatMap { plane in
            (0..<down).map { (plane * copiedRows + $0 * dilationY) * rowLength }
        }
    }
}
