import CProcessor
import CThreadPool
import DeviceAPI

extension CPUDevice {
    /// Measures memory and arithmetic, on one thread and on all. Each figure is the best of several short runs, about
    /// 50 ms together: interference only ever makes a run slower.
    static func measureRates(_ limits: DeviceLimits, _ pool: ThreadPool) throws(DeviceError) -> DeviceLimits.Rates {
        var processor = HearthProcessor()
        hearth_processor(&processor)
        let features = processor.features
        return DeviceLimits.Rates(
            memoryRead: try memoryRate(limits, features, pool),
            fp32: try rate(hearth_measure_fp32(features), pool) ?? .init(oneThread: 0, allThreads: 0),
            bf16: try rate(hearth_measure_bf16(features), pool),
            int8: try rate(hearth_measure_int8(features), pool))
    }

    private static func rate(_ arithmetic: HearthArithmetic, _ pool: ThreadPool) throws(DeviceError) -> DeviceLimits
        .Rate?
    {
        guard let kernel = arithmetic.kernel else { return nil }
        let repeats: Int64 = 400
        func best(_ parts: Int) throws(DeviceError) -> Double {
            let seconds = try shortest(kernel, [nil], [repeats, 0, 0], parts: parts, samples: 40, pool)
            return Double(arithmetic.operations * repeats) * Double(parts) / seconds
        }
        return .init(oneThread: try best(1), allThreads: try best(pool.threads))
    }

    private static func memoryRate(_ limits: DeviceLimits, _ features: UInt32, _ pool: ThreadPool) throws(DeviceError)
        -> DeviceLimits.Rate
    {
        // Several times the last-level cache, so that it cannot serve the reads, within reason for small machines.
        let wanted = max(256 << 20, 4 * limits.caches.l3)
        let byteCount = min(wanted, max(64 << 20, limits.memoryBytes / 8)) & ~0xFFFF
        let device = CPUDevice(pool: pool, limits: limits)
        let buffer = try device.allocate(byteCount)
        buffer.address.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
        func best(_ parts: Int) throws(DeviceError) -> Double {
            let seconds = try shortest(
                hearth_measure_read, [buffer.address], [1, Int64(byteCount), Int64(features)], parts: parts, samples: 5,
                pool)
            return Double(byteCount) / seconds
        }
        return .init(oneThread: try best(1), allThreads: try best(pool.threads))
    }

    /// Seconds of the shortest of `samples` runs of one launch.
    private static func shortest(
        _ kernel: @escaping HearthKernel, _ buffers: [UnsafeMutableRawPointer?], _ dimensions: [Int64], parts: Int,
        samples: Int, _ pool: ThreadPool
    ) throws(DeviceError) -> Double {
        var times = [UInt64](repeating: .max, count: samples)
        let status = buffers.withUnsafeBufferPointer { buffers in
            dimensions.withUnsafeBufferPointer { dimensions in
                var launch = HearthLaunch(
                    kernel: kernel, buffers: buffers.baseAddress, dims: dimensions.baseAddress, parts: Int32(parts),
                    flags: 0, gang_area: nil)
                return withUnsafePointer(to: &launch) { launch in
                    var run = HearthRun(
                        launches: launch, count: 1, threads: 0, workspace: nil, workspace_stride: 0, nanoseconds: nil)
                    return hearth_pool_time(pool.handle, &run, Int32(samples), 1, &times)
                }
            }
        }
        guard status.launch < 0 else {
            throw .kernelFailed(launch: 0, kernel: "measurement", code: Int(status.code))
        }
        return Double(max(times.min() ?? 1, 1)) * 1e-9
    }
}
