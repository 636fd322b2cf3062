import ElementTypes
import GraphIR
import ModelFiles

/// Softmax and the normalisations, composed of reductions and maps that compute in f32 for narrow types.
func registerNormalisations(_ table: inout OperatorTable) {
    registerSoftmax(&table)
    registerLayerNorms(&table)
    registerBatchNorms(&table)
    registerWeightNorms(&table)
}

extension Importer {
    /// `exp(x − max) / Σ exp(x − max)` along an axis, in the type of `x`.
    mutating func softmax(_ x: Value, _ axis: Int) throws(ImportError) -> Value {
        let peak = try reduce(.maximum, x, [axis], keep: true)
        let powers = try formula([x, peak]) { ($0[0] - $0[1]).exp }
        let total = try reduce(.sum, powers, [axis], keep: true)
        return try formula([powers, total]) { $0[0] / $0[1] }
    }

    /// `x − max − log Σ exp(x − max)` along an axis.
    mutating func logSoftmax(_ x: Value, _ axis: Int) throws(ImportError) -> Value {
        let peak = try reduce(.maximum, x, [axis], keep: true)
        let powers = try formula([x, peak]) { ($0[0] - $0[1]).exp }
        let total = try reduce(.sum, powers, [axis], keep: true)
        return try formula([x, peak, total]) { $0[0] - $0[1] - $0[2].log }
    }

    /// `value` reshaped so that its one axis stands at `axis` of a rank.
    mutating func alongAxis(_ value: Value, _ axis: Int, _ rank: Int) throws(ImportError) -> Value {
        var shape = Shape(repeating: 1, count: rank)
        shape[axis] = elementCount(self.shape(value))
        return try reshape(value, shape)
    }

    /// `(x − mean) × factor × weight + bias`, with optional weight and bias, rounded once to `element`.
    mutating func scaleAndShift(
        _ x: Value, mean: Value, factor: Value, _ weight: Value?, _ bias: Value?, _ element: ElementType
    ) throws(ImportError) -> Value {
        var operands: [Operand] = [.tensor(x), .tensor(mean), .tensor(factor)]
        if let weight { operands.append(.tensor(weight)) }
        if let bias { operands.append(.tensor(bias)) }
        return try formula(operands, common: element.computeType, result: element) { t in
            var result = (t[0] - t[1]) * t[2]
            if weight != nil { result = result * t[3] }
            return bias != nil ? result + t[t.count - 1] : result
        }
    }
}

private func registerSoftmax(_ table: inout OperatorTable) {
    for (name, isLogarithm) in [
        ("softmax", false), ("_softmax", false), ("special_softmax", false), ("log_softmax", true),
        ("_log_softmax", true), ("_safe_softmax", false), ("special_log_softmax", true),
    ] {
        table.value(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            let element = try i.declaredResult().element
            let wide = try i.cast(x, element.computeType)
            if i.rank(x) == 0 { return try i.scalar(isLogarithm ? 0 : 1, element) }
            let axis = try i.axis("dim", i.rank(x))
            if isLogarithm { return try i.cast(try i.logSoftmax(wide, axis), element) }
            var result = try i.softmax(wide, axis)
            if name == "_safe_softmax" {
                let peak = try i.reduce(.maximum, wide, [axis], keep: true)
                result = try i.formula([result, peak]) { $0[1].equal(.number(-.infinity)).select(0, $0[0]) }
            }
            return try i.cast(result, element)
        }
    }
}

private func registerLayerNorms(_ table: inout OperatorTable) {
    table.values("layer_norm", "native_layer_norm") { (i) throws(ImportError) in
        let x = try i.tensor("input")
        let rank = i.rank(x)
        let axes = Array((rank - (try i.dimensions("normalized_shape").count))..<rank)
        let epsilon = try i.float("eps")
        let (mean, squares) = try i.moments(x, axes)
        let variance = try i.divide(squares, by: i.count(x, axes))
        let factor = try i.formula(variance) { ($0 + .number(epsilon)).apply(.reciprocalSquareRoot) }
        let result = try i.scaleAndShift(
            x, mean: mean, factor: factor, try i.optionalTensor("weight"), try i.optionalTensor("bias"), i.element(x))
        if i.call.name.base == "layer_norm" { return [result] }
        let declared = try i.declaredTypes().map { $0?.element }
        return [result, try i.cast(mean, declared[1] ?? .f32), try i.cast(factor, declared[2] ?? .f32)]
    }
    table.values("rms_norm", "_fused_rms_norm") { (i) throws(ImportError) in
        let x = try i.tensor("input")
        let element = i.element(x)
        let rank = i.rank(x)
        let axes = Array((rank - (try i.dimensions("normalized_shape").count))..<rank)
        let epsilon = try i.optionalFloat("eps") ?? (element == .f64 ? element.epsilon : ElementType.f32.epsilon)
        let wide = try i.widened(x)
        let squares = try i.mean(try i.formula(wide) { $0 * $0 }, axes, keep: true)
        let factor = try i.formula(squares) { ($0 + .number(epsilon)).apply(.reciprocalSquareRoot) }
        var operands: [Operand] = [.tensor(x), .tensor(factor)]
        if let weight = try i.optionalTensor("weight") { operands.append(.tensor(weight)) }
        let result = try i.formula(operands, common: element.computeType, result: element) {
            $0.count == 3 ? $0[0] * $0[1] * $0[2] : $0[0] * $0[1]
        }
        return i.call.name.base == "rms_norm" ? [result] : [result, factor]
    }
    table.values("group_norm", "native_group_norm") { (i) throws(ImportError) in
        let x = try i.tensor("input")
        let shape = i.shape(x)
        let groups = try i.int(i.call.name.base == "group_norm" ? "num_groups" : "group")
        let perGroup = shape[1].floorDivided(by: Dimension(groups), i.builder.graph.ranges)
        let grouped = try i.reshape(x, [shape[0], Dimension(groups), perGroup] + shape.dropFirst(2))
        let axes = Array(2..<i.rank(grouped))
        let epsilon = try i.float("eps")
        let (mean, squares) = try i.moments(grouped, axes)
        let variance = try i.divide(squares, by: i.count(grouped, axes))
        let factor = try i.formula(variance) { ($0 + .number(epsilon)).apply(.reciprocalSquareRoot) }
        // Weight and bias go by channel, so both statistics are spread over the channels of their group.
        let spread = [shape[0], Dimension(groups), perGroup] + Shape(repeating: 1, count: i.rank(x) - 2)
        let flat = [shape[0], shape[1]] + Shape(repeating: 1, count: i.rank(x) - 2)
        let channelMean = try i.reshape(try i.expand(mean, spread), flat)
        let channelFactor = try i.reshape(try i.expand(factor, spread), flat)
        var (weight, bias) = (try i.optionalTensor("weight"), try i.optionalTensor("bias"))
        if let given = weight { weight = try i.alongAxis(given, 1, i.rank(x)) }
        if let given = bias { bias = try i.alongAxis(given, 1, i.rank(x)) }
        let result = try i.scaleAndShift(x, mean: channelMean, factor: channelFactor, weight, bias, i.element(x))
        if i.call.name.base == "group_norm" { return [result] }
        let declared = try i.declaredTypes().map { $0?.element }
        let statistics = [shape[0], Dimension(groups)]
        return [
            result, try i.cast(try i.reshape(mean, statistics), declared[1] ?? .f32),
            try i.cast(try i.reshape(factor, statistics), declared[2] ?? .f32),
        ]
    }
}

extension Importer {
    /// The declared type of each result, four at least.
    func declaredTypes() throws(ImportError) -> [TensorType?] {
        var types: [TensorType?] = []
        for name in resultNames {
            guard let name, let meta = scopes.last?.graph.tensors[name] else {
                types.append(nil)
                continue
            }
            types.append(try type(meta, name))
        }
        while types.count < 4 { types.append(nil) }
        return types
    }

    /// Statistics of each channel over batch and space: mean and biased variance, axes kept.
    fileprivate mutating func channelStatistics(_ x: Value) throws(ImportError) -> (mean: Value, variance: Value) {
        let axes = Array(0..<rank(x)).filter { $0 != 1 }
        // As PyTorch does on the processor: a batch has many elements, and running statistics keep every error.
        let wide = element(x) == .f32 ? try cast(x, .f64) : x
        let (mean, squares) = try moments(wide, axes)
        let variance = try divide(squares, by: count(x, axes))
        return (try cast(mean, element(x).computeType), try cast(variance, element(x).computeType))
    }

    /// The normalised tensor from statistics that are broadcast against it.
    fileprivate mutating func normalised(
        _ x: Value, mean: Value, variance: Value, epsilon: Double
    ) throws(ImportError) -> Value {
        var (weight, bias) = (try optionalTensor("weight"), try optionalTensor("bias"))
        if let given = weight { weight = try alongAxis(given, 1, rank(x)) }
        if let given = bias { bias = try alongAxis(given, 1, rank(x)) }
        let factor = try formula(try widened(variance)) { ($0 + .number(epsilon)).apply(.reciprocalSquareRoot) }
        return try scaleAndShift(x, mean: try widened(mean), factor: factor, weight, bias, element(x))
    }
}

/// `v · g / ‖v‖`, with the norm over all axes but `dim`, or over all.
private func registerWeightNorms(_ table: inout OperatorTable) {
    table.values("_weight_norm", "_weight_norm_interface") { (i) throws(ImportError) in
        let (v, g) = (try i.tensor("v"), try i.tensor("g"))
        let axis = try i.int("dim")
        let axes = Array(0..<i.rank(v)).filter { $0 != (axis < -1 ? axis + i.rank(v) : axis) }
        let norm = try i.norm(try i.widened(v), axes, order: 2, keep: true)
        let result = try i.formula(
            [.tensor(v), .tensor(g), .tensor(norm)], common: i.element(norm), result: i.element(v)
        ) { $0[0] * ($0[1] / $0[2]) }
        return i.call.name.base == "_weight_norm" ? [result] : [result, try i.reshape(norm, i.shape(g))]
    }
}

private func registerBatchNorms(_ table: inout OperatorTable) {
    /// Running statistics that are written in place.
    @Sendable func written(_ i: inout Importer, _ name: String, _ value: Value) throws(ImportError) {
        try i.write(try i.handle(name), value)
    }
    /// The results; in training, `update` takes the new running statistics.
    @Sendable func batchNorm(
        _ i: inout Importer, training: Bool,
        update: (inout Importer, String, Value) throws(ImportError) -> Void = {
            (_, _, _) throws(ImportError) in
        }
    ) throws(ImportError) -> [Value] {
        let x = try i.tensor("input")
        let epsilon = try i.float("eps")
        guard training else {
            let mean = try i.alongAxis(try i.tensor("running_mean"), 1, i.rank(x))
            let variance = try i.alongAxis(try i.tensor("running_var"), 1, i.rank(x))
            let result = try i.normalised(x, mean: mean, variance: variance, epsilon: epsilon)
            // Programs declare statistics: empty ones, and where they were captured on a GPU those that are there.
            let declared = try i.declaredTypes()
            func statistic(_ place: Int, _ value: Value) throws(ImportError) -> Value {
                let type = declared[place] ?? TensorType(i.element(x).computeType, [0])
                return type.shape == [0]
                    ? try i.full(0, type) : try i.cast(try i.reshape(value, type.shape), type.element)
            }
            let isEmpty = declared[2].map { $0.shape == [0] } ?? true
            let factor =
                isEmpty
                ? variance : try i.formula(variance) { ($0 + .number(epsilon)).apply(.reciprocalSquareRoot) }
            return [result, try statistic(1, mean), try statistic(2, factor)]
        }
        let (mean, variance) = try i.channelStatistics(x)
        let result = try i.normalised(x, mean: mean, variance: variance, epsilon: epsilon)
        let channels = [i.shape(x)[1]]
        let factor = try i.formula(variance) { ($0 + .number(epsilon)).apply(.reciprocalSquareRoot) }
        if i.has("running_mean") {
            let count = try i.dimension(
                i.count(x, Array(0..<i.rank(x)).filter { $0 != 1 }), i.element(variance))
            let unbiased = try i.formula([variance, count]) { $0[0] * $0[1] / ($0[1] - 1) }
            let momentum = try i.float("momentum")
            for (name, value) in [("running_mean", mean), ("running_var", unbiased)] {
                let old = try i.tensor(name)
                let next = try i.formula(
                    [.tensor(old), .tensor(try i.reshape(value, channels))], common: i.element(old).computeType,
                    result: i.element(old)
                ) { $0[0] * .number(1 - momentum) + $0[1] * .number(momentum) }
                try update(&i, name, next)
            }
        }
        let declared = i.call.name.base == "batch_norm" ? [] : try i.declaredTypes().map { $0?.element }
        /// What the program says of the n-th result.
        func element(_ place: Int) -> ElementType? { declared.indices.contains(place) ? declared[place] : nil }
        let wide = i.element(mean)
        return [
            result, try i.cast(try i.reshape(mean, channels), element(1) ?? wide),
            try i.cast(try i.reshape(factor, channels), element(2) ?? wide),
        ]
    }
    table.values("batch_norm") { (i) throws(ImportError) in
        let training = try i.bool("training") || !i.has("running_mean")
        return [try batchNorm(&i, training: training, update: written)[0]]
    }
    table.values("native_batch_norm", "_native_batch_norm_legit") { (i) throws(ImportError) in
        try batchNorm(&i, training: try i.bool("training") || !i.has("running_mean"), update: written)
    }
    table.values("_native_batch_norm_legit_no_training") { (i) throws(ImportError) in
        try batchNorm(&i, training: false)
    }
    table.values("_native_batch_norm_legit_functional") { (i) throws(ImportError) in
        var running = ["running_mean": try i.tensor("running_mean"), "running_var": try i.tensor("running_var")]
        let training = try i.bool("training")
        let results = try batchNorm(&i, training: training) { (_, name, value) throws(ImportError) in
            running[name] = value
        }
        // PyTorch declares running statistics in the type that it computes them in.
        let declared = try i.declaredTypes().map { $0?.element }
        for (place, name) in ["running_mean", "running_var"].enumerated() {
            guard let value = running[name] else { continue }
            let element = declared.indices.contains(3 + place) ? declared[3 + place] : nil
            running[name] = try i.cast(value, element ?? i.element(value))
        }
        return results + [running["running_mean"], running["running_var"]].compactMap(\.self)
    }
    table.value("instance_norm") { (i) throws(ImportError) in
        let x = try i.tensor("input")
        let epsilon = try i.float("eps")
        guard try i.bool("use_input_stats") else {
            let mean = try i.alongAxis(try i.tensor("running_mean"), 1, i.rank(x))
            let variance = try i.alongAxis(try i.tensor("running_var"), 1, i.rank(x))
            return try i.normalised(x, mean: mean, variance: variance, epsilon: epsilon)
        }
        if i.has("running_mean") { throw i.unsupported("running statistics in training mode") }
        let axes = Array(2..<i.rank(x))
        let (mean, squares) = try i.moments(x, axes)
        let variance = try i.divide(squares, by: i.count(x, axes))
        return try i.normalised(x, mean: mean, variance: variance, epsilon: epsilon)
    }
}
