internal import CNVRTC
internal import Glibc
internal import Processes

/// NVIDIA's run-time compiler: CUDA C++ to cubins, without a GPU. It is opened where it is found; nothing is linked.
package final class NVRTCToolchain: Sendable {
    /// The library that was opened.
    package let path: String
    /// What it calls itself, with the options of every compilation; a part of the keys of compiled kernels.
    package let version: String
    /// Its functions, which may be called from any thread.
    private let call: HearthNVRTC
    private let gate: Gate

    /// The first version whose C++ and architectures suit what is generated.
    private static let oldest: Int32 = 12

    /// Options of every compilation: no header is read, and NaN and infinities behave.
    private static let options = ["--std=c++17", "--fmad=true", "--disable-warnings"]

    /// Finds the compiler: `HEARTH_NVRTC` if set, else by its usual names, else among the packages of a Python
    /// (`pip install nvidia-cuda-nvrtc`). `parallel` is how many compilations run at a time.
    package static func find(python: String?, parallel: Int) async throws(ToolchainError) -> NVRTCToolchain {
        if let named = getenv("HEARTH_NVRTC").map({ String(cString: $0) }), !named.isEmpty {
            return try NVRTCToolchain(path: named, parallel: parallel)
        }
        var tried = ["libnvrtc.so.13", "libnvrtc.so.12", "/usr/local/cuda/lib64/libnvrtc.so"]
        if let python { tried += await libraries(of: python) }
        for path in tried {
            if let found = try? NVRTCToolchain(path: path, parallel: parallel) { return found }
        }
        throw .noCompilerForGPUs(tried: tried)
    }

    /// Opens the library at a path, or by a name that the loader finds.
    package init(path: String, parallel: Int) throws(ToolchainError) {
        var table = HearthNVRTC()
        var text = [CChar](repeating: 0, count: 512)
        guard hearth_open_nvrtc(&table, path, &text, text.count) == 0 else {
            throw .unusable(path: path, reason: Self.text(text))
        }
        var (major, minor) = (Int32(0), Int32(0))
        _ = table.nvrtcVersion(&major, &minor)
        guard major >= Self.oldest else {
            throw .unusable(
                path: path,
                reason:
                    "it is of CUDA \(major).\(minor), \(Self.oldest).0 or later is needed; pip install nvidia-cuda-nvrtc"
            )
        }
        self.path = path
        call = table
        version = "NVRTC \(major).\(minor)"
        gate = Gate(limit: parallel)
    }

    /// Compiles CUDA C++ to a cubin for an architecture such as `sm_90a`.
    package func compile(_ source: String, architecture: String) async throws(ToolchainError) -> [UInt8] {
        await gate.enter()
        let result = await onOwnThread { [self] in compileNow(source, architecture) }
        await gate.leave()
        return try result.get()
    }

    private func compileNow(_ source: String, _ architecture: String) -> Result<[UInt8], ToolchainError> {
        var program: HearthNVRTCProgram?
        guard call.nvrtcCreateProgram(&program, source, "kernel.cu", 0, nil, nil) == 0 else {
            return .failure(.failed(end: version, firstError: "it takes no text"))
        }
        defer { _ = call.nvrtcDestroyProgram(&program) }
        let options = (Self.options + ["--gpu-architecture=\(architecture)"]).map { strdup($0) }
        defer { for option in options { free(option) } }
        let code = options.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            call.nvrtcCompileProgram(program, Int32($0.count), $0.baseAddress)
        }
        guard code == 0 else { return .failure(.failed(end: version, firstError: firstError(program))) }
        var size = 0
        guard call.nvrtcGetCUBINSize(program, &size) == 0, size > 0 else {
            return .failure(.failed(end: version, firstError: "it made no cubin for \(architecture)"))
        }
        let cubin = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let isCopied = buffer.withMemoryRebound(to: CChar.self) { call.nvrtcGetCUBIN(program, $0.baseAddress) } == 0
            count = isCopied ? size : 0
        }
        return .success(cubin)
    }

    /// The first line of the log that tells of an error, or else its first line.
    private func firstError(_ program: HearthNVRTCProgram?) -> String {
        var size = 0
        guard call.nvrtcGetProgramLogSize(program, &size) == 0, size > 0 else { return "it gave no reason" }
        var log = [CChar](repeating: 0, count: size + 1)
        _ = call.nvrtcGetProgramLog(program, &log)
        let lines = Self.text(log).split(separator: "\n")
        return String(lines.first { $0.contains("error") } ?? lines.first ?? "it gave no reason")
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Where the packages of a Python keep the library.
    private static func libraries(of python: String) async -> [String] {
        let script = """
            from glob import glob
            from sys import path
            found = [p for f in path for p in glob(f + '/nvidia/*/lib/libnvrtc.so.*')]
            print('\\n'.join(sorted(set(found), reverse=True)))
            """
        return await onOwnThread {
            guard let child = try? ChildProcess(executable: python, arguments: ["-c", script], errors: .null),
                let answer = try? child.collect(timeLimit: 30, limit: 1 << 16)
            else { return [] }
            return String(decoding: answer.output, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}
