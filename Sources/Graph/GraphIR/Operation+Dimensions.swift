import ElementTypes

extension Operation {
    /// The operation with every dimension in it replaced, for example by its value under an assignment of symbols.
    package func mappingDimensions(_ body: (IntegerExpression) -> IntegerExpression) -> Operation {
        func type(_ type: TensorType) -> TensorType { TensorType(type.element, type.shape.map(body)) }
        switch self {
        case .leaf(.input(let index, let old)): return .leaf(.input(index, type(old)))
        case .leaf(.parameter(let name, let old)): return .leaf(.parameter(name, type(old)))
        case .leaf(.state(let index, let old)): return .leaf(.state(index, type(old)))
        case .leaf(.constant(let elements, let old)): return .leaf(.constant(elements, type(old)))
        case .leaf(.iota(let extent)): return .leaf(.iota(body(extent)))
        case .leaf(.dimension(let value)): return .leaf(.dimension(body(value)))
        case .leaf(.carried(let loop, let place, let old)): return .leaf(.carried(loop: loop, place, type(old)))
        case .leaf(.looped(let loop, let place, let old)): return .leaf(.looped(loop: loop, place, type(old)))
        case .view(.reshape(let shape)): return .view(.reshape(shape.map(body)))
        case .view(.expand(let shape)): return .view(.expand(shape.map(body)))
        case .view(.slice(let axis, let start, let count, let step)):
            return .view(.slice(axis: axis, start: body(start), count: body(count), step: step))
        case .view(.pad(let low, let high, let value)):
            return .view(.pad(low: low.map(body), high: high.map(body), value: value))
        case .view(.permute), .view(.flip), .view(.unfold), .map, .reduce, .scan, .concatenate, .gather, .scatter,
            .contract, .convolve, .attend, .recur, .window, .sort:
            return self
        }
    }

    /// Every dimension that the operation itself names.
    package var dimensions: [IntegerExpression] {
        var found: [IntegerExpression] = []
        _ = mappingDimensions { dimension in
            found.append(dimension)
            return dimension
        }
        return found
    }
}
