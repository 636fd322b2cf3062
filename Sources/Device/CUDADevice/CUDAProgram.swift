import CCUDADriver
import DeviceAPI
import Glibc

/// A loaded cubin.
final class CUDAProgram: DeviceProgram {
    let name: String
    private let device: CUDADevice
    /// Codes that a driver answers to what it cannot read (CUDA_ERROR_INVALID_IMAGE, …_UNSUPPORTED_PTX_VERSION).
    private static let newer = [200, 222]
    // Safety: an opaque handle.
    nonisolated(unsafe) private let module: HearthCUModule

    init(_ device: CUDADevice, bytes: [UInt8], name: String) throws(DeviceError) {
        self.device = device
        self.name = name
        var module: HearthCUModule?
        let code = bytes.withUnsafeBytes { device.driver.call.cuModuleLoadData(&module, $0.baseAddress) }
        if code == HEARTH_CU_NO_BINARY_FOR_GPU {
            let architecture = device.limits.blocks?.architecture ?? "?"
            throw .programNotLoaded(
                name: name, reason: "it was made for another GPU than this one (\(architecture)); optimise again here")
        }
        if Self.newer.contains(Int(code)) {
            throw .programNotLoaded(
                name: name,
                reason: "\(device.driver.text(code)); where a newer compiler made it than the driver, which is of "
                    + "\(device.driver.name), knows, update the driver or optimise again here")
        }
        try device.driver.checkPresence(code, "loading kernels")
        guard code == 0, let module else {
            throw .programNotLoaded(name: name, reason: device.driver.text(code))
        }
        self.module = module
    }

    convenience init(_ device: CUDADevice, path: String) throws(DeviceError) {
        guard let file = fopen(path, "rb") else {
            throw .programNotLoaded(name: path, reason: String(cString: strerror(errno)))
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        try self.init(device, bytes: bytes, name: path)
    }

    deinit {
        device.context.visit { _ = $0.cuModuleUnload(module) }
    }

    func kernel(named name: String) throws(DeviceError) -> KernelFunction {
        try device.enter()
        var function: HearthCUFunction?
        let code = device.driver.call.cuModuleGetFunction(&function, module, name)
        try device.driver.checkPresence(code, "loading kernel '\(name)'")
        guard code == 0, let function else { throw .missingKernel(name: name, program: self.name) }
        return KernelFunction(name: name, program: self, handle: UnsafeRawPointer(function))
    }
}
