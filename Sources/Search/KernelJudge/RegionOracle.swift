package import ElementTypes
package import KernelIR

/// What values an input may take.
package enum InputDomain: Hashable, Sendable {
    /// Any floating-point numbers.
    case real
    /// Floating-point numbers, never infinite or NaN: what the truth multiplies by zeros of its own making.
    case finite
    /// What is added to scores of attention, in rows of so many; among special inputs zeros and negative infinities.
    case mask(row: Int)
    /// Floating-point numbers at least 0, such as variances.
    case nonNegative
    /// Integers 0..<bound, such as positions.
    case index(below: Int)
    /// Integers in a range.
    case integer(ClosedRange<Int>)
    /// Truth values.
    case boolean
    /// These bytes in every case: weights, and what the region cannot do without.
    case fixed([UInt8])
}

/// The truth of one output.
package struct OracleOutput: Sendable {
    /// Elements that were evaluated, ascending; nil for all.
    package var positions: [Int]?
    /// In double, from the unrewritten region.
    package var truth: [Double]
    /// As PyTorch computes it: rounded after every ATen operation.
    package var witness: [Double]
    /// Terms of the longest sum behind an element, where the witness does not show how sums in f32 round; else 1.
    package var summedTerms: Int
    /// For positions in a tensor: whether `value` ties with the truth at the `index`-th evaluated element.
    package var acceptsTie: (@Sendable (_ index: Int, _ value: Double) -> Bool)?

    /// Makes an output.
    package init(
        positions: [Int]? = nil, truth: [Double], witness: [Double], summedTerms: Int = 1,
        acceptsTie: (@Sendable (Int, Double) -> Bool)? = nil
    ) {
        self.positions = positions
        self.truth = truth
        self.witness = witness
        self.summedTerms = summedTerms
        self.acceptsTie = acceptsTie
    }
}

/// Why there is no truth.
package struct OracleError: Error, Hashable, CustomStringConvertible {
    package var reason: String

    /// The reason.
    package var description: String { reason }

    /// Makes an error.
    package init(_ reason: String) { self.reason = reason }
}

/// What the judge must know of a region: its parameters, what inputs it takes, and what is true. Whoever implements it
/// evaluates the unrewritten subgraph; no candidate reaches it.
package protocol RegionOracle: Sendable {
    /// The kernel's parameters in the order of its ABI.
    var parameters: [KernelParameter] { get }
    /// The kernel's symbols in the order of its dimension values.
    var symbols: [Variable] { get }
    /// Values of the symbols that are tried: first the shape that is timed, then odd ones. One empty list when there are no
    /// symbols.
    var shapes: [[Int]] { get }
    /// Whether infinities, NaN and subnormal numbers are fair inputs; true unless the region says otherwise.
    var allowsSpecialValues: Bool { get }
    /// Whether subnormal numbers are among those; true unless the region says otherwise.
    var allowsSubnormals: Bool { get }
    /// Whether elements meet each other in sums of products, whose order and form are the kernel's to choose: then special inputs tell only
    /// where truth and witness agree in what is finite, infinite or NaN. False unless the region says otherwise.
    var mixesElements: Bool { get }
    /// Which inputs are tried in the full battery, beside normal ones; by default all that are fair. A region whose truth
    /// is dear may ask for fewer.
    var distributions: [InputDistribution] { get }
    /// What an input, constant or state may hold.
    func domain(of parameter: Int, dimensions: [Int]) -> InputDomain
    /// The truth of every written parameter, in order. `inputs` holds the bytes of every parameter (none for outputs).
    /// Called on a thread that may be blocked.
    func answer(dimensions: [Int], inputs: [[UInt8]]) throws(OracleError) -> [OracleOutput]
}

extension RegionOracle {
    package var allowsSpecialValues: Bool { true }
    package var allowsSubnormals: Bool { true }
    package var mixesElements: Bool { false }
    package var distributions: [InputDistribution] {
        InputDistribution.plain + (allowsSpecialValues ? [.special] : [])
    }
}
