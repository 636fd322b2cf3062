import ElementTypes
import GraphIR
import ModelFiles

/// Padding by a constant, by reflection, by the edge and around.
func registerPadding(_ table: inout OperatorTable) {
    table.value("constant_pad_nd") { (i) throws(ImportError) in
        guard let value = i.constant(try i.scalarArgument("value")) else { throw i.wrong("value", "a constant number") }
        return try i.padded(try i.tensor("self"), "constant", value)
    }
    table.value("pad") { (i) throws(ImportError) in
        let value = try i.optionalFloat("value") ?? 0
        return try i.padded(try i.tensor("self"), try i.string("mode"), value)
    }
    for spatial in 1...3 {
        table.value("reflection_pad\(spatial)d") { (i) throws(ImportError) in
            try i.padded(try i.tensor("self"), "reflect", 0, "padding")
        }
        table.value("replication_pad\(spatial)d") { (i) throws(ImportError) in
            try i.padded(try i.tensor("self"), "replicate", 0, "padding")
        }
    }
    table.value("_pad_circular") { (i) throws(ImportError) in try i.padded(try i.tensor("self"), "circular", 0) }
    table.value("_pad_enum") { (i) throws(ImportError) in
        let modes = ["constant", "reflect", "replicate", "circular"]
        let mode = try i.int("mode")
        guard modes.indices.contains(mode) else { throw i.unsupported("mode \(mode)") }
        return try i.padded(try i.tensor("self"), modes[mode], try i.optionalFloat("value") ?? 0)
    }
}

extension Importer {
    /// Pads the last axes by pairs (low, high), the last axis first. Negative amounts cut.
    fileprivate mutating func padded(
        _ x: Value, _ mode: String, _ value: Double, _ name: String = "pad"
    ) throws(ImportError) -> Value {
        let amounts = try dimensions(name)
        let rank = rank(x)
        guard amounts.count % 2 == 0, amounts.count / 2 <= rank else {
            throw wrong(name, "pairs for at most \(rank) axes")
        }
        var low = Shape(repeating: 0, count: rank)
        var high = low
        var result = x
        for pair in 0..<amounts.count / 2 {
            let axis = rank - 1 - pair
            (low[axis], high[axis]) = (amounts[2 * pair], amounts[2 * pair + 1])
            let cutLow = max(-(low[axis].constantValue ?? 0), 0)
            let cutHigh = max(-(high[axis].constantValue ?? 0), 0)
            if cutLow + cutHigh > 0 {
                let extent = shape(result)[axis] - cutLow - cutHigh
                result = try slice(result, axis, Dimension(cutLow), extent)
                low[axis] = low[axis] + cutLow
                high[axis] = high[axis] + cutHigh
            }
        }
        if mode == "constant" {
            let element = element(x)
            return try view(.pad(low: low, high: high, value: .init(element.rounded(value))), result)
        }
        for axis in 0..<rank where low[axis] != 0 || high[axis] != 0 {
            result = try bordered(result, axis, low[axis], high[axis], mode)
        }
        return result
    }

    private mutating func bordered(
        _ x: Value, _ axis: Int, _ low: Dimension, _ high: Dimension, _ mode: String
    ) throws(ImportError) -> Value {
        let extent = shape(x)[axis]
        var parts: [Value] = []
        func edge(_ start: Dimension, _ count: Dimension, _ i: inout Importer) throws(ImportError) -> Value {
            var shape = i.shape(x)
            shape[axis] = count
            return try i.expand(try i.slice(x, axis, start, 1), shape)
        }
        if low != 0 {
            switch mode {
            case "reflect": parts.append(try view(.flip([axis]), try slice(x, axis, 1, low)))
            case "replicate": parts.append(try edge(0, low, &self))
            case "circular": parts.append(try slice(x, axis, extent - low, low))
            default: throw unsupported("mode '\(mode)'")  // PyTorch has no other.
            }
        }
        parts.append(x)
        if high != 0 {
            switch mode {
            case "reflect": parts.append(try view(.flip([axis]), try slice(x, axis, extent - high - 1, high)))
            case "replicate": parts.append(try edge(extent - 1, high, &self))
            case "circular": parts.append(try slice(x, axis, 0, high))
            default: throw unsupported("mode '\(mode)'")  // PyTorch has no other.
            }
        }
        return try concatenate(parts, axis)
    }
}
