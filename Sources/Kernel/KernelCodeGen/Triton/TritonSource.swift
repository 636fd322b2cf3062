import ElementTypes

/// What Triton must know of a kernel's text, beside the text, to compile it ahead of time.
///
/// Arguments of the compiled kernel are those of `arguments` in order, in the order of `SIMTTarget`'s, and after them two
/// addresses of scratch memory, which these kernels do not use. `triton.compile` says how much shared memory a launch must ask
/// for; it is not known before.
package struct TritonSource: Hashable, Sendable {
    /// An argument of the function.
    package struct Argument: Hashable, Sendable {
        package var name: String
        /// As Triton writes it: `*bf16`, `i64`.
        package var type: String
        /// Whether it is an address at a multiple of 16 bytes.
        package var isAligned: Bool

        /// Makes an argument.
        package init(_ name: String, _ type: String, isAligned: Bool = false) {
            self.name = name
            self.type = type
            self.isAligned = isAligned
        }
    }

    /// Arguments in order.
    package var arguments: [Argument]
    /// Warps of a block.
    package var warps: Int
    /// Tiles of shared memory that loops keep under way.
    package var stages: Int

    /// Makes a description.
    package init(arguments: [Argument], warps: Int, stages: Int) {
        self.arguments = arguments
        self.warps = warps
        self.stages = stages
    }

    /// Type of a pointer to elements in memory.
    static func pointer(_ element: ElementType) -> String {
        switch element {
        case .f64: "*fp64"
        case .f32: "*fp32"
        case .f16: "*fp16"
        case .bf16: "*bf16"
        case .i64: "*i64"
        case .i32: "*i32"
        case .i16: "*i16"
        case .i8: "*i8"
        case .u8, .bool, .f8e4m3, .f8e5m2: "*u8"
        }
    }
}
