import CPUDevice
import CUDADevice
import DeviceAPI
import Glibc
import OpenCLDevice

/// Devices by name: `cpu`, `cuda`, `cuda:1`, `opencl`, `opencl:1`. The one place that knows all of them.
package enum DeviceCatalogue {
    /// What a name says: the kind, and what follows the colon.
    package static func parts(of name: String) throws(DeviceError) -> (kind: DeviceLimits.Kind, number: String?) {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let kind = DeviceLimits.Kind(rawValue: String(first)),
            kind != .cpu || parts.count == 1
        else {
            throw .unavailable(device: name, reason: "devices are cpu, cuda, cuda:N, opencl and opencl:N")
        }
        return (kind, parts.count == 2 ? String(parts[1]) : nil)
    }

    /// Whether a name is the processor's.
    package static func isHost(_ name: String) throws(DeviceError) -> Bool { try parts(of: name).kind == .cpu }

    /// Limits of a device that need not be here, such as `cuda:sm_90`; nil where the name means one that is.
    package static func known(_ name: String) throws(DeviceError) -> DeviceLimits? {
        let (kind, number) = try parts(of: name)
        guard kind == .cuda, let number, number.hasPrefix("sm_") else { return nil }
        return try CUDADevice.limits(of: number)
    }

    /// Opens a device. `threads` is for the processor (default: one per core).
    package static func open(
        _ name: String, threads: Int? = nil, measured: Bool = false
    ) throws(DeviceError) -> any Device {
        let (kind, number) = try parts(of: name)
        switch kind {
        case .cpu: return try CPUDevice(threads: threads, measured: measured)
        case .cuda: return try CUDADevice(ordinal: try ordinal(name, number))
        case .openCL: return try OpenCLDevice(ordinal: try ordinal(name, number))
        }
    }

    /// Folders that the driver of a device keeps things in, made where they are missing: a process in a sandbox that runs code there
    /// must be let write them. None for the processor.
    package static func caches(of name: String) throws(DeviceError) -> [String] {
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        guard let home = variable("HOME") else { return [] }
        let folder: String
        switch try parts(of: name).kind {
        case .cpu: return []
        case .cuda: folder = variable("CUDA_CACHE_PATH") ?? "\(home)/.nv"
        case .openCL: folder = variable("POCL_CACHE_DIR") ?? "\(variable("XDG_CACHE_HOME") ?? "\(home)/.cache")/pocl"
        }
        var path = ""
        for part in folder.split(separator: "/") {
            path += "/\(part)"
            mkdir(path, 0o755)
        }
        return [folder]
    }

    /// All devices here but the processor, and why those that are here cannot be used.
    package static var others: (found: [any Device], faults: [DeviceError]) {
        var (found, faults) = ([any Device](), [DeviceError]())
        // Without a driver there are none; that is no fault.
        let cuda = CUDADevice.isInstalled ? kind(.cuda, CUDADevice.count) : 0
        let openCL = (try? OpenCLDevice.count()) ?? 0
        func kind(_ kind: DeviceLimits.Kind, _ count: () throws(DeviceError) -> Int) -> Int {
            do { return try count() } catch {
                faults.append(error)
                return 0
            }
        }
        let names = (0..<cuda).map { "cuda:\($0)" } + (0..<openCL).map { "opencl:\($0)" }
        for name in names {
            do throws(DeviceError) { found.append(try open(name)) } catch { faults.append(error) }
        }
        return (found, faults)
    }

    private static func ordinal(_ name: String, _ number: String?) throws(DeviceError) -> Int {
        guard let number else { return 0 }
        guard let ordinal = Int(number), (0..<1024).contains(ordinal) else {
            throw .unavailable(device: name, reason: "a device's number follows the colon, such as cuda:1")
        }
        return ordinal
    }
}
