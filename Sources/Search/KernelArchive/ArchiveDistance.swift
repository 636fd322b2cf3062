internal import Glibc

/// How far kernels and machines lie from each other; documented for users in `Documentation/archive-format.md`.
///
/// Extents, bytes and sizes count by their binary logarithm: twice as large is one step, wherever it starts.
package enum ArchiveDistance {
    /// Beyond this distance nothing is a neighbour.
    package static let limit = 8.0

    /// Distance of two kernels; nil where schedules of one mean nothing for the other (another kind, or other element types in
    /// the main work).
    package static func between(_ a: ArchiveKernel, _ b: ArchiveKernel) -> Double? {
        if a.key == b.key { return 0 }
        guard a.kind == b.kind, a.element == b.element else { return nil }
        // Decisions about a whole model have names that belong to its structure.
        if a.kind == ArchiveKernel.modelKind, a.family != b.family { return nil }
        return Features(a).distance(Features(b))
    }

    /// Distance of two machines; nil for devices of different kinds.
    package static func between(_ a: ArchiveMachine, _ b: ArchiveMachine) -> Double? {
        if a.fingerprint == b.fingerprint { return 0 }
        guard !a.kind.isEmpty, a.kind == b.kind else { return nil }
        let (mine, others) = (Set(a.features), Set(b.features))
        let all = mine.union(others).count
        let shared = all == 0 ? 1 : Double(mine.intersection(others).count) / Double(all)
        var distance = 0.25 + 2 * (1 - shared)
        if a.model != b.model { distance += 0.5 }
        for (own, other) in zip(a.caches, b.caches) where own > 0 && other > 0 {
            distance += 0.25 * steps(Double(own), Double(other))
        }
        if a.threads > 0, b.threads > 0 { distance += 0.25 * steps(Double(a.threads), Double(b.threads)) }
        return distance
    }

    private static func steps(_ a: Double, _ b: Double) -> Double { abs(log2(a) - log2(b)) }

    /// What of a kernel takes part in a distance, in the form that lies in the database.
    struct Features {
        var family: String
        /// Element types of the buffers, separated by spaces.
        var elements: String
        /// Binary logarithms of bytes, operations and extents, each plus one.
        var numbers: [Float]

        init(_ kernel: ArchiveKernel) {
            family = kernel.family
            elements = kernel.elements.joined(separator: " ")
            numbers = ([kernel.bytes, kernel.operations] + kernel.extents.map { Double($0.value) })
                .map { Float(log2(max(0, $0) + 1)) }
        }

        init(family: String, elements: String, bytes: UnsafeRawBufferPointer) {
            self.family = family
            self.elements = elements
            numbers = (0..<bytes.count / 4).map {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
            }
        }

        /// By which the database orders kernels of a kind, so that only those of about as much work are looked at.
        var work: Double { Double(numbers[0] + numbers[1]) }

        /// The numbers as they lie in the database.
        var blob: [UInt8] {
            numbers.flatMap { number in withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) } }
        }

        func distance(_ other: Features) -> Double? {
            guard numbers.count == other.numbers.count, numbers.count >= 2 else { return nil }
            var squares = 0.0
            for place in 2..<numbers.count {
                let step = Double(numbers[place] - other.numbers[place])
                squares += step * step
            }
            var distance = squares.squareRoot()
            distance += 0.25 * Double(abs(numbers[0] - other.numbers[0]) + abs(numbers[1] - other.numbers[1]))
            if family != other.family { distance += 0.5 }
            if elements != other.elements { distance += 0.25 * Double(Self.difference(elements, other.elements)) }
            return distance.isFinite ? distance : nil
        }

        /// How many element types one has more than the other, both ways.
        private static func difference(_ a: String, _ b: String) -> Int {
            var counts: [Substring: Int] = [:]
            for element in a.split(separator: " ") { counts[element, default: 0] += 1 }
            for element in b.split(separator: " ") { counts[element, default: 0] -= 1 }
            return counts.values.reduce(0) { $0 + abs($1) }
        }
    }
}

extension ArchiveKernel {
    /// The kind of what is searched over a whole model.
    package static let modelKind = "model"
}
