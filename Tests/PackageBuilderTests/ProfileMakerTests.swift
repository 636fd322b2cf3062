import Base
import DeviceAPI
import ElementTypes
import Foundation
import KernelArchive
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import Testing

@testable import PackageBuilder

/// What is found out about candidates beside their time.
@Suite struct ProfileMakerTests {
    /// `y[64] = x[32] · w[64, 32]`, in f32.
    private static let kernel: Kernel = {
        func axis(_ number: Int, _ extent: Int) -> LoopAxis {
            LoopAxis(Variable(.axis, number), IntegerExpression(extent))
        }
        let (n, k) = (axis(0, 64), axis(1, 32))
        var left = ScalarBody()
        let x = left.emit(.load(parameter: 0, index: IntegerExpression(k.variable), mask: []))
        var right = ScalarBody()
        let place = IntegerExpression(n.variable) * IntegerExpression(32) + IntegerExpression(k.variable)
        let w = right.emit(.load(parameter: 1, index: place, mask: []))
        var epilogue = ScalarBody()
        let sum = epilogue.emit(.accumulator)
        func parameter(_ count: Int, _ access: KernelParameter.Access) -> KernelParameter {
            KernelParameter(element: .f32, count: IntegerExpression(count), access: access, isConstant: false)
        }
        return Kernel(
            name: "product", parameters: [parameter(32, .read), parameter(64 * 32, .read), parameter(64, .write)],
            symbols: [], ranges: VariableRanges(),
            body: .contraction(
                ContractionKernel(
                    batch: [], rows: [], columns: [n], taps: [], depth: k, left: .init(body: left, result: x),
                    right: .init(body: right, result: w), operandElement: .f32, epilogue: epilogue,
                    stores: [Store(parameter: 2, index: IntegerExpression(n.variable), value: sum)])))
    }()

    private static func limits(_ kind: DeviceLimits.Kind, hasRates: Bool = true) -> DeviceLimits {
        let blocks = DeviceLimits.Blocks(
            architecture: kind == .openCL ? "opencl" : "sm_90a", warp: 32, threads: 1024, sharedBytes: 232_448)
        let rate = DeviceLimits.Rate(oneThread: 1e9, allThreads: 4e9)
        return DeviceLimits(
            name: kind.rawValue, kind: kind, vendor: "", model: "m", features: [], cores: 4, threads: 4,
            blocks: kind == .cpu ? nil : blocks, caches: .init(l1Data: 0, l2: 0, l3: 0, l3SharedBy: 1),
            memoryBytes: 1 << 30, vectorBytes: 16, elementTypes: [.f32], dialects: [], readsHostMemory: true,
            capturesGraphs: false,
            rates: hasRates
                ? .init(memoryRead: rate, fp32: .init(oneThread: 1e9, allThreads: 8e9), bf16: nil, int8: nil) : nil)
    }

    private static func maker(_ limits: DeviceLimits) -> ProfileMaker {
        ProfileMaker(kernel, identity: ArchiveKernel(kernel, dimensions: []), dimensions: [], limits)
    }

    private static func candidate(_ parts: CandidateKernel.Parts, at path: String = "/none") -> CandidateKernel {
        CandidateKernel(
            libraryPath: path, symbol: "k", arguments: [], packings: [], workspaceBytes: IntegerExpression(0),
            parts: parts)
    }

    @Test func aProcessorsKernelHasSharesAndCode() throws {
        let maker = Self.maker(Self.limits(.cpu))
        let found = maker.profile(Self.candidate(.gang, at: "/proc/self/exe"), cubin: nil, seconds: 1e-6)
        // 2144 numbers of 4 bytes at 4 GB a second, 4096 operations at 8 G a second, in a microsecond.
        #expect(abs(try #require(found[.memoryShare]) - 2.144) < 1e-9)
        #expect(abs(try #require(found[.computeShare]) - 0.512) < 1e-9)
        #expect(found[.codeBytes] ?? 0 > 4096 && found[.registers] == nil && found[.occupancy] == nil)
        // What is not known is left out.
        let unknown = Self.maker(Self.limits(.cpu, hasRates: false))
            .profile(Self.candidate(.gang), cubin: nil, seconds: 1e-6)
        #expect(unknown.isEmpty)
        #expect(maker.profile(Self.candidate(.gang), cubin: nil, seconds: 0).isEmpty)
    }

    @Test func aGPUsKernelHasRegistersAndOccupancy() {
        func grid() -> CandidateKernel {
            Self.candidate(
                .grid(blocks: IntegerExpression(8), threads: 256, sharedBytes: 40_000, overlaps: false, counters: 0))
        }
        let maker = Self.maker(Self.limits(.cuda))
        let cubin = CubinFacts(registers: 64, localBytes: 24, sharedBytes: 960)
        let found = maker.profile(grid(), cubin: cubin, seconds: 1e-6)
        #expect(found[.registers] == 64 && found[.localBytes] == 24 && found[.sharedBytes] == 40_960)
        // Five blocks of eight warps by shared memory, four by registers, of 64 warps.
        #expect(found[.sharedOccupancy] == 0.625 && found[.registerOccupancy] == 0.5 && found[.occupancy] == 0.5)
        #expect(found[.codeBytes] == nil && found[.memoryShare] != nil)
        #expect(found.lessOf == [.tiling, .vectors, .pipelining])
        // OpenCL's driver does not say.
        #expect(maker.profile(grid(), cubin: nil, seconds: 1e-6)[.registers] == nil)
        #expect(Self.maker(Self.limits(.openCL)).profile(grid(), cubin: cubin, seconds: 1e-6)[.occupancy] == nil)
    }
}
