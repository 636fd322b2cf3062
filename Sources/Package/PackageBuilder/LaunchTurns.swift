import KernelCodeGen

/// Gives launches that can be made in two sizes (`EmittedKernel.Grid.alternate`) each by turns, in the order in which they run, so that a
/// processor has room for a block of each of two neighbours and never for two of one.
struct LaunchTurns {
    private var isSecond = false

    /// How the next launch runs.
    mutating func take(_ parts: EmittedKernel.Parts) -> EmittedKernel.Parts {
        guard case .grid(var grid) = parts, let second = grid.alternate else { return parts }
        if isSecond { (grid.threads, grid.sharedBytes) = (second.threads, second.sharedBytes) }
        isSecond.toggle()
        return .grid(grid)
    }
}
