import GraphIR
import ModelFiles
import ModelImport
import ModelPackage
import PackageBuilder
import ReferenceInterpreter

/// What the user allows in fewer bits, and the file of samples that gives ranges of activations.
struct Allowed {
    var bits: AllowedBits
    var calibration: String?
}

/// The sets of inputs that a package is held to, with their truth.
extension OptimizeCommand {
    /// What the package says that was built with `--sets 0`.
    static let notHeld = "built with --sets 0: the package was not held to the model, and hearth verify needs --golden"

    /// Sets of `golden`, or drawn ones, evaluated in double precision.
    func record(
        _ imported: ImportedModel, _ stored: ArchiveTensors, _ golden: String?, of program: String
    ) throws -> ReferenceRecord {
        var record: ReferenceRecord
        if let golden {
            record = try ReferenceRecord(
                path: golden, graph: imported.graph, limit: sets, places: imported.inputPlaces,
                outputPlaces: imported.outputPlaces)
        } else {
            record = ReferenceRecord(drawnFor: imported.graph, samples: stored.samples, sets: sets, seed: seed)
        }
        Failure.complain("evaluating \(record.sets.count) sets of inputs in double precision")
        do throws(InterpreterError) {
            try record.evaluate(imported.graph, tensors: stored)
        } catch {
            throw BadInput("\(golden ?? "\(program), on its sample inputs (give others with --inputs)"): \(error)")
        }
        if let golden, let reason = record.implausibleOutput {
            throw BadInput("\(golden) does not belong to \(source ?? program): \(reason)")
        }
        return record
    }

    /// What says which products bear fewer bits: recorded inputs, and those of a file of samples for the ranges of activations.
    func samples(
        _ imported: ImportedModel, _ record: ReferenceRecord?, _ allowed: Allowed, _ facts: inout [Manifest.Fact]
    ) throws -> ProductSamples {
        if record == nil, !allowed.bits.isPermission {
            throw BadInput("--sets 0 states no deviation: give --sets 1 or more for a model in fewer bits")
        }
        var samples = ProductSamples(sets: record?.sets.map(\.inputs) ?? [], limit: layerError / 100)
        if let calibration = allowed.calibration {
            let file = try ReferenceRecord(
                path: calibration, graph: imported.graph, limit: .max, places: imported.inputPlaces,
                outputPlaces: imported.outputPlaces)
            samples.calibration = file.sets.map(\.inputs)
            facts.append(.init(name: "calibration", value: PythonFiles.absolute(calibration)))
            Failure.complain("calibrating with \(samples.calibration.count) samples")
        }
        return samples
    }

    /// Makes the model with weights in fewer bits, which the user allowed, the truth, and says by how much results change.
    func state(
        _ coded: CodedModel, _ record: ReferenceRecord?, _ facts: inout [Manifest.Fact]
    ) throws -> ReferenceRecord? {
        var record = record
        if record != nil { Failure.complain("evaluating the model in \(coded.name)") }
        do throws(InterpreterError) {
            try record?.evaluate(coded)
        } catch {
            throw BadInput("in \(coded.name): \(error)")
        }
        Failure.complain("weights: \(coded.summary)")
        if case .products(let precision) = coded.bits {
            facts.append(.init(name: "precision", value: precision.rawValue))
        }
        facts.append(.init(name: "weights", value: coded.summary))
        for (output, deviation) in record?.deviations(coded) ?? [] {
            Failure.complain("weights: output \(output) deviates from the model as it was: \(deviation)")
            facts.append(.init(name: "weights_deviation.\(output)", value: "\(deviation)"))
        }
        return record
    }
}
