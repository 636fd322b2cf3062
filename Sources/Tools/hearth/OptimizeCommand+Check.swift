import ArgumentParser
import DeviceCatalogue
import ElementTypes
import GraphIR
import JSON
import ModelFiles
import ModelImport
import ModelPackage
import PackageBuilder

extension OptimizeCommand {
    /// Says of the package, or of each of those for several devices, whether it is still what would be built. Throws exit code
    /// `Failure.notCurrent` where one is not.
    func sayWhetherCurrent() async throws {
        let request = try Request(self)
        let each = try forEachDevice()
        let (graph, program) = try digest(of: request)
        let settings = try self.settings(request.allowed)
        var isCurrent = true
        for (name, command) in each {
            // A GPU that is not here is no reason to say nothing.
            let limits = try? DeviceChoice.target(name, threads: threads, measured: false).0
            let path = try Request(command).path
            let currency = PackageCurrency(
                path,
                beside: WouldBuild(
                    program: program, settings: settings, device: name, kind: try DeviceCatalogue.parts(of: name).kind,
                    limits: limits,
                    // What is coded in fewer bits becomes other kernels, which nobody knows before weights are coded.
                    kernels: request.allowed == nil ? limits.flatMap { try? RuleKernels(graph, on: $0) } : nil))
            isCurrent = isCurrent && currency.isCurrent
            say(currency)
        }
        if !isCurrent { throw ExitCode(Failure.notCurrent) }
    }

    /// The facts of a package that `--check` compares.
    func builtFrom(_ program: ProgramDigest, _ allowed: Allowed?) throws -> [Manifest.Fact] {
        program.facts + [
            .init(name: PackageCurrency.settingsFact, value: try settings(allowed)),
            .init(name: PackageCurrency.generatorFact, value: KernelSearch.generatorVersion),
        ]
    }

    /// What changes results beside the program, in words: `default`, or what differs from that.
    func settings(_ allowed: Allowed?) throws -> String {
        var parts: [String] = []
        switch allowed?.bits {
        case nil: break
        case .weights(let format): parts.append("--weights \(format.rawValue)")
        case .products(let precision): parts.append("--precision \(precision.rawValue) --layer-error \(layerError)")
        }
        if let calibration = allowed?.calibration {
            parts.append("--calibration \(try PackageCurrency.digest(of: calibration))")
        }
        if noLibraries { parts.append("--no-libraries") }
        return parts.isEmpty ? "default settings" : parts.joined(separator: " ")
    }

    private func say(_ currency: PackageCurrency) {
        if wishes.json { return print(currency.json.text) }
        for note in currency.notes { Failure.complain("hearth: note: \(currency.path): \(note)") }
        if currency.isCurrent { print("\(currency.path) is current") }
        for reason in currency.reasons { print("\(currency.path) is not current: \(reason.line)") }
    }

    /// The program as it is now: a function is captured anew.
    private func digest(of request: Request) throws -> (Graph, ProgramDigest) {
        let isCapture = ModelCapture.isFolder(request.model)
        guard ModelCapture.isFunction(request.model) || isCapture else { return try digest(request.model, [:]) }
        let capture =
            isCapture
            ? ModelCapture(folder: request.model)
            : try ModelCapture(request.model, python: python, inputs: request.inputs, sets: 0, verbose: verbose)
        defer { withExtendedLifetime(capture) {} }
        return try digest(capture.program, capture.symbolNames)
    }

    private func digest(_ program: String, _ names: [String: String]) throws -> (Graph, ProgramDigest) {
        let archive = try ExportedProgramArchive(path: program)
        var imported = try ImportedModel(archive.contents)
        imported.graph.renameSymbols(names)
        let tensors = ArchiveTensors(archive: archive, stored: imported.tensors)
        return (imported.graph, try ProgramDigest(imported.graph, tensors: tensors))
    }
}
