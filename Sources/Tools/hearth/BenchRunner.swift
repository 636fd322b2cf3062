import Baselines
import DeviceAPI
import ElementTypes
import Glibc
import ModelPackage
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

    private let memory: [TensorMemory]
    private let golden: GoldenInputs

    /// Loads the package, and runs it on the first input set of a file.
    init(package: String, _ device: any Device, inputs path: String) throws {
        let loaded = try LoadedPackage(path: package, device: device, verified: true)
        golden = try GoldenInputs(path: path, interface: loaded.interface)
        session = try Session(loaded)
        try session.bind(golden.types)
        memory = try session.outputs.map { try TensorMemory($0) }
        inputs = golden.addresses
        outputs = memory.map(\.address)
        guard !device.limits.readsHostMemory else { return }
        let queue = try device.makeQueue()
        for (index, type) in (golden.types + session.outputs).enumerated() {
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

    /// Median nanoseconds a call of the device alone, over `samples` times `inner` calls.
    func deviceTime(samples: Int, inner: Int) throws -> Double {
        let times =
            if onDevice.isEmpty {
                try inputs.withUnsafeBufferPointer { inputs in
                    try outputs.withUnsafeBufferPointer {
                        try session.time(inputs: inputs, outputs: $0, samples: samples, inner: inner)
                    }
                }
            } else {
                try onDevice.withUnsafeBufferPointer { all in
                    try session.timeOnDevice(
                        inputs: UnsafeBufferPointer(rebasing: all.prefix(inputs.count)),
                        outputs: UnsafeBufferPointer(rebasing: all.dropFirst(inputs.count)), samples: samples,
                        inner: inner)
                }
            }
        return Baselines.median(times.map { Double($0) / Double(inner) })
    }

    /// What the last call computed; where there is a state, a call from its initial values on.
    func results(afterReset: Bool) throws -> [(name: String, element: ElementType, values: [Double])] {
        if afterReset {
            try session.reset()
            try run()
        }
        if !onDevice.isEmpty {
            let queue = try session.package.device.makeQueue()
            for (index, tensor) in memory.enumerated() {
                try queue.copy(buffers[inputs.count + index].buffer, at: 0, to: tensor.bytes)
            }
            try queue.synchronize()
        }
        return memory.enumerated().map { index, tensor in
            let count = tensor.bytes.count / tensor.type.element.byteCount
            return (
                session.package.interface.outputs[index].name, tensor.type.element, (0..<count).map { tensor.value($0) }
            )
        }
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
