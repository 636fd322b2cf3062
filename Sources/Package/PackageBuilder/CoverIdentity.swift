import Base
import KernelArchive
import ModelPackage

/// What runs in a package, apart from how it came about: plan, weights, and the kernels as text and as machine code.
package struct CoverIdentity: Hashable, Sendable {
    /// Hash of the plan, which names kernels in the order of their launches, and of the weights.
    private let frame: [ContentHash]
    private let source: ContentHash?
    private let program: ContentHash?

    /// Files that hold kernels as text, one of which a package has.
    private static let sources: Set<String> = ["kernels/plan.c", "kernels/plan.cu", "kernels/plan.cl"]

    /// Makes an identity.
    package init(frame: [ContentHash], source: ContentHash?, program: ContentHash?) {
        self.frame = frame
        self.source = source
        self.program = program
    }

    /// Of the package at a path; nil where it cannot be read, or holds other than one plan.
    package init?(package path: String) {
        guard let manifest = try? PackageDirectory(path: path).manifest, manifest.plans.count == 1 else { return nil }
        let entry = manifest.plans[0]
        var digests: [String: ContentHash] = [:]
        for file in manifest.files { digests[file.path] = file.digest }
        guard let plan = digests[entry.file] else { return nil }
        self.init(
            frame: [plan] + (manifest.weights.flatMap { digests[$0] }.map { [$0] } ?? []),
            source: manifest.files.first { Self.sources.contains($0.path) }?.digest, program: digests[entry.program])
    }

    /// Whether both run the same. Equal text is equal code, even where a linker writes it differently; other text may be equal code.
    package func isSame(as other: CoverIdentity) -> Bool {
        guard frame == other.frame else { return false }
        return source != nil && source == other.source || program != nil && program == other.program
    }
}

extension ArchiveRecord.Outcome {
    /// The outcome for who comes second with the same code: it wins nothing.
    var withoutWin: ArchiveRecord.Outcome {
        switch self {
        case .refused: self
        case .timed(let seconds, let championSeconds, _):
            .timed(seconds: seconds, championSeconds: championSeconds, isWin: false)
        }
    }
}
