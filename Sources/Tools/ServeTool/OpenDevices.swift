import DeviceAPI
import DeviceCatalogue
import ModelPackage
import Synchronization

/// Devices that were opened, so that models share them.
final class OpenDevices: Sendable {
    private let asked: String?
    private let threads: Int?
    private let open = Mutex<[String: any Device]>([:])

    /// Devices for packages: the one asked for, else the one that a package was made for.
    init(asked: String?, threads: Int?) { (self.asked, self.threads) = (asked, threads) }

    /// The device for the package at a path.
    func open(for path: String) throws -> any Device {
        let name = try asked ?? PackageDirectory(path: path).manifest.plans.first?.device ?? "cpu"
        return try open.withLock { open in
            if let device = open[name] { return device }
            let device = try DeviceCatalogue.open(name, threads: threads)
            open[name] = device
            return device
        }
    }
}
