import ElementTypes
import GraphIR
import ModelFiles

/// Scaled dot-product attention in PyTorch's several spellings.
func registerAttention(_ table: inout OperatorTable) {
    table.on(
        "scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_attention_math",
        "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_fused_attention_overrideable"
    ) { (i) throws(ImportError) in
        if try i.optionalFloat("dropout_p") ?? 0 > 0 { throw .random(i.site) }
        let mask = try i.optionalTensor(i.has("attn_bias") ? "attn_bias" : "attn_mask")
        let result = try i.attend(
            try i.tensor("query"), try i.tensor("key"), try i.tensor("value"), mask: mask,
            isCausal: try i.bool("is_causal"), scale: try i.optionalFloat("scale"))
        // What only training needs (log-sum-exp, generator state) is not computed.
        let rest = [TensorHandle?](repeating: nil, count: max(i.resultNames.count - 1, 0))
        return [i.fresh(result)] + rest
    }
    table.on("_native_multi_head_attention") { (i) throws(ImportError) in
        let (query, key, value) = (try i.tensor("query"), try i.tensor("key"), try i.tensor("value"))
        let (width, heads) = (try i.int("embed_dim"), try i.int("num_head"))
        let (weight, bias) = (try i.tensor("qkv_weight"), try i.tensor("qkv_bias"))
        if try i.bool("need_weights"), i.resultNames.count > 1, i.isUsed(i.resultNames[1]) {
            throw i.unsupported("attention weights as a result")
        }
        var parts: [Value] = []
        for (index, x) in [query, key, value].enumerated() {
            let (start, count) = (Dimension(index * width), Dimension(width))
            let product = try i.linear(x, try i.slice(weight, 0, start, count))
            let sum = try i.formula([product, try i.slice(bias, 0, start, count)]) { $0[0] + $0[1] }
            let shape = i.shape(sum)
            let split = [shape[0], shape[1], Dimension(heads), Dimension(width / heads)]
            parts.append(try i.permute(try i.reshape(sum, split), [0, 2, 1, 3]))
        }
        var mask = try i.optionalTensor("mask")
        if let given = mask {
            // Here true hides; kind 1 is a padding mask `[batch, keys]`.
            let shown = i.element(given) == .bool ? try i.formula(given) { $0.not } : given
            let shape = i.shape(shown)
            mask = try i.optionalInt("mask_type") == 1 ? try i.reshape(shown, [shape[0], 1, 1, shape[1]]) : shown
        }
        let attended = try i.attend(parts[0], parts[1], parts[2], mask: mask, isCausal: false, scale: nil)
        let joined = try i.reshape(try i.permute(attended, [0, 2, 1, 3]), i.shape(query))
        let projected = try i.linear(joined, try i.tensor("proj_weight"))
        let result = try i.formula([projected, try i.tensor("proj_bias")]) { $0[0] + $0[1] }
        return [i.fresh(result), nil]
    }
}

extension Importer {
    /// Whether a later call or an output names a value.
    func isUsed(_ name: String?) -> Bool {
        guard let name, let graph = scopes.last?.graph else { return false }
        return graph.outputs.contains(.tensor(name))
            || graph.nodes.contains { node in node.inputs.contains { $0.value == .tensor(name) } }
    }

    /// Attention over tensors `[…, tokens, headDim]` of any equal rank from 2.
    mutating func attend(
        _ query: Value, _ key: Value, _ value: Value, mask: Value?, isCausal: Bool, scale: Double?
    ) throws(ImportError) -> Value {
        let shape = shape(query)
        guard shape.count >= 2, let depth = shape[shape.count - 1].constantValue else {
            throw unsupported("a query of rank \(shape.count) or symbolic head dimension")
        }
        /// Brings the axes before the last two into batch and heads.
        func fourAxes(_ x: Value, _ lead: Shape, _ i: inout Importer) throws(ImportError) -> Value {
            let own = i.shape(x)
            let expanded = try i.expand(
                x, lead.dropLast(min(lead.count, 1)) + Shape(own.dropLast(2).suffix(1)) + own.suffix(2))
            let full = i.shape(expanded)
            let heads: Dimension = full.count > 2 ? full[full.count - 3] : 1
            return try i.reshape(expanded, [elementCount(Array(full.dropLast(3))), heads] + full.suffix(2))
        }
        let lead = Array(shape.dropLast(2))
        let q = try fourAxes(query, lead, &self)
        var operands = [q, try fourAxes(key, lead, &self), try fourAxes(value, lead, &self)]
        if let heads = self.shape(operands[1])[1].constantValue, heads != self.shape(operands[2])[1].constantValue {
            throw unsupported("different numbers of key and value heads")
        }
        if let mask {
            let scores = lead + [shape[shape.count - 2], self.shape(key)[rank(key) - 2]]
            let spread = try expand(mask, scores)
            operands.append(
                try reshape(spread, Array(self.shape(q).prefix(2)) + scores.suffix(2)))
        }
        let attend = Attend(
            hasMask: mask != nil, isCausal: isCausal, scale: scale ?? 1 / Double(depth).squareRoot())
        let result = try add(.attend(attend), operands)
        return try reshape(result, lead + self.shape(result).suffix(2))
    }
}
