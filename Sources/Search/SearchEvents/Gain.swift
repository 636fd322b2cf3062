/// Whether something is faster by more than nothing: the one rule of "no gain" for bench, search and report.
///
/// A gain is a ratio of times above 1.02 whose 95 % interval lies above 1. Anything else is "no gain", and is called so.
package enum Gain: Hashable, Sendable {
    case gain(Double)
    case none

    /// How much faster something must be: 2 %.
    package static let margin = 1.02

    /// The least upper end of a ratio's interval that counts as "not slower": a tie within 2 %.
    package static let tie = 0.98

    /// Judges a median ratio of times, theirs by ours, and the lower end of its interval.
    package init(ratio: Double, low: Double) { self = ratio > Self.margin && low > 1 ? .gain(ratio) : .none }

    /// Whether there is one.
    package var isGain: Bool { self != .none }

    /// What is said where there is none, against whatever it was measured.
    package static func none(against what: String) -> String {
        "no gain: nothing beats \(what) by more than 2 %"
    }
}
