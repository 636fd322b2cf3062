import Base
import ElementTypes
import ModelPackage

/// What a session's memory holds, for people: every buffer of a plan with size and place.
package struct MemoryReport: Sendable, Equatable {
    /// A buffer.
    package struct Row: Sendable, Equatable {
        /// Number in the plan.
        package var buffer: Int
        /// What it holds.
        package var label: String
        /// Where it is.
        package var placement: Plan.Placement
        /// Size.
        package var byteCount: Int
        /// Offset in the arena, for buffers there.
        package var offset: Int?
    }

    /// Largest size of anything in bytes: sums of such sizes cannot overflow, and no machine has more.
    static let largest = 1 << 47

    /// Buffers in the plan's order.
    package let rows: [Row]
    /// Size of the arena.
    package let arenaBytes: Int
    /// Bytes of the buffers in the arena that live at the same launch, at most: no arena can be smaller.
    package let liveBytes: Int
    /// Bytes of the session's state.
    package let stateBytes: Int
    /// Bytes of the weights that the plan reads.
    package let weightBytes: Int

    /// Lays memory out for these values of the symbols, as a session does.
    package init(_ plan: Plan, symbols: [Int]) throws(RuntimeError) {
        let groups = ArenaPlan.groups(plan.launches)
        var rows: [Row] = []
        var requests: [ArenaPlan.Request] = []
        var owners: [Int] = []
        var (stateBytes, weightBytes) = (0, 0)
        for (index, buffer) in plan.buffers.rows.enumerated() {
            guard let size = buffer.byteCount.evaluate(symbols), (0...Self.largest).contains(size) else {
                throw .sizeOverflow(what: "the size of buffer \(index)")
            }
            rows.append(
                Row(buffer: index, label: buffer.label, placement: buffer.placement, byteCount: size, offset: nil))
            switch buffer.placement {
            case .input, .output, .library: break
            case .weight: weightBytes += size
            case .state: stateBytes += size
            case .arena(let lifetime):
                requests.append(.init(byteCount: size, lifetime: ArenaPlan.widened(lifetime, groups)))
                owners.append(index)
            }
        }
        let layout = ArenaPlan(requests)
        for (owner, offset) in zip(owners, layout.offsets) { rows[owner].offset = offset }
        var liveBytes = 0
        for launch in plan.launches.indices {
            let alive = requests.lazy.filter { $0.lifetime.contains(launch) }
            liveBytes = max(liveBytes, alive.reduce(0) { $0 + $1.byteCount })
        }
        self.rows = rows
        self.liveBytes = liveBytes
        self.stateBytes = stateBytes
        self.weightBytes = weightBytes
        arenaBytes = layout.byteCount
    }
}

extension ModelInterface {
    /// Types of the inputs when every symbol has the value that occurred at export.
    package func typicalInputs() throws(RuntimeError) -> [TensorDescription] {
        try inputs(for: symbols.map(\.symbol.hint))
    }

    /// Types of the inputs for these values of the symbols.
    package func inputs(for values: [Int]) throws(RuntimeError) -> [TensorDescription] {
        try describe(inputs, values, "input")
    }
}
