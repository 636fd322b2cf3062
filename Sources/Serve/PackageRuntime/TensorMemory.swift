/// Memory for one tensor, aligned to 64 bytes.
///
/// Safety of `@unchecked Sendable`: it is memory; whoever shares it sees to it that nobody reads what another writes.
package final class TensorMemory: @unchecked Sendable {
    /// Element type and extents.
    package let type: TensorDescription
    /// The elements, contiguous and row-major.
    package let bytes: UnsafeMutableRawBufferPointer

    /// Memory of zeros, or of whatever was there where `isCleared` is false. Throws where no memory is that large.
    package init(_ type: TensorDescription, isCleared: Bool = true) throws(RuntimeError) {
        guard let count = type.byteCount else { throw .sizeOverflow(what: "the size of a tensor \(type)") }
        self.type = type
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        if isCleared { whole.initializeMemory(as: UInt8.self, repeating: 0) }
        bytes = UnsafeMutableRawBufferPointer(rebasing: whole[..<count])
    }

    /// First byte.
    ///
    /// Safety: allocations of at least one byte have an address.
    package var address: UnsafeMutableRawPointer { bytes.baseAddress! }

    deinit { address.deallocate() }
}
