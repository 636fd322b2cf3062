import ElementTypes
import Foundation
import Safetensors

/// The command in a process of its own, as its users meet it.
enum HearthProcess {
    /// How it ended and what it said.
    struct Outcome {
        var code: Int32
        var output: String
        var errors: String
    }

    private static var command: URL {
        // Test bundles lie beside the products.
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "hearth")
    }

    /// Runs it.
    static func hearth(_ arguments: String..., in folder: String) throws -> Outcome {
        try run(arguments, in: folder)
    }

    /// Runs it; `environment` is added to this process's.
    static func run(
        _ arguments: [String], in folder: String, environment: [String: String] = [:]
    ) throws -> Outcome {
        let process = Process()
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.executableURL = command
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Outcome(code: process.terminationStatus, output: text, errors: complaint)
    }

    /// Gives a fresh folder to `body` and removes it afterwards.
    static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    /// Writes a safetensors file.
    static func tensors(_ path: String, _ tensors: [(String, ElementType, [Int], [UInt8])]) throws {
        let layout = try SafetensorsLayout(
            tensors.map { .init(name: $0.0, type: SafetensorsType($0.1), shape: $0.2) }, alignment: 8)
        try Data(layout.file(contents: tensors.map(\.3))).write(to: URL(filePath: path))
    }
}
