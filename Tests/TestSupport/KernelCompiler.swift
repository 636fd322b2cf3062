import Foundation

/// Compiles a few lines of C to a shared object with whatever compiler is there.
package enum KernelCompiler {
    /// Why nothing came out.
    package struct Failure: Error, CustomStringConvertible {
        /// One line.
        package var description: String
    }

    /// Bytes of the shared object.
    package static func compile(_ source: String) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let code = folder.appending(path: "kernels.c")
        let object = folder.appending(path: "kernels.so")
        try Data(source.utf8).write(to: code)
        for compiler in ["clang", "gcc", "cc"] {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [compiler, "-O2", "-shared", "-fPIC", "-nostdlib", "-o", object.path, code.path]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            if process.terminationStatus == 0 { return Array(try Data(contentsOf: object)) }
        }
        throw Failure(description: "no C compiler worked")
    }
}
