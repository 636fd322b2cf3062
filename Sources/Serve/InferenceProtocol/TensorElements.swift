import ElementTypes
import JSON

/// Elements of tensors between JSON and memory. In JSON a tensor is one list in row-major order, or lists within lists as its shape has axes.
package enum TensorElements {
    /// Writes a tensor's elements to memory of exactly its size, little-endian. Integers must fit, whole reals count as integers, numbers too
    /// large for a floating-point type become infinite.
    package static func read(
        _ data: JSONValue, tensor: String, _ element: ElementType, _ shape: [Int],
        into memory: UnsafeMutableRawBufferPointer
    ) throws(ProtocolError) {
        var walk = Walk(tensor: tensor, element: element, memory: memory)
        let count = memory.count / element.byteCount
        if case .array(let items) = data, case .array? = items.first {
            try walk.nested(data, shape[...])
        } else {
            try walk.list(data)
        }
        if walk.count != count {
            throw .wrongCount(tensor: tensor, what: "elements", expected: count, found: walk.count)
        }
    }

    private struct Walk {
        let tensor: String
        let element: ElementType
        let memory: UnsafeMutableRawBufferPointer
        var count = 0

        mutating func nested(_ value: JSONValue, _ shape: ArraySlice<Int>) throws(ProtocolError) {
            guard case .array(let items) = value, let extent = shape.first else {
                throw .badContent(tensor: tensor, found: "lists that do not nest as its shape has axes")
            }
            if shape.count == 1 { return try list(value) }
            if items.count != extent {
                throw .wrongCount(tensor: tensor, what: "items along an axis", expected: extent, found: items.count)
            }
            for item in items { try nested(item, shape.dropFirst()) }
        }

        mutating func list(_ value: JSONValue) throws(ProtocolError) {
            guard case .array(let items) = value else {
                throw .badContent(tensor: tensor, found: "lists that do not nest as its shape has axes")
            }
            let room = memory.count / element.byteCount
            if items.count > room - count {
                throw .wrongCount(tensor: tensor, what: "elements", expected: room, found: count + items.count)
            }
            for item in items {
                try store(item)
                count += 1
            }
        }

        private func bad(_ value: JSONValue) -> ProtocolError {
            let text: String
            switch value {
            case .array, .object: text = value.kindName
            case .null, .bool, .integer, .number, .string: text = String(value.text.prefix(40))
            }
            return .badElement(tensor: tensor, index: count, datatype: Datatype.name(element), found: text)
        }

        private func put<Element: BitwiseCopyable>(_ value: Element) {
            memory.storeBytes(of: value, toByteOffset: count * MemoryLayout<Element>.stride, as: Element.self)
        }

        private func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
            _ value: JSONValue, _ type: Integer.Type
        ) throws(ProtocolError) {
            let exact: Integer?
            switch value {
            case .integer(let number): exact = Integer(exactly: number)
            case .number(let number): exact = Integer(exactly: number)
            case .bool(let flag): exact = flag ? 1 : 0
            case .null, .string, .array, .object: exact = nil
            }
            guard let exact else { throw bad(value) }
            put(exact)
        }

        private func store(_ value: JSONValue) throws(ProtocolError) {
            switch element {
            case .i64: return try integer(value, Int64.self)
            case .i32: return try integer(value, Int32.self)
            case .i16: return try integer(value, Int16.self)
            case .i8: return try integer(value, Int8.self)
            case .u8: return try integer(value, UInt8.self)
            case .bool:
                switch value {
                case .bool(let flag): return put(UInt8(flag ? 1 : 0))
                case .integer(0): return put(UInt8(0))
                case .integer(1): return put(UInt8(1))
                case .null, .integer, .number, .string, .array, .object: throw bad(value)
                }
            case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2: break
            }
            guard let number = value.doubleValue else { throw bad(value) }
            switch element {
            case .f64: put(number)
            case .f32: put(Float(number))
            case .f16: put(Float16(number))
            case .bf16: put(bf16(number))
            case .f8e4m3: put(Float8.e4m3.bits(number))
            case .f8e5m2: put(Float8.e5m2.bits(number))
            case .i64, .i32, .i16, .i8, .u8, .bool: break
            }
        }
    }

    /// The nearest bf16, ties to even, as bits.
    private static func bf16(_ number: Double) -> UInt16 {
        let bits = Float(number).bitPattern
        if Float(number).isNaN { return 0x7FC0 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }

    /// Appends the elements as one JSON list. Numbers are the shortest that read back the same; NaN and infinities, which JSON lacks, are
    /// `null`.
    package static func write(_ memory: UnsafeRawBufferPointer, _ element: ElementType, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "["))
        let count = memory.count / element.byteCount
        for index in 0..<count {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            append(memory, element, index, to: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    /// An element as a real number; integers beyond 2^53 are rounded.
    package static func value(_ memory: UnsafeRawBufferPointer, _ element: ElementType, _ index: Int) -> Double {
        func load<Value: BitwiseCopyable>(_ type: Value.Type) -> Value {
            memory.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.stride, as: type)
        }
        return switch element {
        case .f64: load(Double.self)
        case .f32: Double(load(Float.self))
        case .f16: Double(load(Float16.self))
        case .bf16: Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16))
        case .f8e4m3: Float8.e4m3.value(load(UInt8.self))
        case .f8e5m2: Float8.e5m2.value(load(UInt8.self))
        case .i64: Double(load(Int64.self))
        case .i32: Double(load(Int32.self))
        case .i16: Double(load(Int16.self))
        case .i8: Double(load(Int8.self))
        case .u8, .bool: Double(load(UInt8.self))
        }
    }

    private static func append(
        _ memory: UnsafeRawBufferPointer, _ element: ElementType, _ index: Int, to text: inout [UInt8]
    ) {
        switch element {
        case .i64:
            text.append(contentsOf: String(memory.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)).utf8)
        case .i32, .i16, .i8, .u8: text.append(contentsOf: String(Int(value(memory, element, index))).utf8)
        case .bool: text.append(contentsOf: (memory[index] == 0 ? "false" : "true").utf8)
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2:
            let number = value(memory, element, index)
            if !number.isFinite {
                text.append(contentsOf: "null".utf8)
            } else if element == .f64 {
                text.append(contentsOf: number.description.utf8)
            } else {
                text.append(contentsOf: Float(number).description.utf8)
            }
        }
    }
}
