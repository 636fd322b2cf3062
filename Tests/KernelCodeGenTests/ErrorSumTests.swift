import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// 1 + erf(x) as one function on NVIDIA's GPUs.
struct ErrorSumTests {
    private static let sumName = "erf_sum_fs"

    /// The polynomial of the prelude's text, in the order in which it is evaluated.
    private static func coefficients() throws -> [Float] {
        let text = try #require(
            SIMTPrelude.cuda.components(separatedBy: "FORCE float \(sumName)(float x) {").dropFirst().first)
        let body = try #require(text.components(separatedBy: "return").first)
        return body.matches(of: /(?:p = |c, )(-?0x1\.[0-9a-f]+p[+-][0-9]+)f/).compactMap { Float(String($0.1)) }
    }

    /// What the prelude's text computes.
    private static func sum(_ x: Float, _ coefficients: [Float]) -> Float {
        let c = min(abs(x), 5.4)
        let p = coefficients.dropFirst().reduce(coefficients[0]) { $1.addingProduct($0, c) }
        let r = Float(exp2(Double(p * -abs(x))))
        return x < 0 ? r : 2 - r
    }

    @Test func isNear() throws {
        let coefficients = try Self.coefficients()
        #expect(coefficients.count == 9)
        #expect(SIMTPrelude.cuda.contains("(p * -fabsf(x))"))
        var worst = 0.0
        for step in -120_000...120_000 {
            let x = Float(step) * 1e-4
            worst = max(worst, abs(Double(Self.sum(x, coefficients)) - erfc(-Double(x))))
        }
        // A unit in the last place of numbers near 2 is 2.4e-7.
        #expect(worst < 1.6e-7)
        // What a GELU multiplies with very negative numbers vanishes, and with -∞ gives NaN, as PyTorch's does.
        #expect([-50, -1e30, -.infinity].allSatisfy { Self.sum($0, coefficients) == 0 })
        #expect([50, 1e30, .infinity].allSatisfy { Self.sum($0, coefficients) == 2 })
    }

    /// GELU over 100 numbers, with the one before, after or instead of the error function's place.
    @Test(arguments: [(0, 1.0, true), (1, 1.0, true), (0, 1.5, false)])
    func isRecognised(_ way: (place: Int, addend: Double, isSum: Bool)) throws {
        let axis = LoopAxis(Variable(.axis, 0), 100)
        var body = ScalarBody()
        let x = body.emit(.load(parameter: 0, index: IntegerExpression(axis.variable), mask: []))
        let error = body.emit(.apply(.errorFunction, [x]))
        let one = body.emit(.real(bits: way.addend.bitPattern, .f32))
        let sum = body.emit(.apply(.add, way.place == 0 ? [one, error] : [error, one]))
        let result = body.emit(.apply(.multiply, [x, sum]))
        let nest = NestKernel(
            axes: [axis],
            steps: [
                NestStep(
                    axes: [], body: body,
                    effects: [.store(Store(parameter: 1, index: IntegerExpression(axis.variable), value: result))])
            ])
        let kernel = Kernel(
            name: "tested",
            parameters: [KernelParameter.Access.read, .write].map {
                KernelParameter(element: .f32, count: 100, access: $0, isConstant: false)
            }, symbols: [], ranges: VariableRanges(), body: .nest(nest))
        let emulated = try EmulatedKernel(kernel, Schedule())
        #expect(emulated.emitted.source.contains(Self.sumName) == way.isSum)
        let numbers = (0..<100).map { Float($0) * 0.1 - 5 }
        var buffers = [numbers.withUnsafeBytes { Array($0) }, [UInt8](repeating: 0, count: 400)]
        try emulated.run(&buffers, dimensions: [])
        let results = buffers[1].withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        for (number, result) in zip(numbers, results) {
            let wanted = Double(number) * (way.addend + erf(Double(number)))
            #expect(abs(Double(result) - wanted) < 1e-5)
        }
    }
}
