/// What is wrong with a request's body, said to the client with status 400 (413 where it is too large). Every description is one line:
/// what, where, what to do.
package enum ProtocolError: Error, Equatable, CustomStringConvertible {
    /// The body, or the part of it that `Inference-Header-Content-Length` says, is not JSON.
    case notJSON(String)
    /// A member that has to be there is not, or is of another kind than the protocol says.
    case badMember(path: String, expected: String, found: String)
    /// The length of the JSON part is no number, or more than the body.
    case badHeaderLength(String, bodyBytes: Int)
    /// An element type that the protocol does not have, or that no model of this server takes.
    case unknownDatatype(tensor: String, name: String)
    /// A shape whose extents are negative or whose elements cannot be counted.
    case badShape(tensor: String, shape: String)
    /// Other than as many elements or bytes as shape and datatype ask for.
    case wrongCount(tensor: String, what: String, expected: Int, found: Int)
    /// An element that the datatype cannot hold.
    case badElement(tensor: String, index: Int, datatype: String, found: String)
    /// A tensor without data, or with more than one kind of it.
    case badContent(tensor: String, found: String)
    /// The same name twice.
    case duplicate(what: String, name: String)
    /// Bytes after the last binary tensor.
    case trailingBytes(Int)
    /// Something that the protocol has and this server does not.
    case unsupported(String)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .notJSON(let reason): "the request is not JSON: \(reason)"
        case .badMember(let path, let expected, let found): "'\(path)' should be \(expected), but is \(found)"
        case .badHeaderLength(let text, let bodyBytes):
            "Inference-Header-Content-Length is '\(text)', which is no length within the body of \(bodyBytes) bytes"
        case .unknownDatatype(let tensor, let name):
            "tensor '\(tensor)' has datatype '\(name)'; known are \(Datatype.names.joined(separator: ", "))"
        case .badShape(let tensor, let shape): "tensor '\(tensor)' has shape \(shape), which no tensor can have"
        case .wrongCount(let tensor, let what, let expected, let found):
            "tensor '\(tensor)' has \(found) \(what), its shape and datatype ask for \(expected)"
        case .badElement(let tensor, let index, let datatype, let found):
            "element \(index) of tensor '\(tensor)' is \(found), which \(datatype) does not hold"
        case .badContent(let tensor, let found):
            "tensor '\(tensor)' has \(found); give 'data', or 'binary_data_size' or a shared memory region in 'parameters'"
        case .duplicate(let what, let name): "\(what) '\(name)' is given twice"
        case .trailingBytes(let count):
            "\(count) bytes follow the last binary tensor; 'binary_data_size' accounts for all"
        case .unsupported(let what): "\(what) is not supported"
        }
    }
}
