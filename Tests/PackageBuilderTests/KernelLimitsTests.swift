import DeviceAPI
import ElementTypes
import KernelIR
import Testing

@testable import PackageBuilder

/// What no correct kernel can go below, on devices whose rates are round numbers.
@Suite struct KernelLimitsTests {
    private static func limits(
        blocks: Bool, _ rates: DeviceLimits.Rates?, features: [InstructionFeature] = []
    ) -> DeviceLimits {
        DeviceLimits(
            name: "x", kind: .cuda, vendor: "", model: "", features: features, cores: 100, threads: 100,
            blocks: blocks ? .init(architecture: "sm_90a", warp: 32, threads: 1024, sharedBytes: 1 << 16) : nil,
            caches: .init(l1Data: 0, l2: 50_000_000, l3: 0, l3SharedBy: 0), memoryBytes: 1 << 34, vectorBytes: 16,
            elementTypes: [], dialects: [.cudaCPlusPlus], readsHostMemory: false, capturesGraphs: true, rates: rates)
    }

    private static func rates(f16: Double? = 5e14) -> DeviceLimits.Rates {
        func rate(_ value: Double) -> DeviceLimits.Rate { .init(oneThread: value, allThreads: value) }
        return .init(
            memoryRead: rate(1e12), fp32: rate(1e13), bf16: rate(1e15), int8: nil, f16: f16.map(rate))
    }

    private static func product(_ element: String, rows: Int, columns: Int, depth: Int) throws -> Kernel {
        try Kernel(
            parsing: """
                kernel "product"
                symbols []
                parameter read \(element)[\(rows * depth)]
                parameter read \(element)[\(columns * depth)] constant
                parameter write \(element)[\(rows * columns)]
                contraction \(element)
                row i0 < \(rows)
                column i2 < \(columns)
                depth i1 < \(depth)
                left
                  %0 = load p0[\(depth)*i0 + i1]
                  result %0
                right
                  %0 = load p1[i1 + \(depth)*i2]
                  result %0
                epilogue
                  %0 = accumulator
                  store %0 to p2[\(columns)*i0 + i2]

                """)
    }

    private static func floor(_ kernel: Kernel, _ limits: DeviceLimits) -> Double {
        KernelLimits.floorSeconds(kernel, dimensions: [], limits)
    }

    @Test func operationsBoundByTheRateOfTheirType() throws {
        let operations = 2 * 4096.0 * 4096 * 4096
        let cases: [(String, DeviceLimits.Rates?, Double)] = [
            ("bf16", Self.rates(), operations / 1e15 / 2), ("f16", Self.rates(), operations / 5e14 / 2),
            ("f16", Self.rates(f16: nil), operations / 1e13 / 2),
            // Three products of TF32, each at half the rate of bf16.
            ("f32", Self.rates(), operations / (1e15 / 6) / 2),
            ("bf16", nil, 0),
        ]
        for (element, rates, expected) in cases {
            let kernel = try Self.product(element, rows: 4096, columns: 4096, depth: 4096)
            let found = Self.floor(kernel, Self.limits(blocks: true, rates))
            #expect(abs(found - expected) <= 1e-9 * expected, "\(element): \(found)")
            let (count, type) = KernelLimits.operations(kernel, dimensions: [])
            #expect(count == operations && type.rawValue == element)
        }
    }

    /// Where tiles multiply bf16, f32 may be six of those; on no other processor, whatever its rate of bf16.
    @Test func tilesMayMultiplyF32InPieces() throws {
        let kernel = try Self.product("f32", rows: 4096, columns: 4096, depth: 4096)
        let operations = 2 * 4096.0 * 4096 * 4096
        let cases: [([InstructionFeature], Double)] = [
            ([.amxTile, .amxBF16], 1e15 / 6), ([.amxTile], 1e13), ([.avx512bf16], 1e13),
        ]
        for (features, rate) in cases {
            let limits = Self.limits(blocks: false, Self.rates(), features: features)
            #expect(abs(Self.floor(kernel, limits) / (operations / rate / 2) - 1) < 1e-9)
        }
    }

    /// What the caches can hold may never reach memory: one cache for all blocks of threads, one for each core elsewhere.
    @Test func whatIsWrittenBoundsWhereNoCacheHoldsIt() throws {
        let kernel = try Self.product("f32", rows: 16384, columns: 16384, depth: 1)
        let bytes = 16384.0 * 16384 * 4
        let onBlocks = Self.floor(kernel, Self.limits(blocks: true, Self.rates()))
        #expect(abs(onBlocks - (bytes - 5e7) / 1e12 / 2) < 1e-12)
        #expect(
            abs(Self.floor(kernel, Self.limits(blocks: false, Self.rates())) - 2 * 16384.0 * 16384 / 1e13 / 2) < 1e-12)
    }
}
