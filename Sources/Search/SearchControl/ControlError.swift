/// What is wrong with a wish about the search: one line that names what is allowed.
package struct ControlError: Error, Hashable, CustomStringConvertible {
    package var description: String

    /// Makes an error of one line.
    package init(_ description: String) { self.description = description }
}
