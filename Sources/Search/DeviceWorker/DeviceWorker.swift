import DeviceAPI
import KernelWorker

/// What the judge's worker does for a device that is not the host: the same requests, the same reports.
package struct DeviceWorker {
    private let device: any Device
    private let queue: any DeviceQueue
    private let filler: SharedMemoryFiller?
    private var candidates: [Int: DeviceCandidate] = [:]

    /// Makes a worker on a device.
    package init(_ device: any Device) throws(DeviceError) {
        self.device = device
        queue = try device.makeQueue()
        filler = try SharedMemoryFiller(device)
    }

    /// Performs a request. A device that takes no further work is a fault, which ends the process.
    package mutating func perform(_ request: WorkerRequest) throws(RequestError) -> WorkerReply {
        do {
            switch request {
            case .load(let number, let path):
                candidates[number] = try DeviceCandidate(path: path, device)
                return .done
            case .forget:
                candidates = [:]
                return .done
            case .check(let job):
                let runner = try DeviceCheck(device, queue, filler, try candidate(job.call), job)
                return .checked(try runner.perform())
            case .time(let job):
                let runner = try DeviceTiming(device, queue, job)
                return .timed(
                    try runner.perform(candidate: try candidate(job.candidate), incumbent: try candidate(job.incumbent))
                )
            case .fold: throw RequestError(.badRequest, "constants are computed on the host")
            }
        } catch let error as RequestError {
            throw error
        } catch let error as DeviceError {
            switch error {
            case .outOfMemory: throw RequestError(.noMemory, "\(error)")
            case .badLaunch, .missingKernel, .programNotLoaded: throw RequestError(.notLoaded, "\(error)")
            case .kernelFailed(_, _, let code): throw RequestError(.kernelFailed, "\(code)")
            case .libraryFailed: throw RequestError(.notLoaded, "\(error)")
            case .wrongSlotCount, .unavailable, .unsupported, .outOfBounds, .notImported:
                throw RequestError(.badRequest, "\(error)")
            case .failed: return .fault(FaultReport(signal: 11, zone: .elsewhere, buffer: nil, offset: 0))
            }
        } catch { throw RequestError(.badRequest, "\(error)") }
    }

    private func candidate(_ call: WorkerCall) throws(RequestError) -> DeviceCandidate {
        guard let candidate = candidates[call.library] else {
            throw RequestError(.badRequest, "library \(call.library) is not loaded")
        }
        return candidate
    }
}
