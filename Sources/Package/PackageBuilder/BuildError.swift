import KernelJudge

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

/// A kernel for which every schedule, down to the plainest, was refused: code that Hearth generates is wrong, so that no
/// package may hold it.
package struct KernelRefused: Error, CustomStringConvertible {
    package var kernel: String
    /// Lines of model code behind the kernel.
    package var origin: String
    /// What was said of the default schedule.
    package var refusal: Refusal

    /// One line: the kernel, where it comes from, and what was wrong.
    package var description: String {
        "kernel \(kernel) (\(origin)) was refused under every schedule, by default because it \(refusal)"
    }
}

/// A kernel whose code misbehaved when it computed constants of the model or packed its weights: code that Hearth generates is
/// wrong.
package struct ConstantRefused: Error, CustomStringConvertible {
    package var kernel: String
    /// Lines of model code behind the kernel.
    package var origin: String
    /// Whether it packed weights; else it computed a constant.
    package var isPacking: Bool
    /// What happened.
    package var refusal: Refusal

    /// One line: the kernel, where it comes from, what it did and what happened.
    package var description: String {
        "kernel \(kernel) (\(origin)), while it \(isPacking ? "packed its weights" : "computed a constant"), \(refusal)"
    }
}
