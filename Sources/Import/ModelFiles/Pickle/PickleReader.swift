/// Reads pickles of protocols 2 to 5 by a small closed machine: it builds numbers, texts, containers and tensors over named
/// storages, and refuses everything else by name. Nothing of the file's choosing is executed.
///
/// Follows CPython's `pickletools` and PyTorch's `torch/_weights_only_unpickler.py`.
package struct PickleReader: Sendable {
    /// Most objects on the stack.
    package var stackLimit: Int
    /// Most objects made, and most nodes of the resulting tree, where shared values count every time.
    package var objectLimit: Int
    /// Deepest nesting of the result.
    package var depthLimit: Int

    /// A reader; the limits fit checkpoints of a hundred thousand tensors.
    package init(stackLimit: Int = 1 << 18, objectLimit: Int = 1 << 20, depthLimit: Int = 64) {
        self.stackLimit = stackLimit
        self.objectLimit = objectLimit
        self.depthLimit = depthLimit
    }

    /// The value that the pickle holds. Linear in its length and in the size of the result.
    package func read(_ bytes: RawSpan) throws(PickleError) -> PickleValue {
        var machine = PickleMachine(limits: self)
        let result = try machine.run(bytes)
        var budget = objectLimit
        return try machine.tree(result, depth: 0, budget: &budget)
    }
}

/// An object while it is being built; containers refer to others by place, as Python's do.
enum PickleObject {
    case none
    case bool(Bool)
    case int(Int64)
    case float(Double)
    case complex(Double, Double)
    case string(String)
    case bytes([UInt8])
    case list([Int32])
    case tuple([Int32])
    case set([Int32])
    /// Keys and values in turn.
    case dictionary([Int32])
    case global(PickleGlobal)
    case storage(PickleStorage)
    case tensor(PickleTensor)
    case device(String)
}

/// The machine's state.
struct PickleMachine {
    let limits: PickleReader
    /// Everything made so far.
    var objects: [PickleObject] = []
    /// Places in `objects`.
    var stack: [Int32] = []
    /// Heights of `stack` at the marks.
    var marks: [Int] = []
    private var memo: [Int: Int32] = [:]
    /// Elements that calls have copied.
    var copied = 0
    /// Offset of the current instruction, for messages.
    var at = 0
    private var place = 0

    init(limits: PickleReader) {
        self.limits = limits
    }

    /// Executes up to the end mark; the result's place in `objects`.
    mutating func run(_ bytes: RawSpan) throws(PickleError) -> Int32 {
        while true {
            at = place
            let code = try integer(bytes, UInt8.self)
            guard let instruction = PickleInstruction(rawValue: code) else {
                throw .unsupportedInstruction(code, offset: at)
            }
            if instruction == .stop {
                let result = try pop()
                if place != bytes.byteCount { throw .trailing(byteCount: bytes.byteCount - place, offset: place) }
                return result
            }
            try execute(instruction, bytes)
        }
    }

    private mutating func execute(_ instruction: PickleInstruction, _ bytes: RawSpan) throws(PickleError) {
        switch instruction {
        case .protocolVersion:
            let version = try integer(bytes, UInt8.self)
            if version > 5 || version < 2 { throw .unknownProtocol(Int(version), offset: at) }
        case .frame: _ = try integer(bytes, UInt64.self)
        case .stop: break
        case .mark:
            if marks.count >= limits.stackLimit {
                throw .overLimit(what: "marks", limit: limits.stackLimit, offset: at)
            }
            marks.append(stack.count)
        case .pop:
            if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()
        case .duplicate: try push(place: try top())
        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .int1: try push(.int(Int64(try integer(bytes, UInt8.self))))
        case .int2: try push(.int(Int64(try integer(bytes, UInt16.self))))
        case .int4: try push(.int(Int64(try integer(bytes, Int32.self))))
        case .long1: try push(.int(try long(bytes, Int(try integer(bytes, UInt8.self)))))
        case .long4: try push(.int(try long(bytes, try length(bytes, UInt32.self))))
        case .float: try push(.float(Double(bitPattern: try integer(bytes, UInt64.self).byteSwapped)))
        case .unicode1: try push(.string(try text(bytes, try length(bytes, UInt8.self))))
        case .unicode4: try push(.string(try text(bytes, try length(bytes, UInt32.self))))
        case .unicode8: try push(.string(try text(bytes, try length(bytes, UInt64.self))))
        case .bytes1: try push(.bytes(try content(bytes, try length(bytes, UInt8.self))))
        case .bytes4: try push(.bytes(try content(bytes, try length(bytes, UInt32.self))))
        case .bytes8, .byteArray8: try push(.bytes(try content(bytes, try length(bytes, UInt64.self))))
        case .emptyList: try push(.list([]))
        case .emptyTuple: try push(.tuple([]))
        case .emptyDictionary: try push(.dictionary([]))
        case .emptySet: try push(.set([]))
        case .list: try push(.list(try popToMark()))
        case .tuple: try push(.tuple(try popToMark()))
        case .frozenSet: try push(.set(try popToMark()))
        case .dictionary:
            let items = try popToMark()
            if items.count % 2 != 0 { throw .badStack(expected: "a value to each key", offset: at) }
            try push(.dictionary(items))
        case .tuple1: try push(.tuple(try pop(count: 1)))
        case .tuple2: try push(.tuple(try pop(count: 2)))
        case .tuple3: try push(.tuple(try pop(count: 3)))
        case .append: try extend(with: try pop(count: 1), to: .list)
        case .appends: try extend(with: try popToMark(), to: .list)
        case .addItems: try extend(with: try popToMark(), to: .set)
        case .setItem: try extend(with: try pop(count: 2), to: .dictionary)
        case .setItems: try extend(with: try popToMark(), to: .dictionary)
        case .put1: try remember(Int(try integer(bytes, UInt8.self)))
        case .put4: try remember(Int(try integer(bytes, UInt32.self)))
        case .memoize: try remember(memo.count)
        case .get1: try recall(Int(try integer(bytes, UInt8.self)))
        case .get4: try recall(Int(try integer(bytes, UInt32.self)))
        case .global:
            let module = try line(bytes)
            let name = try line(bytes)
            try push(.global(try find(module, name)))
        case .stackGlobal:
            let names = try pop(count: 2)
            guard case .string(let module) = object(names[0]), case .string(let name) = object(names[1]) else {
                throw .badStack(expected: "a module and a name", offset: at)
            }
            try push(.global(try find(module, name)))
        case .reduce, .newObject:
            let call = try pop(count: 2)
            try push(try apply(call[0], to: call[1]))
        case .build:
            _ = try pop()
            try checkBuildable(try top())
        case .persistentID: try push(.storage(try storage(try pop())))
        }
    }

    private func find(_ module: String, _ name: String) throws(PickleError) -> PickleGlobal {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw .unknownGlobal("\(module).\(name)", offset: at)
        }
        return global
    }
}

// MARK: - Stack

extension PickleMachine {
    /// An object by its place.
    func object(_ place: Int32) -> PickleObject { objects[Int(place)] }

    private mutating func push(_ object: PickleObject) throws(PickleError) {
        if objects.count >= limits.objectLimit {
            throw .overLimit(what: "objects", limit: limits.objectLimit, offset: at)
        }
        objects.append(object)
        try push(place: Int32(objects.count - 1))
    }

    private mutating func push(place: Int32) throws(PickleError) {
        if stack.count >= limits.stackLimit {
            throw .overLimit(what: "stack entries", limit: limits.stackLimit, offset: at)
        }
        stack.append(place)
    }

    private func top() throws(PickleError) -> Int32 {
        guard let top = stack.last, stack.count > (marks.last ?? 0) else {
            throw .badStack(expected: "a value", offset: at)
        }
        return top
    }

    private mutating func pop() throws(PickleError) -> Int32 {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func pop(count: Int) throws(PickleError) -> [Int32] {
        guard stack.count - (marks.last ?? 0) >= count else { throw .badStack(expected: "a value", offset: at) }
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        return values
    }

    private mutating func popToMark() throws(PickleError) -> [Int32] {
        guard let mark = marks.popLast(), mark <= stack.count else { throw .badStack(expected: "a mark", offset: at) }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private mutating func remember(_ index: Int) throws(PickleError) {
        let value = try top()
        if memo.count >= limits.objectLimit {
            throw .overLimit(what: "memo entries", limit: limits.objectLimit, offset: at)
        }
        memo[index] = value
    }

    private mutating func recall(_ index: Int) throws(PickleError) {
        guard let value = memo[index] else { throw .badMemo(index: index, offset: at) }
        try push(place: value)
    }

    private enum Container {
        case list, set, dictionary
    }

    /// Adds items to the container on top of the stack. It may be shared, so it changes in place.
    private mutating func extend(with items: [Int32], to kind: Container) throws(PickleError) {
        let target = Int(try top())
        let old = objects[target]
        // The old payload is released before the append, so that it stays unshared and appending is constant time.
        objects[target] = .none
        switch (kind, consume old) {
        case (.list, .list(var elements)):
            elements += items
            objects[target] = .list(elements)
        case (.set, .set(var elements)):
            elements += items
            objects[target] = .set(elements)
        case (.dictionary, .dictionary(var elements)):
            if items.count % 2 != 0 { throw .badStack(expected: "a value to each key", offset: at) }
            elements += items
            objects[target] = .dictionary(elements)
        case (.list, _): throw .badStack(expected: "a list", offset: at)
        case (.set, _): throw .badStack(expected: "a set", offset: at)
        case (.dictionary, _): throw .badStack(expected: "a dictionary", offset: at)
        }
    }
}

// MARK: - Operands

extension PickleMachine {
    private mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: RawSpan, _ type: Integer.Type
    ) throws(PickleError) -> Integer {
        guard let value = bytes.integer(place, as: type) else { throw .unexpectedEnd(offset: bytes.byteCount) }
        place += MemoryLayout<Integer>.size
        return value
    }

    /// A length that the rest of the bytes can hold.
    private mutating func length<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: RawSpan, _ type: Integer.Type
    ) throws(PickleError) -> Int {
        let value = try integer(bytes, type)
        guard let length = Int(exactly: value), length <= bytes.byteCount - place else {
            throw .unexpectedEnd(offset: bytes.byteCount)
        }
        return length
    }

    private mutating func text(_ bytes: RawSpan, _ length: Int) throws(PickleError) -> String {
        guard let text = bytes.text(place..<place + length) else { throw .badText(offset: place) }
        place += length
        return text
    }

    private mutating func content(_ bytes: RawSpan, _ length: Int) throws(PickleError) -> [UInt8] {
        let range = place..<place + length
        place += length
        // Safety: `length` was found to fit, and the copy is complete before the call returns.
        return bytes.withUnsafeBytes { Array($0[range]) }
    }

    /// A two's-complement integer of any length.
    private mutating func long(_ bytes: RawSpan, _ length: Int) throws(PickleError) -> Int64 {
        if length > 8 { throw .integerTooLarge(offset: at) }
        var value: UInt64 = 0
        var last: UInt8 = 0
        for index in 0..<length {
            last = try integer(bytes, UInt8.self)
            value |= UInt64(last) << (8 * UInt64(index))
        }
        if last & 0x80 != 0, length < 8 { value |= UInt64.max << (8 * UInt64(length)) }
        return Int64(bitPattern: value)
    }

    /// Text up to a line feed.
    private mutating func line(_ bytes: RawSpan) throws(PickleError) -> String {
        let start = place
        while try integer(bytes, UInt8.self) != UInt8(ascii: "\n") {
            if place - start > 1024 { throw .badText(offset: start) }
        }
        guard let text = bytes.text(start..<place - 1) else { throw .badText(offset: start) }
        return text
    }
}
