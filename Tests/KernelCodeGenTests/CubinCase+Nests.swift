import ElementTypes
import KernelIR

@testable import KernelCodeGen

extension CubinCase {
    /// Maps, rows, reductions, windows, scans, gathers and scatters.
    static let nests: [CubinCase] = texts.map(read) + rows + scans

    private static func read(_ name: String, _ schedule: [String: Int], _ text: String) -> CubinCase {
        guard let kernel = try? Kernel(parsing: "kernel \"\(name)\"\n\(text)\n") else {
            preconditionFailure("the text of '\(name)' is no kernel")
        }
        return CubinCase(
            name: "\(name)\(schedule.isEmpty ? "" : " \(Schedule(schedule))")", kernel: kernel,
            schedule: Schedule(schedule))
    }

    private static let sumOfEverything =
        """
        symbols []
        parameter read bf16[8388608]
        parameter write f32[1]
        nest slots [f32] rows []
        step
          loop i0 < 8388608
          %0 = load p0[i0]
          reduce sum %0 to 0
        step
          %0 = slot 0
          store %0 to p1[0]
        """

    private static let rows: [CubinCase] = [
        (RowsCase(kind: .layerNorm, rows: 4096, length: 1024), [:]),
        (RowsCase(kind: .layerNorm, rows: 5, length: 4096, element: .f32), ["team": 2, "run": 1]),
        (RowsCase(kind: .softmax, rows: 4, length: 256, element: .f16), [:]),
        (RowsCase(kind: .softmax, rows: 4, length: 100_000), [:]), (RowsCase(kind: .sum, rows: 7, length: 640), [:]),
    ].map { rows, schedule in
        CubinCase(name: "rows \(rows.testDescription)", kernel: rows.kernel, schedule: Schedule(schedule))
    }

    private static let scans: [CubinCase] = [
        (ScanCase(kind: .sum, element: .f32, rows: 1, length: 1_000_000), 2),
        (ScanCase(kind: .maximum, element: .i64, rows: 64, length: 100), 1),
        (ScanCase(kind: .logSumExp, element: .bf16, rows: 2, length: 3000, isSymbolic: true), 2),
        (ScanCase(kind: .sum, element: .f32, rows: 200_000, length: 64, isAcross: true), 0),
    ].map { scan, team in
        guard let kernel = try? scan.kernel else { preconditionFailure("\(scan) is no kernel") }
        return CubinCase(name: "scan \(scan.testDescription)", kernel: kernel, schedule: Schedule(["team": team]))
    }

    private static let texts: [(String, [String: Int], String)] = [
        (
            "map of runs", ["run": 8],
            """
            symbols []
            parameter read bf16[16777216]
            parameter read bf16[4096] constant
            parameter write bf16[16777216]
            nest slots [] rows []
            loop i0 < 4096
            loop i1 < 4096
            step
              %0 = load p0[4096*i0 + i1]
              %1 = load p1[i1]
              %2 = add %0, %1
              %3 = hyperbolicTangent %2
              %4 = multiply %3, %2
              store %4 to p2[4096*i0 + i1]
            """
        ),
        (
            "map of a turned operand", [:],
            """
            symbols [s0]
            range s0 from 1 to 4096
            parameter read f32[33*s0]
            parameter write f32[33*s0]
            nest slots [] rows []
            loop i0 < s0
            loop i1 < 33
            step
              %0 = load p0[s0*i1 + i0]
              %1 = errorFunction %0
              store %1 to p1[33*i0 + i1]
            """
        ),
        (
            "position of the greatest", ["team": 2],
            """
            symbols []
            parameter read f32[300000]
            parameter write i64[3]
            nest slots [i64] rows []
            loop i0 < 3
            step
              loop i1 < 100000
              %0 = load p0[100000*i0 + i1]
              reduce argMaximum %0 at i1 to 0
            step
              %0 = slot 0
              store %0 to p1[i0]
            """
        ),
        (
            "sums over rows", [:],
            """
            symbols []
            parameter read f32[8388608]
            parameter write f32[2048]
            nest slots [f32] rows []
            loop i0 < 2048
            step
              loop i1 < 4096
              %0 = load p0[2048*i1 + i0]
              reduce sum %0 to 0
            step
              %0 = slot 0
              store %0 to p1[i0]
            """
        ),
        (
            "sum of everything", [:],
            sumOfEverything
        ),
        (
            "sum of everything", ["parts": 8],
            sumOfEverything
        ),
        (
            "mean of windows", [:],
            """
            symbols []
            parameter read f16[401408]
            parameter write f16[100352]
            nest slots [f32] rows []
            loop i0 < 28
            loop i1 < 28
            loop i2 < 128
            step
              loop i3 < 2
              loop i4 < 2
              %0 = load p0[14336*i0 + 7168*i3 + 256*i1 + 128*i4 + i2]
              reduce sum %0 to 0
            step
              %0 = slot 0
              %1 = real 0.25 f32
              %2 = multiply %0, %1
              store %2 to p1[3584*i0 + 128*i1 + i2]
            """
        ),
        (
            "greatest of windows", ["run": 8],
            """
            symbols []
            parameter read f16[401408]
            parameter write f16[100352]
            nest slots [f32] rows []
            loop i0 < 28
            loop i1 < 28
            loop i2 < 128
            step
              loop i3 < 2
              loop i4 < 2
              %0 = load p0[14336*i0 + 7168*i3 + 256*i1 + 128*i4 + i2]
              reduce maximum %0 to 0
            step
              %0 = slot 0
              store %0 to p1[3584*i0 + 128*i1 + i2]
            """
        ),
        (
            "rows at positions", [:],
            """
            symbols []
            parameter read bf16[131072000] constant
            parameter read i64[77]
            parameter write bf16[315392]
            nest slots [] rows []
            loop i0 < 77
            loop i1 < 4096
            step
              %0 = load p1[i0]
              %1 = position %0 of 32000
              %2 = load p0[4096*v1 + i1]
              store %2 to p2[4096*i0 + i1]
            """
        ),
        (
            "sums at positions, in order", [:],
            """
            symbols []
            parameter read f32[4096]
            parameter read i64[64]
            parameter readWrite f32[65536]
            nest serial slots [] rows []
            loop i0 < 64
            loop i1 < 64
            step
              %0 = load p0[64*i0 + i1]
              %1 = load p1[i0]
              %2 = position %1 of 1024
              store %0 to p2[64*v2 + i1] combine sum
            """
        ),
    ]
}
