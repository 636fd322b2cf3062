import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Products whose columns go to several places: two heads of queries that are stored, one of keys and one of values that are written
/// into caches of four positions; queries and keys are turned by halves.
@Suite struct SpreadTests {
    private static let (width, depth, heads, positions) = (16, 64, 2, 4)

    /// x, w, cosines, sines, queries, position, keys and values.
    private static let text = """
        kernel "turned"
        symbols []
        parameter read ELEMENT[64]
        parameter read ELEMENT[4096] constant
        parameter read f32[16]
        parameter read f32[16]
        parameter write f32[32]
        parameter read i64[1]
        parameter readWrite f32[64]
        parameter readWrite f32[64]
        contraction ELEMENT
        row i3 < 1
        column i0 < 4
        column i5 < 8
        depth i4 < 64
        gate i1 < 2
        left
          %0 = load p0[64*i3 + i4]
          result %0
        right
          %0 = load p1[1024*i0 + 512*i1 + 64*i5 + i4]
          result %0
        epilogue
          %0 = accumulator
          %1 = slot 1
          %2 = load p2[i5]
          %3 = load p2[i5 + 8]
          %4 = load p3[i5]
          %5 = load p3[i5 + 8]
          %6 = negate %1
          %7 = multiply %0, %2
          %8 = multiply %6, %4
          %9 = add %7, %8
          %10 = multiply %1, %3
          %11 = multiply %0, %5
          %12 = add %10, %11
          %13 = load p5[0]
          %14 = position %13 of 4
          store %9 to p4[16*i0 + i5] where [-i0 + 1]
          store %12 to p4[16*i0 + i5 + 8] where [-i0 + 1]
          store %9 to p6[64*i0 + i5 + 16*v14 - 128] where [i0 - 2, -i0 + 2, v13, -v13 + 3]
          store %12 to p6[64*i0 + i5 + 16*v14 - 120] where [i0 - 2, -i0 + 2, v13, -v13 + 3]
          store %0 to p7[64*i0 + i5 + 16*v14 - 192] where [i0 - 3, v13, -v13 + 3]
          store %1 to p7[64*i0 + i5 + 16*v14 - 184] where [i0 - 3, v13, -v13 + 3]

        """

    private static func kernel(_ element: ElementType) throws -> Kernel {
        let kernel = try Kernel(parsing: text.replacing("ELEMENT", with: element.rawValue))
        try KernelChecker.check(kernel)
        return kernel
    }

    /// Compares with the definition what a kernel leaves in all that it writes.
    private func verify(_ element: ElementType, _ compiled: some RunnableKernel) throws {
        let (width, depth) = (Self.width, Self.depth)
        for position in [0, 3] {
            var random = SeededRandom(seed: 5)
            func given(_ count: Int, _ element: ElementType) -> (values: [Double], bytes: [UInt8]) {
                let bytes = Memory.bytes((0..<count).map { _ in Float(random.uniform() * 2 - 1) }, element)
                return (Memory.floats(bytes, element).map { Double($0) }, bytes)
            }
            let (x, w) = (given(depth, element), given(4 * width * depth, element))
            let (cosine, sine) = (given(width, .f32), given(width, .f32))
            let caches = (0..<2).map { _ in given(Self.positions * width, .f32) }
            var buffers = [
                x.bytes, w.bytes, cosine.bytes, sine.bytes, [UInt8](repeating: 0, count: 4 * Self.heads * width),
                withUnsafeBytes(of: Int64(position)) { Array($0) }, caches[0].bytes, caches[1].bytes,
            ]
            try compiled.run(&buffers, dimensions: [0], parts: 2)
            let product = (0..<4 * width).map { column in
                (0..<depth).reduce(0.0) { $0 + x.values[$1] * w.values[column * depth + $1] }
            }
            func turned(_ head: Int) -> [Double] {
                (0..<width).map { place in
                    let other = product[head * width + (place + width / 2) % width]
                    return product[head * width + place] * cosine.values[place]
                        + (place < width / 2 ? -other : other) * sine.values[place]
                }
            }
            var (keys, values) = (caches[0].values, caches[1].values)
            keys.replaceSubrange(position * width..<(position + 1) * width, with: turned(2))
            values.replaceSubrange(position * width..<(position + 1) * width, with: product[(3 * width)...])
            for (number, expected) in [(4, turned(0) + turned(1)), (6, keys), (7, values)] {
                let found = Memory.floats(buffers[number], .f32)
                #expect(zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1e-4 }, "parameter \(number)")
            }
        }
    }

    @Test(arguments: [ElementType.f32, .bf16])
    func onTheProcessor(_ element: ElementType) throws {
        let kernel = try Self.kernel(element)
        try verify(element, CompiledKernel(kernel, .avx2))
    }

    @Test(
        arguments: [ElementType.f32, .bf16, .f16],
        [
            Schedule(["algorithm": 2, "across": 1, "columns": 2, "ahead": 1]),
            Schedule(["algorithm": 2, "across": 2, "columns": 4, "ahead": 2, "warps": 4]), Schedule(["algorithm": 0]),
        ])
    func inBlocks(_ element: ElementType, _ schedule: Schedule) throws {
        try verify(element, EmulatedKernel(try Self.kernel(element), schedule))
    }

    @Test(.enabled(if: BlockKernel.isThere), arguments: [ElementType.f32, .bf16])
    func inOpenCL(_ element: ElementType) throws {
        try verify(element, BlockKernel(try Self.kernel(element), Schedule()))
    }

    /// Writers of tiles, which store one value a point at a place of its own, are no choice.
    @Test func tilesDecline() throws {
        var kernel = try Self.kernel(.bf16)
        guard case .contraction(var body) = kernel.body else { return }
        body.gate = nil
        body.epilogue = ScalarBody(nodes: body.epilogue.nodes.map { $0 == .slot(1) ? .accumulator : $0 })
        kernel.body = .contraction(body)
        #expect(!body.storesPoints)
        for choice in SIMTEmitter(CubinTarget.target("sm_90a")).choices(kernel) where choice.name == "algorithm" {
            #expect(choice.values == [2, 0])
        }
    }
}
