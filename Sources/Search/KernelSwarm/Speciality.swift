/// What kind of decision a choice is: an agent mostly moves the choices of its speciality.
package enum Speciality: String, CaseIterable, Hashable, Sendable {
    /// How large the pieces are that are worked on at once, in registers and caches, and how they lie there.
    case tiling
    /// Which vector or matrix instructions, and how many of them side by side.
    case vectors
    /// How much independent work is under way in one thread, and what is fetched ahead for it.
    case pipelining
    /// How work is dealt to threads, blocks and clusters, and how many of them run at once.
    case parallelism
    /// The algorithm, a library, another form altogether, and what shares a kernel.
    case strategy
}

extension Speciality {
    /// The speciality of a choice by its name, or for decisions about whole models by their family, which stands before the first
    /// dot; nil for names that no generator uses.
    package init?(choice name: String) {
        guard let found = Self.table[name] ?? Self.families[String(name.prefix { $0 != "." })] else { return nil }
        self = found
    }

    /// All names that the tables hold.
    package static var names: [String] { Array(table.keys) + Array(families.keys) }

    /// Every choice name that generators use, on processors and on devices that run blocks of threads. One name may stand in
    /// several kinds of kernels.
    private static let table: [String: Speciality] = [
        "rows": .tiling, "columns": .tiling, "blockBytes": .tiling, "keyBlock": .tiling, "batchRows": .tiling,
        "unitBlocks": .tiling, "threadTile": .tiling, "tile": .tiling, "tritonTile": .tiling, "columnTiles": .tiling,
        "tileRows": .tiling, "warpTiles": .tiling, "span": .tiling, "dealtColumns": .tiling, "slideRun": .tiling,
        "instruction": .vectors, "vectors": .vectors, "queryVectors": .vectors, "tiles": .vectors,
        "slideWidth": .vectors, "lanes": .vectors,
        "left": .tiling, "across": .tiling, "run": .tiling, "shared": .tiling, "turned": .tiling,
        "prefetch": .pipelining, "ahead": .pipelining, "stages": .pipelining, "tritonStages": .pipelining,
        "depths": .pipelining,
        "dealtStages": .pipelining, "ring": .pipelining,
        "unroll": .pipelining, "together": .pipelining, "dealtBatches": .pipelining,
        "grain": .parallelism, "gang": .parallelism, "threads": .parallelism, "blocks": .parallelism,
        "team": .parallelism, "parts": .parallelism, "warps": .parallelism, "ringWarps": .parallelism,
        "resident": .parallelism, "residents": .parallelism, "cluster": .parallelism, "stay": .parallelism,
        "dealtWarps": .parallelism,
        "fusion": .strategy,
        "algorithm": .strategy, "form": .strategy, "proposal": .strategy, "select": .strategy,
    ]

    /// Families of decisions about whole models.
    private static let families: [String: Speciality] = [
        "siblings": .strategy, "epilogue": .strategy, "gate": .strategy, "norm": .strategy, "rows": .strategy,
        "spread": .tiling, "store": .tiling, "layout": .tiling, "turn": .tiling, "threads": .parallelism,
    ]
}
