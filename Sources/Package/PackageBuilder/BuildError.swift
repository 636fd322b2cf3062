/// Why a package could not be built.
package enum BuildError: Error, CustomStringConvertible {
    /// A symbol that no input's shape determines.
    case unboundSymbol(String)
    /// An output without elements or another shape that packages cannot hold.
    case unsupported(String)

    package var description: String {
        switch self {
        case .unboundSymbol(let name):
            "no input's shape determines the dynamic dimension \(name); export the model with a tensor that has it as an extent"
        case .unsupported(let reason): reason
        }
    }
}
