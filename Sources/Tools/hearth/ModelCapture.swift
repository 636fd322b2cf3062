import Glibc
import JSON
import MappedFiles
import Processes
import WorkFolders

/// Captures `FILE.py:FUNCTION` with PyTorch into a folder of its own: the program, and inputs with PyTorch's outputs.
struct ModelCapture {
    /// The folder that this process made, which is removed at the end; nil where somebody else captured.
    private let work: WorkFolder?
    /// Where the capture's files are.
    let folder: String
    /// The program.
    var program: String { folder + "/model.pt2" }
    /// Inputs and PyTorch's outputs.
    var golden: String { folder + "/golden.safetensors" }

    /// What the function calls the program's symbols (`s31` → `batch`); empty where it names none.
    var symbolNames: [String: String] {
        guard let report = try? MappedFile(path: folder + "/capture.json") else { return [:] }
        let text = report.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        guard let names = (try? JSONReader().read(text))?.objectValue?["names"]?.objectValue else { return [:] }
        var found: [String: String] = [:]
        for member in names.members { found[member.name] = member.value.stringValue }
        return found
    }

    /// Whether a command's model argument names a Python function.
    static func isFunction(_ model: String) -> Bool {
        guard let colon = model.lastIndex(of: ":") else { return false }
        return model[..<colon].hasSuffix(".py")
    }

    /// Whether a command's model argument names a folder that a capture wrote before.
    static func isFolder(_ model: String) -> Bool {
        ["model.pt2", "golden.safetensors", "capture.json"].allSatisfy { access("\(model)/\($0)", R_OK) == 0 }
    }

    /// What somebody else captured into a folder.
    init(folder: String) {
        work = nil
        self.folder = folder
    }

    private static func newFolder() throws -> WorkFolder {
        do throws(WorkFolder.NotMade) { return try WorkFolder(temporary: "hearth-capture") } catch {
            throw BadInput(error.reason)
        }
    }

    /// Runs the capture in a Python process. Its one-line error, if any, is the user's; `verbose` prints before it what
    /// PyTorch said.
    init(_ model: String, python: String?, inputs: String?, sets: Int, verbose: Bool) throws {
        let work = try Self.newFolder()
        self.work = work
        folder = work.path
        var arguments = [try PythonFiles.script("capture.py"), model, folder, "--sets", "\(sets)"]
        if let inputs { arguments += ["--inputs", inputs] }
        let interpreter = PythonFiles.interpreter(python)
        let result: (end: ChildProcess.End, output: [UInt8], errors: [UInt8])
        do throws(ProcessError) {
            let child = try ChildProcess(executable: interpreter, arguments: arguments)
            result = try child.collect(timeLimit: 3600)
        } catch {
            throw BadInput("\(error); give a Python that has torch with --python or HEARTH_PYTHON")
        }
        let errors = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").map(String.init)
        guard result.end == .exited(code: 0) else {
            if verbose, let log = try? MappedFile(path: "\(folder)/capture.log") {
                log.withUnsafeBytes { Failure.complain(String(decoding: $0, as: UTF8.self)) }
            }
            throw BadInput(
                errors.last.map { $0.hasPrefix("error: ") ? String($0.dropFirst(7)) : $0 }
                    ?? "capture failed: \(result.end)")
        }
        for note in errors { Failure.complain("hearth: \(note)") }
    }
}
