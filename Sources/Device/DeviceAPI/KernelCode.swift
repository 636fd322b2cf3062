/// Codes that generated kernels return when they cannot do their work; 0 is success.
package enum KernelCode: Int, Sendable {
    /// An index lies outside of the axis that it indexes. Results are incomplete; nothing outside of a buffer was touched.
    case indexOutOfRange = 1
}
