import Base
import ElementTypes
import GraphIR

extension Graph {
    /// Where an element goes along a path of maps and views, in which it keeps its place; nil where a view says nothing of it. In slices it is
    /// counted from the slice's first element, or `inSlices` says that it is already.
    func target(
        along path: [NodeID], _ index: [IntegerExpression], _ ranges: VariableRanges, inSlices: Bool = false
    ) -> [IntegerExpression]? {
        var index = index
        for id in path {
            guard case .view(let view) = nodes[id].operation else { continue }
            if case .slice(let axis, let start, _, _) = view {
                if !inSlices { index[axis] = index[axis] - start }
                continue
            }
            guard let next = view.target(index, of: type(nodes[id].operands[0]).shape, ranges) else { return nil }
            index = next
        }
        return index
    }

    /// Where an element comes from along such a path; at 0 on axes of one element.
    func source(
        along path: [NodeID], _ index: [IntegerExpression], _ ranges: VariableRanges
    ) -> [IntegerExpression]? {
        var index = index
        for id in path.reversed() {
            guard case .view(let view) = nodes[id].operation else { continue }
            let shape = type(nodes[id].operands[0]).shape
            guard let source = view.source(index, of: shape, ranges), source.mask.isEmpty else { return nil }
            index = zip(source.index, shape).map { $1 == 1 ? 0 : $0 }
        }
        return index
    }
}
