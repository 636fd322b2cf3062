import ElementTypes
import Glibc
import ModelPackage
import PackageBuilder

/// Where a package came from, as its manifest says: what `optimize --from-package` starts from. The package holds no graph.
struct PackageOrigin {
    /// FILE.pt2 or FILE.py:FUNCTION.
    var model: String
    /// The file of recorded inputs, if there was one and it is still there.
    var inputs: String?
    /// What was allowed in fewer bits, if anything was; the file of samples, if there was one and it is still there.
    var allowed: Allowed?

    /// Reads the manifest of the package at `path`; the model must still be where it was.
    init(_ path: String) throws {
        let facts = try PackageDirectory(path: path).manifest.provenance
        guard let model = facts.first(where: { $0.name == "model" })?.value else {
            throw BadInput("'\(path)' does not say what model it was built from; run hearth optimize MODEL instead")
        }
        let file =
            model.lastIndex(of: ":").map { ModelCapture.isFunction(model) ? String(model[..<$0]) : model } ?? model
        guard access(file, R_OK) == 0 else {
            throw BadInput(
                "'\(path)' was built from '\(model)', which is not there any more; run hearth optimize MODEL instead")
        }
        self.model = model
        let bits: AllowedBits? =
            facts.first { $0.name == "precision" }.flatMap { ProductPrecision(rawValue: $0.value) }.map {
                .products($0)
            }
            ?? facts.first { $0.name == "weights" }?.value.split(separator: " ").first
            .flatMap { WeightFormat(rawValue: String($0)) }.map { .weights($0) }
        let calibration = facts.first { $0.name == "calibration" && access($0.value, R_OK) == 0 }?.value
        allowed = bits.map { Allowed(bits: $0, calibration: calibration) }
        inputs = facts.first { $0.name == "inputs" && access($0.value, R_OK) == 0 }?.value
    }
}
