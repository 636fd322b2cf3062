import Base
import DeviceAPI
import ElementTypes
import KernelIR
import ModelPackage
import PackageBuilder

/// How near launches come to what their device was measured to reach.
struct LaunchCeiling {
    private let rates: DeviceLimits.Rates?
    private let kernels: [String: Kernel]
    private let plan: Plan
    private let symbols: [Int]
    private var limits: DeviceLimits

    /// For the launches of a plan of a package at the extents of its export; `rates` nil says nothing.
    init(_ directory: PackageDirectory, _ plan: Plan, _ limits: DeviceLimits, _ rates: DeviceLimits.Rates?) {
        self.rates = rates
        kernels = rates == nil ? [:] : (try? KernelListing(directory))?.kernels ?? [:]
        self.plan = plan
        symbols = directory.manifest.interface.symbols.map(\.symbol.hint)
        self.limits = limits
        self.limits.rates = rates
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
            let (count, element) = KernelLimits.operations(kernel, dimensions: dimensions(launch))
            seconds = max(seconds, count / KernelLimits.rate(element, limits, rates))
        }
        guard seconds > 0 else { return "" }
        let share = seconds / (Double(nanoseconds) * 1e-9)
        return share > 2 ? "impossible" : TextFormat.fixed(100 * share, 0) + " %"
    }

    /// Seconds that no run of the plan at the extents of its export can go below, as the judge bounds kernels; 0 when nothing is
    /// known. Launches that run beside each other count by the longest.
    var floorSeconds: Double {
        var (sum, group) = (0.0, 0.0)
        for launch in plan.launches {
            if !launch.runsBeside {
                sum += group
                group = 0
            }
            guard let kernel = kernels[launch.kernel] else { continue }
            group = max(group, KernelLimits.floorSeconds(kernel, dimensions: dimensions(launch), limits))
        }
        return sum + group
    }

    private func dimensions(_ launch: Plan.Launch) -> [Int] {
        launch.dimensions.map { $0.constantValue ?? $0.evaluate { symbols[$0.index] } ?? 0 }
    }
}
