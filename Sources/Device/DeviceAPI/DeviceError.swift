import ElementTypes

/// What can go wrong with a device.
package enum DeviceError: Error, Equatable, CustomStringConvertible {
    /// A buffer of this many bytes could not be had; `free` bytes are, where the device says.
    case outOfMemory(byteCount: Int, free: Int? = nil)
    /// Memory that the host has already could not be imported; copies of it work all the same.
    case notImported(byteCount: Int, reason: String)
    /// A program could not be loaded.
    case programNotLoaded(name: String, reason: String)
    /// A program has no such kernel.
    case missingKernel(name: String, program: String)
    /// A kernel returned a code other than 0; `launch` is its index in the graph.
    case kernelFailed(launch: Int, kernel: String, code: Int)
    /// A copy that would leave a buffer.
    case outOfBounds(offset: Int, byteCount: Int, bufferBytes: Int)
    /// A launch that the device cannot take.
    case badLaunch(launch: Int, reason: String)
    /// Another number of slots than the graph was made for.
    case wrongSlotCount(expected: Int, found: Int)
    /// There is no such device here; the reason says what is missing.
    case unavailable(device: String, reason: String)
    /// The device refused an operation; after some faults (an illegal address) it takes no further work from this process.
    case failed(operation: String, reason: String)
    /// A vendor's library refused a call, or all of its work where no call is named.
    case libraryFailed(LibraryRefusal)
    /// Something this device does not do.
    case unsupported(String)

    /// One line: what and where.
    package var description: String {
        switch self {
        case .outOfMemory(let byteCount, let free):
            "out of memory: a buffer of \(byteCount) bytes could not be allocated"
                + (free.map { ", \($0) are free; end what else uses the device" } ?? "")
        case .notImported(let byteCount, let reason):
            "\(byteCount) bytes of the host's memory could not be imported: \(reason)"
        case .programNotLoaded(let name, let reason): "kernels '\(name)' could not be loaded: \(reason)"
        case .missingKernel(let name, let program): "kernels '\(program)' have no function '\(name)'"
        case .kernelFailed(let launch, let kernel, let code):
            "kernel '\(kernel)' (launch \(launch)) failed with code \(code)"
        case .outOfBounds(let offset, let byteCount, let bufferBytes):
            "copy of \(byteCount) bytes at \(offset) leaves a buffer of \(bufferBytes) bytes"
        case .badLaunch(let launch, let reason): "launch \(launch): \(reason)"
        case .wrongSlotCount(let expected, let found): "the graph takes \(expected) slots, not \(found)"
        case .unavailable(let device, let reason): "no device '\(device)': \(reason)"
        case .failed(let operation, let reason): "\(operation) failed: \(reason)"
        case .libraryFailed(let refusal): "\(refusal); hearth optimize --no-libraries builds a package without it"
        case .unsupported(let what): "this device does not support \(what)"
        }
    }
}
