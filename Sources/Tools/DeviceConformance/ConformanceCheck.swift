/// One thing that every device must do.
package struct ConformanceCheck: Sendable, CustomStringConvertible {
    /// What it is, for people.
    package let name: String
    /// Throws `ConformanceFailure` where the device does not, or what the device throws.
    let body: @Sendable (ConformanceBench) async throws -> Void

    package var description: String { name }

    init(_ name: String, _ body: @escaping @Sendable (ConformanceBench) async throws -> Void) {
        self.name = name
        self.body = body
    }

    /// Runs the check; throws what is wrong.
    package func run(_ bench: ConformanceBench) async throws { try await body(bench) }

    /// All checks: the one table that says what a device is.
    package static let all: [ConformanceCheck] =
        memory + graphs + libraryProducts + libraryConvolutions + scalars + bytesOfReals + kernels
}

/// What a device did instead of what it should have.
package struct ConformanceFailure: Error, CustomStringConvertible {
    /// One line.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Throws when a condition does not hold.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(ConformanceFailure) {
    if !condition { throw ConformanceFailure(what()) }
}

/// Throws unless `body` throws what `isExpected` accepts.
func requireError(
    _ what: String, _ isExpected: (any Error) -> Bool, _ body: () throws -> Void
) throws(ConformanceFailure) {
    do {
        try body()
    } catch {
        if isExpected(error) { return }
        throw ConformanceFailure("\(what) gave another error: \(error)")
    }
    throw ConformanceFailure("\(what) gave no error")
}
