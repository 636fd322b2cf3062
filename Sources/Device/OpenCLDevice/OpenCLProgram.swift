import COpenCL
import DeviceAPI

/// A built program.
final class OpenCLProgram: DeviceProgram {
    let name: String
    let device: OpenCLDevice
    // Safety: an opaque handle.
    nonisolated(unsafe) let program: HearthCLProgram

    init(_ device: OpenCLDevice, text: [UInt8], name: String) throws(DeviceError) {
        let call = device.library.call
        var code: HearthCLCode = 0
        let made = text.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters in
                var start = characters.baseAddress
                var length = characters.count
                return call.clCreateProgramWithSource(device.context, 1, &start, &length, &code)
            }
        }
        guard let made else { throw .programNotLoaded(name: name, reason: "OpenCL error \(code)") }
        program = made
        self.device = device
        self.name = name
        var only: HearthCLDevice? = device.device
        // NaN and infinities are kept, and products are rounded before they are added to.
        guard call.clBuildProgram(made, 1, &only, "-cl-std=CL1.2", nil, nil) == 0 else {
            var log = [UInt8](repeating: 0, count: 4096)
            _ = call.clGetProgramBuildInfo(made, device.device, UInt32(HEARTH_CL_BUILD_LOG), log.count - 1, &log, nil)
            let lines = String(decoding: log.prefix { $0 != 0 }, as: UTF8.self).split(separator: "\n")
            let first = lines.first { $0.contains("error") } ?? lines.first ?? "the driver gave no reason"
            throw .programNotLoaded(name: name, reason: String(first))
        }
    }

    deinit { _ = device.library.call.clReleaseProgram(program) }

    func kernel(named name: String) throws(DeviceError) -> KernelFunction {
        var code: HearthCLCode = 0
        guard let kernel = device.library.call.clCreateKernel(program, name, &code) else {
            throw .missingKernel(name: name, program: self.name)
        }
        // A graph makes kernels of its own, because arguments belong to a kernel; this one only showed that it exists.
        _ = device.library.call.clReleaseKernel(kernel)
        return KernelFunction(name: name, program: self, handle: UnsafeRawPointer(program))
    }
}
