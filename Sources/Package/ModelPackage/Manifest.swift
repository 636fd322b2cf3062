import Base

/// The first file of a package: what is in it, what it computes, where it comes from.
package struct Manifest: Sendable, Equatable {
    /// The formats that this program reads. Version 2 has loops, which programs of version 1 would run through once without a word, and
    /// independent rows, which they would take for damage.
    package static let versions = 1...2

    /// The oldest format that says all that plans say.
    package static func version(of plans: [Plan], _ interface: ModelInterface) -> Int {
        interface.independentRows != nil || plans.contains { !$0.loops.isEmpty } ? 2 : 1
    }

    /// A plan for one kind of device, and what a machine needs to run it.
    package struct PlanEntry: Sendable, Equatable {
        /// Path of the plan in the package.
        package var file: String
        /// Path of the shared object, or other binary, with the plan's kernels.
        package var program: String
        /// Kind of device: `cpu`.
        package var device: String
        /// Instruction sets that the kernels use, by the names of the device interface.
        package var features: [String]
        /// Fingerprint of the machine on which the plan was chosen: elsewhere it works but may not be the fastest.
        package var fingerprint: String
        /// The same machine in words.
        package var machine: String

        /// Makes an entry.
        package init(
            file: String, program: String, device: String, features: [String], fingerprint: String, machine: String
        ) {
            self.file = file
            self.program = program
            self.device = device
            self.features = features
            self.fingerprint = fingerprint
            self.machine = machine
        }
    }

    /// A file of the package other than the manifest.
    package struct File: Sendable, Equatable {
        /// Path in the package, with `/`.
        package var path: String
        /// Length.
        package var byteCount: Int
        /// `FileDigest` of its content.
        package var digest: ContentHash

        /// Makes a file's entry.
        package init(path: String, byteCount: Int, digest: ContentHash) {
            self.path = path
            self.byteCount = byteCount
            self.digest = digest
        }
    }

    /// A fact about the package's origin: `model`, `model_hash`, `torch`, `command`, ….
    package struct Fact: Sendable, Equatable {
        /// What it is.
        package var name: String
        /// What it says.
        package var value: String

        /// Makes a fact.
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Format version.
    package var version: Int
    /// The model's name.
    package var name: String
    /// Inputs, outputs, symbols, guards.
    package var interface: ModelInterface
    /// Plans, best first.
    package var plans: [PlanEntry]
    /// Path of the weights, if there are any.
    package var weights: String?
    /// Where it comes from.
    package var provenance: [Fact]
    /// All other files, sorted by path.
    package var files: [File]

    /// Makes a manifest; the writer fills in the files.
    package init(
        name: String, interface: ModelInterface, plans: [PlanEntry], weights: String? = nil, provenance: [Fact] = [],
        files: [File] = [], version: Int = 1
    ) {
        self.version = version
        self.name = name
        self.interface = interface
        self.plans = plans
        self.weights = weights
        self.provenance = provenance
        self.files = files
    }
}
