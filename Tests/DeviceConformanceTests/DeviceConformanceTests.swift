import CPUDevice
import DeviceAPI
import DeviceConformance
import Foundation
import KernelCodeGen
import KernelJudge
import OpenCLDevice
import PackageBuilder
import Testing

/// Every device that is here does what every device must: the checks are those of `hearth devices --conformance`. CUDA passes
/// them where there is a GPU.
@Suite(.serialized) struct DeviceConformanceTests {
    /// The OpenCL device of this machine: PoCL where there is no GPU.
    private static let firstOpenCL = Result { () throws(DeviceError) in try OpenCLDevice() }
    private static let hasOpenCL = (try? firstOpenCL.get()) != nil

    @Test(arguments: ConformanceCheck.all) func onTheProcessor(_ check: ConformanceCheck) async throws {
        try await check.run(try await Self.bench(try CPUDevice(threads: 2), images: nil))
    }

    @Test(
        .enabled(
            if: DeviceConformanceTests.hasOpenCL,
            "there is no OpenCL device; install pocl-opencl-icd and ocl-icd-libopencl1"),
        arguments: ConformanceCheck.all)
    func onOpenCL(_ check: ConformanceCheck) async throws {
        try await check.run(try await Self.bench(try Self.firstOpenCL.get(), images: DeviceImages(.atLoad)))
    }

    private static func bench(_ device: any Device, images: DeviceImages?) async throws -> ConformanceBench {
        ConformanceBench(
            device: device, images: images, host: try CPUDevice.shared.get().limits,
            toolchain: try await CToolchain.find(), worker: worker,
            folder: FileManager.default.temporaryDirectory.path)
    }

    /// The worker that is built beside the tests.
    private static let worker: WorkerCommand = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let folder = executable.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        return WorkerCommand(executable: folder + "/worker-for-tests", arguments: [])
    }()
}
