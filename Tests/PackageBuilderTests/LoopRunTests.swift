import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import KernelCodeGen
import ModelPackage
import PackageRuntime
import Testing

@testable import PackageBuilder

/// A package with a loop: rows of a matrix are added from a place on until the sum is large or three are taken.
@Suite struct LoopRunTests {
    private static let text = """
        graph "rows"
        input "x" f32[4, 2]
        input "at" i64[]
        %0 = input 0 : f32[4, 2]
        %1 = input 1 : i64[]
        %2 = constant [0.0] : f32[]
        %3 = view.expand [2] %2 : f32[2]
        %4 = constant [1.0] : bool[]
        %5 = carried 0 0 : i64[]
        %6 = carried 0 1 : f32[2]
        %7 = gather axes [0] at 0 %0, %5 : f32[2]
        %8 = map add(a0, a1) %6, %7 : f32[2]
        %9 = map add(a0, 1i) %5 : i64[]
        %10 = reduce.sum axes [0] %8 : f32[]
        %11 = map less(a0, 10.0) %10 : bool[]
        %12 = looped 0 1 : f32[2]
        loop while 2 from %1, %3, %4 by %9, %8, %11
        output "sum" %12

        """
    /// Rows 0 1, 2 3, …
    private static let rows = (0..<8).map(Float.init)

    private func withSession(_ body: (LoadedPackage, Session) throws -> Void) async throws {
        let device = try CPUDevice(threads: 2)
        var pipeline = Pipeline(device: device, toolchain: try await CToolchain.find(), worker: TestWorker.command)
        let path = "\(NSTemporaryDirectory())/hearth-test-\(UInt64.random(in: 0 ... .max)).hearth"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let graph = try Graph(parsing: Self.text)
        try await pipeline.build(.init(graph: graph, tensors: MemoryTensors(tensors: [:])), to: path)
        let package = try LoadedPackage(path: path, device: device, verified: true)
        try body(package, try Session(package))
    }

    private func tensors(at row: Int64) -> [HostTensor] {
        [HostTensor(.f32, [4, 2], Self.rows), HostTensor(.i64, [], [row])]
    }

    @Test func runsUntilTheSumIsLarge() async throws {
        try await withSession { package, session in
            #expect(package.directory.manifest.version == 2)
            for (row, sum) in [(0, [6, 9]), (1, [6, 8]), (2, [10, 12]), (3, [6, 7])] as [(Int64, [Float])] {
                let outputs = try session.run(tensors(at: row))
                #expect(outputs[0].elements(as: Float.self) == sum, "from \(row)")
            }
        }
    }

    /// Launches of a turn are counted from the turn's first; the plan's launch is found all the same, and the next run is sound.
    @Test(arguments: [-5, 4] as [Int64]) func rowsOutOfRangeAreNamed(_ row: Int64) async throws {
        try await withSession { package, session in
            let loop = try #require(package.plan.loops.first)
            #expect(loop.launches.lowerBound > 0)
            let error = try #require(throws: RuntimeError.self) { _ = try session.run(tensors(at: row)) }
            guard case .indexOutOfRange(_, let kernel, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(package.plan.launches[loop.launches].contains { $0.label == kernel }, "\(error)")
            #expect(try session.run(tensors(at: 3))[0].elements(as: Float.self) == [6, 7])
        }
    }
}
