import CPUDevice
import DeviceAPI
import DeviceCatalogue
import DeviceRates
import KernelCodeGen
import KernelJudge
import KernelWorker
import ModelPackage
import PackageBuilder
import Processes

/// Devices by name: `cpu`, `cuda`, `cuda:1`, `opencl`, `opencl:1`. Here or elsewhere.
enum DeviceChoice {
    /// What `--device` takes, for help texts.
    static let help = "Where to run: cpu, cuda, cuda:N or opencl, opencl:N"

    /// Opens a device.
    static func open(_ name: String, threads: Int?, measured: Bool = false) throws -> any Device {
        try DeviceCatalogue.open(name, threads: threads, measured: measured)
    }

    /// Opens the device asked for, else the one that a package was made for; never another in its place.
    static func open(for package: String, asked: String?, threads: Int?) throws -> any Device {
        if let asked { return try open(asked, threads: threads) }
        let plans = try PackageDirectory(path: package).manifest.plans
        return try open(plans.first?.device ?? "cpu", threads: threads)
    }

    /// Keeps this process, which is to run a package of unproven code on a device (see `open`), from the rest of the machine;
    /// returns what the system gave for that.
    @discardableResult
    static func enterSandbox(for package: String, asked: String?) throws -> Sandbox {
        let name = try asked ?? PackageDirectory(path: package).manifest.plans.first?.device ?? "cpu"
        return Sandbox.enter(
            try DeviceCatalogue.isHost(name) ? .host : .device(caches: try DeviceCatalogue.caches(of: name)))
    }

    /// Turns at timing on the device that `open` would open.
    static func turns(for package: String, asked: String?) throws -> TimingTurn {
        TimingTurn(device: try asked ?? PackageDirectory(path: package).manifest.plans.first?.device ?? "cpu")
    }

    /// Limits of the device that `optimize` builds for, and the device, where it is here. `cuda:sm_90` builds for such a GPU
    /// without having one.
    static func target(_ name: String, threads: Int?, measured: Bool) throws -> (DeviceLimits, (any Device)?) {
        if let known = try DeviceCatalogue.known(name) { return (known, nil) }
        let device = try open(name, threads: threads, measured: measured)
        var limits = device.limits
        limits.libraries = device.libraries
        return (limits, device)
    }

    /// What judges kernels by themselves on a device: what compiles them, how the process is started that runs them, and the one that
    /// computes constants.
    static func judged(_ name: String, _ toolchain: CToolchain) async throws -> (
        limits: DeviceLimits, compiler: CandidateCompiler, worker: WorkerCommand, constants: WorkerCommand, isHere: Bool
    ) {
        let (limits, opened) = try target(name, threads: nil, measured: false)
        func command(_ options: [String]) -> WorkerCommand {
            WorkerCommand(executable: "/proc/self/exe", arguments: ["worker"] + options)
        }
        let constants = command([])
        if let opened, limits.blocks == nil {
            let pipeline = Pipeline(device: opened, toolchain: toolchain, worker: constants)
            return (limits, pipeline.compiler, constants, constants, true)
        }
        guard let images = try await images(limits, python: nil, usesTriton: true),
            let pipeline = Pipeline(
                limits: limits, images: images, host: try CPUDevice.shared.get().limits, toolchain: toolchain,
                worker: constants)
        else { throw BadInput("there is no generator of kernels for \(limits.name)") }
        return (limits, pipeline.compiler, command(["--device", name]), constants, opened != nil)
    }

    /// What compiles kernels for a device that runs blocks of threads; nil for another. Triton is looked for where a search may
    /// choose it; `report` takes the line that says that it is not there.
    static func images(
        _ limits: DeviceLimits, python: String?, usesTriton: Bool = false, report: (String) -> Void = { _ in }
    ) async throws -> DeviceImages? {
        guard let blocks = limits.blocks else { return nil }
        guard limits.dialects.contains(.cudaCPlusPlus) else { return DeviceImages(.atLoad) }
        let (python, parallel) = (PythonFiles.interpreter(python), try CPUDevice.shared.get().limits.threads)
        let toolchain = try await NVRTCToolchain.find(python: python, parallel: parallel)
        var triton: TritonToolchain?
        if usesTriton, limits.dialects.contains(.triton) {
            do {
                triton = try await TritonToolchain.find(
                    python: python, script: try PythonFiles.script("triton_worker.py"), parallel: parallel)
            } catch {
                report("\(error)")
            }
        }
        return DeviceImages(.cuda(toolchain, architecture: blocks.architecture, triton: triton))
    }

    /// What a device reaches at most: what it measured when it was opened, what was remembered, or, with `anew` or where nothing
    /// is known, what is measured now, in about a second.
    static func rates(
        of device: any Device, python: String? = nil, anew: Bool = false
    ) async throws -> DeviceLimits.Rates? {
        if device.limits.blocks == nil { return device.limits.rates }
        if !anew, let known = RatesFile.standard.rates(of: device) { return known }
        guard let images = try await images(device.limits, python: python) else { return nil }
        let rates = try await DeviceRates(device) { try await images.image(of: $0) }.measure()
        if let rates { RatesFile.standard.remember(rates, of: device) }
        return rates
    }
}
