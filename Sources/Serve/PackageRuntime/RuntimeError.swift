import DeviceAPI
import ElementTypes
import ModelPackage
import Safetensors

/// Why a package cannot be loaded or run. Every description is one line: what, where, what to do.
package enum RuntimeError: Error, Equatable, CustomStringConvertible {
    /// The package is at fault.
    case package(PackageError)
    /// The device is at fault.
    case device(DeviceError)
    /// The device's memory does not hold the model; `needs` says what all of it comes to.
    case outOfMemory(DeviceError, needs: String)
    /// The weights' header is at fault.
    case weights(file: String, SafetensorsError)
    /// A plan refers to a weight that is not there, or smaller than the plan says.
    case badWeight(name: String, needed: Int, found: Int?)
    /// Another number of inputs or outputs than the model has.
    case wrongCount(what: String, expected: [String], found: Int)
    /// No input of that name.
    case unknownInput(name: String, expected: [String])
    /// An input was not given.
    case missingInput(name: String, expected: String)
    /// An input of another element type or shape than the model takes.
    case wrongInput(name: String, expected: String, found: String)
    /// An input whose extent is outside the range that the model was made for.
    case outOfRange(input: String, place: String, symbol: String, minimum: Int, maximum: Int?, found: Int)
    /// A kernel met an index outside of the axis that it indexes; `inputs` are the integer inputs that it reads.
    case indexOutOfRange(inputs: [String], kernel: String, origin: String)
    /// A condition that the inputs' extents must meet.
    case guardFailed(condition: String, values: String)
    /// Memory of another length than shape and type ask for, or not aligned to the element type.
    case badMemory(name: String, reason: String)
    /// A size that cannot be computed for these extents.
    case sizeOverflow(what: String)
    /// The package's kernels call a library that is not there.
    case missingLibrary(String)
    /// A run before the shapes of the inputs were bound.
    case notBound

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .package(let error): error.description
        case .device(let error): error.description
        case .outOfMemory(let error, let needs): "\(error); the model needs \(needs)"
        case .weights(let file, let error): "'\(file)' of the package: \(error)"
        case .badWeight(let name, let needed, let found):
            "the package's weights "
                + (found.map { "have \($0) bytes for '\(name)', the plan needs \(needed)" } ?? "lack '\(name)'")
                + "; build it again"
        case .wrongCount(let what, let expected, let found):
            "the model has \(expected.count) \(what) (\(expected.joined(separator: ", "))), but \(found) were given"
        case .unknownInput(let name, let expected):
            "the model has no input '\(name)'; its inputs are \(expected.joined(separator: ", "))"
        case .missingInput(let name, let expected): "input '\(name)' is missing; the model takes \(expected)"
        case .wrongInput(let name, let expected, let found): "input '\(name)' should be \(expected), but is \(found)"
        case .outOfRange(let input, let place, let symbol, let minimum, let maximum, let found):
            "input '\(input)': \(place) ('\(symbol)') is \(found), but the model takes "
                + (maximum.map { "\(minimum) to \($0)" } ?? "at least \(minimum)")
        case .indexOutOfRange(let inputs, let kernel, let origin):
            (inputs.isEmpty
                ? "a computed index is" : "input '\(inputs.joined(separator: "' or '"))': an index is")
                + " outside of what it indexes, in \(origin.isEmpty ? "kernel '\(kernel)'" : origin)"
        case .guardFailed(let condition, let values): "the inputs must satisfy \(condition), but \(values)"
        case .badMemory(let name, let reason): "memory of '\(name)' \(reason)"
        case .sizeOverflow(let what): "\(what) cannot be computed for these inputs"
        case .missingLibrary(let name):
            "the package calls \(name), which is not installed; install it "
                + (name == "oneDNN" ? "(Debian: libdnnl-dev)" : "(or name it in HEARTH_\(name.uppercased()))")
                + " or build the package again with hearth optimize --no-libraries"
        case .notBound: "the shapes of the inputs are not bound yet"
        }
    }

    /// What a failure to allocate memory for a plan with these values of its symbols is to people; other failures stay the device's.
    static func allocating(_ error: DeviceError, _ plan: Plan, symbols: [Int]) -> RuntimeError {
        guard case .outOfMemory = error, let report = try? MemoryReport(plan, symbols: symbols) else {
            return .device(error)
        }
        let parts = [
            (report.weightBytes, "weights"), (report.stateBytes, "state"), (report.arenaBytes, "values in between"),
        ]
        let sum = parts.reduce(0) { $0 + $1.0 }
        let listed = parts.filter { $0.0 > 0 }.map { "\($0.0) of \($0.1)" }.joined(separator: ", ")
        return .outOfMemory(error, needs: "\(sum) bytes for these inputs\(listed.isEmpty ? "" : ": \(listed)")")
    }
}
