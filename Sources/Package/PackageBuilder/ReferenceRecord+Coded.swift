import Base
import ElementTypes
import ReferenceInterpreter

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
    package func deviations(_ coded: CodedModel) -> [(output: Int, deviation: Deviation)] {
        guard let set = sets.first else { return [] }
        return zip(coded.keepsTruth ? set.outputs : set.truth, set.original).enumerated().compactMap { place, pair in
            guard pair.0.element.isFloatingPoint, pair.0.count > 0 else { return nil }
            var deviation = Deviation(pair.0.doubles, from: pair.1.doubles, width: pair.0.shape.last ?? 1)
            if let tokens = set.inputs.first(where: { Perplexity.reads($0, pair.0.shape) }) {
                deviation.perplexity = (
                    Perplexity.of(pair.1.doubles, tokens, width: pair.0.shape.last ?? 1),
                    Perplexity.of(pair.0.doubles, tokens, width: pair.0.shape.last ?? 1)
                )
            }
            return (place, deviation)
        }
    }
}
