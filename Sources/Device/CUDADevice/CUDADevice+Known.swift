import DeviceAPI
import ElementTypes

extension CUDADevice {
    /// A GPU that packages can be built for without having it: figures of NVIDIA's tuning guides and data sheets.
    private struct Known {
        let architecture: String
        let accepts: [String]
        let model: String
        let multiprocessors: Int
        let sharedBytes: Int
        let l2Bytes: Int
        let memoryBytes: Int
    }

    private static let known: [Known] = [
        .init(
            architecture: "sm_80", accepts: ["sm_80"], model: "NVIDIA A100", multiprocessors: 108,
            sharedBytes: 163 << 10, l2Bytes: 40 << 20, memoryBytes: 40 << 30),
        .init(
            architecture: "sm_90a", accepts: ["sm_90a", "sm_90"], model: "NVIDIA H100 or H200", multiprocessors: 132,
            sharedBytes: 227 << 10, l2Bytes: 50 << 20, memoryBytes: 80 << 30),
    ]

    /// Limits of a GPU by the name of its architecture (`sm_80`, `sm_90`, `sm_90a`), whether or not one is here.
    package static func limits(of architecture: String) throws(DeviceError) -> DeviceLimits {
        guard let found = known.first(where: { $0.accepts.contains(architecture) }) else {
            let names = known.flatMap(\.accepts).joined(separator: ", ")
            throw .unavailable(
                device: "cuda:\(architecture)", reason: "packages can be built without the GPU for \(names) only")
        }
        return DeviceLimits(
            name: "cuda", kind: .cuda, vendor: "NVIDIA", model: found.model, features: [],
            cores: found.multiprocessors, threads: found.multiprocessors,
            blocks: .init(
                architecture: found.architecture, accepts: found.accepts, warp: 32, threads: 1024,
                sharedBytes: found.sharedBytes),
            caches: .init(l1Data: found.sharedBytes, l2: found.l2Bytes, l3: 0, l3SharedBy: 0),
            memoryBytes: found.memoryBytes, vectorBytes: 16, elementTypes: elementTypes,
            dialects: [.cudaCPlusPlus, .triton],
            readsHostMemory: false, capturesGraphs: true, alignment: 256)
    }

    /// Types of elements that kernels load and store.
    static let elementTypes = ElementType.allCases
}
