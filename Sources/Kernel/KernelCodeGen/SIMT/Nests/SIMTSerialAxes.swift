import ElementTypes
import KernelIR

/// Which axes of a serial nest need their order: results are those of one thread that goes over all points, because two of them may write
/// the same element. Axes whose number stands in the element's place never meet another number's elements, so that threads may share
/// them out; each goes over the others in order.
///
/// Known where one store's place is a sum of axes and positions times constants that is written uniquely (as mixed radix): each factor is
/// greater than all that lesser digits come to.
struct SIMTSerialAxes {
    /// Axes that threads share out; none where nothing is known.
    let free: [LoopAxis]
    /// Axes that every thread goes over in order.
    let ordered: [LoopAxis]

    init(_ nest: NestKernel) {
        let free = nest.isSerial ? Self.free(nest) : nil
        self.free = free ?? []
        ordered = free.map { free in nest.axes.filter { !free.contains($0) } } ?? nest.axes
    }

    private static func free(_ nest: NestKernel) -> [LoopAxis]? {
        guard nest.steps.count == 1, nest.steps[0].axes.isEmpty, nest.rows.isEmpty, nest.slots.isEmpty,
            nest.steps[0].effects.count == 1, case .store(let store) = nest.steps[0].effects[0]
        else { return nil }
        let nodes = nest.steps[0].body.nodes
        for node in nodes {
            if case .load(store.parameter, _, _) = node { return nil }
        }
        var digits: [(factor: Int, extent: Int)] = []
        var free: [LoopAxis] = []
        var left = store.index
        for variable in store.index.variables {
            let axis = nest.axes.first { $0.variable == variable }
            var extent = axis?.extent.constantValue
            if variable.kind == .value, nodes.indices.contains(variable.index),
                case .position(_, let positions, _) = nodes[variable.index]
            {
                extent = positions.constantValue
            }
            guard let extent, let factor = store.index.linearCoefficient(of: variable)?.constantValue, factor > 0
            else { return nil }
            digits.append((factor, extent))
            left = left - IntegerExpression(variable) * factor
            if let axis { free.append(axis) }
        }
        guard left.constantValue != nil else { return nil }
        var reach = 0
        for digit in digits.sorted(by: { $0.factor < $1.factor }) {
            guard digit.factor > reach else { return nil }
            let (most, overflow) = digit.factor.multipliedReportingOverflow(by: max(0, digit.extent - 1))
            let (sum, isMore) = reach.addingReportingOverflow(most)
            if overflow || isMore { return nil }
            reach = sum
        }
        return free
    }
}
