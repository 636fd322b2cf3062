import CCUDADriver
import DeviceAPI

/// A GPU's primary context, which all users of the GPU in a process share; it is held as long as something of it is.
final class CUDAContext: Sendable {
    let driver: CUDADriver
    /// The GPU.
    let gpu: HearthCUDevice
    // Safety: an opaque handle that every thread may make current.
    nonisolated(unsafe) let handle: HearthCUContext

    init(_ driver: CUDADriver, ordinal: Int) throws(DeviceError) {
        self.driver = driver
        var gpu = HearthCUDevice(0)
        try driver.check(driver.call.cuDeviceGet(&gpu, Int32(ordinal)), "asking for GPU \(ordinal)")
        var context: HearthCUContext?
        try driver.check(driver.call.cuDevicePrimaryCtxRetain(&context, gpu), "taking GPU \(ordinal)")
        guard let context else { throw .unavailable(device: "cuda:\(ordinal)", reason: "it gave no context") }
        self.gpu = gpu
        handle = context
    }

    deinit { _ = driver.call.cuDevicePrimaryCtxRelease(gpu) }

    /// Does something for which the GPU must be the calling thread's, and leaves the thread as it was: for what happens whenever the last
    /// user of something lets it go.
    func visit(_ body: (HearthCUDADriver) -> Void) {
        var before: HearthCUContext?
        _ = driver.call.cuCtxGetCurrent(&before)
        _ = driver.call.cuCtxSetCurrent(handle)
        body(driver.call)
        _ = driver.call.cuCtxSetCurrent(before)
    }

    /// Makes the GPU the calling thread's.
    func enter() throws(DeviceError) {
        try driver.check(driver.call.cuCtxSetCurrent(handle), "selecting the GPU")
    }
}
