import ElementTypes
import KernelIR

/// A convolution of every channel by itself, channels contiguous in memory.
struct DepthwiseShape {
    let kernel: Kernel
    let contraction: ContractionKernel
    let channel: LoopAxis
    let channels: Int
    /// Along rows (nil when the window has one axis) and across them.
    let down: WindowAxis?
    let across: WindowAxis
    /// The other result axes.
    let images: [LoopAxis]

    /// Finds the pattern, or nil.
    init?(_ kernel: Kernel, _ contraction: ContractionKernel, lanes: Int) {
        guard ContractionPlan.product(contraction.columns) == 1,
            let channel = contraction.batch.last, let channels = channel.extent.constantValue, channels % lanes == 0,
            let (parameter, index, mask) = contraction.left.plainLoad,
            kernel.parameters[parameter].element == contraction.operandElement,
            contraction.operandElement.computeType == .f32,
            index.linearCoefficient(of: channel.variable) == 1,
            !mask.contains(where: { $0.contains(channel.variable) }),
            !([index] + mask).contains(where: { $0.variables.contains { $0.kind == .value } }),
            contraction.right.body.loadedParameters.allSatisfy({ kernel.parameters[$0].isConstant }),
            contraction.right.body.variables.allSatisfy({ variable in
                variable == channel.variable
                    || (contraction.taps + contraction.columns + [contraction.depth]).contains {
                        $0.variable == variable
                    }
            })
        else { return nil }
        // The only channel of a group is no loop any more when loops have been merged: the last tap stands in its place.
        let taps = (contraction.taps + [contraction.depth]).filter { $0.extent != 1 }
        guard (1...2).contains(taps.count), let last = taps.last,
            let across = WindowAxis(last, among: contraction.rows, index: index, mask: mask), across.tapCount <= 9
        else { return nil }
        var down: WindowAxis?
        if taps.count == 2 {
            guard let found = WindowAxis(taps[0], among: contraction.rows, index: index, mask: mask),
                found.result != across.result, found.tapCount <= 9
            else { return nil }
            down = found
        }
        self.kernel = kernel
        self.contraction = contraction
        self.channel = channel
        self.channels = channels
        self.down = down
        self.across = across
        images =
            contraction.batch.dropLast()
            + contraction.rows.filter { $0 != across.result && $0 != down?.result }
    }
}

extension DepthwiseShape {
    /// The decisions, defaults first: neighbouring results that share what they load, and products of a part of the work at least.
    func choices(_ target: CPUTarget) -> (tile: Choice, grain: Choice) {
        let width = across.resultCount
        // Every result is a register, and so is every weight of a row of the window.
        let most = min(width, (target.vectorRegisters >= 32 ? 24 : 12) - across.tapCount)
        let largest = min(target.vectorRegisters >= 32 ? 8 : 4, width)
        // A divisor of the width leaves no rest; otherwise the last tile overlaps its neighbour.
        let usual = (min(4, width)...max(largest, min(4, width))).last { width % $0 == 0 } ?? largest
        let others = [4, 8, 7, 6, 2, 12, 14, 5, 3, 1].filter { $0 != usual && $0 <= most }
        return (Choice("tile", [usual] + others), Choice("grain", [1 << 16, 1 << 14, 1 << 18]))
    }
}

/// Writes a depthwise convolution: a unit of work is a row of results; several neighbouring results share the inputs that
/// they load, with vectors along the channels.
struct DepthwiseWriter {
    private let shape: DepthwiseShape
    private let symbol: String
    private let target: CPUTarget
    private let lanes: Int
    private var ranges: VariableRanges
    /// Neighbouring results computed together.
    private let tile: Int
    /// Products that a part of the work holds at least.
    private let grain: Int

    init(_ shape: DepthwiseShape, symbol: String, _ schedule: Schedule, _ target: CPUTarget) {
        self.shape = shape
        self.symbol = symbol
        self.target = target
        let choices = shape.choices(target)
        tile = schedule[choices.tile]
        grain = schedule[choices.grain]
        lanes = CPrelude.lanes(target)
        var ranges = shape.kernel.ranges
        for axis in shape.contraction.batch + shape.contraction.rows + shape.contraction.taps + [
            shape.contraction.depth
        ] {
            ranges.declare(axis.variable, extent: axis.extent)
        }
        self.ranges = ranges
    }

    private var rowExtents: IntegerExpression {
        ContractionPlan.product(shape.images) * (shape.down?.resultCount ?? 1)
    }
    private var taps: Int { (shape.down?.tapCount ?? 1) * shape.across.tapCount }

    /// All functions and how to call them.
    func write() -> EmittedKernel {
        let kernel = shape.kernel
        var used = shape.contraction.left.body.loadedParameters.union(shape.contraction.epilogue.loadedParameters)
        for store in shape.contraction.stores { used.insert(store.parameter) }
        let parameters = used.sorted()
        let packing = EmittedKernel.Packing(
            symbol: symbol + "_pack", sources: shape.contraction.right.body.loadedParameters.sorted(), element: .f32,
            count: taps * shape.channels)
        let work = rowExtents * (shape.across.resultCount * shape.channels * taps)
        let parts = work.floorDivided(by: IntegerExpression(grain), ranges).minimum(
            IntegerExpression(4 * max(1, target.threads)), ranges
        )
        .minimum(rowExtents, ranges).maximum(1, ranges)
        return EmittedKernel(
            symbol: symbol, source: packFunction(packing, kernel) + mainFunction(parameters, kernel),
            arguments: parameters.map { .parameter($0) } + [.packed(0)], packings: [packing], workspaceBytes: 0,
            parts: .count(parts))
    }

    private func opening(_ parameters: [Int], _ kernel: Kernel) -> [String] {
        parameters.enumerated().map { place, number in
            let type = CTypes.storage(kernel.parameters[number].element)
            let prefix = kernel.parameters[number].access == .read ? "const " : ""
            return "\(prefix)\(type) *const restrict p\(number) = buffers[\(place)]; (void)p\(number);"
        }
            + kernel.symbols.enumerated().map {
                "const int64_t \($0.element.name) = dims[\($0.offset)]; (void)\($0.element.name);"
            } + ["(void)dims; (void)workspace;"]
    }

    /// Weights as `[tap][channel]`.
    private func packFunction(_ packing: EmittedKernel.Packing, _ kernel: Kernel) -> String {
        var lines = opening(packing.sources, kernel)
        lines.append("float *const packed = buffers[\(packing.sources.count)];")
        let name = shape.channel.variable.name
        let count = shape.channels
        lines.append(
            "for (int64_t \(name) = \(count) * part / parts; \(name) < \(count) * (part + 1) / parts; ++\(name)) {")
        lines.append("int64_t tap = 0;")
        let contraction = shape.contraction
        for axis in contraction.columns + contraction.taps + [contraction.depth] {
            let variable = axis.variable.name
            let extent = axis.extent.constantValue ?? 1
            lines.append("for (int64_t \(variable) = 0; \(variable) < \(extent); ++\(variable))")
        }
        let printer = BodyPrinter(
            parameters: kernel.parameters, index: IndexPrinter(ranges), lanes: lanes, laneAxis: nil)
        let (statements, values) = printer.print(contraction.right.body, wanted: [contraction.right.result])
        lines.append("{")
        lines += statements
        guard let value = values[contraction.right.result] else { preconditionFailure("operand was not printed") }
        lines.append("packed[tap++ * \(count) + \(name)] = \(value.text);")
        return KernelFrame.function(packing.symbol, lines + ["}", "}"])
    }

    private func mainFunction(_ parameters: [Int], _ kernel: Kernel) -> String {
        guard let (parameter, load, mask) = shape.contraction.left.plainLoad else {
            preconditionFailure("the pattern needs a plain load")
        }
        let index = IndexPrinter(ranges)
        let element = CTypes.storage(kernel.parameters[parameter].element)
        let (down, across) = (shape.down, shape.across)
        var lines = ["static const \(element) zeros[\(shape.channels)];"] + opening(parameters, kernel)
        lines.append("const float *const packed = buffers[\(parameters.count)];")
        lines.append("const int64_t units = \(index.print(rowExtents));")
        lines.append("for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {")
        lines.append("int64_t rest = unit;")
        for axis in ([down?.result].compactMap { $0 } + shape.images.reversed()) {
            let (name, extent) = (axis.variable.name, index.print(axis.extent))
            lines.append("const int64_t \(name) = rest % \(extent); rest /= \(extent); (void)\(name);")
        }
        let x = across.result.variable.name
        lines.append("for (int64_t at = 0; at < \(across.resultCount); at += \(tile)) {")
        lines.append("const int64_t \(x) = min_ls(at, \(across.resultCount - tile));")
        // The input of result 0, tap (i, j) has position i·dilation and j·dilation; neighbours follow by the stride.
        let positions = across.positions(tile)
        let neededColumns = Set(
            (0..<tile).flatMap { r in (0..<across.tapCount).map { across.stride * r + across.dilation * $0 } }
        ).sorted()
        let rowTaps = down?.tapCount ?? 1
        func place(_ expression: IntegerExpression, _ i: Int, _ position: Int) -> IntegerExpression {
            // With dilation 1 the tap carries the position beyond the tile's first result, else the result does.
            expression.substituting(ranges) { variable in
                if variable == down?.tap.variable { return IntegerExpression(i) }
                if variable == across.tap.variable { return across.dilation == 1 ? IntegerExpression(position) : 0 }
                if variable == across.result.variable {
                    return IntegerExpression(variable) + (across.dilation == 1 ? 0 : position)
                }
                if variable == shape.channel.variable { return 0 }
                return (shape.contraction.taps + shape.contraction.columns + [shape.contraction.depth])
                    .contains { $0.variable == variable } ? 0 : nil
            }
        }
        var wide = ranges
        wide.declare(across.result.variable, extent: across.result.extent)
        // Masks were proved for taps inside the window; positions beyond it need them as written.
        let conditions = (0..<rowTaps).flatMap { i in
            mask.map { place($0, i, 0) } + mask.map { place($0, i, positions - 1) }
        }
        let allInside = IndexPrinter(wide).condition(Array(Set(conditions)).sorted { "\($0)" < "\($1)" })
        let origin = "p\(parameter) + \(index.print(place(load, 0, 0)))"
        if let allInside {
            lines.append("if (\(allInside)) {")
        } else {
            lines.append("{")
        }
        lines.append("const \(element) *const origin = \(origin);")
        lines += channels(kernel, neededColumns, rowTaps) { i, position in
            let distance = i * (down.map { $0.dilation * $0.unit } ?? 0) + position * across.unit
            return "origin + \(distance)"
        }
        lines.append("}")
        if allInside != nil {
            lines.append("else {")
            for i in 0..<rowTaps {
                for position in neededColumns {
                    let inside = index.condition(mask.map { place($0, i, position) }) ?? "1"
                    let address = "p\(parameter) + \(index.print(place(load, i, position)))"
                    lines.append("const \(element) *const d\(i)_\(position) = \(inside) ? \(address) : zeros;")
                }
            }
            lines += channels(kernel, neededColumns, rowTaps) { "d\($0)_\($1)" }
            lines.append("}")
        }
        lines += ["}", "}"]
        return KernelFrame.function(symbol, lines)
    }

    /// The loop over channels for one tile, given the address of every input.
    private func channels(
        _ kernel: Kernel, _ columns: [Int], _ rowTaps: Int, _ address: (Int, Int) -> String
    ) -> [String] {
        let across = shape.across
        let channel = shape.channel.variable.name
        let contraction = shape.contraction
        guard let (parameter, _, _) = contraction.left.plainLoad else { return [] }
        let element = kernel.parameters[parameter].element
        let vector = CTypes.storageVector(element)
        var lines = ["for (int64_t \(channel) = 0; \(channel) < \(shape.channels); \(channel) += \(lanes)) {"]
        lines.append("vf " + (0..<tile).map { "c\($0) = {0}" }.joined(separator: ", ") + ";")
        for i in 0..<rowTaps {
            lines.append("{")
            for j in 0..<across.tapCount {
                let place = (i * across.tapCount + j) * shape.channels
                lines.append("const vf w\(j) = *(const vf_u *)(packed + \(place) + \(channel));")
            }
            for position in columns {
                let text = CTypes.loadVector(element, "*(const \(vector)_u *)(\(address(i, position)) + \(channel))")
                lines.append("{ const vf x = \(text);")
                for j in 0..<across.tapCount {
                    let rest = position - j * across.dilation
                    guard rest >= 0, rest % across.stride == 0, rest / across.stride < tile else { continue }
                    lines.append("c\(rest / across.stride) += x * w\(j);")
                }
                lines.append("}")
            }
            lines.append("}")
        }
        let types = contraction.epilogue.types(parameters: kernel.parameters)
        let x = across.result.variable
        for result in 0..<tile {
            var printer = BodyPrinter(
                parameters: kernel.parameters,
                index: IndexPrinter(ranges, names: [x: "(\(x.name) + \(result))"]), lanes: lanes,
                laneAxis: shape.channel)
            printer.accumulator = .init("c\(result)", isVector: true)
            let body = contraction.epilogue.replacing(ranges) { variable in
                contraction.columns.contains { $0.variable == variable } ? 0 : nil
            }
            let stores = contraction.stores.map { store in
                store.mapping {
                    $0.substituting(ranges) { variable in
                        contraction.columns.contains { $0.variable == variable } ? 0 : nil
                    }
                }
            }
            let (statements, values) = printer.print(body, wanted: stores.map(\.value))
            lines.append("{")
            lines += statements + stores.map { printer.statement($0, values, types) }
            lines.append("}")
        }
        return lines + ["}"]
    }
}
