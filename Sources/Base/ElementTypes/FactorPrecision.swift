/// What factors of f32 may be rounded to before they are multiplied; sums stay in f32.
package enum FactorPrecision: String, CaseIterable, Hashable, Sendable {
    /// Their own type.
    case own
    /// 11 bits and all exponents of f32 (TF32), which a device may use or not: what is computed with more bits is as right.
    case tf32
}
