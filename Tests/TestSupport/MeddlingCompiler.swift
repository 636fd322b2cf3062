import Foundation

/// A C compiler that changes every source before it compiles it, for tests of what happens where code is not what was generated.
package enum MeddlingCompiler {
    /// Writes it to `folder`, which exists, and returns its path. `edit` are shell commands for the source `"$argument"`; `real` is the path
    /// of the compiler that compiles.
    package static func make(in folder: String, real: String, edit: String) throws -> String {
        let script = """
            #!/bin/sh
            for argument; do
                case $argument in
                *.c)
                    \(edit)
                    ;;
                esac
            done
            exec '\(real)' "$@"

            """
        try script.write(toFile: folder + "/cc.sh", atomically: true, encoding: .utf8)
        // Written by another process: what is open for writing in a child of this one cannot be started.
        let copy = Process()
        copy.executableURL = URL(filePath: "/bin/sh")
        copy.arguments = ["-c", "cp \"$0.sh\" \"$0\" && chmod +x \"$0\"", folder + "/cc"]
        try copy.run()
        copy.waitUntilExit()
        return folder + "/cc"
    }
}
