import ArgumentParser
import Glibc
import ServeTool

/// The serve half alone: no compiler, no search, no Python.
@main
struct HearthServe {
    /// Serves, or ends the process with 1 for bad input and 2 for bad usage.
    static func main() async {
        do {
            guard var command = try ServeCommand.parseAsRoot() as? ServeCommand else {
                return print(ServeCommand.helpMessage())
            }
            try await command.run()
        } catch {
            let code = ServeCommand.exitCode(for: error)
            let isUsage = code == .validationFailure
            if code == .success { return print(ServeCommand.fullMessage(for: error)) }
            let text = (isUsage ? ServeCommand.fullMessage(for: error) : "hearth-serve: \(error)") + "\n"
            _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            exit(isUsage ? 2 : 1)
        }
    }
}
