import ElementTypes
import Foundation
import GraphIR
import ModelFiles
import ModelImport
import Testing

/// Tiny programs of `Borders` whose inputs, outputs, states, shapes or control flow are out of the ordinary.
@Suite struct BorderTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Borders")

    private static func path(_ file: String) -> String { folder.appendingPathComponent(file).path }

    private static let sound = [
        "buffers", "divisible", "halves", "item-as-factor", "numbers", "output-constant", "output-empty",
        "output-is-input", "output-none", "output-size", "output-twice", "output-views", "related", "several-symbols",
        "shared", "structures", "cond", "map", "scan", "while", "statistics",
        "held", "until", "long-scan", "long-map",
    ]

    @Test(arguments: sound) func agreesWithTorch(_ name: String) throws {
        try GoldenCase(program: Self.path("\(name).pt2"), golden: Self.path("\(name).golden.safetensors")).check()
    }

    private static let refusals = [
        (
            "refused-input-written",
            "the model writes into its input 'x'; clone it in forward, or register it as a buffer"
        ),
        (
            "refused-while",
            "a loop that is not written out, within another loop or a branch"
        ),
        ("refused-nonzero", "the result's shape depends on data: the number of results depends on the elements"),
        ("refused-mask", "the result's shape depends on data: it selects by a mask; torch.where keeps the shape"),
        ("refused-rows", "read out of a tensor"),
        ("refused-random", "this draw of random numbers is not supported; put the model in eval mode"),
        ("refused-complex-output", "output 'output' is complex; return torch.view_as_real of it"),
        ("refused-complex-input", "'x': element type complex64 is not supported"),
        ("refused-shared-written", "which shares memory with 'part'"),
        ("refused-real-of-size", "output 'output.0' is neither a tensor nor an integer"),
    ]

    @Test(arguments: refusals) func refusesWithTheReason(_ name: String, _ reason: String) throws {
        let archive = try ExportedProgramArchive(path: Self.path("\(name).pt2"))
        do throws(ImportError) {
            _ = try ImportedModel(archive.contents)
            Issue.record("\(name) imports")
        } catch {
            #expect(error.description.contains(reason), "\(error)")
            #expect(!error.description.contains("\n"))
        }
    }

    /// What concerns a line of model code names it.
    @Test(arguments: ["while", "nonzero", "mask", "random"]) func refusalsNameTheLine(_ name: String) throws {
        let archive = try ExportedProgramArchive(path: Self.path("refused-\(name).pt2"))
        let error = #expect(throws: ImportError.self) { _ = try ImportedModel(archive.contents) }
        let text = error?.description ?? ""
        #expect(text.contains("make_borders.py:"), "\(text)")
    }

    @Test func everyCaseIsTested() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        let names = Set(files.filter { $0.hasSuffix(".pt2") }.map { String($0.dropLast(4)) })
        #expect(names == Set(Self.sound).union(Self.refusals.map(\.0)))
    }

    @Test func numbersKeepTheirPlaces() throws {
        let archive = try ExportedProgramArchive(path: Self.path("numbers.pt2"))
        let model = try ImportedModel(archive.contents)
        #expect(model.inputs == [.tensor(0), .bool(true), .integer(4), .float(0.5), .none])
        #expect(model.outputs == [.tensor(0), .integer(2), .none, .float(2.5), .bool(true), .tensor(1)])
        #expect(model.inputPlaces == [0] && model.outputPlaces == [0, 5])
    }

    @Test func rangesAndRelationsBecomeSymbolsAndGuards() throws {
        let archive = try ExportedProgramArchive(path: Self.path("divisible.pt2"))
        let graph = try ImportedModel(archive.contents).graph
        #expect(graph.symbols.count == 1)
        #expect("\(graph.inputs[0].type.shape[0])".contains("4"), "\(graph.inputs[0].type)")
        let related = try ImportedModel(try ExportedProgramArchive(path: Self.path("related.pt2")).contents).graph
        #expect(related.symbols.count == 1 && related.symbols[0].maximum == 15)
        let several = try ImportedModel(try ExportedProgramArchive(path: Self.path("several-symbols.pt2")).contents)
        #expect(several.graph.symbols.count == 3)
    }
}
