/// The elites of one mind in one region: the fastest correct schedule of each behaviour cell (MAP-Elites, Mouret and Clune 2015), so
/// that a mind keeps different good schedules rather than eight like each other.
package struct Island: Sendable {
    /// An elite in its cell.
    package struct Resident: Hashable, Sendable {
        package var cell: Int
        package var point: Point
        /// Seconds of one call.
        package var seconds: Double
    }

    /// Fastest first, one a cell.
    package private(set) var residents: [Resident] = []

    /// Lets a resident in where its cell is empty or its holder slower.
    mutating func admit(_ resident: Resident) {
        if let holder = residents.firstIndex(where: { $0.cell == resident.cell }) {
            guard resident.seconds < residents[holder].seconds else { return }
            residents.remove(at: holder)
        }
        let place = residents.firstIndex { $0.seconds > resident.seconds } ?? residents.count
        residents.insert(resident, at: place)
    }
}
