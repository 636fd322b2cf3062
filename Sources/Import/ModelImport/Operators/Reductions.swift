import ElementTypes
import GraphIR
import ModelFiles

/// Reductions along axes. Narrow floating types accumulate in f32 and are rounded once.
func registerReductions(_ table: inout OperatorTable) {
    registerSums(&table)
    registerExtrema(&table)
    registerMoments(&table)
    registerNorms(&table)
}

extension Importer {
    /// The tensor in the type that PyTorch accumulates in: f32 for narrow floating types.
    mutating func widened(_ value: Value) throws(ImportError) -> Value {
        let element = element(value)
        return element.isFloatingPoint ? try cast(value, element.computeType) : value
    }

    /// Number of elements along axes.
    func count(_ value: Value, _ axes: [Int]) -> Dimension {
        axes.reduce(1) { $0 * shape(value)[$1] }
    }

    /// The sum over axes, in the accumulation type.
    mutating func sum(_ value: Value, _ axes: [Int], keep: Bool = false) throws(ImportError) -> Value {
        try reduce(.sum, try widened(value), axes, keep: keep)
    }

    /// The mean over axes, in the accumulation type.
    mutating func mean(_ value: Value, _ axes: [Int], keep: Bool = false) throws(ImportError) -> Value {
        try divide(try sum(value, axes, keep: keep), by: count(value, axes))
    }

    /// Mean and the sum of squared deviations over axes, in the accumulation type, axes kept.
    mutating func moments(_ value: Value, _ axes: [Int]) throws(ImportError) -> (mean: Value, squares: Value) {
        let wide = try widened(value)
        let mean = try mean(wide, axes, keep: true)
        let squares = try formula([wide, mean]) { ($0[0] - $0[1]) * ($0[0] - $0[1]) }
        return (mean, try sum(squares, axes, keep: true))
    }

    /// The axis argument `dim`, or all axes; and `keepdim`.
    func reducedAxes(_ value: Value) throws(ImportError) -> (axes: [Int], keep: Bool) {
        let keep = call.schema?.names.contains("keepdim") == true ? try bool("keepdim") : false
        return (try axes("dim", rank(value)), keep)
    }

    /// Drops kept axes of extent 1.
    mutating func dropping(_ value: Value, _ axes: [Int]) throws(ImportError) -> Value {
        var shape = shape(value)
        for axis in axes.sorted(by: >) { shape.remove(at: axis) }
        return try reshape(value, shape)
    }
}

private func registerSums(_ table: inout OperatorTable) {
    table.value("sum", "prod", "nansum") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        let (axes, keep) = try i.reducedAxes(x)
        let element = try i.elementType() ?? (i.element(x).isFloatingPoint ? i.element(x) : .i64)
        x = try i.widened(try i.cast(x, element))
        if i.call.name.base == "nansum", element.isFloatingPoint { x = try i.formula(x) { $0.isNaN.select(0, $0) } }
        let kind = i.call.name.base == "prod" ? Reduce.Kind.product : .sum
        return try i.cast(try i.reduce(kind, x, axes, keep: keep), element)
    }
    table.value("mean") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let (axes, keep) = try i.reducedAxes(x)
        let element = try i.elementType() ?? i.element(x)
        return try i.cast(try i.mean(try i.cast(x, element), axes, keep: keep), element)
    }
    table.value("nanmean") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let (axes, keep) = try i.reducedAxes(x)
        let element = try i.elementType() ?? i.element(x)
        let wide = try i.widened(try i.cast(x, element))
        let total = try i.reduce(.sum, try i.formula(wide) { $0.isNaN.select(0, $0) }, axes, keep: keep)
        let count = try i.reduce(.sum, try i.formula(wide) { $0.isNaN.select(0, 1) }, axes, keep: keep)
        return try i.formula([total, count], as: element) { $0[0] / $0[1] }
    }
    table.value("any", "all") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let (axes, keep) = try i.reducedAxes(x)
        let truth = try i.cast(x, .bool)
        let result = try i.reduce(i.call.name.base == "any" ? .any : .all, truth, axes, keep: keep)
        return i.element(x) == .u8 ? try i.cast(result, .u8) : result
    }
    table.value("count_nonzero") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let truth = try i.cast(try i.cast(x, .bool), .i64)
        return try i.reduce(.sum, truth, try i.axes("dim", i.rank(x)))
    }
    table.value("trace") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let shape = i.shape(x)
        let (row, column) = (try i.index(along: 0, of: shape), try i.index(along: 1, of: shape))
        let element = i.element(x).isFloatingPoint ? i.element(x) : .i64
        let kept = try i.map([try i.widened(try i.cast(x, element)), row, column]) { s, t in
            s.apply(.select, s.apply(.equal, t[1], t[2]), t[0], s.number(0, element.computeType))
        }
        return try i.cast(try i.reduce(.sum, kept, [0, 1]), element)
    }
}

private func registerExtrema(_ table: inout OperatorTable) {
    @Sendable func extremum(_ i: inout Importer, _ x: Value, _ axes: [Int], keep: Bool, isMaximum: Bool)
        throws(ImportError)
        -> Value
    {
        if i.element(x) == .bool { return try i.reduce(isMaximum ? .any : .all, x, axes, keep: keep) }
        return try i.reduce(isMaximum ? .maximum : .minimum, x, axes, keep: keep)
    }
    for (name, isMaximum) in [("amax", true), ("amin", false)] {
        table.value(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            let (axes, keep) = try i.reducedAxes(x)
            return try extremum(&i, x, axes, keep: keep, isMaximum: isMaximum)
        }
    }
    for (name, isMaximum) in [("max", true), ("min", false)] {
        table.values(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            if i.has("other") {
                let operands = [Operand.tensor(x), try i.operand("other")]
                return [
                    try i.formula(operands, common: i.resultType(operands), exactNumbers: false) {
                        isMaximum ? $0[0].maximum($0[1]) : $0[0].minimum($0[1])
                    }
                ]
            }
            guard i.has("dim") else {
                return [try extremum(&i, x, Array(0..<i.rank(x)), keep: false, isMaximum: isMaximum)]
            }
            let keep = try i.bool("keepdim")
            guard i.rank(x) > 0 else { return [x, try i.scalar(0, .i64)] }
            let axis = try i.axis("dim", i.rank(x))
            return [
                try extremum(&i, x, [axis], keep: keep, isMaximum: isMaximum),
                try i.position(x, axis, keep: keep, isMaximum: isMaximum),
            ]
        }
    }
    table.values("aminmax") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axes = i.has("dim") ? [try i.axis("dim", i.rank(x))] : Array(0..<i.rank(x))
        let keep = try i.bool("keepdim")
        return [
            try extremum(&i, x, i.rank(x) == 0 ? [] : axes, keep: keep, isMaximum: false),
            try extremum(&i, x, i.rank(x) == 0 ? [] : axes, keep: keep, isMaximum: true),
        ]
    }
    for (name, isMaximum) in [("argmax", true), ("argmin", false)] {
        table.value(name) { (i) throws(ImportError) in
            var x = try i.tensor("self")
            let keep = try i.bool("keepdim")
            if i.rank(x) == 0 { return try i.scalar(0, .i64) }
            if i.has("dim") {
                return try i.position(x, try i.axis("dim", i.rank(x)), keep: keep, isMaximum: isMaximum)
            }
            let rank = i.rank(x)
            x = try i.reshape(x, [elementCount(i.shape(x))])
            let result = try i.position(x, 0, keep: false, isMaximum: isMaximum)
            return keep ? try i.reshape(result, Shape(repeating: 1, count: rank)) : result
        }
    }
}

extension Importer {
    /// The position of the first greatest or least element along an axis.
    mutating func position(_ value: Value, _ axis: Int, keep: Bool, isMaximum: Bool) throws(ImportError) -> Value {
        let value = element(value) == .bool ? try cast(value, .u8) : value
        return try reduce(isMaximum ? .argMaximum : .argMinimum, value, [axis], keep: keep)
    }
}

private func registerMoments(_ table: inout OperatorTable) {
    for (name, takesRoot, givesMean) in [
        ("var", false, false), ("std", true, false), ("var_mean", false, true), ("std_mean", true, true),
    ] {
        table.values(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            let (axes, keep) = try i.reducedAxes(x)
            var correction = 1.0
            if i.has("correction") {
                correction = try i.float("correction")
            } else if i.call.schema?.names.contains("unbiased") == true {
                correction = try i.bool("unbiased") ? 1 : 0
            }
            let element = i.element(x)
            // PyTorch keeps these moments in f64 whatever the input's type.
            let (mean, squares) = try i.moments(element.isFloatingPoint ? try i.cast(x, .f64) : x, axes)
            let divisor = try i.dimension(i.count(x, axes), element.isFloatingPoint ? .f64 : element.computeType)
            var result = try i.formula([squares, divisor], as: element) { x in
                let variance = x[0] / (x[1] - .number(correction)).maximum(0)
                return takesRoot ? variance.squareRoot : variance
            }
            var center = try i.cast(mean, element)
            if !keep {
                result = try i.dropping(result, axes)
                center = try i.dropping(center, axes)
            }
            return givesMean ? [result, center] : [result]
        }
    }
    table.value("logsumexp") { (i) throws(ImportError) in
        let source = try i.tensor("self")
        let (axes, keep) = try i.reducedAxes(source)
        let element = i.element(source).floating
        let x = try i.widened(try i.cast(source, element))
        let peak = try i.reduce(.maximum, x, axes, keep: true)
        let shift = try i.formula(peak) { $0.absolute.equal(.number(.infinity)).select(0, $0) }
        let powers = try i.formula([x, shift]) { ($0[0] - $0[1]).exp }
        let total = try i.sum(powers, axes, keep: true)
        let result = try i.formula([total, shift], as: element) { $0[0].log + $0[1] }
        return keep ? result : try i.dropping(result, axes)
    }
}

private func registerNorms(_ table: inout OperatorTable) {
    table.value("linalg_vector_norm", "norm", "frobenius_norm") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        let (axes, keep) = try i.reducedAxes(x)
        let element = try i.elementType() ?? i.element(x)
        let order: Double
        switch i.call.name.base {
        case "linalg_vector_norm": order = try i.float("ord")
        case "frobenius_norm": order = 2
        default: order = try i.optionalFloat("p") ?? 2  // `norm`.
        }
        x = try i.widened(try i.cast(x, element))
        return try i.cast(try i.norm(x, axes, order: order, keep: keep), element)
    }
    table.value("linalg_norm", "linalg_matrix_norm") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axes = i.has("dim") ? try i.axes("dim", i.rank(x)) : Array(0..<i.rank(x))
        var order = 2.0
        if case .string(let name) = i.argument("ord") {
            guard name == "fro" else { throw i.unsupported("norm '\(name)'") }
        } else if i.has("ord") {
            order = try i.float("ord")
            if axes.count != 1 { throw i.unsupported("a matrix norm other than Frobenius's") }
        }
        let element = try i.elementType() ?? i.element(x)
        let wide = try i.widened(try i.cast(x, element))
        return try i.cast(try i.norm(wide, axes, order: order, keep: try i.bool("keepdim")), element)
    }
    table.value("dist") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("self"), try i.tensor("other"))
        let x = try i.formula([a, b]) { $0[0] - $0[1] }
        let wide = try i.widened(x)
        return try i.cast(try i.norm(wide, Array(0..<i.rank(x)), order: try i.float("p"), keep: false), i.element(x))
    }
}

extension Importer {
    /// The vector norm of any order along axes.
    mutating func norm(_ x: Value, _ axes: [Int], order: Double, keep: Bool) throws(ImportError) -> Value {
        let element = element(x)
        switch order {
        case 0:
            let counts = try cast(try map([x]) { $0.apply(.notEqual, $1[0], $0.number(0, element)) }, element)
            return try reduce(.sum, counts, axes, keep: keep)
        case 1: return try reduce(.sum, try formula(x) { $0.absolute }, axes, keep: keep)
        case 2:
            let squares = try formula(x) { $0 * $0 }
            return try formula(try reduce(.sum, squares, axes, keep: keep)) { $0.squareRoot }
        case .infinity: return try reduce(.maximum, try formula(x) { $0.absolute }, axes, keep: keep)
        case -.infinity: return try reduce(.minimum, try formula(x) { $0.absolute }, axes, keep: keep)
        default:  // Any other order.
            let powers = try formula(x) { $0.absolute.power(.number(order)) }
            return try formula(try reduce(.sum, powers, axes, keep: keep)) { $0.power(.number(1 / order)) }
        }
    }
}
