import CCUDADriver
import DeviceAPI

/// NVIDIA's driver, opened once in a process.
final class CUDADriver: @unchecked Sendable {
    // Safety: the table is written once, in `init`, and the functions behind it may be called from any thread.
    let call: HearthCUDADriver
    /// Codes that say that the GPU or its driver is gone, not that something was asked for wrongly: memory errors, a link that
    /// broke, a driver that was replaced while it ran, and what the driver cannot explain.
    private static let lost = [4, 214, 220, 802, 803, 804, 999]
    /// Codes of the service that lets several processes share a GPU (CUDA_ERROR_MPS_…).
    private static let sharing = 805...810
    /// The first version with all functions that are called here.
    private static let oldest = 12000
    /// Version of the driver's interface, such as 13000.
    let version: Int

    /// The driver, or why there is none.
    static let shared: Result<CUDADriver, DeviceError> = Result { () throws(DeviceError) in try CUDADriver() }

    private init() throws(DeviceError) {
        var table = HearthCUDADriver()
        var text = [CChar](repeating: 0, count: 512)
        let opened = hearth_open_cuda(&table, &text, text.count)
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard opened >= 0 else {
            throw .unavailable(device: "cuda", reason: "\(reason); install NVIDIA's driver")
        }
        call = table
        var version: Int32 = 0
        // Drivers that lack a function say how old they are all the same.
        if let ask = table.cuDriverGetVersion { _ = ask(&version) }
        self.version = Int(version)
        guard version >= Self.oldest else {
            throw .unavailable(
                device: "cuda",
                reason: "the driver is of \(name), 12.0 or later is needed; update it")
        }
        guard opened == 0 else { throw .unavailable(device: "cuda", reason: "\(reason); update NVIDIA's driver") }
        let code = table.cuInit(0)
        if code == HEARTH_CU_NO_DEVICE { throw .unavailable(device: "cuda", reason: "the driver finds no GPU") }
        try check(code, "starting the driver")
    }

    /// Throws what a result code other than 0 means.
    func check(_ code: HearthCUResult, _ operation: @autoclosure () -> String) throws(DeviceError) {
        if code == 0 { return }
        try checkPresence(code, operation())
        throw .failed(operation: operation(), reason: text(code))
    }

    /// Throws where a code says that the GPU is full, held by another process or gone, not that something was asked for wrongly.
    func checkPresence(_ code: HearthCUResult, _ operation: @autoclosure () -> String) throws(DeviceError) {
        let reason: String
        if code == HEARTH_CU_OUT_OF_MEMORY {
            reason = "its memory is full while \(operation()); end what else uses the GPU"
        } else if code == HEARTH_CU_DEVICES_UNAVAILABLE {
            reason = "another process holds the GPU for itself"
        } else if Self.lost.contains(Int(code)) {
            reason = "the GPU was lost while \(operation()) (\(text(code)))"
        } else if Self.sharing.contains(Int(code)) {
            reason = "NVIDIA's service that shares GPUs (MPS) failed while \(operation()) (\(text(code)))"
        } else {
            return
        }
        throw .unavailable(device: "cuda", reason: reason)
    }

    /// Version in words.
    var name: String { "CUDA \(version / 1000).\(version % 1000 / 10)" }

    /// Name and meaning of a result code.
    func text(_ code: HearthCUResult) -> String {
        var name: UnsafePointer<CChar>?
        var meaning: UnsafePointer<CChar>?
        _ = call.cuGetErrorName(code, &name)
        _ = call.cuGetErrorString(code, &meaning)
        return "\(name.map { String(cString: $0) } ?? "error \(code)"): \(meaning.map { String(cString: $0) } ?? "?")"
    }
}
