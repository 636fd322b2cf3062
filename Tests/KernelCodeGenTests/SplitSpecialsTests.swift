import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Numbers that bf16 pieces do not hold: infinities, NaN, subnormals, what is very large or very small.
@Suite struct SplitSpecialsTests {
    /// Numbers that are not cut, written over some of the drawn ones.
    struct Specials: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Row or column, place in the depth, value.
        var left: [(Int, Int, Float)] = []
        var right: [(Int, Int, Float)] = []

        init(_ name: String, left: [(Int, Int, Float)] = [], right: [(Int, Int, Float)] = []) {
            testDescription = name
            self.left = left
            self.right = right
        }
    }

    static let specials: [Specials] = {
        let values: [(String, Float)] = [
            ("infinity", .infinity), ("-infinity", -.infinity), ("NaN", .nan), ("subnormal", 0x1.1p-133),
            ("least", .leastNonzeroMagnitude), ("-subnormal", -0x1.6p-130), ("least normal", .leastNormalMagnitude),
            ("tiny", 1e-30), ("huge", 3e38), ("greatest", -.greatestFiniteMagnitude), ("large", 1e10),
            ("above the window", Float(1 << 23).nextUp),
            ("below the window", Float(sign: .plus, exponent: -72, significand: 1).nextDown),
        ]
        var list: [Specials] = []
        for (name, value) in values {
            list.append(Specials("\(name) on the left", left: [(3, 5, value)]))
            list.append(Specials("\(name) on the right", right: [(40, 66, value)]))
        }
        list += [
            Specials("both infinities in a row", left: [(9, 0, .infinity), (9, 69, -.infinity)]),
            Specials("both infinities in a column", right: [(33, 1, .infinity), (33, 2, -.infinity)]),
            Specials("infinity by zero", left: [(35, 7, .infinity)], right: [(0, 7, 0), (99, 7, -0.0)]),
            Specials("zero by infinity", left: [(0, 7, 0), (36, 7, -0.0)], right: [(64, 7, .infinity)]),
            Specials(
                "sums that overflow and come back", left: [(1, 0, 3e38), (1, 1, 3e38), (1, 2, -3e38), (1, 3, -3e38)],
                right: [(5, 0, 1), (5, 1, 1), (5, 2, 1), (5, 3, 1)]),
            Specials(
                "huge by tiny", left: [(2, 4, 3e38), (36, 4, 1e38)], right: [(6, 4, 0x1p-126), (98, 4, 0x1p-133)]),
            Specials(
                "subnormal by huge", left: [(2, 4, 0x1p-133), (31, 4, 0x1p-140)], right: [(6, 4, 3e38), (98, 4, 1e30)]),
            Specials(
                "many", left: (0..<37).map { ($0, $0, [Float.infinity, 0x1p-136, 2e38, .nan, 1e-25][$0 % 5]) },
                right: (0..<100).filter { $0 % 7 == 0 }.map { ($0, $0 % 70, [0x1p-130, -.infinity, 1e20][$0 % 3]) }),
            Specials("only subnormals", left: (0..<70).map { (4, $0, Float($0 + 1) * 0x1p-139) }),
            Specials("only tiny", left: (0..<70).map { (4, $0, 1e-25) }, right: (0..<70).map { (7, $0, 1e-14) }),
        ]
        return list
    }()

    /// Whether a number is cut; the text says the same of vectors of bits.
    private static func isCut(_ value: Float) -> Bool {
        value == 0 || (Float(sign: .plus, exponent: -72, significand: 1)...Float(1 << 23)).contains(abs(value))
    }

    /// What meets a number that is not cut is to the bit what multiply-adds give; what meets none is as if there were none.
    @Test(.enabled(if: TestTarget.amx.runs), arguments: [true, false])
    func specialsAreAsInF32(_ isConstant: Bool) throws {
        let product = Product(images: 37, channels: 70, outputs: 100, isConstant: isConstant)
        let both = try SplitProductTests.Both(product)
        for special in Self.specials {
            var left = SplitProductTests.draw(product.counts[0], .even, seed: 1)
            var right = SplitProductTests.draw(product.counts[1], .even, seed: 2)
            for (row, k, value) in special.left { left[row * 70 + k] = value }
            for (column, k, value) in special.right { right[column * 70 + k] = value }
            let found = try both.run(left, right)
            let rows = (0..<37).map { row in !left[row * 70..<(row + 1) * 70].allSatisfy(Self.isCut) }
            let panels = (0..<4).map { panel in
                !right[panel * 32 * 70..<min(100, (panel + 1) * 32) * 70].allSatisfy(Self.isCut)
            }
            #expect(rows.contains(true) || panels.contains(true))
            var (wrong, far) = (0, 0)
            for (place, (pieces, plain)) in zip(found.pieces, found.plain).enumerated() {
                if rows[place / 100] || panels[place % 100 / 32] {
                    if pieces.bitPattern != plain.bitPattern, !(pieces.isNaN && plain.isNaN) { wrong += 1 }
                } else if !(abs(pieces - plain) <= 2e-5) {
                    far += 1
                }
            }
            #expect(wrong == 0 && far == 0, "\(special.testDescription): \(wrong) wrong, \(far) far")
        }
    }

    /// The same for windows with a border, in several batches, and for rows that are evaluated while they are read.
    @Test(
        .enabled(if: TestTarget.amx.runs),
        arguments: [
            Product(side: 8, channels: 16, outputs: 70, window: 3, padding: 1),
            Product(images: 17, channels: 136, outputs: 140, groups: 2, isConstant: false),
            Product(images: 21, channels: 90, outputs: 66, prologue: true),
            Product(images: 35, channels: 600, outputs: 64),
        ])
    func specialsAreAsInF32Anywhere(_ product: Product) throws {
        let both = try SplitProductTests.Both(product)
        let values: [Float] = [.infinity, -.infinity, .nan, 0x1p-133, 3e38, -3e38, 1e-30]
        for place in 0..<3 {
            var left = SplitProductTests.draw(product.counts[0], .even, seed: 1)
            var right = SplitProductTests.draw(product.counts[1], .even, seed: 2)
            for (number, value) in values.enumerated() {
                if place != 1 { left[(number * 2 + 1) * left.count / 16] = value }
                if place != 0 { right[(number * 2 + 1) * right.count / 16] = value }
            }
            let found = try both.run(left, right)
            var special = 0
            for (pieces, plain) in zip(found.pieces, found.plain) {
                if !plain.isFinite { special += 1 }
                let isSame =
                    plain.isNaN ? pieces.isNaN : pieces == plain || abs(pieces - plain) <= 1e-5 * max(1, abs(plain))
                #expect(isSame, "\(pieces), plainly \(plain)")
            }
            #expect(special > 0)
        }
    }

    /// No special number leads to what C does not define: such code traps here.
    @Test(.enabled(if: TestTarget.amx.runs), arguments: [true, false])
    func meetsNoUndefinedBehaviour(_ isConstant: Bool) throws {
        let product = Product(images: 37, channels: 300, outputs: 70, isConstant: isConstant)
        let compiled = try CompiledKernel(
            product.kernel, .amx, SplitProductTests.schedule(),
            flags: ["-fsanitize=undefined", "-fsanitize-trap=undefined"])
        var left = SplitProductTests.draw(product.counts[0], .wide, seed: 1)
        var right = SplitProductTests.draw(product.counts[1], .wide, seed: 2)
        for (number, value) in [Float.infinity, .nan, 0x1p-140, -.greatestFiniteMagnitude].enumerated() {
            left[number * 1000] = value
            right[number * 3000] = value
        }
        var buffers = [
            Memory.bytes(left, .f32), Memory.bytes(right, .f32), [UInt8](repeating: 0, count: product.counts[2] * 4),
            [UInt8](repeating: 0xFF, count: product.counts[3] * 4),
        ]
        try compiled.run(&buffers, parts: 2)
        #expect(Memory.floats(buffers[3], .f32).contains { $0.isNaN })
    }

    /// bf16 products take subnormal numbers for zeros and make zeros of subnormal sums, in imitation as in AMX.
    @Test(.enabled(if: TestTarget.amx.runs)) func tilesFlushSubnormals() throws {
        let product = Product(images: 20, channels: 32, outputs: 40, element: .bf16)
        let compiled = try CompiledKernel(product.kernel, .amx)
        #expect(compiled.emitted.source.contains("_tile_dpbf16ps"))
        let cases: [(Float, Float, Float)] = [
            (0x1p-127, 0x1p100, 0), (0x1p-126, 1, 0x1p-121), (0x1p-100, 0x1p-32, 0), (0x1p-63, 0x1p-63, 0x1p-121),
            (0x1p-64, 0x1p-63, 0),
        ]
        for (left, right, expected) in cases {
            var buffers = [
                Memory.bytes([Float](repeating: left, count: 20 * 32), .bf16),
                Memory.bytes([Float](repeating: right, count: 40 * 32), .bf16),
                [UInt8](repeating: 0, count: 40 * 4), [UInt8](repeating: 0xFF, count: 20 * 40 * 4),
            ]
            try compiled.run(&buffers, parts: 1)
            #expect(Memory.floats(buffers[3], .f32).allSatisfy { $0 == expected }, "\(left) by \(right)")
        }
    }
}
