import Foundation
import Testing

/// The judge's test of itself, as a command.
@Suite struct JudgeCommandTests {
    /// Right kernels of a kind that meets every special number, as they are generated for whatever runs OpenCL.
    @Test func rightKernelsAreAcceptedOnADevice() throws {
        try HearthProcess.withFolder { folder in
            let arguments = ["judge", "--self-test", "--device", "opencl", "--kind", "codedWeight"]
            let outcome = try HearthProcess.run(arguments, in: folder)
            // Where there is no such device, that is one line.
            if outcome.code == 1, outcome.errors.contains("no device 'opencl'") { return }
            #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
            #expect(
                outcome.output.hasPrefix("codedWeight: 16 judged, 0 refused\n16 right kernels on "), "\(outcome.output)"
            )
        }
    }

    /// Kernels of a device with a mistake are judged where that is asked for.
    @Test func mutantsAreJudgedOnADevice() throws {
        try HearthProcess.withFolder { folder in
            let arguments = ["judge", "--self-test", "--device", "opencl", "--kind", "gather", "--mutants", "3"]
            let outcome = try HearthProcess.run(arguments, in: folder)
            if outcome.code == 1, outcome.errors.contains("no device 'opencl'") { return }
            #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
            #expect(outcome.output.hasPrefix("gather: 16 judged, 0 refused; 3 mutants: "), "\(outcome.output)")
            #expect(outcome.output.hasSuffix("; 3 mutants, false accepts 0\n"), "\(outcome.output)")
        }
    }

    @Test(arguments: [
        (["--mutants", "3"], Int32(2), "--mutants is of a device's self-test"),
        (["--device", "opencl", "--equivalents"], 2, "--equivalents is of the processor's self-test"),
        (["--device", "abacus"], 1, "devices are cpu, cuda, cuda:N, opencl and opencl:N"),
    ])
    func wrongWishesAreNamed(_ options: [String], _ code: Int32, _ line: String) throws {
        try HearthProcess.withFolder { folder in
            let outcome = try HearthProcess.run(["judge", "--self-test"] + options, in: folder)
            #expect(outcome.code == code)
            #expect(outcome.errors.contains(line), "\(outcome.errors)")
        }
    }
}
