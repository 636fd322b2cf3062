import ElementTypes

/// A language in which kernels run as blocks of threads, and how it spells what they all have.
package enum SIMTDialect: String, CaseIterable, Hashable, Sendable {
    /// CUDA C++ for NVRTC, without headers.
    case cuda
    /// OpenCL C 1.2 with 64-bit integers and doubles.
    case openCL

    /// Index of the block along x.
    var block: String {
        switch self {
        case .cuda: "BLOCK"
        case .openCL: "BLOCK"
        }
    }

    /// Index of the thread in its block.
    var thread: String {
        switch self {
        case .cuda: "threadIdx.x"
        case .openCL: "get_local_id(0)"
        }
    }

    /// Waits for all threads of the block and shows them each other's shared memory.
    var barrier: String {
        switch self {
        case .cuda: "__syncthreads();"
        case .openCL: "barrier(CLK_LOCAL_MEM_FENCE);"
        }
    }

    /// Declares an array that the block shares.
    func shared(_ type: String, _ name: String, _ count: Int) -> String {
        switch self {
        case .cuda: "__shared__ \(type) \(name)[\(count)];"
        case .openCL: "__local \(type) \(name)[\(count)];"
        }
    }

    /// Unrolls the loop that follows.
    var unroll: String {
        switch self {
        case .cuda: "#pragma unroll"
        case .openCL: "__attribute__((opencl_unroll_hint))"
        }
    }

    /// Unrolls so many turns of the loop that follows.
    func unrolled(_ turns: Int) -> String {
        switch self {
        case .cuda: "#pragma unroll \(turns)"
        case .openCL: "__attribute__((opencl_unroll_hint(\(turns))))"
        }
    }

    /// Whether threads of a warp can read each other's registers in this dialect.
    var hasShuffles: Bool { self == .cuda }
}
