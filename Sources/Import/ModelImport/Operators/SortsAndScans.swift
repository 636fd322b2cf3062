import ElementTypes
import GraphIR
import ModelFiles

/// Order along an axis and running totals.
func registerSortsAndScans(_ table: inout OperatorTable) {
    table.values("sort", "argsort", "msort") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let base = i.call.name.base
        if i.rank(x) == 0 { return base == "argsort" ? [try i.scalar(0, .i64)] : [x, try i.scalar(0, .i64)] }
        let axis = base == "msort" ? 0 : try i.axis("dim", i.rank(x))
        let descending = base == "msort" ? false : try i.bool("descending")
        let (values, positions) = try i.sorted(x, axis, descending: descending)
        return base == "argsort" ? [positions] : base == "msort" ? [values] : [values, positions]
    }
    table.values("topk") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        if i.rank(x) == 0 { return [x, try i.scalar(0, .i64)] }
        let axis = try i.axis("dim", i.rank(x))
        let (values, positions) = try i.sorted(x, axis, descending: try i.bool("largest"), limit: try i.int("k"))
        return [values, positions]
    }
    table.values("kthvalue") { (i) throws(ImportError) in
        let x = try i.tensor("self")
        let axis = try i.axis("dim", i.rank(x))
        return try i.ranked(x, axis, Dimension(try i.int("k") - 1), keep: try i.bool("keepdim"))
    }
    table.values("median", "nanmedian") { (i) throws(ImportError) in
        if i.call.name.base == "nanmedian" { throw i.unsupported("nanmedian") }
        var x = try i.tensor("self")
        let ranges = i.builder.graph.ranges
        guard i.has("dim") else {
            let count = elementCount(i.shape(x))
            x = try i.reshape(x, [count])
            return [try i.ranked(x, 0, (count - 1).floorDivided(by: 2, ranges), keep: false)[0]]
        }
        let axis = try i.axis("dim", i.rank(x))
        let middle = (i.shape(x)[axis] - 1).floorDivided(by: 2, ranges)
        return try i.ranked(x, axis, middle, keep: try i.bool("keepdim"))
    }
    table.value("diff") { (i) throws(ImportError) in
        var x = try i.tensor("self")
        let axis = try i.axis("dim", i.rank(x))
        var parts: [Value] = []
        if let first = try i.optionalTensor("prepend") { parts.append(first) }
        parts.append(x)
        if let last = try i.optionalTensor("append") { parts.append(last) }
        x = try i.concatenate(parts, axis)
        for _ in 0..<(try i.int("n")) {
            let count = i.shape(x)[axis] - 1
            let pair = [try i.slice(x, axis, 1, count), try i.slice(x, axis, 0, count)]
            let isBool = i.element(x) == .bool
            x = try i.formula(pair) { isBool ? $0[0].apply(.exclusiveOr, $0[1]) : $0[0] - $0[1] }
        }
        return x
    }
    for (name, kind) in [("cumsum", Scan.Kind.sum), ("cumprod", .product), ("logcumsumexp", .logSumExp)] {
        table.value(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            let element = try i.declaredResult().element
            if i.rank(x) == 0 { return try i.cast(x, element) }
            let wide = try i.widened(try i.cast(x, element))
            return try i.cast(try i.add(.scan(Scan(kind, axis: try i.axis("dim", i.rank(x)))), [wide]), element)
        }
    }
    for (name, kind) in [("cummax", Scan.Kind.maximum), ("cummin", .minimum)] {
        table.values(name) { (i) throws(ImportError) in
            let x = try i.tensor("self")
            if i.rank(x) == 0 { return [x, try i.scalar(0, .i64)] }
            let axis = try i.axis("dim", i.rank(x))
            let values = try i.add(.scan(Scan(kind, axis: axis)), [x])
            // The latest position whose element equals the running extremum.
            let place = try i.index(along: axis, of: i.shape(x))
            let candidates = try i.map([x, values, place]) { s, t in
                s.apply(.select, s.apply(.equal, t[0], t[1]), t[2], s.integer(0))
            }
            return [values, try i.add(.scan(Scan(.maximum, axis: axis)), [candidates])]
        }
    }
}

extension Importer {
    /// Sorted elements and their positions.
    fileprivate mutating func sorted(
        _ x: Value, _ axis: Int, descending: Bool, limit: Int? = nil
    ) throws(ImportError) -> (Value, Value) {
        let isBool = element(x) == .bool
        let node = try node(
            .sort(Sort(axis: axis, isDescending: descending, limit: limit)), [isBool ? try cast(x, .u8) : x])
        return (isBool ? try cast(Value(node, 0), .bool) : Value(node, 0), Value(node, 1))
    }

    /// The element of a rank in ascending order along an axis, and its position.
    fileprivate mutating func ranked(
        _ x: Value, _ axis: Int, _ place: Dimension, keep: Bool
    ) throws(ImportError) -> [Value] {
        let (values, positions) = try sorted(x, axis, descending: false)
        if keep { return [try slice(values, axis, place, 1), try slice(positions, axis, place, 1)] }
        return [try select(values, axis, place), try select(positions, axis, place)]
    }
}
