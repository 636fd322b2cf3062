import Foundation
import Testing

/// The command beside the driver, the compiler and the libraries of `FakeDriver`, which need no GPU.
enum FakeGPU {
    /// The project's folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folder of the fake driver, which is compiled once.
    static let driver = Result { try compiled() }

    /// The folder of one whose driver lacks a function that old ones lack.
    static let lackingDriver = Result { try compiled(["-DcuLaunchKernelEx=absent"]) }

    private static func compiled(_ options: [String] = []) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-driver-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let here = root.appending(path: "Tests/hearthTests/FakeDriver").path
        for compiler in ["clang", "gcc", "cc"] {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments =
                [
                    compiler, "-shared", "-fPIC", "-O1", "-w", "-o", "\(folder)/libcuda.so.1",
                ] + options + [
                    "-I\(root.path)/Sources/Device/CCUDADriver/include", "-I\(root.path)/Sources/Kernel/CNVRTC/include",
                    "\(here)/defaults.c", "\(here)/fake.c", "\(here)/products.c", "\(here)/convolutions.c",
                ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            if process.terminationStatus == 0 { break }
        }
        try #require(FileManager.default.fileExists(atPath: "\(folder)/libcuda.so.1"), "no C compiler worked")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/libnvidia-ml.so.1", withDestinationPath: "libcuda.so.1")
        return folder
    }

    /// Runs the command where the driver has this fault; `no products` and `no convolutions` take a library away.
    static func hearth(
        _ arguments: [String], fault: String, in folder: String, environment: [String: String] = [:]
    ) throws -> HearthProcess.Outcome {
        let driver = try driver.get()
        let own = [
            "LD_LIBRARY_PATH": driver, "FAKE_CUDA": fault, "HEARTH_NVRTC": "\(driver)/libcuda.so.1",
            "HEARTH_CUBLASLT": fault == "no products" ? "/nowhere/libcublasLt.so" : "\(driver)/libcuda.so.1",
            "HEARTH_CUDNN": fault == "no convolutions" ? "/nowhere/libcudnn.so.9" : "\(driver)/libcuda.so.1",
            "HEARTH_ARCHIVE": folder + "/archive.sqlite",
        ]
        return try HearthProcess.run(arguments, in: folder, environment: own.merging(environment) { $1 })
    }
}
