// swift-tools-version: 6.2
import PackageDescription

// The only list of who may import whom; `dev/check-layers` fails the build when a target imports what it does not name.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Rooms in which tests spend their time: optimised in debug builds too (drawing and emitting schedules takes a quarter of the time).
let hot: Set<String> = [
    "Base", "ElementTypes", "GraphIR", "GraphRewrites", "GraphLowering", "KernelIR", "KernelCodeGen",
    "ReferenceInterpreter", "RequestScheduler",
]

/// One room of the house: a folder under `Sources/<floor>/<name>`, a target, and the targets below it that it may import.
func room(_ floor: String, _ name: String, _ below: [Target.Dependency] = []) -> Target {
    .target(
        name: name, dependencies: below, path: "Sources/\(floor)/\(name)",
        exclude: name == "ModelImport" ? ["Generated/generate_schemas.py"] : [],
        swiftSettings: strict + (hot.contains(name) ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : []))
}

func tests(
    _ name: String, _ below: [Target.Dependency] = [], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: below + [.byName(name: name)], path: "Tests/\(name)Tests",
        exclude: exclude, resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "Hearth",
    products: [
        .executable(name: "hearth", targets: ["hearth"]),
        .executable(name: "hearth-serve", targets: ["hearth-serve"]),
        .library(name: "HearthC", type: .dynamic, targets: ["HearthLibrary"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Base
        room("Base", "Base"),
        room("Base", "ElementTypes", ["Base"]),
        room("Base", "JSON"),
        .target(name: "CFiles", path: "Sources/Base/CFiles", cSettings: [.unsafeFlags(["-Wall", "-Werror"])]),
        room("Base", "MappedFiles"),
        room("Base", "Processes"),
        room("Base", "WorkFolders"),
        room("Base", "Signatures", [.product(name: "Crypto", package: "swift-crypto")]),
        room("Base", "Safetensors", ["Base", "ElementTypes", "JSON"]),
        // Import
        room("Import", "ModelFiles", ["Base", "ElementTypes", "JSON", "MappedFiles", "Safetensors"]),
        room("Import", "ModelImport", ["Base", "ElementTypes", "JSON", "ModelFiles", "GraphIR", "GraphRewrites"]),
        room("Import", "Tokenizers", ["JSON"]),
        // Graph
        room("Graph", "GraphIR", ["Base", "ElementTypes"]),
        .target(
            name: "CDotProducts", path: "Sources/Graph/CDotProducts",
            cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-Wall", "-Werror"])]),
        room("Graph", "ReferenceInterpreter", ["Base", "ElementTypes", "GraphIR", "CDotProducts"]),
        room("Graph", "GraphRewrites", ["Base", "ElementTypes", "GraphIR"]),
        // Kernel
        room("Kernel", "KernelIR", ["Base", "ElementTypes"]),
        room("Kernel", "GraphLowering", ["Base", "ElementTypes", "GraphIR", "KernelIR"]),
        .target(
            name: "CNVRTC", path: "Sources/Kernel/CNVRTC", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        room(
            "Kernel", "KernelCodeGen", ["Base", "ElementTypes", "JSON", "KernelIR", "DeviceAPI", "Processes", "CNVRTC"]),
        // Device
        room("Device", "DeviceAPI", ["Base", "ElementTypes"]),
        .target(
            name: "CThreadPool", path: "Sources/Device/CThreadPool",
            cSettings: [.unsafeFlags(["-O3", "-Wall", "-Werror"])]),
        .target(
            name: "CProcessor", path: "Sources/Device/CProcessor",
            cSettings: [.unsafeFlags(["-O3", "-Wall", "-Werror"])]),
        .target(
            name: "COneDNN", path: "Sources/Device/COneDNN", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        room("Device", "CPUDevice", ["Base", "ElementTypes", "DeviceAPI", "CThreadPool", "CProcessor", "COneDNN"]),
        .target(
            name: "CCUDADriver", path: "Sources/Device/CCUDADriver",
            cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        room("Device", "CUDADevice", ["ElementTypes", "DeviceAPI", "CCUDADriver"]),
        .target(
            name: "COpenCL", path: "Sources/Device/COpenCL", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        room("Device", "OpenCLDevice", ["ElementTypes", "DeviceAPI", "COpenCL"]),
        room(
            "Device", "DeviceCatalogue", ["DeviceAPI", "CPUDevice", "CUDADevice", "OpenCLDevice"]),
        // Search
        room("Search", "Baselines", ["JSON", "Processes"]),
        room("Search", "KernelSwarm", ["Base", "KernelIR"]),
        .target(name: "CCurl", path: "Sources/Search/CCurl", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        room("Search", "LanguageAdvice", ["Base", "JSON", "KernelIR", "KernelSwarm", "Processes", "CCurl"]),
        room("Search", "SearchControl", ["KernelIR"]),
        room("Search", "SearchEvents", ["Base", "JSON"]),
        .target(
            name: "CSQLite", path: "Sources/Search/CSQLite", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        room("Search", "KernelArchive", ["Base", "JSON", "CSQLite"]),
        room("Search", "ArchiveExchange", ["JSON", "KernelArchive", "Signatures"]),
        .target(
            name: "CKernelHarness", dependencies: ["CThreadPool"], path: "Sources/Search/CKernelHarness",
            cSettings: [.unsafeFlags(["-O3", "-Wall", "-Werror"])]),
        .target(
            name: "CCounters", path: "Sources/Search/CCounters", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        .target(name: "CSandbox", path: "Sources/Search/CSandbox", cSettings: [.unsafeFlags(["-Wall", "-Werror"])]),
        room(
            "Search", "KernelWorker",
            ["ElementTypes", "CCounters", "CKernelHarness", "COneDNN", "CProcessor", "CSandbox", "CThreadPool"]),
        room("Search", "DeviceRates", ["DeviceAPI", "JSON"]),
        room("Search", "DeviceWorker", ["ElementTypes", "KernelWorker", "DeviceAPI", "Safetensors"]),
        room(
            "Search", "KernelJudge",
            ["Base", "ElementTypes", "KernelIR", "KernelWorker", "CKernelHarness", "Processes"]),
        // Package
        room(
            "Package", "ModelPackage",
            ["Base", "ElementTypes", "JSON", "MappedFiles", "Safetensors", "CFiles", "WorkFolders"]),
        room(
            "Package", "PackageBuilder",
            [
                "Base", "ElementTypes", "MappedFiles", "Safetensors", "ModelFiles", "ModelImport", "GraphIR",
                "ReferenceInterpreter", "GraphRewrites",
                "KernelIR", "GraphLowering", "KernelCodeGen", "DeviceAPI", "KernelSwarm", "KernelJudge", "KernelWorker",
                "KernelArchive", "JSON",
                "ModelPackage", "SearchControl", "SearchEvents", "WorkFolders",
            ]),
        // Serve
        room(
            "Serve", "PackageRuntime",
            ["Base", "ElementTypes", "MappedFiles", "Safetensors", "DeviceAPI", "ModelPackage"]),
        room("Serve", "InferenceProtocol", ["ElementTypes", "JSON"]),
        room("Serve", "RequestScheduler"),
        room(
            "Serve", "ModelServer",
            [
                "Base", "DeviceAPI", "ElementTypes", "InferenceProtocol", "JSON", "ModelPackage", "PackageRuntime",
                "Processes", "RequestScheduler", "Tokenizers",
            ]),
        room(
            "Serve", "HTTPServing",
            [
                "ElementTypes", "InferenceProtocol", "JSON", "ModelPackage", "ModelServer", "PackageRuntime",
                "Tokenizers",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        // Tools
        room(
            "Tools", "ServeTool",
            [
                "DeviceAPI", "DeviceCatalogue", "HTTPServing", "MappedFiles", "ModelPackage", "ModelServer",
                "PackageRuntime", "RequestScheduler", "Tokenizers",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "hearth-serve",
            dependencies: ["ServeTool", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/Tools/hearth-serve", swiftSettings: strict),
        room(
            "Tools", "FileFuzzing",
            [
                "ArchiveExchange", "Base", "ElementTypes", "InferenceProtocol", "JSON", "KernelArchive", "ModelFiles",
                "ModelPackage", "Safetensors", "SearchEvents", "SearchReport", "Tokenizers",
            ]),
        room("Tools", "SearchReport", ["Base", "SearchEvents"]),
        room("Tools", "SearchView", ["Base", "SearchEvents"]),
        room("Tools", "KernelTrials", ["Base", "ElementTypes", "KernelIR", "KernelCodeGen", "DeviceAPI"]),
        room(
            "Tools", "JudgeSelfTest",
            [
                "Base", "ElementTypes", "GraphIR", "KernelIR", "KernelCodeGen", "KernelJudge", "DeviceAPI", "Processes",
                "PackageBuilder",
            ]),
        room(
            "Tools", "SearchStudy",
            [
                "Base", "ElementTypes", "JSON", "GraphIR", "KernelIR", "KernelCodeGen", "KernelJudge", "KernelSwarm",
                "JudgeSelfTest", "PackageBuilder", "Processes",
            ]),
        room(
            "Tools", "DeviceConformance",
            [
                "Base", "ElementTypes", "GraphIR", "ReferenceInterpreter", "KernelCodeGen", "KernelJudge", "DeviceAPI",
                "ModelPackage", "PackageBuilder", "PackageRuntime",
            ]),
        .target(
            name: "CHearth", path: "Sources/Tools/CHearth", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Werror"])]),
        room(
            "Tools", "HearthC",
            ["Base", "ElementTypes", "DeviceAPI", "DeviceCatalogue", "ModelPackage", "PackageRuntime", "CHearth"]),
        // Apart from `HearthC`, because whatever depends on a target is linked with its flags, tests too.
        .target(
            name: "HearthLibrary", dependencies: ["HearthC"], path: "Sources/Tools/HearthLibrary",
            exclude: ["exports.map"], swiftSettings: strict,
            linkerSettings: [
                .unsafeFlags([
                    "-static-stdlib", "-Xlinker",
                    "--version-script=\(Context.packageDirectory)/Sources/Tools/HearthLibrary/exports.map",
                    "-Xlinker", "--gc-sections",
                ])
            ]),
        .executableTarget(
            name: "hearth-fuzz",
            dependencies: ["FileFuzzing", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/Tools/hearth-fuzz", swiftSettings: strict),
        .executableTarget(
            name: "hearth",
            dependencies: [
                "Base", "ElementTypes", "JSON", "MappedFiles", "Safetensors", "GraphIR", "ModelFiles", "ModelImport",
                "Processes", "Baselines", "KernelIR", "KernelCodeGen", "KernelWorker", "KernelJudge", "KernelSwarm",
                "KernelArchive", "ArchiveExchange", "Signatures", "SearchControl", "SearchEvents", "SearchReport",
                "SearchView",
                "ReferenceInterpreter", "DeviceAPI", "DeviceCatalogue", "DeviceConformance", "DeviceRates",
                "DeviceWorker",
                "CPUDevice",
                "ModelPackage",
                "PackageBuilder",
                "PackageRuntime", "KernelTrials", "JudgeSelfTest", "LanguageAdvice", "SearchStudy", "ServeTool",
                "WorkFolders",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Tools/hearth", swiftSettings: strict),
        // Tests
        tests("Base", []),
        tests("ElementTypes", ["Base"]),
        tests("GraphIR", ["Base", "ElementTypes"]),
        tests("ReferenceInterpreter", ["Base", "ElementTypes", "GraphIR"], exclude: ["Fixtures"]),
        tests("Processes"),
        tests("WorkFolders"),
        tests("Baselines"),
        tests("KernelSwarm", ["Base", "KernelIR"]),
        tests("LanguageAdvice", ["JSON", "KernelIR", "KernelSwarm", "TestSupport"]),
        tests("SearchStudy", ["KernelIR", "KernelSwarm"]),
        tests("SearchControl", ["KernelIR"]),
        tests("SearchEvents", ["JSON"]),
        tests("SearchReport", ["SearchEvents"]),
        tests("SearchView", ["SearchEvents"]),
        .executableTarget(
            name: "archive-writer-for-tests", dependencies: ["KernelArchive"], path: "Tests/ArchiveWriterForTests",
            swiftSettings: strict),
        tests("KernelArchive", ["Processes", "archive-writer-for-tests"]),
        tests("ArchiveExchange", ["KernelArchive", "Signatures"]),
        tests("Signatures"),
        .executableTarget(
            name: "worker-for-tests", dependencies: ["KernelWorker", "DeviceWorker", "OpenCLDevice"],
            path: "Tests/WorkerForTests",
            swiftSettings: strict),
        tests(
            "KernelJudge",
            [
                "Base", "ElementTypes", "GraphIR", "KernelArchive", "KernelCodeGen", "KernelIR", "KernelSwarm",
                "KernelWorker", "CPUDevice", "DeviceAPI", "JudgeSelfTest", "OpenCLDevice", "PackageBuilder",
                "Processes",
                "Safetensors", "worker-for-tests",
            ]),
        tests(
            "DeviceConformance",
            [
                "DeviceAPI", "CPUDevice", "OpenCLDevice", "KernelCodeGen", "KernelJudge", "PackageBuilder",
                "worker-for-tests",
            ]),
        tests(
            "KernelCodeGen", ["Base", "ElementTypes", "KernelIR", "DeviceAPI", "OpenCLDevice", "Processes"],
            exclude: ["Goldens"]),
        tests("KernelIR", ["Base", "ElementTypes"]),
        tests("GraphRewrites", ["Base", "ElementTypes", "GraphIR", "ReferenceInterpreter"]),
        tests(
            "GraphLowering", ["TestSupport", "Base", "ElementTypes", "GraphIR", "KernelIR", "KernelCodeGen"],
            exclude: ["Goldens"]),
        .target(
            name: "TestSupport", dependencies: ["Base", "ElementTypes", "ModelPackage"], path: "Tests/TestSupport",
            swiftSettings: strict),
        .target(name: "CPoolStress", dependencies: ["CThreadPool"], path: "Tests/CPoolStress"),
        tests("CPUDevice", ["TestSupport", "CPoolStress", "Base", "ElementTypes", "DeviceAPI", "CThreadPool"]),
        tests("InferenceProtocol", ["Base", "ElementTypes", "FileFuzzing", "JSON"]),
        tests("RequestScheduler", ["Base"]),
        tests("Tokenizers", ["JSON"], exclude: ["Fixtures"]),
        tests(
            "ModelServer",
            ["TestSupport", "CPUDevice", "ElementTypes", "InferenceProtocol", "PackageRuntime", "RequestScheduler"]),
        tests("HTTPServing", ["ModelServer"]),
        tests("PackageRuntime", ["TestSupport", "Base", "ElementTypes", "DeviceAPI", "CPUDevice", "ModelPackage"]),
        tests(
            "hearth",
            [
                "TestSupport", "ElementTypes", "FileFuzzing", "JSON", "KernelArchive", "KernelCodeGen", "ModelPackage",
                "Safetensors",
            ],
            exclude: ["FakeDriver", "Fixtures"]),
        tests(
            "PackageBuilder",
            [
                "TestSupport", "Base", "ElementTypes", "DeviceAPI", "CPUDevice", "GraphIR", "GraphLowering",
                "GraphRewrites",
                "KernelArchive", "KernelCodeGen", "KernelIR", "KernelJudge", "KernelSwarm", "KernelTrials",
                "KernelWorker",
                "ModelPackage", "PackageRuntime", "ReferenceInterpreter", "SearchControl", "SearchEvents",
                "WorkFolders",
                "worker-for-tests",
            ]),
        tests("DeviceRates", ["DeviceAPI", "JSON", "KernelCodeGen", "OpenCLDevice"]),
        tests("HearthC", ["TestSupport", "CHearth"]),
        tests("ModelPackage", ["Base", "ElementTypes", "JSON", "MappedFiles"]),
        tests("JSON"),
        tests("MappedFiles"),
        tests("Safetensors", ["ElementTypes"]),
        tests("FileFuzzing"),
        tests(
            "ModelImport",
            ["Base", "ElementTypes", "GraphIR", "MappedFiles", "ModelFiles", "ReferenceInterpreter", "Safetensors"],
            exclude: ["Borders", "Fixtures"]),
        tests("ModelFiles", ["ElementTypes", "FileFuzzing", "JSON"], exclude: ["Fixtures"]),
    ]
)
