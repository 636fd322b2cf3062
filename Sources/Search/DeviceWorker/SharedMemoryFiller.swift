import DeviceAPI

/// Fills the shared memory of all multiprocessors before a candidate runs. It keeps what kernels before have left there, which may by
/// chance be what a kernel needs that reads words it did not write.
final class SharedMemoryFiller {
    private let kernel: KernelFunction
    private let device: any Device
    private let grid: Launch.Grid
    private var graphs: [UInt8: any DeviceGraph] = [:]

    /// Nil where a device's blocks have no such memory.
    init?(_ device: any Device) throws(DeviceError) {
        guard let filler = device.sharedMemoryFiller, let blocks = device.limits.blocks else { return nil }
        self.device = device
        kernel = try device.loadProgram(bytes: filler.program, name: filler.kernel).kernel(named: filler.kernel)
        // A block that takes all of it has a multiprocessor for itself.
        grid = Launch.Grid(
            blocks: SIMD3(Int32(device.limits.cores), 1, 1), threads: Int32(min(blocks.threads, 1024)),
            sharedBytes: Int32(blocks.sharedBytes))
    }

    /// Fills it with a byte, and waits.
    func fill(_ byte: UInt8) throws(DeviceError) {
        let graph: any DeviceGraph
        if let made = graphs[byte] {
            graph = made
        } else {
            let word = Int64(UInt32(byte) &* 0x0101_0101)
            graph = try device.makeGraph([
                Launch(kernel: kernel, operands: [], dimensions: [word], spread: .grid(grid))
            ])
            graphs[byte] = graph
        }
        try graph.run(UnsafeBufferPointer(start: nil, count: 0))
    }
}
