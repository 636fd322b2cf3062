import Foundation
import ModelFiles
import ModelImport
import ElementTypes
import GraphIR
import Testing

/// One program of `Fixtures`, at one level.
struct FixtureProgram: Sendable, CustomTestStringConvertible {
    let name: String
    var testDescription: String { name }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")

    static let all: [FixtureProgram] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".pt2") }.sorted().map { FixtureProgram(name: String($0.dropLast(4))) }
    }()

    var path: String { Self.folder.appendingPathComponent("\(name).pt2").path }

    /// The recorded results; all levels of a program share them.
    var golden: String {
        let stem = name.split(separator: ".").dropLast().joined(separator: ".")
        return Self.folder.appendingPathComponent("\(stem).golden.safetensors").path
    }
}

/// Programs of many operators, and small models, against eager PyTorch, at every level.
@Suite struct OperatorTests {
    @Test(arguments: FixtureProgram.all)
    func agreesWithTorch(_ program: FixtureProgram) throws {
        try GoldenCase(program: program.path, golden: program.golden).check()
    }

    @Test func everyFamilyIsThere() {
        let stems = Set(FixtureProgram.all.map { $0.golden.split(separator: "/").last.map(String.init) })
        #expect(stems.count == 30)
        #expect(FixtureProgram.all.count == stems.count * 3 - 2)
    }

    @Test(arguments: [("raw", ExportLevel.exported), ("middle", .functional), ("core", .core)])
    func recognisesLevels(name: String, level: ExportLevel) throws {
        for model in ["model.windows", "convolve", "attend"] {
            let archive = try ExportedProgramArchive(path: FixtureProgram(name: "\(model).\(name)").path)
            #expect(try ImportedModel(archive.contents).level == level)
        }
    }

    @Test func namesNestedPorts() throws {
        let archive = try ExportedProgramArchive(path: FixtureProgram(name: "model.nested.middle").path)
        let model = try ImportedModel(archive.contents)
        #expect(model.inputNames == ["batch.values.0", "batch.values.1", "batch.mask"])
        #expect(
            model.outputNames == [
                "output.pair.0", "output.pair.1", "output.indices", "output.same", "output.view", "output.constant",
                "output.mask",
            ])
        #expect(model.graph.inputs.map(\.name) == model.inputNames)
        #expect(model.graph.outputs.map(\.name) == model.outputNames)
    }

    @Test func tiedWeightsShareOneName() throws {
        let archive = try ExportedProgramArchive(path: FixtureProgram(name: "model.tied.middle").path)
        let model = try ImportedModel(archive.contents)
        #expect(model.aliases == ["head.weight": "embed.weight"])
        #expect(!model.graph.description.contains("head.weight"))
    }

    @Test func writtenBuffersBecomeStates() throws {
        for level in ["raw", "middle", "core"] {
            let archive = try ExportedProgramArchive(path: FixtureProgram(name: "model.counter.\(level)").path)
            let graph = try ImportedModel(archive.contents).graph
            #expect(Set(graph.states.map(\.name)) == ["mean", "steps"])
            #expect(graph.updates.count == 2)
        }
    }

    @Test func boundsSymbolsAsExported() throws {
        let archive = try ExportedProgramArchive(path: FixtureProgram(name: "model.dynamic.middle").path)
        let symbols = try ImportedModel(archive.contents).graph.symbols
        // PyTorch itself raises the least batch from 1 to 2: it specialises extents of 0 and 1.
        #expect(symbols.map(\.minimum) == [2, 4] && symbols.map(\.maximum) == [64, 512])
    }
}
