import CThreadPool
import DeviceAPI

/// Launches laid out in the form that the thread pool walks. All memory is allocated once, here.
final class CPUGraph: DeviceGraph {
    let slotCount: Int
    private let device: CPUDevice
    /// Keeps programs loaded, and names kernels in errors.
    private let kernels: [KernelFunction]
    private let launches: UnsafeMutableBufferPointer<HearthLaunch>
    /// Operands of all launches, one after the other; gang launches have their shared area at the end of theirs.
    private let operands: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>
    private let dimensions: UnsafeMutableBufferPointer<Int64>
    private let workspace: DeviceBuffer
    private let workspaceStride: Int
    private let gangAreas: DeviceBuffer
    /// Entries of `operands` that follow a slot.
    private let patches: [Patch]

    private struct Patch {
        var operand: Int
        var slot: Int
        var byteOffset: Int
    }

    init(device: CPUDevice, launches: [Launch], slotCount: Int, workspaceBytes: Int) throws(DeviceError) {
        let threads = device.pool.threads
        try Self.check(launches, slotCount: slotCount, threads: threads)
        self.device = device
        self.slotCount = slotCount
        kernels = launches.map(\.kernel)
        // A line apart, and not a multiple of a page apart, so that threads do not share cache sets.
        workspaceStride = workspaceBytes == 0 ? 0 : (workspaceBytes + 63) / 64 * 64 + 128
        workspace = try device.allocate(workspaceStride * threads)
        let gangs = launches.count { $0.spread == .gang }
        gangAreas = try device.allocate(gangs * Int(HEARTH_GANG_AREA_BYTES))
        let operandCount = launches.reduce(gangs) { $0 + $1.operands.count }
        self.launches = .allocate(capacity: launches.count)
        operands = .allocate(capacity: operandCount)
        operands.initialize(repeating: nil)
        dimensions = .allocate(capacity: launches.reduce(0) { $0 + $1.dimensions.count })

        var patches: [Patch] = []
        var (operand, dimension, gang) = (0, 0, 0)
        for (index, launch) in launches.enumerated() {
            let firstOperand = operand
            let firstDimension = dimension
            for value in launch.operands {
                switch value {
                case .fixed(let address): operands[operand] = address
                case .slot(let slot, let byteOffset):
                    patches.append(Patch(operand: operand, slot: slot, byteOffset: byteOffset))
                }
                operand += 1
            }
            for value in launch.dimensions {
                dimensions.initializeElement(at: dimension, to: value)
                dimension += 1
            }
            var flags = launch.runsBeside ? UInt32(HEARTH_LAUNCH_BESIDE) : 0
            var parts = 1
            var gangArea: UnsafeMutableRawPointer?
            switch launch.spread {
            case .parts(let count): parts = count
            case .threads: parts = threads
            case .gang:
                flags |= UInt32(HEARTH_LAUNCH_GANG)
                gangArea = gangAreas.address + gang * Int(HEARTH_GANG_AREA_BYTES)
                gang += 1
                operands[operand] = gangArea
                operand += 1
            case .grid: preconditionFailure("checked above")
            }
            self.launches.initializeElement(
                at: index,
                to: HearthLaunch(
                    // Safety: the handle is the address of a C function with the kernel ABI.
                    kernel: unsafeBitCast(launch.kernel.handle, to: HearthKernel.self),
                    buffers: operands.baseAddress.map { UnsafePointer($0) + firstOperand },
                    dims: dimensions.baseAddress.map { UnsafePointer($0) + firstDimension },
                    parts: Int32(parts), flags: flags, gang_area: gangArea))
        }
        self.patches = patches
    }

    deinit {
        launches.deallocate()
        operands.deallocate()
        dimensions.deallocate()
    }

    func run(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        try bind(slots)
        var run = makeRun()
        try check(hearth_pool_run(device.pool.handle, &run))
    }

    func runProfiled(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) -> [UInt64] {
        try bind(slots)
        var run = makeRun()
        var times = [UInt64](repeating: 0, count: launches.count)
        let status = times.withUnsafeMutableBufferPointer { buffer in
            run.nanoseconds = buffer.baseAddress
            return hearth_pool_run(device.pool.handle, &run)
        }
        try check(status)
        return times
    }

    func time(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>, samples: Int, inner: Int) throws(DeviceError)
        -> [UInt64]
    {
        try bind(slots)
        var run = makeRun()
        var times = [UInt64](repeating: 0, count: samples)
        let status = times.withUnsafeMutableBufferPointer {
            hearth_pool_time(device.pool.handle, &run, Int32(clamping: samples), Int32(clamping: inner), $0.baseAddress)
        }
        try check(status)
        return times
    }

    private static func check(_ launches: [Launch], slotCount: Int, threads: Int) throws(DeviceError) {
        var group = 0
        for (index, launch) in launches.enumerated() {
            for case .slot(let slot, _) in launch.operands where !(0..<slotCount).contains(slot) {
                throw .badLaunch(launch: index, reason: "refers to slot \(slot) of \(slotCount)")
            }
            let parts =
                switch launch.spread {
                case .parts(let count): count
                case .threads, .gang: threads
                case .grid: throw .badLaunch(launch: index, reason: "is a grid of blocks, which a CPU does not run")
                }
            guard parts >= 1 else { throw .badLaunch(launch: index, reason: "has \(parts) parts") }
            group = launch.runsBeside ? group + parts : parts
            guard group <= HEARTH_MAX_PARTS else {
                throw .badLaunch(
                    launch: index, reason: "has \(group) parts with those beside it, over \(HEARTH_MAX_PARTS)")
            }
        }
    }

    private func bind(_ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError) {
        guard slots.count == slotCount else { throw .wrongSlotCount(expected: slotCount, found: slots.count) }
        for patch in patches { operands[patch.operand] = slots[patch.slot] + patch.byteOffset }
    }

    private func makeRun() -> HearthRun {
        HearthRun(
            launches: UnsafePointer(launches.baseAddress), count: Int32(launches.count), threads: 0,
            workspace: workspaceStride == 0 ? nil : workspace.address.assumingMemoryBound(to: CChar.self),
            workspace_stride: workspaceStride, nanoseconds: nil)
    }

    private func check(_ status: HearthStatus) throws(DeviceError) {
        if status.launch >= 0 {
            let index = Int(status.launch)
            throw .kernelFailed(launch: index, kernel: kernels[index].name, code: Int(status.code))
        }
    }
}
