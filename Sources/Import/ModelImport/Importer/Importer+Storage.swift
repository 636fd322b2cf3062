import ElementTypes
import GraphIR
import ModelFiles

/// One step from a tensor to a tensor that shares its memory.
enum AliasStep: Hashable {
    /// An index map, and the shape before it.
    case view(View, from: Shape)
    /// Elements at fixed, distinct positions (diagonals, `as_strided`), and the shape before it.
    case gather(Gather, [Value])
}

/// A tensor as PyTorch sees it: a chain of views over some memory.
struct TensorHandle: Hashable {
    var storage: Int
    var steps: [AliasStep] = []
}

/// Memory that tensors share, and what it holds at this point of the program.
struct Storage {
    /// Whose memory it is.
    enum Owner: Hashable {
        case input(String)
        case buffer(String)
        /// Parameters and lifted constants.
        case parameter(String)
        case temporary
    }

    var value: Value
    var owner: Owner
    /// For a complex tensor, of which this is the real part: the storage of the imaginary part.
    var imaginary: Int?
}

extension Importer {
    /// A tensor with memory of its own.
    mutating func fresh(_ value: Value, _ owner: Storage.Owner = .temporary) -> TensorHandle {
        storages.append(Storage(value: value, owner: owner))
        return TensorHandle(storage: storages.count - 1)
    }

    /// The value of a tensor now.
    mutating func read(_ handle: TensorHandle) throws(ImportError) -> Value {
        var value = storages[handle.storage].value
        for step in handle.steps { value = try apply(step, to: value) }
        return value
    }

    private mutating func apply(_ step: AliasStep, to value: Value) throws(ImportError) -> Value {
        switch step {
        case .view(let view, _): return try self.view(view, value)
        case .gather(let gather, let indices): return try add(.gather(gather), [value] + indices)
        }
    }

    /// The tensor that a view of another one is.
    mutating func apply(_ view: View, to handle: TensorHandle) throws(ImportError) -> TensorHandle {
        let before = try shape(of: handle)
        var result = handle
        result.steps.append(.view(view, from: before))
        _ = try read(result)
        return result
    }

    /// Replaces the elements of a tensor, and with them those of every tensor that shares them.
    mutating func write(_ handle: TensorHandle, _ value: Value) throws(ImportError) {
        if isComplex(handle) { throw unsupported("writes into a complex tensor") }
        switch storages[handle.storage].owner {
        case .input(let name): throw .inputMutation(site, input: name)
        case .buffer(let name): writtenBuffers.insert(name)
        case .parameter(let name):
            throw .unsupportedForm(site, "writes into the parameter '\(name)'")
        case .temporary: break
        }
        var stages = [storages[handle.storage].value]
        for step in handle.steps { stages.append(try apply(step, to: stages[stages.count - 1])) }
        let target = type(stages[stages.count - 1])
        var current = try expand(try cast(value, target.element), target.shape)
        for index in handle.steps.indices.reversed() {
            current = try written(handle.steps[index], base: stages[index], current)
        }
        storages[handle.storage].value = current
    }

    /// `base` after `value` was written through one step.
    private mutating func written(
        _ step: AliasStep, base: Value, _ value: Value
    ) throws(ImportError) -> Value {
        switch step {
        case .gather(let gather, let indices):
            return try add(.scatter(Scatter(.set, axes: gather.axes, at: gather.at)), [base, value] + indices)
        case .view(let view, let shape):
            switch view {
            case .reshape: return try reshape(value, shape)
            case .permute(let axes):
                var inverse = axes
                for (position, axis) in axes.enumerated() { inverse[axis] = position }
                return try self.view(.permute(inverse), value)
            case .flip: return try self.view(view, value)
            case .slice(let axis, let start, let count, let step):
                return try writeSlice(base, value, axis: axis, start: start, count: count, step: step)
            case .expand(let new):
                guard elementCount(new) == elementCount(shape) else {
                    throw .unsupportedForm(site, "writes through an expanded view")
                }
                return try reshape(value, shape)
            case .pad, .unfold: throw .unsupportedForm(site, "writes through overlapping windows")
            }
        }
    }

    /// `base` with a slice along an axis replaced.
    mutating func writeSlice(
        _ base: Value, _ value: Value, axis: Int, start: Dimension, count: Dimension, step: Int
    ) throws(ImportError) -> Value {
        let extent = shape(base)[axis]
        if start == 0, count == extent, step == 1 { return value }
        guard step == 1 else {
            let positions = try positions(count, from: start, step: step)
            return try add(.scatter(Scatter(.set, axes: [axis], at: axis)), [base, value, positions])
        }
        var parts: [Value] = []
        if start != 0 { parts.append(try slice(base, axis, 0, start)) }
        parts.append(value)
        let rest = extent - start - count
        if rest != 0 { parts.append(try slice(base, axis, start + count, rest)) }
        return try concatenate(parts, axis)
    }

    /// `start, start + step, …` as i64, `count` of them.
    mutating func positions(_ count: Dimension, from start: Dimension, step: Int) throws(ImportError) -> Value {
        let iota = try leaf(.iota(count))
        if start == 0, step == 1 { return iota }
        let first = try leaf(.dimension(start))
        return try map([iota, first]) { $0.apply(.add, $0.apply(.multiply, $1[0], $0.integer(Int64(step))), $1[1]) }
    }
}

extension Importer {
    /// Sizes and strides of a value at export, for questions of aliasing; nil when the file does not tell.
    func layoutAtExport(_ name: String) -> (sizes: [Int], strides: [Int])? {
        guard let meta = scopes.last?.graph.tensors[name] else { return nil }
        var sizes: [Int] = []
        var strides: [Int] = []
        for (list, isSize) in [(meta.sizes, true), (meta.strides, false)] {
            for entry in list {
                let value: Int
                switch entry {
                case .value(let known): value = Int(known)
                case .expression(let expression, let hint):
                    guard let known = hint.map({ Int($0) }) ?? atExport(expression) else { return nil }
                    value = known
                }
                if isSize { sizes.append(value) } else { strides.append(value) }
            }
        }
        return sizes.count == strides.count ? (sizes, strides) : nil
    }

    /// Whether a tensor argument was contiguous at export.
    func isContiguous(_ argument: String) -> Bool {
        guard case .tensor(let name)? = call.arguments[argument], let layout = layoutAtExport(name) else { return true }
        var expected = 1
        for (size, stride) in zip(layout.sizes, layout.strides).reversed() where size != 1 {
            if size == 0 { return true }
            if stride != expected { return false }
            expected *= size
        }
        return true
    }

    /// Whether PyTorch's reshape of a tensor argument is a view, by the algorithm of `at::detail::computeStride`.
    func reshapeIsView(_ argument: String, to shape: Shape) -> Bool {
        guard case .tensor(let name)? = call.arguments[argument], let layout = layoutAtExport(name) else { return true }
        var new: [Int] = []
        for extent in shape {
            guard let size = atExport(extent) else { return true }
            new.append(size)
        }
        if layout.sizes.isEmpty || layout.sizes.contains(0) { return true }
        var target = new.count - 1
        var chunkStride = layout.strides[layout.strides.count - 1]
        var elements = 1
        var covered = 1
        for axis in layout.sizes.indices.reversed() {
            elements *= layout.sizes[axis]
            let endsChunk =
                axis == 0
                || (layout.sizes[axis - 1] != 1 && layout.strides[axis - 1] != elements * chunkStride)
            guard endsChunk else { continue }
            while target >= 0, covered < elements || new[target] == 1 {
                covered *= new[target]
                target -= 1
            }
            if covered != elements { return false }
            if axis > 0 {
                chunkStride = layout.strides[axis - 1]
                elements = 1
                covered = 1
            }
        }
        return target == -1
    }
}
