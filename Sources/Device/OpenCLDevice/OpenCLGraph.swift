import COpenCL
import DeviceAPI

/// Launches with kernels of their own, enqueued one after the other.
final class OpenCLGraph: DeviceGraph {
    let slotCount: Int
    private let device: OpenCLDevice
    private let launches: [Launch]
    private var kernels: [HearthCLKernel] = []
    private let queue: HearthCLQueue
    /// One word of each launch, which a kernel sets when it fails.
    private let codes: DeviceBuffer

    init(_ device: OpenCLDevice, _ launches: [Launch], slotCount: Int) throws(DeviceError) {
        try Launch.checkGrids(launches, slotCount: slotCount, within: device.limits.blocks)
        for (index, launch) in launches.enumerated() {
            if case .grid(let grid) = launch.spread, grid.sharedBytes > 0 {
                throw .badLaunch(launch: index, reason: "asks for shared memory beyond what its kernel declares")
            }
        }
        self.device = device
        self.launches = launches
        self.slotCount = slotCount
        codes = try device.allocate(4 * launches.count)
        queue = try device.makeCommandQueue()
        try clear()
        for launch in launches {
            var code: HearthCLCode = 0
            guard let program = launch.kernel.program as? OpenCLProgram,
                let kernel = device.library.call.clCreateKernel(program.program, launch.kernel.name, &code)
            else { throw .missingKernel(name: launch.kernel.name, program: launch.kernel.program.name) }
            kernels.append(kernel)
        }
    }

    deinit {
        for kernel in kernels { _ = device.library.call.clReleaseKernel(kernel) }
        _ = device.library.call.clReleaseCommandQueue(queue)
    }

    func run(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        _ = try start(slots, on: queue, profiled: false)
        try device.library.check(device.library.call.clFinish(queue), "running the model")
        try throwFailure()
    }

    /// Throws what a kernel reported in a run that has ended, once.
    func throwFailure() throws(DeviceError) {
        if launches.isEmpty { return }
        var words = [Int32](repeating: 0, count: launches.count)
        try device.library.check(
            device.library.call.clEnqueueSVMMemcpy(queue, 1, &words, codes.address, 4 * words.count, 0, nil, nil),
            "reading what kernels reported")
        guard let failure = Launch.failure(launches, codes: words) else { return }
        try clear()
        throw failure
    }

    private func clear() throws(DeviceError) {
        if launches.isEmpty { return }
        var zero: Int32 = 0
        let call = device.library.call
        try device.library.check(
            call.clEnqueueSVMMemFill(queue, codes.address, &zero, 4, 4 * launches.count, 0, nil, nil), "filling memory")
        try device.library.check(call.clFinish(queue), "filling memory")
    }

    func runProfiled(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) -> [UInt64] {
        let events = try start(slots, on: queue, profiled: true)
        try device.library.check(device.library.call.clFinish(queue), "running the model")
        try throwFailure()
        return events.map { event in event?.times.map { $0.end - $0.start } ?? 0 }
    }

    func time(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, samples: Int, inner: Int
    ) throws(DeviceError) -> [UInt64] {
        var times: [UInt64] = []
        for _ in 0..<samples {
            var total: UInt64 = 0
            for _ in 0..<inner { total += try runProfiled(slots).reduce(0, +) }
            times.append(total)
        }
        return times
    }

    /// Enqueues all launches; with `profiled`, returns an event of each that has something to do.
    func start(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, on queue: HearthCLQueue, profiled: Bool
    ) throws(DeviceError) -> [OpenCLEvent?] {
        guard slots.count == slotCount else { throw .wrongSlotCount(expected: slotCount, found: slots.count) }
        let call = device.library.call
        var events: [OpenCLEvent?] = []
        for (index, launch) in launches.enumerated() {
            guard case .grid(let grid) = launch.spread, grid.blocks.min() > 0 else {
                events.append(nil)
                continue
            }
            var argument: UInt32 = 0
            for operand in launch.operands {
                let address =
                    switch operand {
                    case .fixed(let address): address
                    case .slot(let slot, let byteOffset): slots[slot] + byteOffset
                    }
                try device.library.check(
                    call.clSetKernelArgSVMPointer(kernels[index], argument, address),
                    "argument \(argument) of launch \(index) (\(launch.kernel.name))")
                argument += 1
            }
            for dimension in launch.dimensions {
                var value = dimension
                try device.library.check(
                    call.clSetKernelArg(kernels[index], argument, 8, &value),
                    "argument \(argument) of launch \(index) (\(launch.kernel.name))")
                argument += 1
            }
            try device.library.check(
                call.clSetKernelArgSVMPointer(kernels[index], argument, codes.address + 4 * index),
                "argument \(argument) of launch \(index) (\(launch.kernel.name))")
            let local = [Int(grid.threads), 1, 1]
            let global = [
                Int(grid.blocks.x) * Int(grid.threads), Int(grid.blocks.y), Int(grid.blocks.z),
            ]
            var event: HearthCLEvent?
            let code =
                profiled
                ? call.clEnqueueNDRangeKernel(queue, kernels[index], 3, nil, global, local, 0, nil, &event)
                : call.clEnqueueNDRangeKernel(queue, kernels[index], 3, nil, global, local, 0, nil, nil)
            try device.library.check(code, "launching kernel '\(launch.kernel.name)' (launch \(index))")
            events.append(event.map { OpenCLEvent(device, $0) })
        }
        return events
    }
}
