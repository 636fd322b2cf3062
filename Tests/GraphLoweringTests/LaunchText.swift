import Base
import ElementTypes
import GraphLowering
import KernelIR

extension LoweredProgram {
    /// One line a launch, as `FusionCase` has them.
    var launchText: [String] {
        var names: [BufferID: String] = [:]
        var counts: [String: Int] = [:]
        func numbered(_ letter: String) -> String {
            counts[letter, default: 0] += 1
            return "\(letter)\(counts[letter, default: 0] - 1)"
        }
        func name(_ id: BufferID) -> String {
            if let known = names[id] { return known }
            let buffer = buffers[id]
            var name =
                switch buffer.role {
                case .input(let index): "x\(index)"
                case .output(let index): "y\(index)"
                case .state(let index): "s\(index)"
                case .parameter(let name): name
                case .literal: numbered("c")
                case .folded: numbered("k")
                case .temporary: numbered("t")
                }
            if buffer.layout != Array(buffer.layout.indices) { name += "\(buffer.layout)" }
            names[id] = name
            return name
        }
        return launches.enumerated().map { index, launch in
            let isTurn = loops.contains { $0.launches.contains(index) }
            var parts = launch.isConstant ? ["once"] : isTurn ? ["turn"] : []
            let kind = launch.kernel.name.prefix { $0 != "_" }
            if case .nest(let nest) = launch.kernel.body, kind != "scatter" {
                parts.append("\(kind)/\(nest.steps.count)")
            } else {
                parts.append(String(kind))
            }
            let accesses = zip(launch.buffers, launch.kernel.parameters.map(\.access))
            parts += accesses.filter { $0.1 != .write }.map { name($0.0) }
            parts.append("->")
            parts += accesses.filter { $0.1 != .read }.map { name($0.0) }
            return parts.joined(separator: " ")
        }
    }
}
