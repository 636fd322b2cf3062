/// The specialities of an agent: one where a mind has an agent for each, several where it has fewer.
package struct Focus: Hashable, Sendable {
    /// In the order of `Speciality`.
    package let specialities: [Speciality]

    /// Makes a focus.
    package init(_ specialities: [Speciality]) {
        self.specialities = Speciality.allCases.filter { specialities.contains($0) }
    }

    /// Every speciality.
    package static let all = Focus(Speciality.allCases)

    /// Such as `tiling`, `tiling+vectors` or `all`.
    package var name: String {
        self == .all ? "all" : specialities.map(\.rawValue).joined(separator: "+")
    }

    func contains(_ speciality: Speciality) -> Bool { specialities.contains(speciality) }

    /// All specialities in `count` groups of neighbours, as even as possible, the larger ones first.
    static func groups(_ count: Int) -> [Focus] {
        let all = Speciality.allCases
        var start = 0
        return (0..<count).map { group in
            let size = all.count / count + (group < all.count % count ? 1 : 0)
            defer { start += size }
            return Focus(Array(all[start..<start + size]))
        }
    }
}
