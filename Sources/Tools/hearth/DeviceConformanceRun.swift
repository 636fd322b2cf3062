import CPUDevice
import DeviceAPI
import DeviceConformance
import Glibc
import KernelCodeGen
import KernelJudge
import PackageBuilder

/// Runs the conformance suite on a device and prints a line a check.
struct DeviceConformanceRun {
    private let bench: ConformanceBench
    private let name: String
    private let only: String?

    /// Opens the device and what compiles for it.
    init(_ name: String, only: String?) async throws {
        self.name = name
        self.only = only
        let device = try DeviceChoice.open(name, threads: nil)
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        bench = ConformanceBench(
            device: device, images: try await DeviceChoice.images(device.limits, python: nil),
            host: try CPUDevice.shared.get().limits, toolchain: try await CToolchain.find(),
            worker: WorkerCommand(executable: "/proc/self/exe", arguments: ["worker"]), folder: folder)
    }

    /// Whether all checks pass.
    func run() async throws -> Bool {
        var failed = 0
        let checks = ConformanceCheck.all.filter { check in only.map { check.name.contains($0) } ?? true }
        for check in checks {
            do {
                try await check.run(bench)
                print("\(name): ok: \(check)")
            } catch {
                failed += 1
                print("\(name): FAILED: \(check): \(error)")
            }
            fflush(nil)
        }
        print("\(name): \(checks.count - failed) of \(checks.count) checks pass on \(bench.device.limits.model)")
        return failed == 0
    }
}
