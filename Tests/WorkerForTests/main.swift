import DeviceWorker
import KernelWorker
import OpenCLDevice

// The judge's worker as a program of its own, so that tests need not build the whole command line; with the argument `opencl`
// candidates run on the first OpenCL device.
if CommandLine.arguments.contains("opencl") {
    WorkerLoop.run(start: { try DeviceWorker(try OpenCLDevice()) }) { worker, request throws(RequestError) in
        try worker.perform(request)
    }
}
WorkerLoop.run(threads: 2)
