import ElementTypes
import GraphIR
import ModelFiles

/// Recurrent networks: one `recur` for each layer and direction.
func registerRecurrent(_ table: inout OperatorTable) {
    table.values("lstm") { (i) throws(ImportError) in
        guard i.call.name.overload == "input" else { throw i.unsupported("packed sequences") }
        let (outputs, states) = try i.recurrent(.lstm, try i.tensors("hx"))
        return [outputs] + states
    }
    for (name, cell) in [("gru", Recur.Cell.gru), ("rnn_tanh", .tanh), ("rnn_relu", .relu)] {
        table.values(name) { (i) throws(ImportError) in
            guard i.call.name.overload == "input" else { throw i.unsupported("packed sequences") }
            let (outputs, states) = try i.recurrent(cell, [try i.tensor("hx")])
            return [outputs] + states
        }
    }
    for (name, cell) in [
        ("lstm_cell", Recur.Cell.lstm), ("gru_cell", .gru), ("rnn_tanh_cell", .tanh), ("rnn_relu_cell", .relu),
    ] {
        table.values(name) { (i) throws(ImportError) in
            let x = try i.tensor("input")
            let states = cell == .lstm ? try i.tensors("hx") : [try i.tensor("hx")]
            var operands = [try i.unsqueeze(x, 0)] + states + [try i.tensor("w_ih"), try i.tensor("w_hh")]
            if i.has("b_ih") { operands += [try i.tensor("b_ih"), try i.tensor("b_hh")] }
            let recur = Recur(cell, hasBias: i.has("b_ih"), isReverse: false)
            let node = try i.node(.recur(recur), operands)
            return cell == .lstm ? [Value(node, 1), Value(node, 2)] : [Value(node, 1)]
        }
    }
}

extension Importer {
    /// All layers and directions of a recurrent network: outputs as PyTorch lays them out, and the last states.
    fileprivate mutating func recurrent(
        _ cell: Recur.Cell, _ initial: [Value]
    ) throws(ImportError) -> (outputs: Value, states: [Value]) {
        let weights = try tensors("params")
        let hasBias = try bool("has_biases")
        let layers = try int("num_layers")
        let directions = try bool("bidirectional") ? 2 : 1
        let batchFirst = try bool("batch_first")
        if try bool("train"), try float("dropout") > 0, layers > 1 { throw .random(site) }
        // A projected LSTM has one more weight a layer.
        let plain = hasBias ? 4 : 2
        let hasProjection = cell == .lstm && weights.count == (plain + 1) * layers * directions
        let perLayer = hasProjection ? plain + 1 : plain
        guard weights.count == perLayer * layers * directions else {
            throw unsupported("\(weights.count) weights for \(layers) layers in \(directions) directions")
        }
        var x = try tensor("input")
        if batchFirst { x = try swapAxes(x, 0, 1) }
        var last = [[Value]](repeating: [], count: initial.count)
        for layer in 0..<layers {
            var outputs: [Value] = []
            for direction in 0..<directions {
                let index = layer * directions + direction
                var operands = [x]
                for state in initial { operands.append(try select(state, 0, Dimension(index))) }
                operands += weights[index * perLayer..<(index + 1) * perLayer]
                let recur = Recur(cell, hasBias: hasBias, isReverse: direction == 1, hasProjection: hasProjection)
                let node = try node(.recur(recur), operands)
                outputs.append(Value(node, 0))
                for position in initial.indices {
                    last[position].append(try unsqueeze(Value(node, 1 + position), 0))
                }
            }
            x = try concatenate(outputs, 2)
        }
        var states: [Value] = []
        for list in last { states.append(try concatenate(list, 0)) }
        return (batchFirst ? try swapAxes(x, 0, 1) : x, states)
    }
}
