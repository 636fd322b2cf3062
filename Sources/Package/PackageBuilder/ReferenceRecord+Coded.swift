import Base
import ElementTypes
import ReferenceInterpreter

/// How far results are from those of a model whose weights have all their bits.
package struct Deviation: Hashable, Sendable, CustomStringConvertible {
    /// Root mean square difference, as a part of the root mean square of the model's results.
    package private(set) var relative = 0.0
    /// The greatest difference, as a part of the same.
    package private(set) var largest = 0.0
    /// The part of rows (along the last axis) whose greatest element stands at the same place; nil where rows have one.
    package private(set) var sameGreatest: Double?

    /// Compares results of rows of `width` elements with those of the model as it was. Linear.
    package init(_ values: [Double], from original: [Double], width: Int) {
        var sums = (difference: 0.0, size: 0.0)
        for (value, wanted) in zip(values, original) where wanted.isFinite && value.isFinite {
            sums.difference += (value - wanted) * (value - wanted)
            sums.size += wanted * wanted
            largest = max(largest, abs(value - wanted))
        }
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

    /// Such as `rms 4.2 %, largest 31 % of the rms, greatest element of a row the same in 97 %`.
    package var description: String {
        func percent(_ share: Double) -> String {
            let scaled = share * 100
            return "\(((scaled * 100).rounded() / 100)) %"
        }
        let rows = sameGreatest.map { ", greatest element of a row the same in \(percent($0))" } ?? ""
        return "rms \(percent(relative)), largest \(percent(largest)) of the rms\(rows)"
    }
}

extension ReferenceRecord {
    /// The record of a model whose weights were coded: the truth so far becomes that of the model as it was, and truth and
    /// witness are those of the coded weights, so that kernels are held as closely as ever to what they should compute.
    package mutating func evaluate(_ coded: CodedModel) throws(InterpreterError) {
        for index in sets.indices {
            sets[index].original = sets[index].truth
            sets[index].outputs = []
            sets[index].stateOutputs = [:]
        }
        try evaluate(coded.oracle, tensors: coded.tensors)
        if coded.isQuantised { try disturbWitness(coded) }
    }

    /// Where a model rounds activations to whole numbers, one run says little of what rounding does: a number between two codes falls to either
    /// side, and what follows falls with it. So the witness of each output is the least accurate of several runs in f32, whose real
    /// inputs differ in their last bit and whose sums are taken in other orders, as PyTorch's are on other processors.
    private mutating func disturbWitness(_ coded: CodedModel) throws(InterpreterError) {
        for index in sets.indices {
            for (seed, lanes) in [8, 16, 64].enumerated() {
                var random = SeededRandom(seed: UInt64(seed))
                let inputs = sets[index].inputs.map { input in
                    guard input.element.isFloatingPoint else { return input }
                    return TensorValue(
                        input.element, input.shape,
                        input.doubles.map { $0 * (1 + 0x1p-23 * Double(random.index(below: 3) - 1)) })
                }
                var witness = Interpreter(coded.oracle, tensors: coded.tensors, policy: .roundAfterEachNode)
                witness.sumLanes = lanes
                let found = try witness.run(inputs)
                for (place, truth) in sets[index].truth.enumerated() where truth.element.isFloatingPoint {
                    func distance(_ value: TensorValue) -> Double {
                        zip(value.doubles, truth.doubles).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                    }
                    if distance(found[place]) > distance(sets[index].outputs[place]) {
                        sets[index].outputs[place] = found[place]
                    }
                }
            }
        }
    }

    /// How far each floating-point output of the first set is from that of the model as it was, by its place.
    package var deviations: [(output: Int, deviation: Deviation)] {
        guard let set = sets.first else { return [] }
        return zip(set.truth, set.original).enumerated().compactMap { place, pair in
            guard pair.0.element.isFloatingPoint, pair.0.count > 0 else { return nil }
            return (place, Deviation(pair.0.doubles, from: pair.1.doubles, width: pair.0.shape.last ?? 1))
        }
    }
}
