/// What kind of decision a choice is: an agent mostly moves the choices of its speciality.
package enum Speciality: String, CaseIterable, Hashable, Sendable {
    /// How large the pieces are that are worked on at once, in registers and caches.
    case tiling
    /// Which vector or matrix instructions, and how many of them side by side.
    case vectors
    /// Where operands lie, and which neighbours read them together.
    case layout
    /// What is fetched ahead, and how far.
    case staging
    /// How much independent work stands side by side in one thread.
    case unrolling
    /// How work is dealt to threads, blocks and clusters, and how many of them run at once.
    case parallelism
    /// What shares a kernel, and what is stored between.
    case fusion
    /// The algorithm, a library, another form altogether.
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
        "tileRows": .tiling, "warpTiles": .tiling, "span": .tiling, "dealtColumns": .tiling,
        "instruction": .vectors, "vectors": .vectors, "queryVectors": .vectors, "tiles": .vectors, "lanes": .vectors,
        "left": .layout, "across": .layout, "run": .layout, "shared": .layout, "turned": .layout,
        "prefetch": .staging, "ahead": .staging, "stages": .staging, "tritonStages": .staging, "depths": .staging,
        "dealtStages": .staging, "ring": .staging,
        "unroll": .unrolling, "together": .unrolling, "dealtBatches": .unrolling,
        "grain": .parallelism, "gang": .parallelism, "threads": .parallelism, "blocks": .parallelism,
        "team": .parallelism, "parts": .parallelism, "warps": .parallelism, "ringWarps": .parallelism,
        "resident": .parallelism, "residents": .parallelism, "cluster": .parallelism, "stay": .parallelism,
        "dealtWarps": .parallelism,
        "fusion": .fusion,
        "algorithm": .strategy, "form": .strategy, "proposal": .strategy, "select": .strategy,
    ]

    /// Families of decisions about whole models.
    private static let families: [String: Speciality] = [
        "siblings": .fusion, "epilogue": .fusion, "gate": .fusion, "norm": .fusion, "rows": .fusion,
        "spread": .layout, "store": .layout, "layout": .layout, "threads": .parallelism,
    ]
}
