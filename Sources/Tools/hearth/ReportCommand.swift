import ArgumentParser
import Glibc
import MappedFiles
import ModelPackage
import SearchEvents
import SearchReport

/// Writes the report of a search again.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Writes the report of a search as one HTML page.",
        discussion: """
            The search is that of a package, or events that optimize --json printed to a file.

            Example: hearth report model.hearth -o report.html
            """)

    @Argument(help: "A package NAME.hearth, or a file of events.") var source: String
    @Option(name: [.customShort("o"), .long], help: "The file to write (default: report.html).")
    var output = "report.html"

    func run() throws {
        let text = try Self.events(source)
        let events: [TimedEvent]
        do throws(EventError) { events = try TimedEvent.parse(text) } catch { throw BadInput("\(source): \(error)") }
        if events.isEmpty { throw BadInput("\(source) holds no events of a search") }
        try ReportFile.write(Array(SearchPage(SearchRecord(events)).html.utf8), to: output)
        print("wrote \(output)")
    }

    private static func events(_ source: String) throws -> String {
        guard access(source + "/manifest.json", F_OK) == 0 else {
            return try MappedFile(path: source).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
        let package = try PackageDirectory(path: source)
        guard package.manifest.files.contains(where: { $0.path == FinishedPackage.record }) else {
            throw BadInput("\(source) holds no record of a search; optimize writes one")
        }
        return try package.map(FinishedPackage.record).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// A file that a person asked for.
enum ReportFile {
    /// Writes it whole, or says why not.
    static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "we") else {
            throw BadInput("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        let count = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, count == bytes.count else {
            throw BadInput("\(path) could not be written: \(String(cString: strerror(errno)))")
        }
    }
}
