/// What the known globals do with their arguments.
extension PickleMachine {
    /// The object that calling `function` with a tuple of arguments makes.
    mutating func apply(_ function: Int32, to arguments: Int32) throws(PickleError) -> PickleObject {
        guard case .global(let global) = object(function), case .tuple(let places) = object(arguments) else {
            throw .badStack(expected: "a known function and its arguments", offset: at)
        }
        return try apply(global, places)
    }

    private mutating func apply(_ global: PickleGlobal, _ arguments: [Int32]) throws(PickleError) -> PickleObject {
        switch global {
        case .rebuildTensor:
            guard arguments.count >= 4 else { throw .badCall("torch._utils._rebuild_tensor_v2", offset: at) }
            return try tensor(arguments, named: "torch._utils._rebuild_tensor_v2", type: nil)
        case .rebuildTypedTensor:
            let name = "torch._utils._rebuild_tensor_v3"
            guard arguments.count >= 7, case .global(.scalarType(let type)) = object(arguments[6]) else {
                throw .badCall(name, offset: at)
            }
            return try tensor(arguments, named: name, type: type)
        case .rebuildParameter:
            guard arguments.count >= 2, case .tensor(var tensor) = object(arguments[0]),
                case .bool(let requiresGradient) = object(arguments[1])
            else { throw .badCall("torch._utils._rebuild_parameter", offset: at) }
            tensor.isParameter = true
            tensor.requiresGradient = requiresGradient
            return .tensor(tensor)
        case .rebuildFromType:
            guard arguments.count >= 3, case .global(let inner) = object(arguments[0]),
                inner == .rebuildTensor || inner == .rebuildTypedTensor || inner == .rebuildParameter,
                case .global(.tensorClass) = object(arguments[1]),
                case .tuple(let innerArguments) = object(arguments[2])
            else { throw .badCall("torch._tensor._rebuild_from_type_v2", offset: at) }
            return try apply(inner, innerArguments)
        case .size:
            guard arguments.count == 1, naturals(arguments[0]) != nil, let sizes = items(arguments[0]) else {
                throw .badCall("torch.Size", offset: at)
            }
            return .tuple(sizes)
        case .device:
            guard let first = arguments.first, case .string(let type) = object(first), arguments.count <= 2 else {
                throw .badCall("torch.device", offset: at)
            }
            if arguments.count == 2, case .int(let index) = object(arguments[1]) { return .device("\(type):\(index)") }
            return .device(type)
        case .orderedDictionary:
            guard arguments.count <= 1 else { throw .badCall("collections.OrderedDict", offset: at) }
            guard let first = arguments.first else { return .dictionary([]) }
            let elements = try pairs(first)
            try charge(elements.count)
            return .dictionary(elements)
        case .set:
            guard arguments.count <= 1 else { throw .badCall("set", offset: at) }
            guard let first = arguments.first else { return .set([]) }
            guard let elements = items(first) else { throw .badCall("set", offset: at) }
            try charge(elements.count)
            return .set(elements)
        case .complex:
            guard arguments.count == 2, let real = number(arguments[0]), let imaginary = number(arguments[1]) else {
                throw .badCall("complex", offset: at)
            }
            return .complex(real, imaginary)
        case .encode:
            guard arguments.count == 2, case .string(let text) = object(arguments[0]),
                case .string("latin1") = object(arguments[1]), text.unicodeScalars.allSatisfy({ $0.value < 256 })
            else { throw .badCall("_codecs.encode", offset: at) }
            try charge(text.unicodeScalars.count)
            return .bytes(text.unicodeScalars.map { UInt8($0.value) })
        case .tensorClass: throw .badCall("torch.Tensor", offset: at)
        case .storageClass: throw .badCall("a storage class", offset: at)
        case .scalarType: throw .badCall("an element type", offset: at)
        }
    }

    /// Counts what a call copies, since a few bytes of pickle can ask for the same large copy again and again.
    private mutating func charge(_ count: Int) throws(PickleError) {
        copied += count
        if copied > limits.objectLimit * 16 {
            throw .overLimit(what: "copied elements", limit: limits.objectLimit * 16, offset: at)
        }
    }

    /// `(storage, offset, sizes, strides, requires_grad, …)`.
    private func tensor(
        _ arguments: [Int32], named name: String, type: TorchScalarType?
    ) throws(PickleError) -> PickleObject {
        guard case .storage(let storage) = object(arguments[0]), let offset = natural(arguments[1]),
            let sizes = naturals(arguments[2]), let strides = naturals(arguments[3]), sizes.count == strides.count,
            let scalarType = type ?? storage.scalarType
        else { throw .badCall(name, offset: at) }
        var requiresGradient = false
        if arguments.count > 4, case .bool(let flag) = object(arguments[4]) { requiresGradient = flag }
        return .tensor(
            PickleTensor(
                storage: storage, scalarType: scalarType, storageOffset: offset, sizes: sizes, strides: strides,
                requiresGradient: requiresGradient, isParameter: false))
    }

    /// `('storage', class, key, location, element count)`.
    func storage(_ identifier: Int32) throws(PickleError) -> PickleStorage {
        guard case .tuple(let parts) = object(identifier), parts.count >= 5, case .string("storage") = object(parts[0]),
            case .global(.storageClass(let type)) = object(parts[1]), case .string(let key) = object(parts[2]),
            case .string(let location) = object(parts[3]), let count = natural(parts[4])
        else { throw .badCall("persistent id of a storage", offset: at) }
        return PickleStorage(key: key, scalarType: type, location: location, elementCount: count)
    }

    /// State may be set only where it can be dropped: `_metadata` of a state dictionary, attributes of a tensor.
    func checkBuildable(_ target: Int32) throws(PickleError) {
        switch object(target) {
        case .dictionary, .tensor: return
        case .none, .bool, .int, .float, .complex, .string, .bytes, .list, .tuple, .set, .global, .storage, .device:
            throw .badStack(expected: "a dictionary or tensor that takes state", offset: at)
        }
    }

    private func items(_ place: Int32) -> [Int32]? {
        switch object(place) {
        case .list(let elements), .tuple(let elements), .set(let elements): elements
        case .none, .bool, .int, .float, .complex, .string, .bytes, .dictionary, .global, .storage, .tensor, .device:
            nil
        }
    }

    private func pairs(_ place: Int32) throws(PickleError) -> [Int32] {
        let wrong = PickleError.badCall("collections.OrderedDict", offset: at)
        if case .dictionary(let elements) = object(place) { return elements }
        guard let elements = items(place) else { throw wrong }
        var flat: [Int32] = []
        for element in elements {
            guard let pair = items(element), pair.count == 2 else { throw wrong }
            flat += pair
        }
        return flat
    }

    private func number(_ place: Int32) -> Double? {
        if case .float(let value) = object(place) { return value }
        if case .int(let value) = object(place) { return Double(value) }
        return nil
    }

    private func natural(_ place: Int32) -> Int? {
        if case .int(let value) = object(place), value >= 0 { return Int(value) }
        return nil
    }

    private func naturals(_ place: Int32) -> [Int]? {
        guard let places = items(place), places.count <= 64 else { return nil }
        var values: [Int] = []
        for place in places {
            guard let value = natural(place) else { return nil }
            values.append(value)
        }
        return values
    }

    /// An object as a tree. Shared objects are repeated, so the budget bounds the size and the depth ends cycles.
    func tree(_ place: Int32, depth: Int, budget: inout Int) throws(PickleError) -> PickleValue {
        if depth > limits.depthLimit { throw .tooDeep(limit: limits.depthLimit) }
        budget -= 1
        if budget < 0 { throw .overLimit(what: "values in the result", limit: limits.objectLimit, offset: at) }
        switch object(place) {
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .float(let value): return .float(value)
        case .complex(let real, let imaginary): return .complex(real: real, imaginary: imaginary)
        case .string(let value): return .string(value)
        case .bytes(let value): return .bytes(value)
        case .list(let elements): return .list(try trees(elements, depth, &budget))
        case .tuple(let elements): return .tuple(try trees(elements, depth, &budget))
        case .set(let elements): return .set(try trees(elements, depth, &budget))
        case .dictionary(let elements):
            let flat = try trees(elements, depth, &budget)
            return .dictionary(
                stride(from: 0, to: flat.count, by: 2).map { PickleEntry(key: flat[$0], value: flat[$0 + 1]) })
        case .storage(let storage): return .storage(storage)
        case .tensor(let tensor): return .tensor(tensor)
        case .device(let device): return .device(device)
        case .global(let global):
            if case .scalarType(let type) = global { return .scalarType(type) }
            throw .badStack(expected: "a value (a bare class is not one)", offset: at)
        }
    }

    private func trees(_ places: [Int32], _ depth: Int, _ budget: inout Int) throws(PickleError) -> [PickleValue] {
        var values: [PickleValue] = []
        values.reserveCapacity(min(places.count, budget))
        for place in places { values.append(try tree(place, depth: depth + 1, budget: &budget)) }
        return values
    }
}
