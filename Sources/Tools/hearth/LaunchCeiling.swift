import Base
import DeviceAPI
import ElementTypes
import KernelIR
import ModelPackage
import PackageBuilder
import PackageRuntime

/// How near launches come to what their device was measured to reach.
struct LaunchCeiling {
    private let rates: DeviceLimits.Rates?
    private let kernels: [String: Kernel]
    private let plan: Plan
    private let symbols: [Int]
    private let limits: DeviceLimits

    /// For the launches of a package at the extents of its export; `rates` nil says nothing.
    init(_ package: LoadedPackage, _ rates: DeviceLimits.Rates?) {
        self.rates = rates
        kernels = rates == nil ? [:] : (try? KernelListing(package.directory))?.kernels ?? [:]
        plan = package.plan
        symbols = package.interface.symbols.map(\.symbol.hint)
        limits = package.device.limits
    }

    /// Whether there is anything to say.
    var isKnown: Bool { rates != nil }

    /// Part of the ceiling that a launch reaches with its operations, or with its bytes where caches cannot hold them; what is
    /// more than twice the ceiling was not measured.
    func share(_ index: Int, bytes: Int, nanoseconds: UInt64) -> String {
        guard let rates, nanoseconds > 0 else { return "" }
        let launch = plan.launches[index]
        var seconds = 0.0
        if bytes > KernelLimits.cacheBytes(limits) { seconds = Double(bytes) / rates.memoryRead.allThreads }
        if let kernel = kernels[launch.kernel] {
            let dimensions = launch.dimensions.map { $0.constantValue ?? $0.evaluate { symbols[$0.index] } ?? 0 }
            let (count, element) = KernelLimits.operations(kernel, dimensions: dimensions)
            seconds = max(seconds, count / KernelLimits.rate(element, rates))
        }
        guard seconds > 0 else { return "" }
        let share = seconds / (Double(nanoseconds) * 1e-9)
        return share > 2 ? "impossible" : TextFormat.fixed(100 * share, 0) + " %"
    }
}
