import ElementTypes
import GraphIR
import ModelFiles

/// Losses, which models that train or score themselves compute in forward.
func registerLosses(_ table: inout OperatorTable) {
    registerElementLosses(&table)
    registerMarginLosses(&table)
    registerClassLosses(&table)
}

extension Importer {
    /// A loss reduced as the call's `reduction` says: 0 not at all, 1 to the mean, 2 to the sum.
    fileprivate mutating func reduced(_ loss: Value, as element: ElementType? = nil) throws(ImportError) -> Value {
        let element = element ?? self.element(loss)
        let axes = Array(0..<rank(loss))
        switch try int("reduction") {
        case 0: return try cast(loss, element)
        case 1: return try cast(try mean(loss, axes), element)
        case 2: return try cast(try sum(loss, axes), element)
        case let other: throw unsupported("reduction = \(other)")
        }
    }

    /// A loss of each pair of elements of tensor arguments, reduced.
    fileprivate mutating func elementLoss(
        _ names: [String], _ body: ([Formula]) -> Formula
    ) throws(ImportError) -> Value {
        var operands: [Operand] = []
        for name in names { operands.append(.tensor(try tensor(name))) }
        let common = resultType(operands).floating
        return try reduced(try formula(operands, common: common, body))
    }
}

private func registerElementLosses(_ table: inout OperatorTable) {
    table.value("mse_loss") { (i) throws(ImportError) in
        try i.elementLoss(["self", "target"]) { ($0[0] - $0[1]) * ($0[0] - $0[1]) }
    }
    table.value("l1_loss") { (i) throws(ImportError) in
        try i.elementLoss(["self", "target"]) { ($0[0] - $0[1]).absolute }
    }
    table.value("smooth_l1_loss") { (i) throws(ImportError) in
        let beta = try i.float("beta")
        return try i.elementLoss(["self", "target"]) { x in
            let distance = (x[0] - x[1]).absolute
            if beta == 0 { return distance }
            let near = 0.5 * distance * distance / .number(beta)
            return distance.less(.number(beta)).select(near, distance - .number(0.5 * beta))
        }
    }
    table.value("huber_loss") { (i) throws(ImportError) in
        let delta = try i.float("delta")
        return try i.elementLoss(["self", "target"]) { x in
            let distance = (x[0] - x[1]).absolute
            let far = .number(delta) * (distance - .number(0.5 * delta))
            return distance.lessOrEqual(.number(delta)).select(0.5 * distance * distance, far)
        }
    }
    table.value("soft_margin_loss") { (i) throws(ImportError) in
        try i.elementLoss(["self", "target"]) { (-$0[1] * $0[0]).exp.log1p }
    }
    table.value("binary_cross_entropy") { (i) throws(ImportError) in
        let names = ["self", "target"] + (i.has("weight") ? ["weight"] : [])
        return try i.elementLoss(names) { x in
            // PyTorch bounds the logarithms at −100.
            let absent = (x[1] - 1) * (1 - x[0]).log.maximum(-100)
            let loss = absent - x[1] * x[0].log.maximum(-100)
            return names.count == 3 ? loss * x[2] : loss
        }
    }
    table.value("binary_cross_entropy_with_logits") { (i) throws(ImportError) in
        var names = ["self", "target"]
        for name in ["pos_weight", "weight"] where i.has(name) { names.append(name) }
        return try i.elementLoss(names) { x in
            let logarithm = x[0].minimum(0) - (-x[0].absolute).exp.log1p
            var factored = logarithm
            if names.contains("pos_weight") { factored = ((x[2] - 1) * x[1] + 1) * logarithm }
            let loss = (1 - x[1]) * x[0] - factored
            return names.last == "weight" ? loss * x[x.count - 1] : loss
        }
    }
    table.value("kl_div") { (i) throws(ImportError) in
        let isLogarithm = try i.bool("log_target")
        return try i.elementLoss(["self", "target"]) { x in
            if isLogarithm { return x[1].exp * (x[1] - x[0]) }
            return x[1].equal(0).select(0, x[1] * x[1].log) - x[1] * x[0]
        }
    }
    table.value("poisson_nll_loss") { (i) throws(ImportError) in
        if try i.bool("full") { throw i.unsupported("full = True") }
        let (isLogarithm, epsilon) = (try i.bool("log_input"), try i.float("eps"))
        return try i.elementLoss(["input", "target"]) { x in
            isLogarithm ? x[0].exp - x[1] * x[0] : x[0] - x[1] * (x[0] + .number(epsilon)).log
        }
    }
}

private func registerMarginLosses(_ table: inout OperatorTable) {
    table.value("hinge_embedding_loss") { (i) throws(ImportError) in
        let margin = try i.float("margin")
        return try i.elementLoss(["self", "target"]) { x in
            let apart = x[1].equal(1).select(0, (.number(margin) - x[0]).maximum(0))
            return apart + x[1].equal(-1).select(0, x[0])
        }
    }
    table.value("margin_ranking_loss") { (i) throws(ImportError) in
        let margin = try i.float("margin")
        return try i.elementLoss(["input1", "input2", "target"]) { x in
            (-x[2] * (x[0] - x[1]) + .number(margin)).maximum(0)
        }
    }
    table.value("cosine_embedding_loss") { (i) throws(ImportError) in
        let (a, b, target) = (try i.tensor("input1"), try i.tensor("input2"), try i.tensor("target"))
        let margin = try i.float("margin")
        let similarity = try i.cosineSimilarity(a, b, i.rank(a) == 1 ? 0 : 1, 1e-8)
        let loss = try i.formula([.tensor(similarity), .tensor(target)], common: i.element(similarity)) { x in
            let apart = x[1].equal(-1).select((x[0] - .number(margin)).maximum(0), 0)
            return apart + x[1].equal(1).select(1 - x[0], 0)
        }
        return try i.reduced(loss)
    }
    table.value("triplet_margin_loss") { (i) throws(ImportError) in
        let (anchor, near, far) = (try i.tensor("anchor"), try i.tensor("positive"), try i.tensor("negative"))
        let (margin, order, epsilon) = (try i.float("margin"), try i.float("p"), try i.float("eps"))
        func distance(_ a: Value, _ b: Value, _ i: inout Importer) throws(ImportError) -> Value {
            try i.pairwiseDistance(a, b, order: order, epsilon: epsilon, keep: false)
        }
        let positive = try distance(anchor, near, &i)
        var negative = try distance(anchor, far, &i)
        if try i.bool("swap") {
            let other = try distance(near, far, &i)
            negative = try i.formula([negative, other]) { $0[0].minimum($0[1]) }
        }
        return try i.reduced(
            try i.formula([positive, negative]) { (.number(margin) + $0[0] - $0[1]).maximum(0) })
    }
}

private func registerClassLosses(_ table: inout OperatorTable) {
    table.value("nll_loss", "nll_loss_nd", "nll_loss2d") { (i) throws(ImportError) in
        let logarithms = try i.tensor("self")
        return try i.classLoss(logarithms, smoothing: 0).loss
    }
    table.values("nll_loss_forward", "nll_loss2d_forward") { (i) throws(ImportError) in
        let logarithms = try i.tensor("self")
        let (loss, weight) = try i.classLoss(logarithms, smoothing: 0)
        return [loss, weight]
    }
    table.value("cross_entropy_loss") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axis = i.rank(x) == 1 ? 0 : 1
        let logarithms = try i.logSoftmax(try i.widened(x), axis)
        let target = try i.tensor("target")
        let smoothing = try i.float("label_smoothing")
        guard i.element(target).isFloatingPoint else {
            let result = try i.classLoss(logarithms, smoothing: smoothing).loss
            return try i.cast(result, i.element(x))
        }
        // Targets are probabilities.
        var operands = [logarithms, try i.widened(target)]
        if let weight = try i.optionalTensor("weight") {
            operands.append(try i.widened(try i.alongAxis(weight, axis, i.rank(x))))
        }
        guard let classes = i.shape(x)[axis].constantValue else { throw i.unsupported("a symbolic number of classes") }
        let terms = try i.formula(operands) { t in
            let wanted = smoothing == 0 ? t[1] : t[1] * .number(1 - smoothing) + .number(smoothing / Double(classes))
            return t.count == 3 ? -t[0] * wanted * t[2] : -t[0] * wanted
        }
        return try i.reduced(try i.reduce(.sum, terms, [axis]), as: i.element(x))
    }
}

extension Importer {
    /// The negative log-likelihood of the target classes, weighted and reduced, and the sum of the weights.
    ///
    /// `logarithms` `[batch, classes, …]` or `[classes]`; target without the class axis. With `smoothing`, that share of
    /// the loss is the mean over all classes.
    fileprivate mutating func classLoss(
        _ logarithms: Value, smoothing: Double
    ) throws(ImportError) -> (loss: Value, weight: Value) {
        let element = element(logarithms)
        let axis = rank(logarithms) == 1 ? 0 : 1
        guard let classes = shape(logarithms)[axis].constantValue else {
            throw unsupported("a symbolic number of classes")
        }
        let target = try cast(try tensor("target"), .i64)
        let ignored = Double(try int("ignore_index"))
        let index = try formula(target) { $0.equal(.number(ignored)).select(0, $0) }
        let wide = try widened(logarithms)
        let compute = self.element(wide)
        let picked = try gather(wide, axis, try unsqueeze(index, axis))
        var counted = try cast(try formula(target, as: .bool) { $0.equal(.number(ignored)).not }, compute)
        let isCounted = counted
        let weight = try optionalTensor("weight")
        if let weight {
            let taken = try add(.gather(Gather(axes: [0], at: 0)), [try widened(weight), index])
            counted = try formula([counted, taken]) { $0[0] * $0[1] }
        }
        var losses = try formula([try reshape(picked, shape(target)), counted]) { -$0[0] * $0[1] }
        if smoothing > 0 {
            var all = wide
            if let weight {
                all = try formula([wide, try widened(try alongAxis(weight, axis, rank(wide)))]) { $0[0] * $0[1] }
            }
            let total = try reduce(.sum, all, [axis])
            losses = try formula([losses, total, isCounted]) { x in
                x[0] * .number(1 - smoothing) - x[1] * x[2] * .number(smoothing / Double(classes))
            }
        }
        let axes = Array(0..<rank(target))
        let weights = try reduce(.sum, counted, axes)
        switch try int("reduction") {
        case 0: return (try cast(losses, element), try full(0, TensorType(element, [])))
        case 1:
            let mean = try formula([try reduce(.sum, losses, axes), weights]) { $0[0] / $0[1] }
            return (try cast(mean, element), try cast(weights, element))
        case 2: return (try cast(try reduce(.sum, losses, axes), element), try cast(weights, element))
        case let other: throw unsupported("reduction = \(other)")
        }
    }
}
