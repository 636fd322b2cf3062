/// A typed index into a `Table` of the same tag. IDs of different tables cannot be confused.
package struct ID<Tag>: Hashable, Comparable, Sendable {
    /// Position in the table, from 0.
    package let rawValue: Int32

    /// Makes the ID of the `index`-th row.
    @inlinable package init(_ index: Int) { rawValue = Int32(truncatingIfNeeded: index) }

    /// Position in the table, from 0.
    @inlinable package var index: Int { Int(rawValue) }

    /// Orders by position.
    @inlinable package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
