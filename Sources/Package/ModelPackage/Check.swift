/// A rule of a format: what it says, and how to find the first value that breaks it.
package struct Check<Subject>: Sendable {
    /// The rule in words.
    package let rule: String
    /// What breaks the rule first, or nil.
    package let violation: @Sendable (Subject) -> String?

    /// Makes a rule.
    package init(_ rule: String, _ violation: @escaping @Sendable (Subject) -> String?) {
        self.rule = rule
        self.violation = violation
    }

    /// Throws for the first rule that `subject` breaks; `file` is named in the error.
    package static func run(_ checks: [Check], on subject: Subject, file: String) throws(PackageError) {
        for check in checks {
            if let found = check.violation(subject) { throw .invalid(file: file, rule: "\(check.rule), but \(found)") }
        }
    }
}
