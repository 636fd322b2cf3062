import ArgumentParser
import CPUDevice
import DeviceAPI
import Glibc
import JSON
import MappedFiles
import ModelPackage
import PackageRuntime
import Safetensors
import ServeTool
import Synchronization

/// An error that the user can mend: one line says what, where, and what to do. The command exits with 1.
protocol UserFault: Error, CustomStringConvertible {}

/// A fault found by a command itself.
struct BadInput: UserFault {
    /// One line: what, where, what to do.
    var description: String

    init(_ description: String) { self.description = description }
}

extension PackageError: UserFault {}
extension RuntimeError: UserFault {}
extension SafetensorsError: UserFault {}
extension FileError: UserFault {}
extension JSONError: UserFault {}
extension ServeFault: UserFault {}

/// What the process says and returns when a command fails.
enum Failure {
    /// What `optimize --check` ends with where a package is no longer what would be built.
    static let notCurrent: Int32 = 4

    /// Prints the error and returns the exit code: 0 for help, 1 the user's input, 2 usage, 3 our fault.
    static func report(_ error: any Error) -> Int32 {
        if error is RuntimeError, isOurs(error) { return reportOurs(error) }
        if let device = error as? DeviceError, !isOurs(device) {
            complain("hearth: \(device.description)")
            return 1
        }
        if let fault = error as? any UserFault {
            complain("hearth: \(fault.description)")
            return 1
        }
        switch Hearth.exitCode(for: error) {
        case .success:
            print(Hearth.fullMessage(for: error))
            return 0
        case .validationFailure:
            complain(Hearth.fullMessage(for: error))
            return 2
        default:
            if let code = error as? ExitCode { return code.rawValue }
            return reportOurs(error)
        }
    }

    /// Whether an error of what runs packages is our fault: it is no user's, or one of generated code.
    static func isOurs(_ error: any Error) -> Bool {
        if let error = error as? RuntimeError, case .device(let inner) = error { return isOurs(inner) }
        return !(error is any UserFault)
    }

    /// Whether a device's error means that Hearth made something wrong, not that the machine or the user did.
    private static func isOurs(_ error: DeviceError) -> Bool {
        switch error {
        case .kernelFailed, .badLaunch, .wrongSlotCount, .outOfBounds, .missingKernel, .failed: true
        case .outOfMemory, .programNotLoaded, .unsupported, .unavailable, .notImported, .libraryFailed: false
        }
    }

    /// Writes what happened to a file that the user can send.
    private static func reportOurs(_ error: any Error) -> Int32 {
        let path = "hearth-report-\(getpid()).txt"
        var text = "hearth failed: \(error)\nerror type: \(type(of: error))\n"
        text += "command: \(CommandLine.arguments.joined(separator: " "))\n"
        if case .success(let device) = CPUDevice.shared { text += "machine: \(device.limits.identity)\n" }
        var written = false
        if let file = fopen(path, "w") {
            written = fputs(text, file) >= 0
            written = fclose(file) == 0 && written
        }
        complain("hearth: \(error)\nhearth: this is our fault; please send \(written ? path : "the lines above")")
        return 3
    }

    /// The live view that stands on the terminal of standard error, if one does.
    static let screen = Mutex<SearchConsole?>(nil)

    /// Prints a line on standard error, above a live view.
    static func complain(_ text: String) {
        fflush(nil)
        if let screen = screen.withLock({ $0 }), screen.printAbove(text + "\n") { return }
        let line = Array((text + "\n").utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
