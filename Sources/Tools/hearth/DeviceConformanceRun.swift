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
    /// The file that names checks that passed before, each with its device.
    private let passed: String?

    /// Opens the device and what compiles for it.
    init(_ name: String, only: String?, passed: String? = nil) async throws {
        self.name = name
        self.only = only
        self.passed = passed
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
        var count = 0
        let before = try passed.map { try Self.lines(of: $0) } ?? []
        let checks = ConformanceCheck.all.filter { check in only.map { check.name.contains($0) } ?? true }
        for check in checks {
            let line = "\(name): ok: \(check)"
            if before.contains(line) {
                count += 1
                continue
            }
            do {
                try await check.run(bench)
                count += 1
                print(line)
                if let passed { try Self.add(line, to: passed) }
            } catch {
                failed += 1
                print("\(name): FAILED: \(check): \(error)")
            }
            fflush(nil)
        }
        print("\(name): \(count) of \(checks.count) checks pass on \(bench.device.limits.model)")
        return failed == 0
    }

    /// The whole lines of a file, none where there is no file; the last one may have been cut off.
    private static func lines(of path: String) throws -> Set<String> {
        guard access(path, F_OK) == 0 else { return [] }
        guard let file = fopen(path, "r") else { throw BadInput("\(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        let whole = bytes[..<(bytes.lastIndex(of: UInt8(ascii: "\n")) ?? 0)]
        return Set(String(decoding: whole, as: UTF8.self).split(separator: "\n").map(String.init))
    }

    private static func add(_ line: String, to path: String) throws {
        guard let file = fopen(path, "a") else { throw BadInput("\(path): \(String(cString: strerror(errno)))") }
        let isWritten = fputs(line + "\n", file) >= 0
        guard fclose(file) == 0, isWritten else { throw BadInput("\(path) cannot be written") }
    }
}
