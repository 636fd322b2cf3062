import DeviceAPI
import Glibc
import KernelCodeGen
import KernelIR
import KernelTrials
import PackageBuilder

/// Compiles and calls what packs the operands of trials. Runs in this process: trials are for people who work on generators.
struct TrialPackers {
    private typealias Function =
        @convention(c) (
            UnsafePointer<UnsafeMutableRawPointer?>, UnsafePointer<Int64>?, UnsafeMutableRawPointer?, Int32, Int32
        ) -> Int32

    let emitter: SIMTEmitter
    let host: DeviceLimits

    /// The packer of a trial. Throws `ToolchainError` where something is packed and there is no C compiler.
    func packer(_ trial: KernelTrial) async throws -> TrialRunner.Packer {
        let text = TrialRunner.packingText(trial, emitter)
        guard !text.isEmpty else { return { name, _ in throw BadInput("there is nothing to pack as \(name)") } }
        let generator = KernelEmitter(CPUTarget(host))
        let path = "/tmp/hearth-trial-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).so"
        defer { unlink(path) }
        let toolchain = try await CToolchain.find()
        try await toolchain.compile(generator.prelude + text, flags: generator.compilerFlags, to: path, timeLimit: 600)
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw BadInput(dlerror().map { String(cString: $0) } ?? "a trial's packings cannot be loaded")
        }
        return { name, buffers in
            guard let symbol = dlsym(library, name) else { throw BadInput("no function \(name)") }
            // Safety: the library was made of functions of this type.
            let function = unsafeBitCast(symbol, to: Function.self)
            let code = buffers.map { Optional($0) }.withUnsafeBufferPointer { places in
                places.baseAddress.map { function($0, nil, nil, 0, 1) } ?? 1
            }
            if code != 0 { throw BadInput("\(name) returned \(code)") }
        }
    }
}
