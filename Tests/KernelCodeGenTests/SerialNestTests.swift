import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Writes of `[heads, places, depth]` at positions of a cache `[heads, length, depth]`, where positions repeat: the last one stays, or
/// all are added up in order.
private struct PlacedRows {
    static let positions: [Int64] = [3, 3, 9, 0, 3, 1]
    static let (heads, length, depth) = (4, 10, 33)
    var combine: String

    /// `width` elements lie between neighbours of the cache: less than a row has, rows would overlap.
    func kernel(width: Int = depth) throws -> Kernel {
        let (heads, length, depth) = (Self.heads, Self.length, Self.depth)
        let count = Self.positions.count
        return try Kernel(
            parsing: """
                kernel "placed rows"
                symbols []
                parameter read f32[\(heads * count * depth)]
                parameter read i64[\(count)]
                parameter readWrite f32[\(heads * length * depth)]
                nest serial slots [] rows []
                loop i0 < \(heads)
                loop i1 < \(count)
                loop i2 < \(depth)
                step
                  %0 = load p0[\(count * depth)*i0 + \(depth)*i1 + i2]
                  %1 = load p1[i1]
                  %2 = position %1 of \(length)
                  store %0 to p2[\(length * width)*i0 + \(width)*v2 + i2]\(combine)

                """)
    }

    func verify(_ compiled: some RunnableKernel) throws {
        let (heads, length, depth, count) = (Self.heads, Self.length, Self.depth, Self.positions.count)
        var random = SeededRandom(seed: 5)
        let rows = (0..<heads * count * depth).map { _ in Float(random.uniform()) }
        var cache = (0..<heads * length * depth).map { _ in Float(random.uniform()) }
        var buffers = [
            Memory.bytes(rows, .f32), Self.positions.flatMap { value in withUnsafeBytes(of: value) { Array($0) } },
            Memory.bytes(cache, .f32),
        ]
        try compiled.run(&buffers, dimensions: [], parts: 1)
        // Devices under test run a kernel twice.
        for _ in 0..<2 {
            for head in 0..<heads {
                for (place, position) in Self.positions.enumerated() {
                    for d in 0..<depth {
                        let (from, to) = (
                            (head * count + place) * depth + d, (head * length + Int(position)) * depth + d
                        )
                        cache[to] = combine.isEmpty ? rows[from] : cache[to] + rows[from]
                    }
                }
            }
        }
        #expect(Memory.floats(buffers[2], .f32) == cache)
    }
}

/// Serial nests on devices of blocks: what needs no order is shared out.
@Suite(.serialized) struct SerialNestTests {
    @Test(arguments: ["", " combine sum"]) func inBlocksOnTheHost(_ combine: String) throws {
        let rows = PlacedRows(combine: combine)
        let kernel = try EmulatedKernel(try rows.kernel(), Schedule())
        guard case .grid(let grid) = kernel.emitted.parts else { return }
        #expect(grid.blocks.constantValue == (4 * 33 + 63) / 64 && grid.threads == 64)
        try rows.verify(kernel)
    }

    @Test(.enabled(if: BlockKernel.isThere, "there is no OpenCL device"), arguments: ["", " combine sum"])
    func inOpenCL(_ combine: String) throws {
        let rows = PlacedRows(combine: combine)
        try rows.verify(try BlockKernel(try rows.kernel()))
    }

    private func axes(_ kernel: Kernel) -> SIMTSerialAxes? {
        if case .nest(let nest) = kernel.body { SIMTSerialAxes(nest) } else { nil }
    }

    @Test func axesThatMeetKeepTheirOrder() throws {
        let rows = PlacedRows(combine: "")
        let apart = try #require(axes(try rows.kernel()))
        #expect(apart.free.map(\.variable.name) == ["i0", "i2"] && apart.ordered.map(\.variable.name) == ["i1"])
        // Rows that overlap by one element.
        let meeting = try #require(axes(try rows.kernel(width: 32)))
        #expect(meeting.free.isEmpty && meeting.ordered.count == 3)
        // Positions alone, positions that nothing keeps inside, and a buffer that is read as well.
        for body in [
            "%1 = position %0 of 64\n  store %0 to p1[v1]", "%1 = add %0, %0\n  store %0 to p1[64*v1 + i0]",
            "%1 = load p1[i0]\n  store %1 to p1[64*i0]",
        ] {
            let kernel = try Kernel(
                parsing: """
                    kernel "serial"
                    symbols []
                    parameter read i64[9]
                    parameter readWrite i64[4096]
                    nest serial slots [] rows []
                    loop i0 < 9
                    step
                      %0 = load p0[i0]
                      \(body)

                    """)
            #expect(try #require(axes(kernel)).free.isEmpty, "\(body)")
        }
    }
}
