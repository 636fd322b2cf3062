import Base
import ElementTypes
import GraphLowering
import KernelCodeGen
import KernelIR

/// Which kernels of a program share a launch on a device whose launches overlap: neighbouring small kernels that do not need
/// each other run side by side. It changes when things happen, never what is computed.
struct LaunchGroups {
    /// Kernels of one launch.
    struct Group {
        /// Places in the program's launches.
        var members: [Int]
        /// Set where it is more than one kernel by itself.
        var joint: SIMTJoint?
    }

    /// In order of launch; launches that compute constants are in none.
    private(set) var groups: [Group]

    /// The groups of a program; one kernel each where `target` is nil or its launches do not overlap.
    init(_ form: ModelForm, _ generated: GeneratedProgram, _ target: SIMTTarget?) {
        let launches = form.program.launches
        let running = launches.indices.filter { !launches[$0].isConstant }
        groups = running.map { Group(members: [$0]) }
        guard let target, target.overlaps else { return }
        let kernels = Kernels(form, generated, target)
        join(kernels)
        for index in groups.indices where groups[index].members.count > 1 {
            groups[index].joint = SIMTJoint(
                groups[index].members.map {
                    .init(kernels.emitted($0), dimensions: launches[$0].kernel.symbols.count)
                })
        }
    }

    /// Seconds of each group as seconds of each running launch: equal shares.
    func shared(_ seconds: [Double]) -> [Double] {
        zip(groups, seconds).flatMap { group, seconds in
            group.members.map { _ in seconds / Double(group.members.count) }
        }
    }

    // MARK: Joining

    /// Blocks of a kernel that may still share a launch.
    private static let mostBlocks = 512

    private mutating func join(_ kernels: Kernels) {
        var joined: [Group] = []
        for group in groups {
            let next = group.members[0]
            guard let last = joined.last, kernels.isSmall(next), last.members.allSatisfy(kernels.isSmall),
                kernels.loop(last.members[0]) == kernels.loop(next),
                last.members.allSatisfy({ kernels.areIndependent($0, next) })
            else {
                joined.append(group)
                continue
            }
            joined[joined.count - 1].members.append(next)
        }
        groups = joined
    }

    /// What is asked about kernels.
    private struct Kernels {
        let launches: [LoweredLaunch]
        let loops: [LoweredLoop]
        let list: KernelList
        let generated: GeneratedProgram
        let target: SIMTTarget

        init(_ form: ModelForm, _ generated: GeneratedProgram, _ target: SIMTTarget) {
            launches = form.program.launches
            loops = form.program.loops
            list = form.list
            self.generated = generated
            self.target = target
        }

        /// The loop that a launch is a part of.
        func loop(_ launch: Int) -> Int? { loops.firstIndex { $0.launches.contains(launch) } }

        func emitted(_ launch: Int) -> EmittedKernel { generated.emitted[list.ofLaunch[launch].index] }

        /// A nest of few blocks.
        func isSmall(_ launch: Int) -> Bool {
            guard case .nest = launches[launch].kernel.body, SIMTJoint.takes(emitted(launch), target),
                case .grid(let grid) = emitted(launch).parts
            else { return false }
            return (grid.blocks.constantValue ?? .max) <= LaunchGroups.mostBlocks
        }

        /// Whether neither writes what the other touches.
        func areIndependent(_ a: Int, _ b: Int) -> Bool {
            func touched(_ launch: LoweredLaunch) -> (all: Set<BufferID>, written: Set<BufferID>) {
                let written = zip(launch.kernel.parameters, launch.buffers).filter { $0.0.access != .read }
                return (Set(launch.buffers), Set(written.map(\.1)))
            }
            let (first, second) = (touched(launches[a]), touched(launches[b]))
            return first.written.isDisjoint(with: second.all) && second.written.isDisjoint(with: first.all)
        }
    }
}
