import DeviceAPI
import Foundation
import JSON
import KernelCodeGen
import OpenCLDevice
import Testing

@testable import DeviceRates

@Suite struct DeviceRatesTests {
    private static let device = Result { () throws(DeviceError) in try OpenCLDevice() }
    private static let hasOpenCL = (try? device.get()) != nil
    private static let nvrtc = ProcessInfo.processInfo.environment["HEARTH_NVRTC"]

    private static func limits(_ accepts: [String], _ dialect: DeviceLimits.Dialect) -> DeviceLimits {
        DeviceLimits(
            name: "x", kind: .cuda, vendor: "", model: "", features: [], cores: 4, threads: 4,
            blocks: .init(architecture: accepts[0], accepts: accepts, warp: 32, threads: 1024, sharedBytes: 1 << 16),
            caches: .init(l1Data: 0, l2: 0, l3: 0, l3SharedBy: 0), memoryBytes: 1 << 30, vectorBytes: 16,
            elementTypes: [], dialects: [dialect], readsHostMemory: false, capturesGraphs: true)
    }

    @Test func whatIsMeasuredFollowsTheInstructions() {
        func subjects(_ limits: DeviceLimits) -> [RateKernel.Subject] { RateKernel.all(for: limits).map(\.subject) }
        #expect(subjects(Self.limits(["none"], .openCLC)).isEmpty)
        #expect(subjects(Self.limits(["sm_80"], .cudaCPlusPlus)) == [.memoryRead, .fp32, .bf16, .f16, .int8])
        #expect(Set(subjects(Self.limits(["sm_90a", "sm_90"], .cudaCPlusPlus))) == Set(RateKernel.Subject.allCases))
    }

    /// Every text compiles for the GPUs that it is for.
    @Test(
        .enabled(if: nvrtc != nil, "NVRTC is not here; set HEARTH_NVRTC"), arguments: [["sm_80"], ["sm_90a", "sm_90"]])
    func theTextsCompile(_ accepts: [String]) async throws {
        let toolchain = try NVRTCToolchain(path: try #require(Self.nvrtc), parallel: 2)
        for kernel in RateKernel.all(for: Self.limits(accepts, .cudaCPlusPlus)) {
            let image = try await toolchain.compile(kernel.text, architecture: accepts[0])
            #expect(!image.isEmpty, "\(kernel.subject)")
        }
    }

    @Test(.enabled(if: hasOpenCL, "there is no OpenCL device; install pocl-opencl-icd and ocl-icd-libopencl1"))
    func ratesAreRemembered() throws {
        let device = try Self.device.get()
        let path = FileManager.default.temporaryDirectory.appending(path: "hearth-\(UUID().uuidString)/a/rates.json")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = RatesFile(path: path)
        #expect(file.rates(of: device) == nil)
        let rates = DeviceLimits.Rates(
            memoryRead: .init(oneThread: 1, allThreads: 2), fp32: .init(oneThread: 3, allThreads: 4),
            bf16: nil, int8: .init(oneThread: 5, allThreads: 6), f16: .init(oneThread: 7, allThreads: 8))
        file.remember(rates, of: device)
        file.remember(rates, of: device)
        #expect(file.rates(of: device) == rates)
        #expect(try JSONReader().read(Array(Data(contentsOf: URL(filePath: path)))).objectValue?.members.count == 1)
        try Data("{".utf8).write(to: URL(filePath: path))
        #expect(file.rates(of: device) == nil, "a damaged file is as none")
    }

    @Test(arguments: ["{}", "[]", #"{"memory_read_bytes": {"one_thread": 1, "all_threads": 0}}"#])
    func damagedRatesAreNone(_ text: String) throws {
        #expect(DeviceLimits.Rates(json: try JSONReader().read(Array(text.utf8))) == nil)
    }
}
