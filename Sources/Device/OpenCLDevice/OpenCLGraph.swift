import COpenCL
import DeviceAPI

/// Launches with kernels of their own, enqueued one after the other.
final class OpenCLGraph: DeviceGraph {
    let slotCount: Int
    private let device: OpenCLDevice
    private let launches: [Launch]
    private var kernels: [HearthCLKernel] = []
    private let queue: HearthCLQueue

    init(_ device: OpenCLDevice, _ launches: [Launch], slotCount: Int) throws(DeviceError) {
        let limits = device.limits.blocks
        for (index, launch) in launches.enumerated() {
            guard case .grid(let grid) = launch.spread else {
                throw .badLaunch(launch: index, reason: "is no grid of blocks, which is all that this device runs")
            }
            for case .slot(let slot, _) in launch.operands where !(0..<slotCount).contains(slot) {
                throw .badLaunch(launch: index, reason: "refers to slot \(slot) of \(slotCount)")
            }
            guard grid.blocks.min() > 0, grid.threads > 0, Int(grid.threads) <= limits?.threads ?? 0,
                grid.sharedBytes == 0
            else {
                throw .badLaunch(
                    launch: index, reason: "has a grid of \(grid.blocks) blocks of \(grid.threads) threads")
            }
        }
        self.device = device
        self.launches = launches
        self.slotCount = slotCount
        queue = try device.makeCommandQueue()
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
    }

    func runProfiled(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) -> [UInt64] {
        let events = try start(slots, on: queue, profiled: true)
        try device.library.check(device.library.call.clFinish(queue), "running the model")
        return events.map { event in event.times.map { $0.end - $0.start } ?? 0 }
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

    /// Enqueues all launches; with `profiled`, returns an event of each.
    func start(
        _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, on queue: HearthCLQueue, profiled: Bool
    ) throws(DeviceError) -> [OpenCLEvent] {
        guard slots.count == slotCount else { throw .wrongSlotCount(expected: slotCount, found: slots.count) }
        let call = device.library.call
        var events: [OpenCLEvent] = []
        for (index, launch) in launches.enumerated() {
            guard case .grid(let grid) = launch.spread else { continue }
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
            if let event { events.append(OpenCLEvent(device, event)) }
        }
        return events
    }
}
