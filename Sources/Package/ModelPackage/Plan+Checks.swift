import Base
import ElementTypes

extension Plan {
    /// A plan with the interface that it serves.
    package struct InContext: Sendable {
        /// The plan.
        package let plan: Plan
        /// What it serves.
        package let interface: ModelInterface

        /// Puts the two together.
        package init(_ plan: Plan, _ interface: ModelInterface) {
            self.plan = plan
            self.interface = interface
        }
    }

    /// Throws for the first rule that the plan breaks; `file` is named in the error.
    package func check(serving interface: ModelInterface, file: String = "plan.json") throws(PackageError) {
        try Check.run(Self.checks, on: InContext(self, interface), file: file)
    }

    /// The rules that every plan keeps.
    package static let checks: [Check<InContext>] = [
        Check("operands and copies refer to buffers of the plan") { subject in
            subject.places.first { !subject.plan.buffers.rows.indices.contains($0.operand.buffer.index) }
                .map { "\($0.place) refers to buffer \($0.operand.buffer.index)" }
        },
        Check("input buffers stand for inputs and have their size") { subject in
            subject.portMismatch(subject.interface.inputs) { if case .input(let index) = $0 { index } else { nil } }
        },
        Check("output buffers stand for outputs and have their size") { subject in
            subject.portMismatch(subject.interface.outputs) { if case .output(let index) = $0 { index } else { nil } }
        },
        Check("every output is written by a launch or a copy") { subject in
            var written = Set(subject.plan.copies.map(\.output))
            for launch in subject.plan.launches {
                for operand in launch.operands {
                    if case .output(let index) = subject.plan.buffers[operand.buffer].placement {
                        written.insert(index)
                    }
                }
            }
            return subject.interface.outputs.indices.first { !written.contains($0) }.map { "output \($0) is not" }
        },
        Check("copies go to outputs") { subject in
            subject.plan.copies.first { !subject.interface.outputs.indices.contains($0.output) }
                .map { "one goes to output \($0.output)" }
        },
        Check("expressions use only declared symbols") { subject in
            let plan = subject.plan
            let sizes =
                plan.buffers.rows.map(\.byteCount) + subject.places.map(\.operand.byteOffset)
                + plan.launches.flatMap { launch in
                    switch launch.spread {
                    case .parts(let count): launch.dimensions + [launch.workspaceBytes, count]
                    case .grid(let grid): launch.dimensions + [launch.workspaceBytes, grid.blocks]
                    case .threads, .gang: launch.dimensions + [launch.workspaceBytes]
                    }
                }
            return Manifest.undeclared(sizes, subject.interface)
        },
        Check("constant sizes are not negative and constant parts at least 1") { subject in
            for (index, buffer) in subject.plan.buffers.rows.enumerated() {
                if let size = buffer.byteCount.constantValue, size < 0 { return "buffer \(index) has \(size) bytes" }
            }
            for (index, launch) in subject.plan.launches.enumerated() {
                if let size = launch.workspaceBytes.constantValue, size < 0 {
                    return "launch \(index) has a workspace of \(size) bytes"
                }
                if case .parts(let parts) = launch.spread, let count = parts.constantValue, count < 1 {
                    return "launch \(index) has \(count) parts"
                }
            }
            return nil
        },
        Check("grids have sizes that devices may have") { subject in
            for (index, launch) in subject.plan.launches.enumerated() {
                guard case .grid(let grid) = launch.spread else { continue }
                if !(1...4096).contains(grid.threads) { return "launch \(index) has \(grid.threads) threads a block" }
                if !(0...(1 << 24)).contains(grid.sharedBytes) {
                    return "launch \(index) asks for \(grid.sharedBytes) bytes of shared memory"
                }
                if let blocks = grid.blocks.constantValue, !(0...Int(Int32.max)).contains(blocks) {
                    return "launch \(index) has \(blocks) blocks"
                }
            }
            return nil
        },
        Check("libraries are called for the launch's operands") { subject in
            for (index, launch) in subject.plan.launches.enumerated() {
                guard case .grid(let grid) = launch.spread, let call = grid.call else { continue }
                if let fault = call.fault(operands: launch.operands.count) {
                    return "that of launch \(index) \(fault)"
                }
                for (number, operand) in launch.operands.enumerated() {
                    let buffer =
                        subject.plan.buffers.rows.indices.contains(operand.buffer.index)
                        ? subject.plan.buffers[operand.buffer] : nil
                    guard let count = buffer?.byteCount.constantValue, let offset = operand.byteOffset.constantValue
                    else { continue }
                    if !(0...count).contains(offset) || call.byteCount(of: number) > count - offset {
                        return "that of launch \(index) needs more of operand \(number) than there is"
                    }
                }
            }
            return nil
        },
        Check("a plan runs on grids or in parts, not both") { subject in
            let grids = subject.plan.launches.count { if case .grid = $0.spread { true } else { false } }
            return grids == 0 || grids == subject.plan.launches.count
                ? nil : "\(grids) of \(subject.plan.launches.count) launches are grids"
        },
        Check("buffers in the arena live while launches use them") { subject in
            for (index, launch) in subject.plan.launches.enumerated() {
                for operand in launch.operands {
                    if case .arena(let lifetime) = subject.plan.buffers[operand.buffer].placement,
                        !lifetime.contains(index)
                    {
                        let bounds = "\(lifetime.lowerBound)...\(lifetime.upperBound)"
                        return "launch \(index) uses buffer \(operand.buffer.index), which lives for \(bounds)"
                    }
                }
            }
            for copy in subject.plan.copies {
                if case .arena = subject.plan.buffers[copy.source.buffer].placement {
                    return "output \(copy.output) is copied from the arena"
                }
            }
            return nil
        },
        Check("loops follow each other and ask a byte in the arena that lasts") { subject in
            var end = 0
            for (number, loop) in subject.plan.loops.enumerated() {
                let turn = loop.launches
                guard turn.lowerBound >= end, !turn.isEmpty, turn.upperBound <= subject.plan.launches.count else {
                    return "loop \(number) has launches \(turn)"
                }
                end = turn.upperBound
                guard subject.plan.buffers.rows.indices.contains(loop.condition.index) else {
                    return "loop \(number) asks buffer \(loop.condition.index)"
                }
                let condition = subject.plan.buffers[loop.condition]
                guard case .arena(let lifetime) = condition.placement, condition.byteCount == 1,
                    lifetime.lowerBound < turn.lowerBound, lifetime.upperBound >= turn.upperBound - 1
                else { return "loop \(number) asks buffer \(loop.condition.index), which is none" }
                // What one turn leaves to the next must not be overwritten meanwhile.
                for (index, buffer) in subject.plan.buffers.rows.enumerated() {
                    if case .arena(let lifetime) = buffer.placement, lifetime.lowerBound < turn.lowerBound,
                        turn.contains(lifetime.upperBound), lifetime.upperBound != turn.upperBound - 1
                    {
                        return "buffer \(index) ends within loop \(number)"
                    }
                }
                let starts = [turn.lowerBound, turn.upperBound].filter { subject.plan.launches.indices.contains($0) }
                if let launch = starts.first(where: { subject.plan.launches[$0].runsBeside }) {
                    return "launch \(launch) runs beside one on the other side of a border"
                }
            }
            return nil
        },
        Check("a state has one buffer") { subject in
            var seen: Set<String> = []
            for buffer in subject.plan.buffers.rows {
                if case .state(let name, _) = buffer.placement, !seen.insert(name).inserted {
                    return "'\(name)' has two"
                }
            }
            return nil
        },
        Check("states have constant sizes") { subject in
            for buffer in subject.plan.buffers.rows {
                if case .state(let name, _) = buffer.placement, buffer.byteCount.constantValue == nil {
                    return "'\(name)' has \(buffer.byteCount) bytes"
                }
            }
            return nil
        },
        Check("gang launches, and the first, run beside nothing") { subject in
            subject.plan.launches.enumerated().first { index, launch in
                launch.runsBeside && (index == 0 || launch.spread == .gang)
            }.map { "launch \($0.offset) does" }
        },
        Check("kernels have C names") { subject in
            subject.plan.launches.lazy.map(\.kernel).first { name in
                name.isEmpty || name.utf8.first.map { (48...57).contains($0) } == true
                    || !name.utf8.allSatisfy {
                        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
                    }
            }.map { "'\($0)' is none" }
        },
    ]
}

extension Plan.InContext {
    /// Every operand with words for where it stands.
    fileprivate var places: [(operand: Plan.Operand, place: String)] {
        plan.launches.enumerated().flatMap { index, launch in
            launch.operands.map { ($0, "launch \(index)") }
        } + plan.copies.map { ($0.source, "the copy to output \($0.output)") }
    }

    fileprivate func portMismatch(_ ports: [ModelInterface.Port], _ index: (Plan.Placement) -> Int?) -> String? {
        for (number, buffer) in plan.buffers.rows.enumerated() {
            guard let port = index(buffer.placement) else { continue }
            guard ports.indices.contains(port) else { return "buffer \(number) stands for number \(port)" }
            let type = ports[port].type
            let expected = elementCount(type.shape) * type.element.byteCount
            if buffer.byteCount != expected {
                return "buffer \(number) for '\(ports[port].name)' has \(buffer.byteCount) bytes, not \(expected)"
            }
        }
        return nil
    }
}
