import ElementTypes
import Foundation
import JSON
import Testing

/// A vendor's library under `optimize`, `inspect` and `run`: it is called by default where it is there, left out where the user says
/// so or where it fails, and missed in one line. The library of `FakeDriver` computes products on the host; its GPU computes nothing,
/// so that generated kernels are right where the truth is zero.
@Suite(.serialized) struct LibraryFaultTests {
    private static let model = FakeGPU.root.appending(path: "Tests/hearthTests/Fixtures/products.pt2").path

    /// Builds the model, whose truth is zero unless `isZero` is false.
    static func optimize(
        _ options: String..., fault: String = "", isZero: Bool = true, in folder: String
    ) throws -> HearthProcess.Outcome {
        func tensor(_ name: String, _ shape: [Int]) -> (String, ElementType, [Int], [UInt8]) {
            // Ones and zeros in turn: all sums are whole.
            let bytes = (0..<shape[0] * shape[1]).flatMap { $0 % 3 == 0 && !isZero ? [0, 0x3C] as [UInt8] : [0, 0] }
            return (name, .f16, shape, bytes)
        }
        try HearthProcess.tensors(
            folder + "/in.safetensors",
            [tensor("input.0", [256, 128]), tensor("input.1", [128, 128]), tensor("input.2", [128, 256])])
        return try FakeGPU.hearth(
            ["optimize", model, "--device", "cuda", "--trials", "0", "-i", "in.safetensors", "-o", "m.hearth"]
                + options,
            fault: fault, in: folder)
    }

    private static func report(_ folder: String) throws -> String {
        try String(contentsOfFile: folder + "/m.hearth/report.json", encoding: .utf8)
    }

    @Test func theLibraryIsTheDefaultWhereItIsThere() throws {
        try HearthProcess.withFolder { folder in
            let built = try Self.optimize(isZero: false, in: folder)
            #expect(built.code == 0, "\(built.errors)")
            let note = "cuBLASLt in 2 of 2 launches; the package runs only where that is installed"
            let line = "hearth: note: calls \(note); --no-libraries leaves them out\n"
            #expect(built.errors.contains(line), "\(built.errors)")
            #expect(try Self.report(folder).contains(note))
            let shown = try FakeGPU.hearth(["inspect", "m.hearth", "--launches"], fault: "", in: folder)
            #expect(shown.output.contains("cuBLASLt"), "\(shown.output)")
            #expect(try FakeGPU.hearth(["verify", "m.hearth"], fault: "", in: folder).code == 0)
            let alone = try FakeGPU.hearth(["run", "m.hearth"], fault: "no products", in: folder)
            #expect(alone.code == 1 && alone.output.isEmpty)
            let missing =
                "the package calls cuBLASLt, which is not installed; install it (or name it in HEARTH_CUBLASLT) or "
            #expect(
                alone.errors == "hearth: \(missing)build the package again with hearth optimize --no-libraries\n",
                "\(alone.errors)")
        }
    }

    @Test(arguments: ["--no-libraries", "no products"])
    func withoutTheLibraryNothingCallsIt(_ way: String) throws {
        try HearthProcess.withFolder { folder in
            let isOption = way.hasPrefix("--")
            let built =
                isOption
                ? try Self.optimize(way, in: folder) : try Self.optimize(fault: way, in: folder)
            #expect(built.code == 0 && !built.errors.contains("cuBLASLt"), "\(built.errors)")
            #expect(try !Self.report(folder).contains("cuBLASLt"))
            let run = try FakeGPU.hearth(["run", "m.hearth"], fault: "no products", in: folder)
            #expect(run.code == 0, "\(run.errors)")
        }
    }

    @Test(arguments: [
        // One call fails, and one call is replaced.
        (
            "wide refused", ["cuBLASLt for 1x256x256x128 failed: starting the product gives status 7"],
            "calls: cuBLASLt in 1 of 2 launches"
        ),
        (
            "products refused",
            [
                "cuBLASLt for 1x256x128x128 failed: starting the product gives status 7",
                "cuBLASLt for 1x256x256x128 failed: starting the product gives status 7",
            ], nil
        ),
        (
            "unproposed",
            [
                "cuBLASLt for 1x256x128x128 failed: it has no way to compute the product (status 0)",
                "cuBLASLt for 1x256x256x128 failed: it has no way to compute the product (status 0)",
            ], nil
        ),
        ("uncreated", ["cuBLASLt failed: starting the library of products gives status 1"], nil),
    ])
    func callsThatFailAreGeneratedInstead(_ fault: String, _ lines: [String], _ calls: String?) throws {
        try HearthProcess.withFolder { folder in
            let built = try Self.optimize(fault: fault, in: folder)
            #expect(built.code == 0, "\(built.errors)")
            let report = try Self.report(folder)
            for line in lines {
                let subject = line.prefix { $0 != ":" }.replacingOccurrences(of: " failed", with: "")
                let whole = "\(line); built again without \(subject)"
                #expect(built.errors.contains("hearth: note: \(whole)\n"), "\(built.errors)")
                #expect(report.contains("library_failed: ") && report.contains(whole), "\(report)")
                #expect(
                    try String(contentsOfFile: folder + "/m.hearth/manifest.json", encoding: .utf8).contains(whole))
            }
            #expect(built.errors.components(separatedBy: "built again without").count == lines.count + 1)
            #expect(calls.map { report.contains($0) } ?? !report.contains("calls:"), "\(report)")
            #expect(try FakeGPU.hearth(["verify", "m.hearth"], fault: fault, in: folder).code == 0)
        }
    }

    /// The same of convolutions: a window over many channels is cuDNN's by default.
    @Test(arguments: [
        ("", nil),
        ("unproposed", "cuDNN for 2x20x20x64 by 64x3x3 failed: it has no way to compute the convolution"),
        ("no convolutions", nil),
    ])
    func convolutionsThatFailAreGeneratedInstead(_ fault: String, _ line: String?) throws {
        try HearthProcess.withFolder { folder in
            let model = FakeGPU.root.appending(path: "Tests/hearthTests/Fixtures/window.pt2").path
            let zeros = [[2, 20, 20, 64], [64, 3, 3, 64], [64]].enumerated().map { place, shape in
                ("input.\(place)", ElementType.f16, shape, [UInt8](repeating: 0, count: 2 * shape.reduce(1, *)))
            }
            try HearthProcess.tensors(folder + "/in.safetensors", zeros)
            let built = try FakeGPU.hearth(
                ["optimize", model, "--device", "cuda", "--trials", "0", "-i", "in.safetensors", "-o", "m.hearth"],
                fault: fault, in: folder)
            #expect(built.code == 0, "\(built.errors)")
            #expect(built.errors.contains("hearth: note: calls cuDNN in 1 of ") == fault.isEmpty, "\(built.errors)")
            if let line {
                let whole = "\(line); built again without cuDNN for 2x20x20x64 by 64x3x3"
                #expect(built.errors.contains("hearth: note: \(whole)\n"), "\(built.errors)")
                #expect(try Self.report(folder).contains(whole))
            }
            #expect(try FakeGPU.hearth(["verify", "m.hearth"], fault: fault, in: folder).code == 0)
        }
    }

    /// A package that was right may meet a library that fails later.
    @Test func aCallThatFailsLaterIsOneLine() throws {
        try HearthProcess.withFolder { folder in
            #expect(try Self.optimize(in: folder).code == 0)
            let run = try FakeGPU.hearth(["run", "m.hearth"], fault: "products refused", in: folder)
            #expect(run.code == 1 && run.output.isEmpty)
            #expect(
                run.errors == """
                    hearth: cuBLASLt for 1x256x128x128 failed: starting the product gives status 7; \
                    hearth optimize --no-libraries builds a package without it\n
                    """, "\(run.errors)")
        }
    }
}
