import DeviceAPI
import ElementTypes
import KernelCodeGen

extension SIMTTarget {
    /// What code generation needs of the limits of a device that runs blocks of threads; nil for another, or where there is no
    /// generator for its languages.
    package init?(_ limits: DeviceLimits) {
        guard let blocks = limits.blocks else { return nil }
        let dialects: [SIMTDialect] = limits.dialects.compactMap { dialect in
            switch dialect {
            case .cudaCPlusPlus: .cuda
            case .openCLC: .openCL
            case .c, .triton: nil
            }
        }
        guard let dialect = dialects.first else { return nil }
        self.init(
            dialect: dialect, architecture: blocks.architecture, warp: blocks.warp, threads: blocks.threads,
            sharedBytes: blocks.sharedBytes, multiprocessors: limits.cores, l2Bytes: limits.caches.l2)
        hasProductLibrary = limits.libraries.contains { $0.name == LibraryCall.productLibrary }
        hasConvolutionLibrary = limits.libraries.contains { $0.name == LibraryCall.convolutionLibrary }
        hasTriton = limits.dialects.contains(.triton)
    }
}
