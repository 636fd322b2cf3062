/// Instruction sets of NVIDIA's GPUs.
enum CUDAArchitecture {
    /// Names of those whose programs a GPU of this compute capability runs, the most capable first: that of its generation
    /// alone (`sm_90a`, from 9.0 on), then all of the same major number up to its own.
    static func accepted(major: Int, minor: Int) -> [String] {
        let own = (0...minor).reversed().map { "sm_\(major)\($0)" }
        return (major >= 9 ? ["sm_\(major)\(minor)a"] : []) + own
    }
}
