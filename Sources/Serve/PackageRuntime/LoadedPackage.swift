import Base
import DeviceAPI
import MappedFiles
import ModelPackage
import Safetensors

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
    package let kernels: [KernelFunction]
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
            let name = directory.path(of: entry.program)
            kernels =
                device.limits.blocks == nil
                ? try Self.kernels(plan, try device.loadProgram(bytes: binary, name: name))
                : try Self.kernels(plan, images: binary, name, device)
        } catch {
            throw .device(error)
        }
        let called = plan.libraryCalls.map(\.library)
        if !called.isEmpty {
            let present = device.libraries.map(\.name)
            if let missing = called.first(where: { !present.contains($0) }) { throw .missingLibrary(missing) }
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

    private static func kernels(_ plan: Plan, _ program: any DeviceProgram) throws(DeviceError) -> [KernelFunction] {
        var kernels: [KernelFunction] = []
        kernels.reserveCapacity(plan.launches.count)
        for launch in plan.launches { kernels.append(try program.kernel(named: launch.kernel)) }
        return kernels
    }

    /// Kernels from a file of images: each kernel's has its name, or one named `program` holds all.
    private static func kernels(
        _ plan: Plan, images: [UInt8], _ name: String, _ device: any Device
    ) throws(DeviceError) -> [KernelFunction] {
        let file: SafetensorsFile
        do throws(SafetensorsError) {
            file = try SafetensorsFile(images.span.bytes)
        } catch {
            throw .programNotLoaded(name: name, reason: "\(error)")
        }
        func load(_ image: SafetensorsFile.Tensor) throws(DeviceError) -> any DeviceProgram {
            try device.loadProgram(bytes: Array(images[image.range]), name: image.name)
        }
        if let whole = file["program"] { return try kernels(plan, try load(whole)) }
        var known: [String: KernelFunction] = [:]
        var found: [KernelFunction] = []
        for launch in plan.launches {
            if let kernel = known[launch.kernel] {
                found.append(kernel)
                continue
            }
            guard let image = file[launch.kernel] else { throw .missingKernel(name: launch.kernel, program: name) }
            let kernel = try load(image).kernel(named: launch.kernel)
            known[launch.kernel] = kernel
            found.append(kernel)
        }
        return found
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
