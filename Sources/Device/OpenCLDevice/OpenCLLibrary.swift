import COpenCL
import DeviceAPI
import Glibc

/// The OpenCL loader, opened once in a process.
final class OpenCLLibrary: @unchecked Sendable {
    // Safety: the table is written once, in `init`; OpenCL's functions may be called from any thread.
    let call: HearthOpenCL

    /// The library, or why there is none.
    static let shared: Result<OpenCLLibrary, DeviceError> = Result { () throws(DeviceError) in try OpenCLLibrary() }

    private init() throws(DeviceError) {
        // PoCL 3.1's default way to run the threads of a block ("loopvec") computes some kernels wrongly; this one does not. Other
        // drivers do not read it.
        setenv("POCL_WORK_GROUP_METHOD", "loops", 0)
        var table = HearthOpenCL()
        var text = [CChar](repeating: 0, count: 512)
        guard hearth_open_opencl(&table, &text, text.count) == 0 else {
            let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw .unavailable(device: "opencl", reason: reason)
        }
        call = table
    }

    /// Throws what a code other than 0 means.
    func check(_ code: HearthCLCode, _ operation: @autoclosure () -> String) throws(DeviceError) {
        if code != 0 { throw .failed(operation: operation(), reason: "OpenCL error \(code)") }
    }

    /// All devices of all platforms.
    func devices() throws(DeviceError) -> [HearthCLDevice] {
        var platforms = [HearthCLPlatform?](repeating: nil, count: 16)
        var count: UInt32 = 0
        guard call.clGetPlatformIDs(16, &platforms, &count) == 0 else { return [] }
        var found: [HearthCLDevice] = []
        for platform in platforms.prefix(Int(count)) {
            var devices = [HearthCLDevice?](repeating: nil, count: 16)
            var number: UInt32 = 0
            let code = call.clGetDeviceIDs(platform, UInt64(HEARTH_CL_DEVICE_TYPE_ALL), 16, &devices, &number)
            if code == 0 { found += devices.prefix(Int(number)).compactMap { $0 } }
        }
        return found
    }
}
