package import SearchEvents

/// The report of a search as one page of HTML that loads nothing.
package struct SearchPage: Sendable {
    let record: SearchRecord

    /// The page of a search.
    package init(_ record: SearchRecord) { self.record = record }

    /// The page.
    package var html: String { "" }
}
