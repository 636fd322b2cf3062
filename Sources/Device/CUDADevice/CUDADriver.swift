import CCUDADriver
import DeviceAPI

/// NVIDIA's driver, opened once in a process.
final class CUDADriver: @unchecked Sendable {
    // Safety: the table is written once, in `init`, and the functions behind it may be called from any thread.
    let call: HearthCUDADriver
    /// Version of the driver's interface, such as 13000.
    let version: Int

    /// The driver, or why there is none.
    static let shared: Result<CUDADriver, DeviceError> = Result { () throws(DeviceError) in try CUDADriver() }

    private init() throws(DeviceError) {
        var table = HearthCUDADriver()
        var text = [CChar](repeating: 0, count: 512)
        guard hearth_open_cuda(&table, &text, text.count) == 0 else {
            let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw .unavailable(device: "cuda", reason: "\(reason); install NVIDIA's driver")
        }
        call = table
        version = 0
        try check(table.cuInit(0), "starting the driver")
    }

    /// Throws what a result code other than 0 means.
    func check(_ code: HearthCUResult, _ operation: @autoclosure () -> String) throws(DeviceError) {
        if code == 0 { return }
        throw .failed(operation: operation(), reason: text(code))
    }

    /// Name and meaning of a result code.
    func text(_ code: HearthCUResult) -> String {
        var name: UnsafePointer<CChar>?
        var meaning: UnsafePointer<CChar>?
        _ = call.cuGetErrorName(code, &name)
        _ = call.cuGetErrorString(code, &meaning)
        return "\(name.map { String(cString: $0) } ?? "error \(code)"): \(meaning.map { String(cString: $0) } ?? "?")"
    }
}
