import Base
import DeviceAPI
import KernelIR
import KernelSwarm

extension RegionBrief {
    /// What an advisor is told of a kernel on a device. Names of kernels come from the model, and stay here.
    init(_ kernel: Kernel, region: String, key: String, on limits: DeviceLimits) {
        self.init(
            region: region, kernel: kernel.canonicalText, key: key, dialect: Self.dialect(limits),
            machine: Self.machine(limits))
    }

    private static func dialect(_ limits: DeviceLimits) -> String {
        let names = limits.dialects.map { dialect in
            switch dialect {
            case .c: "C with vector extensions"
            case .cudaCPlusPlus: "CUDA C++"
            case .triton: "some kernels in Triton"
            case .openCLC: "OpenCL C"
            }
        }
        return names.joined(separator: ", ")
    }

    private static func machine(_ limits: DeviceLimits) -> String {
        var lines = [
            "\(limits.model) (\(limits.kind.rawValue)): \(limits.cores) cores, \(limits.threads) threads for a launch, vectors of "
                + "\(limits.vectorBytes) bytes",
            "caches: L1 \(limits.caches.l1Data), L2 \(limits.caches.l2), L3 \(limits.caches.l3) bytes; memory "
                + "\(limits.memoryBytes) bytes",
        ]
        if !limits.features.isEmpty {
            lines.append("instruction sets: \(limits.features.map(\.rawValue).joined(separator: " "))")
        }
        if let blocks = limits.blocks {
            lines.append(
                "\(blocks.architecture): warps of \(blocks.warp), blocks of \(blocks.threads) threads and "
                    + "\(blocks.sharedBytes) bytes of shared memory at most")
        }
        if let rates = limits.rates {
            func rate(_ name: String, _ rate: DeviceLimits.Rate?) {
                guard let rate else { return }
                lines.append(
                    "measured \(name): \(TextFormat.fixed(rate.allThreads / 1e9, 1)) G a second on all threads")
            }
            rate("bytes read from memory", rates.memoryRead)
            rate("fp32 operations", rates.fp32)
            rate("bf16 operations", rates.bf16)
            rate("f16 operations", rates.f16)
            rate("int8 operations", rates.int8)
        }
        return lines.joined(separator: "\n")
    }
}
