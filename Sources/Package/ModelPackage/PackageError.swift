/// Why a package cannot be read, written or used. Every description is one line: what, where, what to do.
package enum PackageError: Error, Equatable, CustomStringConvertible {
    /// There is nothing at the path.
    case notFound(path: String)
    /// A file where the package's directory should be.
    case notADirectory(path: String)
    /// A directory without a manifest.
    case notAPackage(path: String)
    /// A format version that this program does not read.
    case unsupportedVersion(found: Int, supported: ClosedRange<Int>)
    /// A file that the manifest lists is not there.
    case missingFile(file: String)
    /// A file of another length than the manifest says.
    case wrongSize(file: String, expected: Int, found: Int)
    /// A file whose content is not what was written.
    case damaged(file: String, expected: String, found: String)
    /// A file of the package that cannot be read.
    case unreadable(file: String, reason: String)
    /// A file whose text is not what it should be; `place` leads to the value.
    case malformed(file: String, place: String, expected: String)
    /// A value that breaks a rule of the format.
    case invalid(file: String, rule: String)
    /// No plan of the package fits this machine. `lacking` are the features that the nearest plan needs.
    case wrongMachine(package: String, device: String, lacking: [String])
    /// A path to be written already exists and is no package.
    case wouldOverwrite(path: String)
    /// Writing failed.
    case notWritten(path: String, reason: String)

    /// One line: what, where, what to do.
    package var description: String {
        switch self {
        case .notFound(let path): "package '\(path)' not found"
        case .notADirectory(let path):
            "'\(path)' is a file, but a package is a directory; make one with: hearth optimize MODEL -o NAME.hearth"
        case .notAPackage(let path): "'\(path)' is not a package: it has no manifest.json"
        case .unsupportedVersion(let found, let supported):
            "the package has format version \(found), this program reads \(supported.lowerBound) to \(supported.upperBound); "
                + "run hearth optimize again with this program, or read it with a newer one"
        case .missingFile(let file): "the package is incomplete: '\(file)' is missing; copy or build it again"
        case .wrongSize(let file, let expected, let found):
            "the package is damaged: '\(file)' has \(found) bytes instead of \(expected); copy or build it again"
        case .damaged(let file, let expected, let found):
            "the package is damaged: '\(file)' has hash \(found) instead of \(expected); copy or build it again"
        case .unreadable(let file, let reason): "'\(file)' of the package cannot be read: \(reason)"
        case .malformed(let file, let place, let expected):
            "'\(file)' of the package: \(place.isEmpty ? "the value" : place) should be \(expected)"
        case .invalid(let file, let rule): "'\(file)' of the package: \(rule)"
        case .wrongMachine(let package, let device, let lacking):
            "package '\(package)' was built for another machine: this \(device) lacks \(lacking.joined(separator: ", "))"
                + "; rebuild it here with: hearth optimize --from-package \(package) -o NEW.hearth"
        case .wouldOverwrite(let path): "'\(path)' exists and is not a package; choose another name or remove it"
        case .notWritten(let path, let reason): "package '\(path)' could not be written: \(reason)"
        }
    }
}
