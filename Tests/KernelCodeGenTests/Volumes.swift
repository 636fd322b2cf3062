import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// A convolution of `[images, extents…, channels]` by windows of 3 in every dimension.
struct Volumes {
    let images: Int
    let extents: [Int]
    let channels: Int
    let outputs: Int
    var strides = [1, 1, 1]
    var padding = [1, 1, 1]
    var factors = FactorPrecision.own

    private var results: [Int] { extents.indices.map { (extents[$0] + 2 * padding[$0] - 3) / strides[$0] + 1 } }
    private var taps: Int { extents.reduce(1) { count, _ in count * 3 } }
    var counts: [Int] {
        [
            extents.reduce(images * channels, *), outputs * taps * channels, results.reduce(images * outputs, *),
        ]
    }

    var kernel: Kernel {
        func axis(_ number: Int, _ extent: Int) -> LoopAxis {
            LoopAxis(Variable(.axis, number), IntegerExpression(extent))
        }
        func at(_ axis: LoopAxis) -> IntegerExpression { IntegerExpression(axis.variable) }
        let (i, n, c) = (axis(0, images), axis(1, outputs), axis(2, channels))
        let places = results.enumerated().map { axis(10 + $0, $1) }
        let taps = extents.indices.map { axis(20 + $0, 3) }
        var (from, to, weight) = (at(i), at(i), at(n))
        var mask: [IntegerExpression] = []
        for (dimension, extent) in extents.enumerated() {
            let place = at(places[dimension]) * strides[dimension] + at(taps[dimension]) - padding[dimension]
            if padding[dimension] > 0 { mask += [place, IntegerExpression(extent - 1) - place] }
            from = from * extent + place
            to = to * results[dimension] + at(places[dimension])
            weight = weight * 3 + at(taps[dimension])
        }
        func load(_ parameter: Int, _ index: IntegerExpression, _ mask: [IntegerExpression]) -> ScalarFunction {
            ScalarFunction(body: ScalarBody(nodes: [.load(parameter: parameter, index: index, mask: mask)]), result: 0)
        }
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        return Kernel(
            name: "tested",
            parameters: counts.enumerated().map { number, count in
                KernelParameter(
                    element: .f32, count: IntegerExpression(count), access: number == 2 ? .write : .read,
                    isConstant: number == 1)
            }, symbols: [], ranges: VariableRanges(),
            body: .contraction(
                ContractionKernel(
                    batch: [], rows: [i] + places, columns: [n], taps: taps, depth: c,
                    left: load(0, from * channels + at(c), mask), right: load(1, weight * channels + at(c), []),
                    operandElement: .f32, epilogue: epilogue,
                    stores: [Store(parameter: 2, index: to * outputs + at(n), value: sum)], factors: factors)))
    }

    /// Runs the kernel on drawn numbers, and compares with double precision.
    func verify(_ kernel: EmulatedKernel) throws {
        let left = SplitProductTests.draw(counts[0], .even, seed: 1)
        let right = SplitProductTests.draw(counts[1], .even, seed: 2)
        var buffers = [
            Memory.bytes(left, .f32), Memory.bytes(right, .f32), [UInt8](repeating: 0xFF, count: counts[2] * 4),
        ]
        try kernel.run(&buffers, dimensions: [])
        let errors = SplitProductTests.errors(Memory.floats(buffers[2], .f32), reference(left, right))
        #expect(errors.greatest < 2e-6)
    }

    private func reference(_ left: [Float], _ right: [Float]) -> [(value: Double, magnitude: Double)] {
        /// Digits of a number, the last one first in `extents`' order.
        func digits(_ number: Int, _ extents: [Int]) -> [Int] {
            var rest = number
            return extents.reversed().map { extent in
                defer { rest /= extent }
                return rest % extent
            }.reversed()
        }
        return (0..<counts[2]).map { index in
            let place = digits(index / outputs, [images] + results)
            var (sum, magnitude) = (0.0, 1.0)
            for tap in 0..<taps {
                let offsets = digits(tap, extents.map { _ in 3 })
                let moved = extents.indices.map { place[$0 + 1] * strides[$0] + offsets[$0] - padding[$0] }
                guard zip(moved, extents).allSatisfy({ (0..<$1).contains($0) }) else { continue }
                let from = zip(moved, extents).reduce(place[0]) { $0 * $1.1 + $1.0 } * channels
                let weight = (index % outputs * taps + tap) * channels
                for channel in 0..<channels {
                    let term = Double(left[from + channel]) * Double(right[weight + channel])
                    sum += term
                    magnitude += abs(term)
                }
            }
            return (sum, magnitude)
        }
    }
}
