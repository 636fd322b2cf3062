/// The state of a model that draws random numbers: two i64, the seed and the runs since it was set. The importer makes it, runtimes seed it.
package enum RandomState {
    /// Name of the state among the model's own.
    package static let name = "hearth.random"

    /// Its elements for a seed that was just set, as they lie in memory.
    package static func elements(seed: Int64) -> [Int64] { [seed, 0] }
}
