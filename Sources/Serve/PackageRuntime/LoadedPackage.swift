import Base
import DeviceAPI
import MappedFiles
import ModelPackage

/// A package ready to run on a device: files checked, weights mapped, kernels loaded. Sessions share it.
package final class LoadedPackage: Sendable {
    /// The package on disk.
    package let directory: PackageDirectory
    /// The plan's entry in the manifest.
    package let entry: Manifest.PlanEntry
    /// What a run does.
    package let plan: Plan
    /// The device that runs it.
    package let device: any Device
    /// Kernels of the plan's launches, in their order.
    let kernels: [KernelFunction]
    private let weights: Weights?

    /// Inputs, outputs, symbols and guards of the model.
    package var interface: ModelInterface { directory.manifest.interface }

    /// Whether the plan was chosen on a machine like this one; elsewhere it works but may not be the fastest.
    package var isTunedForThisMachine: Bool { entry.fingerprint == device.limits.fingerprint }

    /// Loads the package at `path`. All files that a run needs are verified against the manifest's hashes; `verified`
    /// false leaves out the weights' hash, for packages that were verified before.
    package init(path: String, device: any Device, verified: Bool = true) throws(RuntimeError) {
        let directory: PackageDirectory
        let entry: Manifest.PlanEntry
        let plan: Plan
        let binary: [UInt8]
        do {
            directory = try PackageDirectory(path: path)
            entry = try Self.choose(directory, device.limits)
            plan = try directory.plan(entry)
            binary = try directory.map(entry.program).withUnsafeBytes { Array($0) }
        } catch {
            throw .package(error)
        }
        do {
            // From the bytes just verified, not from the path: what is checked is what runs, and the loader would take a
            // replaced package at the same path for the one that it already has.
            let program = try device.loadProgram(bytes: binary, name: directory.path(of: entry.program))
            var kernels: [KernelFunction] = []
            kernels.reserveCapacity(plan.launches.count)
            for launch in plan.launches { kernels.append(try program.kernel(named: launch.kernel)) }
            self.kernels = kernels
        } catch {
            throw .device(error)
        }
        for buffer in plan.buffers.rows {
            if case .library(let name) = buffer.placement, device.library(named: name) == nil {
                throw .missingLibrary(name)
            }
        }
        weights =
            if let name = directory.manifest.weights {
                try Weights(directory, name, device, verified: verified)
            } else {
                nil
            }
        self.directory = directory
        self.entry = entry
        self.plan = plan
        self.device = device
    }

    /// Where a weight lies on the device. Throws unless it has at least `needed` bytes.
    func weight(_ name: String, needed: Int) throws(RuntimeError) -> UnsafeMutableRawPointer {
        guard let weights else { throw .badWeight(name: name, needed: needed, found: nil) }
        return try weights.address(name, needed: needed)
    }

    /// The first `needed` bytes of a weight in host memory, valid during `body`.
    func withWeight(
        _ name: String, needed: Int, _ body: (UnsafeRawBufferPointer) throws(RuntimeError) -> Void
    ) throws(RuntimeError) {
        guard let weights else { throw .badWeight(name: name, needed: needed, found: nil) }
        try weights.withBytes(name, needed: needed, body)
    }

    /// The first plan that the device can run; plans are listed best first.
    private static func choose(_ directory: PackageDirectory, _ limits: DeviceLimits) throws(PackageError)
        -> Manifest.PlanEntry
    {
        var nearest: [String]?
        for entry in directory.manifest.plans where entry.device == limits.kind.rawValue {
            let lacking = limits.lacking(entry.features)
            if lacking.isEmpty { return entry }
            if lacking.count < nearest?.count ?? Int.max { nearest = lacking }
        }
        throw .wrongMachine(
            package: directory.path, device: limits.name,
            lacking: nearest ?? ["a plan for \(limits.kind.rawValue)"])
    }
}
