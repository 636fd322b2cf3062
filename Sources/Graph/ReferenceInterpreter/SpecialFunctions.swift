import Glibc

/// Ψ(x), the derivative of log Γ, within a few units in the last place away from its zeros: reflection for negative x,
/// the recurrence Ψ(x) = Ψ(x + 1) − 1/x up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.18).
/// As in PyTorch, ±0 give ∓∞ and negative integers NaN.
func digamma(_ x: Double) -> Double {
    if x == 0 { return x.sign == .minus ? .infinity : -.infinity }
    if x == .infinity { return x }
    if x.isNaN || x == -.infinity { return .nan }
    if x < 0 {
        if x == x.rounded(.towardZero) { return .nan }
        // Ψ(x) = Ψ(1 − x) − π / tan(π x); the fraction keeps the tangent's argument small and exact.
        let fraction = x - x.rounded(.towardZero)
        return digamma(1 - x) - .pi / tan(.pi * fraction)
    }
    var shifted = x
    var sum = 0.0
    while shifted < 10 {
        sum -= 1 / shifted
        shifted += 1
    }
    let inverse = 1 / (shifted * shifted)
    // B(2k) / 2k for k = 1…7.
    let coefficients = [1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12]
    var series = 0.0
    for coefficient in coefficients.reversed() { series = (series + coefficient) * inverse }
    return sum + log(shifted) - 0.5 / shifted - series
}

/// The inverse of the error function: Giles' approximation (2012), then Newton steps with the second-order term on
/// whichever of erf and erfc keeps the difference accurate. ±1 give ±∞; numbers beyond give NaN.
func inverseErrorFunction(_ y: Double) -> Double {
    if y.isNaN || abs(y) > 1 { return .nan }
    if abs(y) == 1 { return y * .infinity }
    if y == 0 { return y }
    // 1 − |y| is exact for |y| ≥ 1/2, so that 1 − y² does not cancel.
    let magnitude = abs(y)
    let complement = 1 - magnitude
    let w = -log(complement * (1 + magnitude))
    var x: Double
    if w < 5 {
        let t = w - 2.5
        x = 2.81022636e-08
        let tail = [
            3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727,
            1.50140941,
        ]
        for c in tail { x = c + x * t }
    } else {
        let t = w.squareRoot() - 3
        x = -0.000200214257
        let tail = [
            0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406,
            2.83297682,
        ]
        for c in tail { x = c + x * t }
    }
    x *= magnitude
    for _ in 0..<3 {
        let error = magnitude < 0.5 ? erf(x) - magnitude : complement - erfc(x)
        let step = error / (2 / Double.pi.squareRoot() * exp(-x * x))
        x -= step / (1 + x * step)
    }
    return y < 0 ? -x : x
}

/// log |Γ(x)|; +∞ at 0 and the negative integers.
func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
}

/// Quotient rounded towards negative infinity as PyTorch computes it for floating point: from the remainder, so that it
/// is consistent with `floatingRemainder`.
func floatingFloorDivide(_ a: Double, _ b: Double) -> Double {
    if b == 0 { return a / b }
    let remainder = fmod(a, b)
    var quotient = (a - remainder) / b
    if remainder != 0, (b < 0) != (remainder < 0) { quotient -= 1 }
    if quotient == 0 { return (a / b).sign == .minus ? -0.0 : 0.0 }
    let whole = quotient.rounded(.down)
    return quotient - whole > 0.5 ? whole + 1 : whole
}

/// Remainder with the divisor's sign.
func floatingRemainder(_ a: Double, _ b: Double) -> Double {
    let remainder = fmod(a, b)
    return remainder != 0 && (b < 0) != (remainder < 0) ? remainder + b : remainder
}

/// Integer power with wrapping products; negative exponents give what is left of 1 / a^|b| after truncation.
func integerPower(_ a: Int64, _ b: Int64) -> Int64 {
    if b < 0 { return a == 1 ? 1 : (a == -1 ? (b % 2 == 0 ? 1 : -1) : 0) }
    var (result, base, exponent): (Int64, Int64, Int64) = (1, a, b)
    while exponent > 0 {
        if exponent & 1 == 1 { result &*= base }
        base &*= base
        exponent >>= 1
    }
    return result
}

/// Shifted left; 0 where the distance is negative or 64 and more, as PyTorch.
func shiftedLeft(_ a: Int64, _ b: Int64) -> Int64 {
    b < 0 || b >= 64 ? 0 : Int64(truncatingIfNeeded: UInt64(bitPattern: a) << UInt64(b))
}

/// Shifted right with the sign; all sign where the distance is negative or 64 and more, as PyTorch.
func shiftedRight(_ a: Int64, _ b: Int64) -> Int64 { a >> (b < 0 || b >= 64 ? 63 : b) }

/// The smaller number, or NaN where either is.
@inline(__always) func smaller(_ a: Double, _ b: Double) -> Double {
    a.isNaN || a < b ? a : (b.isNaN ? b : (b < a ? b : a))
}

/// The larger number, or NaN where either is.
@inline(__always) func larger(_ a: Double, _ b: Double) -> Double {
    a.isNaN || a > b ? a : (b.isNaN ? b : (b > a ? b : a))
}

/// Quotient rounded towards negative infinity and remainder with the divisor's sign; −2⁶³ ÷ −1 wraps.
func floorDivided(_ a: Int64, _ b: Int64) -> (quotient: Int64, remainder: Int64) {
    let quotient = a.dividedReportingOverflow(by: b).partialValue
    let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
    return remainder != 0 && (remainder < 0) != (b < 0) ? (quotient - 1, remainder + b) : (quotient, remainder)
}
