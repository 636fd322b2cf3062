import Base
import GraphIR
import KernelIR
import TestSupport
import Testing

@testable import GraphLowering

/// Which kernels a graph becomes.
@Suite struct FusionCaseTests {
    @Test(arguments: FusionCase.all)
    func becomesTheseLaunches(_ row: FusionCase) throws {
        let graph = try Graph(parsing: row.text)
        try GraphChecker.check(graph, stage: "test")
        let launches = try lower(graph, cover: Cover(fewRows: row.fewRows)).launchText
        #expect(launches == row.launches)
    }

    /// By the rules, and with each decision against them.
    @Test(arguments: FusionCase.all)
    func nothingIsReadBeforeItIsWritten(_ row: FusionCase) throws {
        let graph = try Graph(parsing: row.text)
        let few = row.fewRows
        let against = Cover(fewRows: few).decisions(graph).map { Cover([$0.name: !$0.usual], fewRows: few) }
        for cover in [Cover(fewRows: few)] + against {
            let program = try lower(graph, cover: cover)
            var written = Set<BufferID>()
            for launch in program.launches {
                let operands = zip(launch.buffers, launch.kernel.parameters.map(\.access))
                for (buffer, access) in operands where access != .write {
                    switch program.buffers[buffer].role {
                    case .input, .parameter, .state, .literal: break
                    case .output, .folded, .temporary: #expect(written.contains(buffer), "\(launch.kernel.name)")
                    }
                }
                for (buffer, access) in operands where access != .read { written.insert(buffer) }
            }
            #expect(program.outputs.allSatisfy { written.contains($0) })
        }
    }

    /// A decision stands once in the list, however often groups had to grow again.
    @Test(arguments: FusionCase.all)
    func decisionsAreListedOnce(_ row: FusionCase) throws {
        for decision in Cover(fewRows: row.fewRows).decisions(try Graph(parsing: row.text)) {
            #expect(Set(decision.nodes).count == decision.nodes.count)
        }
    }
}
