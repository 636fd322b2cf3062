import ElementTypes
import KernelIR

/// A contraction whose left operand is a window that slides over memory, of so few channels that its rows are no runs of 16 bytes: the
/// first layers of image and audio models, in either order of pixels and channels.
///
/// The operand's index is linear in every axis. Row axes: `x` moves along a line of memory, `y` from line to line, the others from
/// image to image. Summed axes: those that stay inside a line (the window's columns, channels that are innermost), one that goes from
/// line to line (the window's rows), one that goes from plane to plane (channels that are not innermost). So an element lies at
/// `start + others + plane · planeStep + line · lineStep + along`, and masks bound `line` and `along`.
struct SIMTWindowShape {
    /// Numbers that something may have, both ends included.
    typealias Span = ClosedRange<Int>

    let parameter: Int
    let x: LoopAxis
    let y: LoopAxis?
    /// The other row axes, and elements between their neighbours.
    let others: [(axis: LoopAxis, step: Int)]
    /// Elements between results' windows that are neighbours along a line.
    let xStep: Int
    /// Lines between results' windows that are neighbours across lines, and between neighbouring rows of a window.
    let yStep: Int
    let tapStep: Int
    let taps: Int
    let planes: Int
    let planeStep: Int
    /// Elements between lines.
    let lineStep: Int
    /// Element at which the window of the first result begins, were nothing masked.
    let start: Int
    /// Lines and places along a line that are not masked, and inside of what any window reads.
    let lines: Span
    let along: Span
    /// Elements that copies may take at a time: 8, 4, 2 or 1. Places along a line that are copied begin at multiples of it.
    let granule: Int
    /// For each slot of a row of the window the flat summed elements of plane 0 and row 0; nil where a slot has none.
    /// Slots are filled up to whole eights, and the first is one element early where that makes pairs whole words.
    private let slots: [Int?]
    /// Elements of a line that a window reaches over.
    let span: Int
    /// Flat summed elements between planes, and between rows of the window.
    private let planeWeight: Int
    private let tapWeight: Int

    /// Elements before the first result's window in what is copied of a line.
    var lead: Int { Self.remainder(start, granule) }
    /// Whether the first slot has no element, to make pairs whole words.
    private static func isEarly(_ start: Int, _ granule: Int) -> Bool { remainder(start, granule) % 2 == 1 }
    /// Place of the first slot of the first result in what is copied of a line; even.
    var firstSlot: Int { lead / 2 * 2 }
    var slotCount: Int { slots.count }
    /// Rows of eight slots: `[plane][tap][slot / 8]`.
    var octets: Int { planes * taps * slots.count / 8 }
    /// Steps of 16 summed elements.
    var steps: Int { (octets + 1) / 2 }
    /// Elements of a packed column.
    var packedDepth: Int { steps * 16 }

    /// Where an octet begins: plane, row of the window, first slot; nil for the one that fills the last step.
    func place(_ octet: Int) -> (plane: Int, tap: Int, slot: Int)? {
        guard octet < octets else { return nil }
        let each = slots.count / 8
        return (octet / each / taps, octet / each % taps, octet % each * 8)
    }

    /// Which slots of an octet have an element.
    func isUsed(_ octet: Int) -> [Bool] {
        guard let place = place(octet) else { return Array(repeating: false, count: 8) }
        return (0..<8).map { slots[place.slot + $0] != nil }
    }

    /// The flat summed element of every place of a packed column; nil where zeros stand.
    var elements: [Int?] {
        (0..<packedDepth).map { i in
            guard let place = place(i / 8), let slot = slots[place.slot + i % 8] else { return nil }
            return slot + place.plane * planeWeight + place.tap * tapWeight
        }
    }

    private static func remainder(_ a: Int, _ b: Int) -> Int { ((a % b) + b) % b }

    /// Fails where the contraction is of another form.
    init?(_ product: SIMTProduct) {
        guard product.isPlain, product.isReal, product.element != .f32, product.target.hasMatrixUnits,
            product.isRightConstant, product.batches == 1, product.rightBatches == 1, product.rows != nil,
            product.columns != nil, product.depth != nil, case .contraction(let body) = product.kernel.body,
            let load = body.left.plainLoad,
            product.kernel.parameters[load.parameter].element == product.element,
            let count = product.kernel.parameters[load.parameter].count.constantValue
        else { return nil }
        let ranges = product.ranges
        let single = Set((body.batch + body.rows + product.summed).filter { $0.extent == 1 }.map(\.variable))
        func moving(_ expression: IntegerExpression) -> IntegerExpression {
            expression.substituting(ranges) { single.contains($0) ? 0 : nil }
        }
        let index = moving(load.index)
        let rows = body.rows.filter { $0.extent != 1 }
        let summed = product.summed.filter { $0.extent != 1 }
        let known = Set((rows + summed).map(\.variable))
        guard known.isSuperset(of: index.variables), !rows.isEmpty, !summed.isEmpty else { return nil }
        var steps: [Variable: Int] = [:]
        for axis in rows + summed {
            guard let step = index.linearCoefficient(of: axis.variable)?.constantValue, step >= 0 else { return nil }
            steps[axis.variable] = step
        }
        func step(_ axis: LoopAxis) -> Int { steps[axis.variable] ?? 0 }
        func extent(_ axis: LoopAxis) -> Int { axis.extent.constantValue ?? 1 }
        func reach(_ axes: [LoopAxis]) -> Int { axes.reduce(0) { $0 + step($1) * (extent($1) - 1) } }
        // Along a line, across lines, from image to image.
        let sorted = rows.sorted { step($0) < step($1) }
        guard step(sorted[0]) > 0 else { return nil }
        let x = sorted[0]
        let y = sorted.count > 1 ? sorted[1] : nil
        others = sorted.dropFirst(2).map { ($0, step($0)) }
        let conditions = load.mask.map(moving).filter { !ranges.isNonNegative($0) }
        func shares(_ a: LoopAxis, _ b: LoopAxis?) -> Bool {
            guard let b else { return false }
            return conditions.contains { $0.contains(a.variable) && $0.contains(b.variable) }
        }
        var inside = summed.filter { axis in
            shares(axis, x)
                || (!shares(axis, y) && step(axis) <= reach([x]) && (y.map { step(axis) < step($0) } ?? true))
        }
        var crossing = summed.filter { axis in !inside.contains(axis) }.sorted { step($0) < step($1) }
        var tap: LoopAxis?
        if y != nil, let place = crossing.firstIndex(where: { shares($0, y) }) ?? (crossing.isEmpty ? nil : 0) {
            tap = crossing.remove(at: place)
        }
        guard crossing.count <= 1 else { return nil }
        let plane = crossing.first
        inside.sort { step($0) < step($1) }
        parameter = load.parameter
        self.x = x
        self.y = y
        xStep = step(x)
        lineStep = max(1, greatestCommonDivisor(y.map(step) ?? 0, tap.map(step) ?? 0))
        yStep = (y.map(step) ?? 0) / lineStep
        tapStep = (tap.map(step) ?? 0) / lineStep
        taps = tap.map(extent) ?? 1
        planes = plane.map(extent) ?? 1
        planeStep = plane.map(step) ?? 0
        start = index.constant
        // Masks: along a line they look at pixels, which the axes in them make; what else is inside lies within a pixel.
        let across = [y, tap].compactMap { $0 }
        let pixels = [x] + inside.filter { axis in conditions.contains { $0.contains(axis.variable) } }
        let within = inside.filter { !pixels.contains($0) }
        let pixel = pixels.reduce(0) { greatestCommonDivisor($0, step($1)) }
        let lineReach = ((y.map(extent) ?? 1) - 1) * yStep + (taps - 1) * tapStep
        var (low, high) = (0, reach([x] + inside))
        var (first, last) = (0, lineReach)
        var edges: [Int] = []
        for condition in conditions {
            guard known.isSuperset(of: condition.variables) else { return nil }
            if let (side, bound) = Self.bound(condition, pixels, steps, unit: pixel) {
                // Elements of a pixel are masked together, so pixels must not lie over each other.
                guard reach(within) < pixel else { return nil }
                if side > 0 {
                    low = max(low, bound * pixel)
                    edges.append(bound * pixel)
                } else {
                    high = min(high, bound * pixel + reach(within))
                    edges.append(bound * pixel + reach(within) + 1)
                }
            } else if let (side, bound) = Self.bound(condition, across, steps, unit: lineStep) {
                if side > 0 { first = max(first, bound) } else { last = min(last, bound) }
            } else {
                return nil
            }
        }
        guard low <= high, first <= last else { return nil }
        lines = first...last
        along = low...high
        let origin = index.constant
        let apart = others.map(\.step) + [planeStep, lineStep, count]
        granule =
            [8, 4, 2].first { g in
                apart.allSatisfy { $0 % g == 0 } && edges.allSatisfy { Self.remainder(origin + $0, g) == 0 }
            } ?? 1
        // Slots of a row of the window.
        var places: [Int: Int] = [:]
        var flat = 1
        var weights: [Variable: Int] = [:]
        for axis in product.summed.reversed() {
            weights[axis.variable] = flat
            flat *= extent(axis)
        }
        planeWeight = plane.map { weights[$0.variable] ?? 0 } ?? 0
        tapWeight = tap.map { weights[$0.variable] ?? 0 } ?? 0
        var found = [(place: 0, element: 0)]
        for axis in inside {
            let weight = weights[axis.variable] ?? 0
            found = found.flatMap { one in
                (0..<extent(axis)).map { (one.place + $0 * step(axis), one.element + $0 * weight) }
            }
            guard found.count <= 4096 else { return nil }
        }
        for one in found {
            guard places[one.place] == nil else { return nil }
            places[one.place] = one.element
        }
        let early = Self.isEarly(index.constant, granule) ? 1 : 0
        span = (places.keys.max() ?? 0) + 1
        let needed = span + early
        guard needed <= 8192 else { return nil }
        slots = (0..<(needed + 7) / 8 * 8).map { places[$0 - early] }
        let size = slots.count * planes * taps
        guard size <= SIMTWindowWriter.mostSteps * 16 else { return nil }
    }

    /// What `condition ≥ 0` says of `position`, the sum of steps of `axes` in units: from a number on (side 1), or up to one (side −1).
    /// Nil where it is no function of that.
    private static func bound(
        _ condition: IntegerExpression, _ axes: [LoopAxis], _ steps: [Variable: Int], unit: Int
    ) -> (side: Int, bound: Int)? {
        guard unit > 0, Set(axes.map(\.variable)).isSuperset(of: condition.variables) else { return nil }
        var factor: Int?
        for axis in axes {
            guard let own = condition.linearCoefficient(of: axis.variable)?.constantValue,
                let step = steps[axis.variable], step > 0, own * unit % step == 0,
                factor == nil || factor == own * unit / step
            else { return nil }
            factor = own * unit / step
        }
        guard let factor, factor != 0 else { return nil }
        let (k, f) = (condition.constant, abs(factor))
        // f · position + k ≥ 0, or −f · position + k ≥ 0.
        func floor(_ a: Int) -> Int { (a - remainder(a, f)) / f }
        return factor > 0 ? (1, -floor(k)) : (-1, floor(k))
    }
}
