package import ElementTypes
internal import Glibc

/// Errors against the truth, beside those of PyTorch's own arithmetic and the bound that follows from them.
package struct ErrorSummary: Hashable, Sendable, CustomStringConvertible {
    /// Largest and root mean square error of the candidate, over elements that are finite in truth.
    package var maximum = 0.0
    package var rms = 0.0
    /// The same of the witness.
    package var witnessMaximum = 0.0
    package var witnessRMS = 0.0
    /// What is allowed.
    package var allowedMaximum = 0.0
    package var allowedRMS = 0.0
    /// Number of elements compared.
    package var count = 0

    /// Makes a summary of nothing.
    package init() {}

    /// The larger ratio of an error to what is allowed; at most 1 passes.
    package var severity: Double {
        func ratio(_ error: Double, _ allowed: Double) -> Double { error == 0 ? 0 : error / allowed }
        return max(ratio(maximum, allowedMaximum), ratio(rms, allowedRMS))
    }

    /// Such as `max 1e-06 of 4e-06 allowed, rms …`.
    package var description: String {
        let numbers = [maximum, allowedMaximum, rms, allowedRMS, witnessMaximum, witnessRMS].map(Self.short)
        return "max \(numbers[0]) of \(numbers[1]) allowed, rms \(numbers[2]) of \(numbers[3]); "
            + "PyTorch's \(numbers[4]), \(numbers[5])"
    }

    /// Three significant digits.
    private static func short(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return "\(value)" }
        let scale = pow(10, 2 - log10(abs(value)).rounded(.down))
        return "\((value * scale).rounded() / scale)"
    }
}

/// What is compared: one output tensor.
package struct AgreementInput {
    /// Type of the output's elements.
    package var element: ElementType
    /// Results in double, at the compared positions.
    package var truth: [Double]
    /// PyTorch's arithmetic at the same positions.
    package var witness: [Double]
    /// Terms of the longest sum behind an element, where the witness does not show how sums in f32 round; else 1.
    package var summedTerms: Int
    /// An absolute error that is always allowed.
    package var floor: Double
    /// For positions in a tensor (arg-max, top-k): whether `value` is as good as the truth at the `index`-th compared place.
    package var acceptsTie: (@Sendable (_ index: Int, _ value: Double) -> Bool)?
    /// What infinities and NaN say.
    package var specials = Specials.followed

    /// What is asked of an element whose truth or witness is infinite or NaN.
    package enum Specials: Hashable, Sendable {
        /// Where truth and witness differ in that, the candidate follows either.
        case followed
        /// Where they differ, nothing is asked: the order of a sum, or an overflow in f32, decides.
        case determined
        /// The same, and NaN may stand anywhere: the algorithm subtracts elements from each other that the definition only adds. What is
        /// infinite or NaN may be either.
        case spread
    }

    /// Makes an input.
    package init(
        element: ElementType, truth: [Double], witness: [Double], summedTerms: Int = 1, floor: Double = 0,
        specials: Specials = .followed, acceptsTie: (@Sendable (Int, Double) -> Bool)? = nil
    ) {
        precondition(truth.count == witness.count, "truth and witness cover the same positions")
        self.element = element
        self.truth = truth
        self.witness = witness
        self.summedTerms = summedTerms
        self.floor = floor
        self.specials = specials
        self.acceptsTie = acceptsTie
    }
}

/// Whether an output agrees with the truth.
///
/// The rule: the largest and the root mean square error are at most four times those of PyTorch's own arithmetic, with a
/// floor: the witness is taken to have rounded its result at least once, and more freely where elements are few.
/// Integers and booleans equal the truth or the witness, or tie. What is infinite or NaN in the truth and in the witness
/// is so in the candidate; where truth and witness differ in that, the candidate follows either, or is free (`Specials`).
package enum Agreement {
    /// Factor over the witness's error.
    package static let factor = 4.0

    /// The outcome of a comparison.
    package enum Outcome: Hashable, Sendable {
        case agrees(ErrorSummary)
        /// An element that no rounding explains, by its place among the compared positions.
        case wrong(index: Int)
        /// Errors that are too large, and the worst element.
        case inaccurate(index: Int, ErrorSummary)
    }

    /// Compares `candidate` at the compared positions. Linear.
    package static func compare(_ candidate: [Double], _ input: AgreementInput) -> Outcome {
        precondition(candidate.count == input.truth.count, "one value for each position")
        guard input.element.isFloatingPoint else { return compareExactly(candidate, input) }
        var sums = (error: 0.0, witness: 0.0, truth: 0.0)
        var summary = ErrorSummary()
        var worst = 0
        var largest = 0.0
        for index in candidate.indices {
            let (value, truth, witness) = (candidate[index], input.truth[index], input.witness[index])
            if input.specials == .spread, value.isNaN { continue }
            guard truth.isFinite, witness.isFinite else {
                if input.specials != .followed, truth.kind != witness.kind { continue }
                if input.specials == .spread, !value.isFinite { continue }
                if !agreesWithoutFiniteWitness(value, truth, witness, input.element) { return .wrong(index: index) }
                continue
            }
            guard value.isFinite else { return .wrong(index: index) }
            let error = abs(value - truth)
            let witnessError = abs(witness - truth)
            sums.error += error * error
            sums.witness += witnessError * witnessError
            sums.truth += truth * truth
            largest = max(largest, abs(truth))
            summary.count += 1
            summary.witnessMaximum = max(summary.witnessMaximum, witnessError)
            if error > summary.maximum {
                summary.maximum = error
                worst = index
            }
        }
        guard summary.count > 0 else { return .agrees(summary) }
        let count = Double(summary.count)
        summary.rms = (sums.error / count).squareRoot()
        summary.witnessRMS = (sums.witness / count).squareRoot()
        let scale = (sums.truth / count).squareRoot()
        // Rounding of a sequential sum of n terms in f32: each step adds 0.29 units in the last place (root mean square) of
        // a partial sum, the partial sums being 0.7 of the result on average.
        let accumulator = input.element == .f64 ? ElementType.f64 : .f32
        let steps = Double(max(0, input.summedTerms - 1)).squareRoot()
        let summing = 0.2 * steps * accumulator.epsilon * scale
        // In f64 the truth itself is rounded as often as the candidate.
        let ulps = input.element == .f64 ? 64.0 : 1
        let unit = input.element.epsilon * ulps
        let smallest = input.element.leastPositive
        // The witness is taken to have rounded once, even where it happens to be exact: half a unit in the last place at
        // most, 0.2 units of the value root mean square. Few elements say little of how it errs, so they get more room.
        let room = factor * unit * (1 + 4 / count.squareRoot())
        summary.allowedMaximum = max(
            factor * (summary.witnessMaximum + 4 * summing), 0.5 * room * largest, smallest, input.floor)
        summary.allowedRMS = max(
            factor * (summary.witnessRMS + summing), 0.2 * room * scale, smallest, input.floor)
        return summary.severity <= 1 ? .agrees(summary) : .inaccurate(index: worst, summary)
    }

    private static func agreesWithoutFiniteWitness(
        _ value: Double, _ truth: Double, _ witness: Double, _ element: ElementType
    ) -> Bool {
        func same(_ a: Double, _ b: Double) -> Bool { a == b || (a.isNaN && b.isNaN) }
        if same(value, truth) || same(value, witness) { return true }
        // Here one of the two is finite. Near that one is right too; a NaN stands for itself only.
        let finite = truth.isFinite ? truth : witness
        guard finite.isFinite, value.isFinite else { return false }
        return abs(value - finite) <= 8 * element.epsilon * abs(finite)
    }

    private static func compareExactly(_ candidate: [Double], _ input: AgreementInput) -> Outcome {
        for index in candidate.indices where candidate[index] != input.truth[index] {
            if candidate[index] == input.witness[index] { continue }
            if let acceptsTie = input.acceptsTie, acceptsTie(index, candidate[index]) { continue }
            return .wrong(index: index)
        }
        var summary = ErrorSummary()
        summary.count = candidate.count
        return .agrees(summary)
    }
}

extension Double {
    /// Finite, NaN, or infinite with a sign: 0, 1, 2, 3.
    fileprivate var kind: Int { isFinite ? 0 : isNaN ? 1 : self > 0 ? 2 : 3 }
}

extension ElementType {
    /// The largest finite number; 0 for integers.
    var greatestFinite: Double {
        switch self {
        case .f64: .greatestFiniteMagnitude
        case .f32: 0x1.FFFFFEp127
        case .f16: 65504
        case .bf16: 0x1.FEp127
        case .f8e4m3: 448
        case .f8e5m2: 57344
        case .i64, .i32, .i16, .i8, .u8, .bool: 0
        }
    }

    /// The smallest positive (subnormal) number; 0 for integers.
    package var leastPositive: Double {
        switch self {
        case .f64: 0x1p-1074
        case .f32: 0x1p-149
        case .f16: 0x1p-24
        case .bf16: 0x1p-133
        case .f8e4m3: 0x1p-9
        case .f8e5m2: 0x1p-16
        case .i64, .i32, .i16, .i8, .u8, .bool: 0
        }
    }
}
