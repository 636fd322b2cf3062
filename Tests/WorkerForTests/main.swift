import DeviceWorker
import Glibc
import KernelWorker
import OpenCLDevice

// The judge's worker as a program of its own, so that tests need not build the whole command line; with the argument `opencl`
// candidates run on the first OpenCL device.
if CommandLine.arguments.contains("opencl") {
    let home = getenv("HOME").map { String(cString: $0) } ?? "/"
    WorkerLoop.run(caches: [home + "/.cache"], start: { try DeviceWorker(try OpenCLDevice()) }) {
        worker, request throws(RequestError) in
        try worker.perform(request)
    }
}
// With `--without PART…`, as on a kernel that lacks these parts of the sandbox.
let without = CommandLine.arguments.drop { $0 != "--without" }.dropFirst().compactMap(Int.init)
// With `--count-software`, what the system counts stands for what the processor does.
WorkerLoop.run(
    threads: 2, without: without.compactMap(Sandbox.Part.init),
    counting: CommandLine.arguments.contains("--count-software") ? EventCounter.software : EventCounter.hardware)
