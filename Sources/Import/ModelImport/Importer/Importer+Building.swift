import ElementTypes
import GraphIR
import ModelFiles

/// Node makers that turn shape errors into import errors with the place.
extension Importer {
    func type(_ value: Value) -> TensorType { builder.type(value) }
    func shape(_ value: Value) -> Shape { builder.shape(value) }
    func element(_ value: Value) -> ElementType { builder.type(value).element }
    func rank(_ value: Value) -> Int { builder.shape(value).count }

    private mutating func build(
        _ body: (inout GraphBuilder) throws(ShapeError) -> Value
    ) throws(ImportError) -> Value {
        do throws(ShapeError) { return try body(&builder) } catch { throw .shape(site, error) }
    }

    mutating func add(_ operation: Operation, _ operands: [Value]) throws(ImportError) -> Value {
        try build { (b) throws(ShapeError) in try b.add(operation, operands) }
    }

    mutating func node(_ operation: Operation, _ operands: [Value]) throws(ImportError) -> NodeID {
        try add(operation, operands).node
    }

    mutating func leaf(_ leaf: Leaf) throws(ImportError) -> Value {
        try build { (b) throws(ShapeError) in try b.leaf(leaf) }
    }

    /// A scalar constant.
    mutating func scalar(_ value: Double, _ element: ElementType) throws(ImportError) -> Value {
        try leaf(.constant([value], TensorType(element, [])))
    }

    /// A constant vector of integers.
    mutating func integers(_ values: [Int], _ shape: Shape? = nil) throws(ImportError) -> Value {
        try leaf(.constant(values.map(Double.init), TensorType(.i64, shape ?? [Dimension(values.count)])))
    }

    mutating func view(_ view: View, _ value: Value) throws(ImportError) -> Value {
        try build { (b) throws(ShapeError) in try b.view(view, value) }
    }

    mutating func reshape(_ value: Value, _ shape: Shape) throws(ImportError) -> Value {
        try view(.reshape(shape), value)
    }

    mutating func expand(_ value: Value, _ shape: Shape) throws(ImportError) -> Value {
        try view(.expand(shape), value)
    }

    mutating func permute(_ value: Value, _ axes: [Int]) throws(ImportError) -> Value {
        try view(.permute(axes), value)
    }

    /// Exchanges two axes.
    mutating func swapAxes(_ value: Value, _ a: Int, _ b: Int) throws(ImportError) -> Value {
        var axes = Array(0..<rank(value))
        axes.swapAt(a, b)
        return try permute(value, axes)
    }

    mutating func slice(_ value: Value, _ axis: Int, _ start: Dimension, _ count: Dimension) throws(ImportError)
        -> Value
    {
        try view(.slice(axis: axis, start: start, count: count, step: 1), value)
    }

    /// One index along an axis; the axis disappears.
    mutating func select(_ value: Value, _ axis: Int, _ index: Dimension) throws(ImportError) -> Value {
        var shape = shape(value)
        shape.remove(at: axis)
        return try reshape(try slice(value, axis, index, 1), shape)
    }

    /// Inserts an axis of extent 1.
    mutating func unsqueeze(_ value: Value, _ axis: Int) throws(ImportError) -> Value {
        var shape = shape(value)
        shape.insert(1, at: axis)
        return try reshape(value, shape)
    }

    mutating func concatenate(_ values: [Value], _ axis: Int) throws(ImportError) -> Value {
        values.count == 1 ? values[0] : try add(.concatenate(axis: axis), values)
    }

    /// A map over operands that are broadcast together. Extents that only agree at export become guards.
    mutating func map(
        _ operands: [Value], as element: ElementType? = nil,
        _ body: (inout ScalarBuilder, [ScalarBuilder.Term]) -> ScalarBuilder.Term
    ) throws(ImportError) -> Value {
        let operands = try broadcast(operands)
        return try build { (b) throws(ShapeError) in
            try b.map(operands) { scalar, terms in
                let result = body(&scalar, terms)
                if let element, scalar.type(of: result) != element || element != element.computeType {
                    return scalar.cast(result, element)
                }
                return result
            }
        }
    }

    /// Operands whose extents fit: where two are neither equal nor 1 but agreed at export, a guard makes them equal.
    private mutating func broadcast(_ operands: [Value]) throws(ImportError) -> [Value] {
        var result = operands
        let rank = operands.map { self.rank($0) }.max() ?? 0
        for place in 1...max(rank, 1) {
            var common: Dimension?
            for index in result.indices {
                let shape = shape(result[index])
                guard shape.count >= place, shape[shape.count - place] != 1 else { continue }
                let extent = shape[shape.count - place]
                guard let known = common else {
                    common = extent
                    continue
                }
                if known == extent || (known.constantValue != nil && extent.constantValue != nil) { continue }
                guard atExport(known) == atExport(extent) else { continue }
                require(extent - known, isLowerBound: false, "broadcast extents")
                result[index] = try slice(result[index], shape.count - place, 0, known)
            }
        }
        return result
    }

    /// `value` with every extent that differs from that of `shape` in form alone, as both agreed at export, made equal to
    /// it by a guard. Axes are counted from the last one.
    mutating func matched(_ value: Value, _ shape: Shape) throws(ImportError) -> Value {
        var result = value
        for place in 1...max(min(rank(value), shape.count), 1) where place <= min(rank(value), shape.count) {
            let axis = rank(value) - place
            let (found, wanted) = (self.shape(result)[axis], shape[shape.count - place])
            guard found != wanted, found != 1, atExport(found) == atExport(wanted),
                found.constantValue == nil || wanted.constantValue == nil
            else { continue }
            require(found - wanted, isLowerBound: false, "extents of an update")
            result = try slice(result, axis, 0, wanted)
        }
        return result
    }

    mutating func cast(_ value: Value, _ element: ElementType) throws(ImportError) -> Value {
        try build { (b) throws(ShapeError) in try b.cast(value, element) }
    }

    /// A reduction over axes; with `keep`, they stay with extent 1. No axes means none, not all.
    mutating func reduce(
        _ kind: Reduce.Kind, _ value: Value, _ axes: [Int], keep: Bool = false
    ) throws(ImportError) -> Value {
        var result = value
        if !axes.isEmpty { result = try add(.reduce(Reduce(kind, axes: axes.sorted())), [value]) }
        guard keep else { return result }
        var shape = shape(value)
        for axis in axes { shape[axis] = 1 }
        return try reshape(result, shape)
    }

    /// The value of an integer expression as a scalar of an element type; constants stay constants.
    mutating func dimension(_ expression: IntegerExpression, _ element: ElementType) throws(ImportError) -> Value {
        if let constant = expression.constantValue { return try scalar(Double(constant), element) }
        return try cast(try leaf(.dimension(expression)), element)
    }

    /// `value` times the reciprocal of a number of elements: the division that ends a mean.
    mutating func divide(_ value: Value, by count: Dimension) throws(ImportError) -> Value {
        let element = element(value)
        if let constant = count.constantValue {
            return try map([value], as: element) { $0.apply(.divide, $1[0], $0.number(Double(constant), element)) }
        }
        let divisor = try dimension(count, element)
        return try map([value, divisor], as: element) { $0.apply(.divide, $1[0], $1[1]) }
    }

    /// A tensor filled with one value.
    mutating func full(_ value: Double, _ type: TensorType) throws(ImportError) -> Value {
        try expand(try scalar(value, type.element), type.shape)
    }

    /// The position along `axis` of every element of `shape`, broadcast against it: an iota with axes of extent 1.
    mutating func index(along axis: Int, of shape: Shape) throws(ImportError) -> Value {
        var broadcastable = Shape(repeating: 1, count: shape.count)
        broadcastable[axis] = shape[axis]
        return try reshape(try leaf(.iota(shape[axis])), broadcastable)
    }
}
