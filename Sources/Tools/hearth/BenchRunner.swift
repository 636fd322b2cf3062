import Baselines
import DeviceAPI
import Glibc
import PackageRuntime

/// Our side of a comparison: one bound session whose inputs and outputs lie where the device works on them, as a rival's do.
final class BenchRunner {
    private let session: Session
    private let inputs: [UnsafeRawPointer]
    private let outputs: [UnsafeMutableRawPointer]
    /// Memory of a device that does not share the host's, inputs before outputs; empty elsewhere.
    private var onDevice: [UnsafeMutableRawPointer] = []
    private var buffers: [BufferBox] = []

    private final class BufferBox {
        let buffer: DeviceBuffer
        init(_ buffer: consuming DeviceBuffer) { self.buffer = buffer }
    }

    /// Runs `session`, bound to inputs and outputs at these addresses, which outlive this object.
    init(session: Session, inputs: GoldenInputs, outputs: [TensorMemory]) throws {
        self.session = session
        self.inputs = inputs.addresses
        self.outputs = outputs.map(\.address)
        let device = session.package.device
        guard !device.limits.readsHostMemory else { return }
        let queue = try device.makeQueue()
        for (index, type) in (inputs.types + session.outputs).enumerated() {
            let size = type.byteCount ?? 0
            let box = BufferBox(try device.allocate(size))
            if index < self.inputs.count {
                try queue.copy(UnsafeRawBufferPointer(start: self.inputs[index], count: size), to: box.buffer, at: 0)
            }
            buffers.append(box)
            onDevice.append(box.buffer.address)
        }
        try queue.synchronize()
    }

    /// Median nanoseconds of `calls` calls after `warm` untimed ones. A call ends when its results are there.
    func median(calls: Int, warm: Int) throws -> Double {
        var times = [Double](repeating: 0, count: calls)
        for _ in 0..<warm { try run() }
        for index in 0..<calls {
            let before = Self.now()
            try run()
            times[index] = Double(Self.now() - before)
        }
        return Baselines.median(times)
    }

    private func run() throws {
        if onDevice.isEmpty {
            try inputs.withUnsafeBufferPointer { inputs in
                try outputs.withUnsafeBufferPointer { outputs in try session.run(inputs: inputs, outputs: outputs) }
            }
        } else {
            try onDevice.withUnsafeBufferPointer { all in
                try session.runOnDevice(
                    inputs: UnsafeBufferPointer(rebasing: all.prefix(inputs.count)),
                    outputs: UnsafeBufferPointer(rebasing: all.dropFirst(inputs.count)))
            }
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
