import Base
import Foundation
import GraphIR
import KernelIR
import Testing

@testable import GraphLowering

/// Graph text in, kernel text out: `Goldens/README.md` says how the files are made.
@Suite struct LoweringGoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".txt") }.sorted()

    @Test func thereAreGoldens() { #expect(Self.names.count >= 14) }

    @Test(arguments: names) func graphsBecomeTheKernelsOnFile(_ name: String) throws {
        let file = Self.folder.appending(path: name)
        let text = try String(contentsOf: file, encoding: .utf8)
        let input = text.components(separatedBy: "=>\n")[0]
        let graph = try Graph(parsing: input)
        try GraphChecker.check(graph, stage: name)
        let program = try lower(graph)
        var result = input + "=>\n"
        for launch in program.launches {
            let buffers = launch.buffers.map { "\(program.buffers[$0].role)" }
            result += "// on \(buffers.joined(separator: ", "))\n\(launch.kernel)"
            try KernelChecker.check(launch.kernel)
            #expect(try Kernel(parsing: launch.kernel.description) == launch.kernel)
        }
        if ProcessInfo.processInfo.environment["HEARTH_UPDATE_GOLDENS"] != nil {
            try result.write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(result == text)
        }
    }
}
