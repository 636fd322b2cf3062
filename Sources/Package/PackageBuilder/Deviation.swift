import ElementTypes
import Glibc
import ReferenceInterpreter

/// How far results are from those of a model that has all its bits.
package struct Deviation: Sendable, CustomStringConvertible {
    /// Root mean square difference, as a part of the root mean square of the model's results.
    package private(set) var relative = 0.0
    /// The greatest difference, as a part of the same.
    package private(set) var largest = 0.0
    /// The cosine of the angle between both, as vectors.
    package private(set) var cosine = 1.0
    /// Of a language model's results, the perplexity of the tokens that it was given: before and after.
    package var perplexity: (before: Double, after: Double)?
    /// The part of rows (along the last axis) whose greatest element stands at the same place; nil where rows have one.
    package private(set) var sameGreatest: Double?

    /// Compares results of rows of `width` elements with those of the model as it was. Linear.
    package init(_ values: [Double], from original: [Double], width: Int) {
        var sums = (difference: 0.0, size: 0.0, product: 0.0, own: 0.0)
        for (value, wanted) in zip(values, original) where wanted.isFinite {
            // What was a number and is none is as far away as can be.
            let apart = value.isFinite ? value - wanted : .infinity
            sums.difference += apart * apart
            sums.size += wanted * wanted
            sums.product += value * wanted
            sums.own += value * value
            largest = max(largest, abs(apart))
        }
        if sums.size > 0, sums.own > 0 { cosine = sums.product / (sums.size * sums.own).squareRoot() }
        let size = (sums.size / Double(max(original.count, 1))).squareRoot()
        relative = sums.size == 0 ? 0 : (sums.difference / sums.size).squareRoot()
        largest = size == 0 ? 0 : largest / size
        guard width > 1, original.count >= width else { return }
        func greatest(_ elements: ArraySlice<Double>) -> Int? {
            elements.indices.max { elements[$0] < elements[$1] }.map { $0 - elements.startIndex }
        }
        let rows = original.count / width
        let same = (0..<rows).count {
            let place = $0 * width..<($0 + 1) * width
            return greatest(values[place]) == greatest(original[place])
        }
        sameGreatest = Double(same) / Double(rows)
    }

    /// Such as `rms 4.2 %, largest 31 % of the rms, cosine 0.9991, greatest element of a row the same in 97 %`.
    package var description: String {
        func percent(_ share: Double) -> String {
            let scaled = share * 100
            return "\(((scaled * 100).rounded() / 100)) %"
        }
        let rows = sameGreatest.map { ", greatest element of a row the same in \(percent($0))" } ?? ""
        let words = perplexity.map { ", perplexity \(Float($0.before)) -> \(Float($0.after))" } ?? ""
        // So many digits that the angle is seen.
        let digits = (cosine * 1e6).rounded() / 1e6
        return "rms \(percent(relative)), largest \(percent(largest)) of the rms, cosine \(digits)\(rows)\(words)"
    }
}

/// The perplexity of tokens by a language model that was given them: `exp` of the mean of `-log p` of each by what stands before it.
package enum Perplexity {
    /// A vocabulary of fewer is none.
    private static let leastWords = 256

    /// Whether results of this shape, `[…, tokens, words]`, are scores of the words that follow the tokens.
    package static func reads(_ tokens: TensorValue, _ shape: [Int]) -> Bool {
        guard [.i64, .i32].contains(tokens.element), let words = shape.last, words >= leastWords,
            tokens.shape == Array(shape.dropLast()), tokens.shape.last ?? 0 > 1
        else { return false }
        return tokens.doubles.allSatisfy { $0 >= 0 && $0 < Double(words) }
    }

    /// The perplexity by `scores`, `[…, tokens, width]`, of all tokens but the first of each row.
    package static func of(_ scores: [Double], _ tokens: TensorValue, width: Int) -> Double {
        let (length, words) = (tokens.shape.last ?? 1, tokens.doubles)
        var sum = 0.0
        var count = 0
        for place in words.indices where place % length + 1 < length {
            let row = scores[place * width..<(place + 1) * width]
            let most = row.max() ?? 0
            let total = row.reduce(0) { $0 + exp($1 - most) }
            sum += log(total) + most - row[row.startIndex + Int(words[place + 1])]
            count += 1
        }
        return exp(sum / Double(max(count, 1)))
    }
}
