/// What a device could do at most with a kernel's work: the larger of the time for its arithmetic and the time for its memory traffic
/// (Williams, Waterman, Patterson, "Roofline", 2009).
package struct Roofline: Hashable, Sendable {
    /// Operations of a launch, and bytes that it touches, each once.
    package var operations: Double
    package var bytes: Double
    /// Operations a second that the device was measured to reach with such factors; nil when unknown.
    package var operationRate: Double?
    /// Bytes a second from memory; nil when unknown.
    package var memoryRate: Double?

    /// Of a region, under the rates that its search knew.
    package init(_ region: RegionOpening, _ start: SearchStart) {
        operations = region.operations
        bytes = region.bytes
        // A nest without products counts in f32, whatever it reads.
        operationRate = start.operationRates[region.element] ?? start.operationRates["f32"]
        memoryRate = start.memoryRate
    }

    /// Operations for each byte.
    package var intensity: Double? { operations > 0 && bytes > 0 ? operations / bytes : nil }

    /// Seconds of a launch at the roof; nil when nothing is known. Data that caches hold can be faster than the part for memory.
    package var seconds: Double? {
        let arithmetic = operationRate.map { operations / $0 } ?? 0
        let memory = memoryRate.map { bytes / $0 } ?? 0
        let bound = max(arithmetic, memory)
        return bound > 0 ? bound : nil
    }

    /// Part of the roof that a launch of so many seconds reaches.
    package func share(_ seconds: Double?) -> Double? {
        guard let bound = self.seconds, let seconds, seconds > 0 else { return nil }
        return bound / seconds
    }

    /// Whether memory is the part that takes longer.
    package var isMemoryBound: Bool {
        guard let memoryRate else { return false }
        return bytes / memoryRate >= (operationRate.map { operations / $0 } ?? 0)
    }
}
