import ElementTypes
import GraphIR
import ModelFiles

/// Numbers that a program draws. The k-th call that draws, of the n-th run under a seed, gives element e what Philox4x32-10 makes of the
/// counter (e, k, n) under the seed as its key (J. K. Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", 2011): the same on
/// every device, in any order of elements. Seed and number of runs are a state of the model, both zero at first.
///
/// `python/hearth/drawing.py` draws the same numbers in PyTorch, for the truth that a package is held to.
extension Importer {
    /// The state of two whole numbers: the seed, and the runs since it was set.
    static let randomState = GraphPort(name: RandomState.name, type: TensorType(.i64, [2]))

    /// One call's numbers: a function of what Philox gives at each element, 32 bits in each of four words.
    mutating func draw(
        _ type: TensorType, _ body: @Sendable (inout ScalarBuilder, [ScalarBuilder.Term]) -> ScalarBuilder.Term
    ) throws(ImportError) -> Value {
        if isBody { throw unsupported("random numbers in a body of control flow") }
        let number = draws
        draws += 1
        let state = try randomLeaf()
        let count = elementCount(type.shape)
        let operands = [
            try leaf(.iota(count)), try slice(state, 0, 0, 1), try slice(state, 0, 1, 1),
        ]
        let flat = try map(operands, as: type.element) { s, t in
            let words = s.philox(element: t[0], seed: t[1], run: t[2], draw: Int64(number))
            return body(&s, words)
        }
        return try reshape(flat, type.shape)
    }

    /// The state's value when the call begins.
    private mutating func randomLeaf() throws(ImportError) -> Value {
        let known = builder.graph.states.firstIndex { $0.name == RandomState.name }
        if known == nil { builder.graph.states.append(Self.randomState) }
        return try leaf(.state(known ?? builder.graph.states.count - 1, Self.randomState.type))
    }

    /// One more run, where the program drew anything.
    mutating func countRun() throws(ImportError) {
        guard let state = builder.graph.states.firstIndex(where: { $0.name == RandomState.name }) else {
            return
        }
        // (seed, runs) + (0, 1).
        let next = try map([try randomLeaf(), try leaf(.iota(2))]) { $0.apply(.add, $1[0], $1[1]) }
        builder.graph.updates.append(.init(state: state, value: next))
    }
}

extension ScalarBuilder {
    /// Philox4x32-10: four words of 32 bits, each as a whole number that is not negative.
    fileprivate mutating func philox(element: Term, seed: Term, run: Term, draw: Int64) -> [Term] {
        let mask = integer(0xFFFF_FFFF)
        func low(_ s: inout Self, _ x: Term) -> Term { s.apply(.and, x, mask) }
        func high(_ s: inout Self, _ x: Term) -> Term {
            let shifted = s.apply(.shiftRight, x, s.integer(32))
            return s.apply(.and, shifted, mask)
        }
        var counter = [low(&self, element), high(&self, element), integer(draw), low(&self, run)]
        var key = [low(&self, seed), high(&self, seed)]
        for round in 0..<10 {
            if round > 0 {
                for (place, step) in [Int64(0x9E37_79B9), 0xBB67_AE85].enumerated() {
                    key[place] = low(&self, apply(.add, key[place], integer(step)))
                }
            }
            let products = [
                apply(.multiply, counter[0], integer(0xD251_1F53)), apply(.multiply, counter[2], integer(0xCD9E_8D57)),
            ]
            counter = [
                apply(.exclusiveOr, apply(.exclusiveOr, high(&self, products[1]), counter[1]), key[0]),
                low(&self, products[1]),
                apply(.exclusiveOr, apply(.exclusiveOr, high(&self, products[0]), counter[3]), key[1]),
                low(&self, products[0]),
            ]
        }
        return counter
    }

    /// A number of [0, 1) with as many bits as elements of a type have.
    mutating func unit(_ words: [Term], _ element: ElementType) -> Term {
        let (kept, compute) = (Self.unitBits(element), element.computeType)
        if kept <= 32 {
            let bits = apply(.shiftRight, words[0], integer(Int64(32 - kept)))
            return apply(.multiply, cast(bits, compute), number(1 / Double(1 << kept), compute))
        }
        let bits = apply(
            .add, apply(.multiply, words[0], integer(1 << 21)), apply(.shiftRight, words[1], integer(11)))
        return apply(.multiply, cast(bits, .f64), number(0x1p-53, .f64))
    }

    /// Bits of a uniform number: all that are exact in the type.
    private static func unitBits(_ element: ElementType) -> Int {
        switch element {
        case .f64: 53
        case .bf16: 8
        case .f16: 11
        case .f32, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool: 24
        }
    }

    /// A number of the normal distribution (G. E. P. Box and M. E. Muller, 1958), in f64 for that and else in f32.
    mutating func normal(_ words: [Term], _ element: ElementType) -> Term {
        let type: ElementType = element == .f64 ? .f64 : .f32
        let second = type == .f64 ? [words[2], words[3]] : [words[1]]
        let (u, v) = (unit(words, type), unit(second, type))
        let radius = apply(
            .squareRoot,
            apply(.multiply, number(-2, type), apply(.log, apply(.subtract, number(1, type), u))))
        return apply(.multiply, radius, apply(.cosine, apply(.multiply, v, number(2 * Double.pi, type))))
    }

    /// A number of the exponential distribution of mean one.
    mutating func exponential(_ words: [Term], _ element: ElementType) -> Term {
        let type: ElementType = element == .f64 ? .f64 : .f32
        return apply(.negate, apply(.log, apply(.subtract, number(1, type), unit(words, type))))
    }

    /// A whole number of 63 bits that is not negative.
    mutating func whole(_ words: [Term]) -> Term {
        let top = apply(.and, words[0], integer(0x7FFF_FFFF))
        return apply(.add, apply(.multiply, top, integer(1 << 32)), words[1])
    }

    /// Whether an event of a fixed probability happened, compared in whole numbers, so that rounding decides nothing.
    mutating func event(_ words: [Term], _ probability: Double) -> Term {
        let bits = apply(.shiftRight, words[0], integer(8))
        return apply(.less, bits, integer(Int64((probability * 0x1p24).rounded(.up))))
    }
}
