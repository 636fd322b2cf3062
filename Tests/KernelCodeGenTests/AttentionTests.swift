import Base
import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// An attention over `[batch, length, heads, depth]` tensors with a scaled epilogue.
struct AttentionCase: Sendable, CustomTestStringConvertible {
    enum Mask: String, Sendable {
        case none
        /// One bool a key.
        case keys
        /// One bool a query and key, with one row that hides everything.
        case all
        /// One bool a query and key, such that whole blocks are hidden, as a causal mask in a cache.
        case triangle
        /// Added numbers a query and key, one of them −∞.
        case added
    }

    var batch = 1
    var keyHeads = 2
    var group = 1
    var queries: Int
    var keys: Int
    var depth: Int
    var valueDepth: Int
    var element = ElementType.f32
    var mask = Mask.none
    var isCausal = false
    /// Computes the operands (halved queries, doubled keys, values less one) instead of loading them.
    var prologue = false
    /// Depth outside keys in memory.
    var transposedKeys = false
    /// Whether the lengths are symbols.
    var isSymbolic = false
    /// Keys that no row sees are infinite or NaN, as those of a cache may be that was never written.
    var spoilsHidden = false

    var testDescription: String {
        "\(batch)×\(keyHeads)×\(group) q\(queries) k\(keys) d\(depth)/\(valueDepth) \(element.rawValue) mask \(mask.rawValue)"
            + "\(isCausal ? " causal" : "")\(prologue ? " prologue" : "")\(transposedKeys ? " transposed" : "")"
            + "\(isSymbolic ? " symbolic" : "")\(spoilsHidden ? " spoilt" : "")"
    }

    var counts: [Int] {
        [
            batch * queries * heads * depth, batch * keys * keyHeads * depth, batch * keys * keyHeads * valueDepth,
            batch * queries * keys, batch * queries * heads * valueDepth,
        ]
    }

    private var heads: Int { keyHeads * group }
    private var scale: Double { 1 / Double(depth).squareRoot() }

    var kernel: Kernel {
        let symbols = [Variable(.symbol, 0), Variable(.symbol, 1)]
        let q = isSymbolic ? IntegerExpression(symbols[0]) : IntegerExpression(queries)
        let k = isSymbolic ? IntegerExpression(symbols[1]) : IntegerExpression(keys)
        let extents = [
            IntegerExpression(batch), IntegerExpression(keyHeads), IntegerExpression(group), q, k,
            IntegerExpression(depth), IntegerExpression(valueDepth),
        ]
        let axes = extents.enumerated().map { LoopAxis(Variable(.axis, $0), $1) }
        let at = axes.map { IntegerExpression($0.variable) }
        func function(
            _ parameter: Int, _ index: IntegerExpression, _ operation: ScalarOperation, _ operand: Double
        ) -> ScalarFunction {
            var body = ScalarBody()
            var value = body.emit(.load(parameter: parameter, index: index, mask: []))
            if prologue {
                let constant = body.emit(.real(bits: operand.bitPattern, .f32))
                value = body.emit(.apply(operation, [value, constant]))
            }
            return ScalarFunction(body: body, result: value)
        }
        let head = at[1] * group + at[2]
        let query = function(0, ((at[0] * q + at[3]) * heads + head) * depth + at[5], .multiply, 0.5)
        let key = function(
            1,
            transposedKeys
                ? ((at[0] * keyHeads + at[1]) * depth + at[5]) * k + at[4]
                : ((at[0] * k + at[4]) * keyHeads + at[1]) * depth + at[5], .multiply, 2)
        let value = function(2, ((at[0] * k + at[4]) * keyHeads + at[1]) * valueDepth + at[6], .subtract, 1)
        var term: ScalarFunction?
        if mask != .none {
            let index = mask == .keys ? at[0] * k + at[4] : (at[0] * q + at[3]) * k + at[4]
            term = ScalarFunction(body: ScalarBody(nodes: [.load(parameter: 3, index: index, mask: [])]), result: 0)
        }
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        let factor = epilogue.emit(.real(bits: (3.0).bitPattern, .f32))
        let result = epilogue.emit(.apply(.multiply, [sum, factor]))
        let body = AttentionKernel(
            batch: axes[0], keyHeads: axes[1], group: axes[2], queries: axes[3], keys: axes[4], depth: axes[5],
            valueDepth: axes[6], query: query, key: key, value: value, mask: term, isCausal: isCausal, scale: scale,
            operandElement: element, epilogue: epilogue,
            stores: [
                Store(parameter: 4, index: ((at[0] * q + at[3]) * heads + head) * valueDepth + at[6], value: result)
            ])
        let elements = [element, element, element, mask == .added ? .f32 : .bool, element]
        var ranges = VariableRanges()
        for symbol in symbols where isSymbolic { ranges[symbol] = .init(lower: 1, upper: 4096) }
        return Kernel(
            name: "tested",
            parameters: elements.enumerated().map {
                KernelParameter(
                    element: $1, count: IntegerExpression(counts[$0]), access: $0 == 4 ? .write : .read,
                    isConstant: false)
            }, symbols: isSymbolic ? symbols : [], ranges: ranges, body: .attention(body))
    }

    /// Softmax attention as it is written in books, in double precision, with the largest value that entered each sum.
    func reference(_ q: [Float], _ k: [Float], _ v: [Float], _ term: [Float]) -> [(value: Double, magnitude: Double)] {
        var result = [(value: Double, magnitude: Double)](repeating: (0, 0), count: counts[4])
        for b in 0..<batch {
            for h in 0..<heads {
                for i in 0..<queries {
                    var scores = [Double](repeating: -.infinity, count: keys)
                    for j in 0..<keys where !isCausal || j <= i {
                        var sum = 0.0
                        for d in 0..<depth {
                            let place =
                                transposedKeys
                                ? ((b * keyHeads + h / group) * depth + d) * keys + j
                                : ((b * keys + j) * keyHeads + h / group) * depth + d
                            sum += Double(q[((b * queries + i) * heads + h) * depth + d]) * Double(k[place])
                        }
                        switch mask {
                        case .none: scores[j] = sum * scale
                        case .keys: scores[j] = term[b * keys + j] != 0 ? sum * scale : -.infinity
                        case .all, .triangle:
                            scores[j] = term[(b * queries + i) * keys + j] != 0 ? sum * scale : -.infinity
                        case .added: scores[j] = sum * scale + Double(term[(b * queries + i) * keys + j])
                        }
                    }
                    let top = scores.max() ?? 0
                    let weights = scores.map { $0 == -.infinity ? 0 : exp($0 - top) }
                    let total = weights.reduce(0, +)
                    for e in 0..<valueDepth {
                        var (sum, magnitude) = (0.0, 0.0)
                        for j in 0..<keys where weights[j] > 0 {
                            let x = Double(v[((b * keys + j) * keyHeads + h / group) * valueDepth + e])
                            let value = prologue ? x - 1 : x
                            sum += weights[j] / total * value
                            magnitude = max(magnitude, abs(value))
                        }
                        result[((b * queries + i) * heads + h) * valueDepth + e] = (3 * sum, 3 * magnitude)
                    }
                }
            }
        }
        return result
    }

    func check(_ target: TestTarget, _ schedule: Schedule = Schedule(), compiler: String = "clang") throws {
        // Where tile instructions are missing, their imitation runs.
        let runs = target.isHere || (target == .amx && TestTarget.avx512BF16.isHere)
        let compiled = try CompiledKernel(kernel, target, schedule, compiler: compiler, loads: runs)
        guard runs else { return }
        try verify(compiled)
    }

    /// Runs a compiled form on numbers that are always the same and compares.
    func verify(_ compiled: some RunnableKernel) throws {
        var random = SeededRandom(seed: 7)
        func numbers(_ count: Int) -> [Float] {
            (0..<count).map { _ in
                let value = Float(random.uniform() * 2 - 1)
                return element == .bf16
                    ? Memory.rounded(value) : element == .f16 ? Float(Float16(value)) : value
            }
        }
        let (q, v) = (numbers(counts[0]), numbers(counts[2]))
        var k = numbers(counts[1])
        var term = [Float](repeating: 0, count: counts[3])
        for index in term.indices {
            let x = Float(random.uniform())
            switch mask {
            case .none: break
            case .keys: term[index] = x > 0.4 ? 1 : 0
            case .all: term[index] = x > 0.4 && index / keys != queries / 2 ? 1 : 0
            case .triangle: term[index] = index % keys <= 30 + index / keys % queries ? 1 : 0
            case .added: term[index] = x > 0.9 ? -.infinity : x * 4
            }
        }
        let width = keyHeads * depth
        for row in 0..<(spoilsHidden ? batch * keys : 0) {
            let isSeen =
                isCausal ? row % keys < queries : mask == .keys ? term[row] != 0 : row % keys <= 30 + queries - 1
            guard !isSeen else { continue }
            for place in row * width..<(row + 1) * width { k[place] = place % 3 == 0 ? .nan : .infinity }
        }
        var buffers = [
            Memory.bytes(q, element), Memory.bytes(k, element), Memory.bytes(v, element),
            mask == .added ? Memory.bytes(term, .f32) : term.map { UInt8($0) },
            [UInt8](repeating: 0xFF, count: counts[4] * element.byteCount),
        ]
        try compiled.run(
            &buffers, dimensions: isSymbolic ? [Int64(queries), Int64(keys)] : [0], parts: 3)
        let found = Memory.floats(buffers[4], element)
        // A few roundings of exponentials and products; narrow types round the exponentials and the result.
        let tolerance = 8 * max(element.epsilon / 4, ElementType.f32.epsilon)
        let expected = reference(q, k, v, term)
        for (index, wanted) in expected.enumerated() {
            let error = abs(Double(found[index]) - wanted.value)
            #expect(error <= tolerance * wanted.magnitude, "element \(index): \(found[index]), not \(wanted.value)")
            if !(error <= tolerance * wanted.magnitude) { return }
        }
    }
}

@Suite struct AttentionTests {
    static let cases: [AttentionCase] = [
        .init(queries: 70, keys: 70, depth: 16, valueDepth: 16),
        .init(batch: 2, queries: 19, keys: 150, depth: 20, valueDepth: 9, mask: .keys),
        .init(batch: 2, group: 3, queries: 21, keys: 37, depth: 8, valueDepth: 24, mask: .all),
        .init(queries: 133, keys: 133, depth: 16, valueDepth: 16, isCausal: true),
        .init(queries: 9, keys: 300, depth: 32, valueDepth: 16, mask: .added, prologue: true),
        .init(queries: 17, keys: 41, depth: 5, valueDepth: 3, transposedKeys: true, isSymbolic: true),
        .init(group: 2, queries: 1, keys: 300, depth: 32, valueDepth: 80, mask: .keys),
        .init(keyHeads: 1, group: 5, queries: 1, keys: 7, depth: 7, valueDepth: 5, prologue: true),
        .init(queries: 3, keys: 140, depth: 16, valueDepth: 16, mask: .all, isCausal: true),
        .init(batch: 2, queries: 70, keys: 200, depth: 16, valueDepth: 16, mask: .triangle),
        .init(queries: 70, keys: 200, depth: 16, valueDepth: 16, mask: .triangle, prologue: true),
        .init(batch: 2, queries: 19, keys: 150, depth: 20, valueDepth: 9, mask: .keys, spoilsHidden: true),
        .init(queries: 19, keys: 133, depth: 16, valueDepth: 16, isCausal: true, spoilsHidden: true),
    ]

    @Test(arguments: cases, [TestTarget.avx2, .avx512])
    func matchesBooks(_ attention: AttentionCase, _ target: TestTarget) throws { try attention.check(target) }

    /// Rows of every size of tile, on the portable vectors.
    @Test(arguments: [cases[1], cases[2]])
    func isPortable(_ attention: AttentionCase) throws { try attention.check(.portable) }

    @Test(arguments: [cases[0], cases[6]])
    func compilesWithGCC(_ attention: AttentionCase) throws { try attention.check(.avx2, compiler: "gcc") }

    static let narrow: [AttentionCase] = [
        .init(queries: 40, keys: 77, depth: 16, valueDepth: 20, element: .bf16, mask: .keys),
        .init(queries: 40, keys: 140, depth: 15, valueDepth: 16, element: .bf16, isCausal: true, prologue: true),
        .init(group: 4, queries: 1, keys: 130, depth: 64, valueDepth: 64, element: .bf16),
        .init(queries: 20, keys: 35, depth: 16, valueDepth: 16, element: .f16),
    ]

    @Test(arguments: narrow, [TestTarget.avx2, .avx512BF16])
    func roundsNarrowTypes(_ attention: AttentionCase, _ target: TestTarget) throws { try attention.check(target) }

    /// Whole and partial tiles of queries, keys, depth and value columns.
    @Test(arguments: [
        narrow[0], narrow[1],
        AttentionCase(queries: 64, keys: 128, depth: 64, valueDepth: 64, element: .bf16),
        AttentionCase(
            batch: 2, group: 2, queries: 40, keys: 163, depth: 40, valueDepth: 50, element: .bf16, mask: .all),
        AttentionCase(
            queries: 70, keys: 300, depth: 32, valueDepth: 16, element: .bf16, mask: .triangle, isSymbolic: true),
    ])
    func multipliesTiles(_ attention: AttentionCase) throws {
        let emitted = try KernelEmitter(TestTarget.amx.target).emit(attention.kernel, symbol: "x", Schedule())
        #expect(emitted.source.contains("_tile_dpbf16ps"))
        try attention.check(.amx)
    }

    @Test func compilesPairsWithGCC() throws { try Self.narrow[0].check(.avx512BF16, compiler: "gcc") }

    /// Both forms, and tiles other than the default.
    @Test(arguments: [
        Schedule(["form": 1]), Schedule(["queryVectors": 1, "rows": 8, "keyBlock": 32]),
        Schedule(["queryVectors": 3, "rows": 6, "keyBlock": 64]),
    ])
    func obeysChoices(_ schedule: Schedule) throws {
        let attention = AttentionCase(queries: 27, keys: 90, depth: 16, valueDepth: 18, mask: .all, isCausal: true)
        try attention.check(.avx512, schedule)
    }

    /// The score of a hidden key may be NaN and never shows; a visible one does.
    @Test(arguments: [0, 1])
    func showsNaNOnlyWhereVisible(_ form: Int) throws {
        let attention = AttentionCase(keyHeads: 1, queries: 4, keys: 4, depth: 16, valueDepth: 16, isCausal: true)
        let compiled = try CompiledKernel(attention.kernel, .avx2, Schedule(["form": form]))
        var key = [Float](repeating: 1, count: 64)
        key[3 * 16] = .nan
        var buffers = [
            Memory.bytes([Float](repeating: 1, count: 64), .f32), Memory.bytes(key, .f32),
            Memory.bytes([Float](repeating: 2, count: 64), .f32), [UInt8](repeating: 0, count: 16),
            [UInt8](repeating: 0xFF, count: 256),
        ]
        guard TestTarget.avx2.isHere else { return }
        try compiled.run(&buffers, parts: 1)
        let found = Memory.floats(buffers[4], .f32)
        #expect(found[..<48].allSatisfy { abs($0 - 6) < 1e-4 })
        #expect(found[48...].allSatisfy { $0.isNaN })
    }
}
