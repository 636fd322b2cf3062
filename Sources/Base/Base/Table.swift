/// An append-only array indexed by typed IDs.
package struct Table<Tag, Element> {
    /// The rows in order of their IDs.
    package var rows: [Element]

    /// Makes an empty table.
    @inlinable package init() { rows = [] }

    /// Number of rows.
    @inlinable package var count: Int { rows.count }

    /// All IDs in order.
    @inlinable package var ids: [ID<Tag>] { (0..<rows.count).map { ID($0) } }

    /// The row of an ID.
    @inlinable package subscript(_ id: ID<Tag>) -> Element {
        get { rows[id.index] }
        set { rows[id.index] = newValue }
    }

    /// Adds a row and returns its ID.
    @inlinable @discardableResult package mutating func append(_ row: Element) -> ID<Tag> {
        rows.append(row)
        return ID(rows.count - 1)
    }
}

extension Table: Sendable where Element: Sendable {}
extension Table: Equatable where Element: Equatable {}
extension Table: Hashable where Element: Hashable {}
