import Foundation
import KernelCodeGen
import Testing

/// How many threads a GPU's processor holds at once, by the rules of the CUDA C++ Programming Guide.
@Suite struct OccupancyTests {
    @Test(arguments: [
        // architecture, registers, local + declared shared, threads, asked; all, by registers, by shared memory.
        ("sm_90a", 32, 0, 256, 0, 1.0, 1.0, 1.0), ("sm_90", 64, 0, 256, 0, 0.5, 0.5, 1.0),
        ("sm_90", 65, 0, 256, 0, 0.375, 0.375, 1.0), ("sm_90", 168, 0, 128, 0, 0.1875, 0.1875, 1.0),
        ("sm_90a", 168, 0, 384, 200_000, 0.1875, 0.1875, 0.1875), ("sm_80", 32, 48 << 10, 128, 0, 0.1875, 1.0, 0.1875),
        ("sm_80", 16, 0, 32, 0, 0.5, 1.0, 1.0), ("sm_86", 40, 0, 256, 0, 1.0, 1.0, 1.0),
        // A block that does not fit runs nowhere.
        ("sm_75", 32, 100 << 10, 128, 0, 0.0, 1.0, 0.0),
    ])
    func followsTheGuide(
        _ architecture: String, _ registers: Int, _ declared: Int, _ threads: Int, _ asked: Int, _ all: Double,
        _ byRegisters: Double, _ byShared: Double
    ) throws {
        let room = try #require(ProcessorRoom(architecture: architecture))
        let facts = CubinFacts(registers: registers, localBytes: 0, sharedBytes: declared)
        let found = facts.occupancy(threads: threads, askedBytes: asked, in: room)
        #expect(found.all == all && found.byRegisters == byRegisters && found.byShared == byShared, "\(found)")
    }

    @Test(arguments: ["", "sm_", "gfx90a", "sm_1"]) func othersAreUnknown(_ architecture: String) {
        #expect(ProcessorRoom(architecture: architecture) == nil)
    }

    /// The size of machine code of a real file; what is cut or no ELF file at all is unknown, and stops nothing.
    @Test func objectsStateTheirCode() throws {
        let real = try Data(contentsOf: URL(filePath: "/proc/self/exe"), options: .alwaysMapped)
        let found = try #require(real.withUnsafeBytes { ObjectFacts.codeBytes($0) })
        #expect(found > 4096 && found < real.count)
        for count in [0, 3, 4, 63, 64, 65, 200, 4096] {
            _ = real.prefix(count).withUnsafeBytes { ObjectFacts.codeBytes($0) }
        }
        #expect(Data("hello".utf8).withUnsafeBytes { ObjectFacts.codeBytes($0) } == nil)
        var broken = Array(real.prefix(4096))
        for place in 0x28..<0x40 { broken[place] = 0xFF }
        #expect(broken.withUnsafeBytes { ObjectFacts.codeBytes($0) } == nil)
    }
}
