/// Where the bytes of named tensors (weights, lifted constants) come from.
package protocol TensorSource: Sendable {
    /// Calls `body` with the tensor's elements, contiguous and row-major, in the element type that the graph declares.
    func withTensor<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result
}
