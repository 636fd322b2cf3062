import ElementTypes

extension Launch {
    /// Throws for the first launch that a device which runs grids within these limits cannot take.
    package static func checkGrids(
        _ launches: [Launch], slotCount: Int, within limits: DeviceLimits.Blocks?, takesCalls: Bool = false
    ) throws(DeviceError) {
        for (index, launch) in launches.enumerated() {
            guard case .grid(let grid) = launch.spread else {
                throw .badLaunch(launch: index, reason: "is no grid of blocks, which is all that this device runs")
            }
            for case .slot(let slot, _) in launch.operands where !(0..<slotCount).contains(slot) {
                throw .badLaunch(launch: index, reason: "refers to slot \(slot) of \(slotCount)")
            }
            guard grid.blocks.min() >= 0, grid.threads > 0, Int(grid.threads) <= limits?.threads ?? 0,
                grid.blocks.y <= 65535, grid.blocks.z <= 65535
            else {
                let blocks = "\(grid.blocks.x) x \(grid.blocks.y) x \(grid.blocks.z)"
                throw .badLaunch(launch: index, reason: "has a grid of \(blocks) blocks of \(grid.threads) threads")
            }
            if let call = grid.call {
                guard takesCalls else { throw .badLaunch(launch: index, reason: "calls a library that is not here") }
                if let fault = call.fault(operands: launch.operands.count) {
                    throw .badLaunch(launch: index, reason: "asks \(call.library) for what \(fault)")
                }
            }
            guard grid.sharedBytes >= 0, Int(grid.sharedBytes) <= limits?.sharedBytes ?? 0 else {
                throw .badLaunch(launch: index, reason: "asks for \(grid.sharedBytes) bytes of shared memory")
            }
        }
    }

    /// Whether a grid is worth beginning before what runs ahead of it has ended: its own call of a library, else the launch before it. A sum
    /// over 546 MB that cuDNN had left took 0.87 ms in a recorded graph, where it might begin early, and 0.35 ms alone (H200); without that the
    /// model takes 0.65 ms and not 1.14. Why is inferred: a library's kernel lets nothing begin before its blocks end, so those that come early
    /// gather where blocks end first, several on one multiprocessor, and stay there.
    package static func overlaps(_ launches: [Launch], _ index: Int) -> Bool {
        guard case .grid(let grid) = launches[index].spread, grid.overlapsPredecessor, index > 0 else { return false }
        var call = grid.call
        if call == nil, case .grid(let before) = launches[index - 1].spread, before.blocks.min() == 0 {
            call = before.call
        }
        return (call?.resultBytes ?? 0) < longBytes
    }

    /// What takes several times a launch's latency to read.
    private static let longBytes = 16 << 20

    /// The code that a launch left in its word, by index; 0 where all is well.
    package static func failure(_ launches: [Launch], codes: some Sequence<Int32>) -> DeviceError? {
        for (index, code) in codes.enumerated() where code != 0 && launches.indices.contains(index) {
            return .kernelFailed(launch: index, kernel: launches[index].kernel.name, code: Int(code))
        }
        return nil
    }
}
