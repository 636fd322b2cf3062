internal import Base
internal import ElementTypes
internal import Glibc

/// A way to draw inputs.
package enum InputDistribution: String, CaseIterable, Hashable, Sendable {
    /// Standard normal.
    case normal
    /// Normal with 64 times the deviation: exponentials of it overflow, sums of it cancel.
    case wide
    /// Normal, scaled down so far that squares of it are subnormal or vanish.
    case tiny
    /// One value for all elements of a tensor, another for each tensor; a multiple of 1/8, so that sums of it are exact.
    case constant
    /// Normal with infinities, NaN, subnormals and zeros of both signs sprinkled in. The largest finite numbers are not
    /// among them: whether sums of those overflow depends on their order.
    case special
    /// Normal but for one or two elements of each tensor, which are infinite. Where one element reaches a whole row of results, as in products, more
    /// of them leave little but NaN, of which every arithmetic makes NaN.
    case infinite
    /// Normal but for one element of one tensor (`RegionEvidence.mayOverflow`), which is the largest finite number or its negative: it
    /// must not overflow where it is multiplied by what is small.
    case greatest
    /// Normal but for one tensor of f32 (`RegionEvidence.mayVanish`), whose elements lie around the least normal number, most of them below:
    /// who takes those for zeros loses most of a sum of their products.
    case subnormal

    /// Those without special numbers.
    package static let plain: [InputDistribution] = [.normal, .wide, .tiny, .constant]

    /// Whether infinities, NaN or numbers that nearly overflow are among its elements.
    var isSpecial: Bool {
        switch self {
        case .special, .infinite, .greatest: true
        case .normal, .wide, .tiny, .constant, .subnormal: false
        }
    }

    /// Elements of a parameter, drawn from its domain; `allowsSubnormals` says whether such are among special ones, and `place` which
    /// element is infinite, where that is not left to chance.
    func draw(
        _ count: Int, _ element: ElementType, _ domain: InputDomain, allowsSubnormals: Bool = true, place: Int? = nil,
        random: inout SeededRandom
    ) -> [UInt8] {
        switch domain {
        case .fixed(let bytes): return bytes
        case .index(let bound): return integers(count, element, 0...max(0, bound - 1), &random)
        case .integer(let range): return integers(count, element, range, &random)
        case .boolean:
            return ElementCoding.encode((0..<count).map { _ in random.uniform() < 0.5 ? 0 : 1 }, element)
        case .real: return ElementCoding.encode(reals(count, element, allowsSubnormals, place, &random), element)
        case .finite:
            let plain: InputDistribution =
                switch self {
                case .special, .infinite: .normal
                case .normal, .wide, .tiny, .constant, .greatest, .subnormal: self
                }
            return ElementCoding.encode(plain.reals(count, element, allowsSubnormals, nil, &random), element)
        case .mask(let row):
            let values =
                self == .special ? mask(count, row, &random) : reals(count, element, allowsSubnormals, place, &random)
            return ElementCoding.encode(values, element)
        case .nonNegative:
            return ElementCoding.encode(
                reals(count, element, allowsSubnormals, place, &random).map { abs($0) }, element)
        }
    }

    /// Zeros and negative infinities as masks of attention have them: whole rows of either, and mixed ones.
    private func mask(_ count: Int, _ row: Int, _ random: inout SeededRandom) -> [Double] {
        var share = 0.0
        return (0..<count).map { index in
            if index % max(row, 1) == 0 { share = [0, 0.5, 0.5, 1][random.index(below: 4)] }
            return random.uniform() < share ? -.infinity : 0
        }
    }

    private func integers(
        _ count: Int, _ element: ElementType, _ range: ClosedRange<Int>, _ random: inout SeededRandom
    ) -> [UInt8] {
        let span = range.upperBound - range.lowerBound + 1
        let single = random.index(below: span)
        var values = (0..<count).map { _ in
            Double(range.lowerBound + (self == .constant ? single : random.index(below: span)))
        }
        // Mistakes in bounds show at the first and the last number only, which a few draws from many may miss.
        if self != .constant, count > 1 {
            let first = random.index(below: count)
            values[first] = Double(range.lowerBound)
            values[(first + 1 + random.index(below: count - 1)) % count] = Double(range.upperBound)
        }
        return ElementCoding.encode(values, element)
    }

    private func reals(
        _ count: Int, _ element: ElementType, _ allowsSubnormals: Bool, _ place: Int?, _ random: inout SeededRandom
    ) -> [Double] {
        // Pairs by Box and Muller (1958).
        func normal() -> Double {
            let radius = (-2 * log(1 - random.uniform())).squareRoot()
            return radius * cos(2 * .pi * random.uniform())
        }
        /// Normal but for one element, of either sign; where each has its turn, for two of either sign, so that each meets both.
        func lone(_ value: Double) -> [Double] {
            var values = (0..<count).map { _ in normal() }
            if let place, count >= 8 {
                values[place % count] = value
                values[(place + count / 2) % count] = -value
            } else if count > 0 {
                values[(place ?? random.index(below: count)) % count] = random.uniform() < 0.5 ? -value : value
            }
            return values
        }
        switch self {
        case .normal: return (0..<count).map { _ in normal() }
        case .infinite: return lone(.infinity)
        case .greatest: return lone(element.greatestFinite)
        case .subnormal: return (0..<count).map { _ in 0x1p-127 * normal() }
        case .wide: return (0..<count).map { _ in 64 * normal() }
        case .tiny:
            let scale: Double =
                switch element {
                case .f64: 0x1p-540
                case .f16: 0x1p-12
                // Dot products of bf16 flush subnormal results, in PyTorch as in our kernels.
                case .bf16: 0x1p-40
                case .f8e4m3: 0x1p-5
                case .f8e5m2: 0x1p-10
                case .f32, .i64, .i32, .i16, .i8, .u8, .bool: 0x1p-66
                }
            return (0..<count).map { _ in scale * normal() }
        case .constant:
            let value = 0.125 * (1 + (8 * abs(normal())).rounded()) * (random.uniform() < 0.5 ? -1 : 1)
            return [Double](repeating: value, count: count)
        case .special:
            let least = element.leastPositive
            let values =
                [Double.infinity, -.infinity, .nan] + (allowsSubnormals ? [least, -3 * least] : []) + [0, -0.0, 1, -1]
            // Few, as a single NaN reaches all that is summed with it.
            return (0..<count).map { _ in
                let isSpecial = random.index(below: max(24, count / 16)) == 0
                return isSpecial ? values[random.index(below: values.count)] : normal()
            }
        }
    }
}
