import ElementTypes
import GraphIR
import ModelFiles

/// Conversions of element type, copies, and tensors made from nothing.
func registerCastsAndCreation(_ table: inout OperatorTable) {
    registerCasts(&table)
    registerFills(&table)
    registerRanges(&table)
}

private func registerCasts(_ table: inout OperatorTable) {
    table.on("to", "_to_copy", "type_as", "_autocast_to_reduced_precision", "_autocast_to_full_precision") {
        (i) throws(ImportError) in
        let handle = try i.handle("self")
        let x = try i.read(handle)
        let element = try i.declaredResult().element
        let asked = i.has("copy") ? try i.bool("copy") : false
        let copies = i.call.name.base == "_to_copy" || asked || element != i.element(x)
        return copies ? [i.fresh(try i.cast(x, element))] : [handle]
    }
    table.value("clone", "lift_fresh_copy", "detach_copy", "alias_copy", "_conj_physical", "resolve_conj") {
        (i) throws(ImportError) in try i.tensor("self")
    }
    table.alias("detach", "detach_", "alias", "lift_fresh", "lift", "conj", "real", "resolve_neg", "data") {
        (i) throws(ImportError) in
        let handle = try i.handle("self")
        return handle
    }
    table.on("contiguous") { (i) throws(ImportError) in
        let handle = try i.handle("self")
        return i.isContiguous("self") ? [handle] : [i.fresh(try i.read(handle))]
    }
    table.value("copy") { (i) throws(ImportError) in
        let target = try i.type(of: "self")
        return try i.expand(try i.cast(try i.tensor("src"), target.element), target.shape)
    }
    table.value("dequantize") { (i) throws(ImportError) in try i.tensor("self") }
}

private func registerFills(_ table: inout OperatorTable) {
    func constant(_ names: String..., value: Double) {
        for name in names {
            table.value(name) { (i) throws(ImportError) in try i.full(value, try i.declaredResult()) }
        }
    }
    constant("zeros", "zeros_like", "new_zeros", value: 0)
    constant("ones", "ones_like", "new_ones", value: 1)
    // PyTorch leaves these undefined; zeros are as good as anything.
    constant(
        "empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "empty_permuted",
        "_efficientzerotensor", value: 0)
    table.value("full", "full_like", "new_full") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        return try i.expand(try i.value(try i.scalarArgument("fill_value"), type.element), type.shape)
    }
    table.value("fill") { (i) throws(ImportError) in
        let type = try i.type(of: "self")
        return try i.expand(try i.value(try i.operand("value"), type.element), type.shape)
    }
    table.value("zero") { (i) throws(ImportError) in try i.full(0, try i.type(of: "self")) }
    table.value("scalar_tensor") { (i) throws(ImportError) in
        try i.value(try i.scalarArgument("s"), try i.declaredResult().element)
    }
    table.value("eye") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        let (row, column) = (try i.index(along: 0, of: type.shape), try i.index(along: 1, of: type.shape))
        let result = try i.map([row, column]) { $0.apply(.equal, $1[0], $1[1]) }
        return try i.cast(result, type.element)
    }
    table.value("one_hot") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        let x = try i.unsqueeze(try i.tensor("self"), type.shape.count - 1)
        let classes = try i.index(along: type.shape.count - 1, of: type.shape)
        return try i.cast(try i.map([x, classes]) { $0.apply(.equal, $1[0], $1[1]) }, type.element)
    }
}

private func registerRanges(_ table: inout OperatorTable) {
    table.value("arange") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        let start: ScalarArgument = i.has("start") ? try i.scalarArgument("start") : .integer(0)
        let step: ScalarArgument = i.has("step") ? try i.scalarArgument("step") : .integer(1)
        let iota = try i.leaf(.iota(type.shape[0]))
        if case .integer(let first) = start, case .integer(let stride) = step {
            if let by = stride.constantValue {
                return try i.cast(try i.positions(type.shape[0], from: first, step: by), type.element)
            }
            let by = try i.dimension(stride, .i64)
            let base = try i.dimension(first, .i64)
            let result = try i.map([iota, by, base]) { $0.apply(.add, $0.apply(.multiply, $1[0], $1[1]), $1[2]) }
            return try i.cast(result, type.element)
        }
        let compute: ElementType = type.element == .f64 ? .f64 : type.element.computeType
        let position = try i.cast(iota, compute)
        return try i.formula(
            [.tensor(position), .scalar(step), .scalar(start)], common: compute, result: type.element
        ) { $0[2] + $0[0] * $0[1] }
    }
    table.value("linspace") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        let compute: ElementType = type.element == .f64 ? .f64 : .f32
        let (first, last) = (try i.operand("start"), try i.operand("end"))
        let steps = try i.int("steps")
        let position = try i.cast(try i.leaf(.iota(type.shape[0])), compute)
        // The upper half counts from the end, as PyTorch does, so that the last element is exact.
        return try i.formula([.tensor(position), first, last], common: compute, result: type.element) { x in
            let step = (x[2] - x[1]) / .number(Double(max(steps - 1, 1)))
            let upper = x[2] - step * (.number(Double(steps - 1)) - x[0])
            return steps == 1 ? x[1] : x[0].less(.number(Double(steps / 2))).select(x[1] + step * x[0], upper)
        }
    }
    func triangle(_ name: String, isLower: Bool) {
        table.value(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            let shape = i.shape(x)
            let diagonal = try i.int("diagonal")
            let row = try i.index(along: shape.count - 2, of: shape)
            let column = try i.index(along: shape.count - 1, of: shape)
            let element = i.element(x)
            return try i.map([x, row, column], as: element) { s, t in
                let limit = s.apply(.add, t[1], s.integer(Int64(diagonal)))
                let keep = isLower ? s.apply(.lessOrEqual, t[2], limit) : s.apply(.lessOrEqual, limit, t[2])
                return s.apply(.select, keep, t[0], s.number(0, element))
            }
        }
    }
    triangle("tril", isLower: true)
    triangle("triu", isLower: false)
    for (name, isLower) in [("tril_indices", true), ("triu_indices", false)] {
        table.value(name) { (i) throws(ImportError) in
            let (rows, columns, offset) = (try i.int("row"), try i.int("col"), try i.int("offset"))
            var (first, second): ([Int], [Int]) = ([], [])
            for row in 0..<rows {
                for column in 0..<columns where isLower ? column - row <= offset : column - row >= offset {
                    first.append(row)
                    second.append(column)
                }
            }
            let result = try i.integers(first + second, [2, Dimension(first.count)])
            return try i.cast(result, try i.declaredResult().element)
        }
    }
}
