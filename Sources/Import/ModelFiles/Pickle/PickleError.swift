/// Why a pickle is not read. Offsets are bytes from the start of the pickle.
package enum PickleError: Error, Equatable, CustomStringConvertible {
    /// The bytes end inside an instruction or before the end mark.
    case unexpectedEnd(offset: Int)
    /// A protocol newer than 5.
    case unknownProtocol(Int, offset: Int)
    /// An instruction that this reader does not execute.
    case unsupportedInstruction(UInt8, offset: Int)
    /// A class or function that is not on the list.
    case unknownGlobal(String, offset: Int)
    /// A class or function used in a way that is not known.
    case badCall(String, offset: Int)
    /// The stack holds too little or something else.
    case badStack(expected: String, offset: Int)
    /// A memo entry that was never stored.
    case badMemo(index: Int, offset: Int)
    /// Text that is not UTF-8, or a number that is not one.
    case badText(offset: Int)
    /// An integer that does not fit 64 bits.
    case integerTooLarge(offset: Int)
    /// More of something than allowed.
    case overLimit(what: String, limit: Int, offset: Int)
    /// A value that contains itself, or nests too deep.
    case tooDeep(limit: Int)
    /// Bytes after the end mark.
    case trailing(byteCount: Int, offset: Int)

    /// One line: what and where.
    package var description: String {
        switch self {
        case .unexpectedEnd(let offset): "pickle: ends early, at byte \(offset)"
        case .unknownProtocol(let version, let offset): "pickle: protocol \(version) is not known, at byte \(offset)"
        case .unsupportedInstruction(let code, let offset):
            "pickle: instruction 0x\(String(code, radix: 16)) is not supported, at byte \(offset)"
        case .unknownGlobal(let name, let offset):
            "pickle: refuses to load '\(shown(name))', which is not on the list of harmless types, at byte \(offset)"
        case .badCall(let name, let offset): "pickle: '\(shown(name))' with unexpected arguments, at byte \(offset)"
        case .badStack(let expected, let offset): "pickle: \(expected) missing on the stack, at byte \(offset)"
        case .badMemo(let index, let offset): "pickle: memo entry \(index) was never stored, at byte \(offset)"
        case .badText(let offset): "pickle: text is not valid, at byte \(offset)"
        case .integerTooLarge(let offset): "pickle: an integer does not fit 64 bits, at byte \(offset)"
        case .overLimit(let what, let limit, let offset): "pickle: more than \(limit) \(what), at byte \(offset)"
        case .tooDeep(let limit): "pickle: values contain themselves or nest deeper than \(limit) levels"
        case .trailing(let count, let offset): "pickle: \(count) bytes after its end, at byte \(offset)"
        }
    }
}
