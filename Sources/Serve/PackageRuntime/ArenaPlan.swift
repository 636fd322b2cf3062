import ModelPackage

/// Places buffers in one arena so that no two that live at the same time overlap.
struct ArenaPlan: Equatable {
    /// A buffer to be placed: its size, and the first and last launch that use it.
    struct Request: Equatable {
        var byteCount: Int
        var lifetime: ClosedRange<Int>
    }

    /// Offset of each request's buffer, a multiple of 64.
    private(set) var offsets: [Int]
    /// Size of the arena.
    private(set) var byteCount: Int

    /// Places the largest first, each at the lowest offset that is free for its whole life (greedy by size; Pisarchyk and
    /// Lee 2020). Quadratic in the number of buffers.
    init(_ requests: [Request]) {
        offsets = [Int](repeating: 0, count: requests.count)
        byteCount = 0
        var placed: [(start: Int, end: Int, lifetime: ClosedRange<Int>)] = []
        let order = requests.indices.sorted {
            (requests[$1].byteCount, $0) < (requests[$0].byteCount, $1)
        }
        for index in order {
            let request = requests[index]
            let size = Self.paddedSize(request.byteCount)
            var start = 0
            for other in placed where other.lifetime.overlaps(request.lifetime) {
                if start + size <= other.start { break }
                start = max(start, other.end)
            }
            offsets[index] = start
            byteCount = max(byteCount, start + size)
            let place = placed.firstIndex { $0.start > start } ?? placed.count
            placed.insert((start, start + size, request.lifetime), at: place)
        }
    }

    /// Large buffers are set off by three lines, so that a kernel's streams do not all start at the same place within a
    /// page, where loads would wait for unrelated stores.
    private static func paddedSize(_ byteCount: Int) -> Int {
        (byteCount + 63) / 64 * 64 + (byteCount >= 4096 ? 192 : 0)
    }

    /// Lifetimes widened to whole groups of launches that run beside each other, since the order within a group is open.
    static func widened(_ lifetime: ClosedRange<Int>, _ groups: [ClosedRange<Int>]) -> ClosedRange<Int> {
        let first = groups.indices.contains(lifetime.lowerBound) ? groups[lifetime.lowerBound].lowerBound : 0
        let last =
            groups.indices.contains(lifetime.upperBound) ? groups[lifetime.upperBound].upperBound : lifetime.upperBound
        return min(first, lifetime.lowerBound)...last
    }

    /// For each launch, the launches that run beside it, itself included.
    static func groups(_ launches: [Plan.Launch]) -> [ClosedRange<Int>] {
        var groups: [ClosedRange<Int>] = []
        var first = 0
        for index in launches.indices {
            if !launches[index].runsBeside { first = index }
            var last = index
            while last + 1 < launches.count, launches[last + 1].runsBeside { last += 1 }
            groups.append(first...last)
        }
        return groups
    }
}
