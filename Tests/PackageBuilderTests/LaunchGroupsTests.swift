import Base
import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import Testing

@testable import PackageBuilder

/// Which kernels share a launch.
@Suite struct LaunchGroupsTests {
    private static let target = SIMTTarget(
        dialect: .cuda, architecture: "sm_90a", warp: 32, threads: 1024, sharedBytes: 232_448, multiprocessors: 132,
        l2Bytes: 50 << 20)

    /// Two sums that need nothing of each other, then one over what the first gave.
    private static func form() throws -> ModelForm {
        var b = GraphBuilder(name: "sums")
        let type = TensorType(.f32, [4, 64])
        b.graph.inputs = [GraphPort(name: "x", type: type), GraphPort(name: "y", type: type)]
        let (x, y) = (try b.leaf(.input(0, type)), try b.leaf(.input(1, type)))
        let first = try b.add(.reduce(Reduce(.sum, axes: [1])), [x])
        let second = try b.add(.reduce(Reduce(.maximum, axes: [0])), [y])
        let root = try b.map([first]) { $0.apply(.exp, $1[0]) }
        let third = try b.add(.reduce(Reduce(.sum, axes: [0])), [root])
        b.graph.outputs = [
            GraphOutput(name: "a", value: first), GraphOutput(name: "b", value: second),
            GraphOutput(name: "c", value: third),
        ]
        return try ModelForm(FormChoices(), try ModelForm.rewritten(b.graph, FormChoices()))
    }

    @Test func independentNeighboursShareALaunch() async throws {
        let form = try Self.form()
        let device = try CPUDevice(threads: 1)
        let generator = CodeGenerator(KernelEmitter(CPUTarget(device.limits)), device: SIMTEmitter(Self.target))
        var generated = try GeneratedProgram(form.list, schedules: [:], generator: generator)
        let alone = LaunchGroups(form, generated, nil)
        #expect(alone.groups.map(\.members) == [[0], [1], [2]])
        #expect(alone.groups.allSatisfy { $0.joint == nil })
        let groups = LaunchGroups(form, generated, Self.target)
        // What reads a result of the first must wait for it.
        #expect(groups.groups.map(\.members.count) == [2, 1])
        #expect(groups.shared([4, 6]) == [2, 2, 6])
        let joint = try #require(groups.groups[0].joint)
        #expect(groups.groups[1].joint == nil)
        let blocks = groups.groups[0].members.map { index -> Int in
            guard case .grid(let grid) = generated.emitted[form.list.ofLaunch[index].index].parts else { return -1 }
            return grid.blocks.constantValue ?? -1
        }
        #expect(joint.grid.blocks.constantValue == blocks.reduce(0, +))
        let before = generated.deviceUnits.count
        generated.add(groups, generator)
        #expect(generated.deviceUnits.count == before + 1)
        let unit = try #require(generated.deviceUnits.last)
        #expect(unit.symbol == joint.symbol)
        // The text of a shared launch stands by itself.
        guard let path = ProcessInfo.processInfo.environment["HEARTH_NVRTC"] else { return }
        let image = try await NVRTCToolchain(path: path, parallel: 1).compile(unit.text, architecture: "sm_90a")
        #expect(!image.isEmpty)
    }

    /// Of launches in two sizes neighbours differ, whatever runs between them.
    @Test func launchesTakeTurns() throws {
        let small = EmittedKernel.Parts.grid(.init(blocks: 8, threads: 64))
        var grid = EmittedKernel.Grid(blocks: 132, threads: 320, sharedBytes: 4096)
        grid.alternate = .init(threads: 672, sharedBytes: 1024)
        var turns = LaunchTurns()
        let launches: [EmittedKernel.Parts] = [.grid(grid), small, .grid(grid), .grid(grid), .gang]
        let threads = launches.map { parts -> [Int] in
            guard case .grid(let grid) = turns.take(parts) else { return [] }
            return [grid.threads, grid.sharedBytes]
        }
        #expect(threads == [[320, 4096], [64, 0], [672, 1024], [320, 4096], []])
    }

    /// Devices whose launches do not overlap keep every kernel apart.
    @Test func otherDevicesKeepThemApart() throws {
        let form = try Self.form()
        var target = Self.target
        target.architecture = "sm_80"
        let device = try CPUDevice(threads: 1)
        let generator = CodeGenerator(KernelEmitter(CPUTarget(device.limits)), device: SIMTEmitter(target))
        let generated = try GeneratedProgram(form.list, schedules: [:], generator: generator)
        #expect(LaunchGroups(form, generated, target).groups.allSatisfy { $0.members.count == 1 })
    }
}
