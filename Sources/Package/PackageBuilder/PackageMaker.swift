import Base
import DeviceAPI
import ElementTypes
import GraphIR
import JSON
import KernelCodeGen
import KernelIR
import ModelPackage

/// The second half of the way: from a form of the model to a package on disk.
struct PackageMaker: Sendable {
    let model: Pipeline.Model
    /// Of the device that it is for.
    let limits: DeviceLimits
    let generator: CodeGenerator
    /// The host's code.
    let objects: KernelObjects
    /// The code of a device that is not the host.
    var images: DeviceImages?
    let folder: TemporaryFolder
    let constants: ConstantWorkshop
    /// Whether small kernels share launches where the device gains from it.
    var joinsLaunches = true

    /// What making a package leaves for the search.
    struct Made {
        let folder: ConstantFolder
        let groups: LaunchGroups
    }

    /// Generates, compiles, folds constants, plans and writes, under the given schedules; stages are noted in `pipeline`.
    @discardableResult
    func make(
        _ form: ModelForm, _ schedules: [KernelID: Schedule], _ findings: Pipeline.Findings,
        _ pipeline: inout Pipeline, to path: String
    ) async throws -> Made {
        let interface = try ModelInterface(model.graph)
        var generated = try pipeline.stage(.generate) {
            do throws(EmissionError) {
                return try GeneratedProgram(form.list, schedules: schedules, generator: generator)
            } catch {
                throw BuildError.unsupported("not supported on \(limits.name) yet: \(error)")
            }
        }
        let groups = LaunchGroups(form, generated, joinsLaunches ? generator.device?.target : nil)
        generated.add(groups, generator)
        let began = pipeline.begin(.compile)
        DebugChannel.shared.say(.sources, stage: Pipeline.Stage.generate.rawValue, generated.source)
        let library = try await objects.library(generated)
        let binaries = try await images?.images(generated) ?? []
        generated.adopt(binaries)
        pipeline.end(.compile, began)
        let program = generated
        let folder = ConstantFolder(form, program, tensors: model.tensors, library: library, workshop: constants)
        try pipeline.stage(.fold) { try folder.run() }
        let assembly = try pipeline.stage(.plan) {
            var assembly = try PlanAssembly(form, program, groups, tensors: model.tensors, folder: folder)
            assembly.addStates(model.tensors)
            return assembly
        }
        let timings = pipeline.timings
        try pipeline.stage(.write) {
            try write(assembly, program, library, binaries, interface, timings, findings, to: path)
        }
        return Made(folder: folder, groups: groups)
    }

    /// A package of a form under default schedules but for some, with nothing noted.
    func make(_ form: ModelForm, _ schedules: [KernelID: Schedule] = [:], to path: String) async throws {
        var silent = Pipeline(
            limits: limits, generator: generator, toolchain: objects.toolchain, images: images,
            worker: constants.command)
        try await make(form, schedules, Pipeline.Findings(), &silent, to: path)
    }

    private func write(
        _ assembly: PlanAssembly, _ generated: GeneratedProgram, _ library: String, _ images: [DeviceImages.Image],
        _ interface: ModelInterface, _ timings: [Pipeline.Timing], _ findings: Pipeline.Findings, to path: String
    ) throws {
        var writer = try PackageWriter(path: path)
        try writer.add("plan.json", assembly.plan)
        try writer.add("kernels/plan.txt", Array(generated.listing.utf8))
        let (source, program) = self.images?.files ?? ("kernels/plan.c", "kernels/plan.so")
        try writer.add(source, Array(generated.source.utf8))
        if self.images == nil {
            try writer.add(program, try folder.read(library))
        } else {
            try writer.add(
                program,
                tensors: images.map { image in
                    .init(name: image.name, element: .u8, shape: [image.bytes.count]) {
                        $0.copyBytes(from: image.bytes)
                    }
                })
        }
        let libraries = assembly.plan.libraryNote.map { [Manifest.Fact(name: "calls", value: $0)] } ?? []
        let stated = model.provenance.filter { $0.name.hasPrefix("weights") || $0.name == BuildReport.libraryFailed }
        let arithmetic = assembly.arithmeticNote.map { [Manifest.Fact(name: BuildReport.arithmetic, value: $0)] } ?? []
        let facts = stated + arithmetic + libraries
        try writer.add("report.json", Array(BuildReport.json(timings, findings, facts).prettyText.utf8))
        if let record = model.record { try writer.add("golden.safetensors", tensors: record.stored) }
        if !assembly.weights.isEmpty {
            try writer.add("weights.safetensors", tensors: assembly.weights.map(\.stored))
        }
        let plan = Manifest.PlanEntry(
            file: "plan.json", program: program, device: limits.kind.rawValue,
            features: limits.requirements, fingerprint: limits.fingerprint, machine: limits.model)
        try writer.finish(
            Manifest(
                name: model.graph.name, interface: interface, plans: [plan],
                weights: assembly.weights.isEmpty ? nil : "weights.safetensors",
                provenance: model.provenance + arithmetic + libraries,
                version: Manifest.version(of: [assembly.plan], interface)))
    }
}
