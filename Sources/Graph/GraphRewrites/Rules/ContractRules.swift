import Base
import ElementTypes
import GraphIR

/// Contractions take up what permutes, broadcasts and merges of axes say, in their labels.
let contractRules: [RewriteRule] = [
    RewriteRule("contract of permute -> contract with its labels permuted", contractOfPermute),
    RewriteRule("permute of contract used once -> contract with its result permuted", permuteOfContract),
    RewriteRule("contract of expand along a label that both have -> contract without", contractOfExpand),
    RewriteRule("contract along axes merged alike -> merged contract along the parts", contractOfMerged),
    RewriteRule("contract that sums one operand alone -> contract of the sum", contractOfLonely),
    RewriteRule("contract that sums nothing -> map", contractOfNothing),
]

extension RewriteContext {
    /// The contraction that makes a value, and its operands.
    func contract(_ value: Value) -> (contract: Contract, operands: [Value])? {
        let node = node(value)
        guard case .contract(let contract) = node.operation else { return nil }
        return (contract, node.operands)
    }
}

extension Contract {
    /// The labels of an operand.
    subscript(_ operand: Int) -> [Int] {
        get { operand == 0 ? left : right }
        set { if operand == 0 { left = newValue } else { right = newValue } }
    }

    /// A label that no axis has.
    var freshLabel: Int { ((left + right).max() ?? -1) + 1 }
}

private func contractOfPermute(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard var (contract, operands) = c.contract(Value(id)) else { return nil }
    var found = false
    for side in 0..<2 {
        guard case (.permute(let axes), let operand)? = c.view(operands[side]) else { continue }
        let labels = contract[side]
        for (position, axis) in axes.enumerated() { contract[side][axis] = labels[position] }
        operands[side] = operand
        found = true
    }
    return found ? try c.builder.add(.contract(contract), c.moved(operands)) : nil
}

private func permuteOfContract(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard case (.permute(let axes), let operand)? = c.view(Value(id)), c.isUsedOnce(operand),
        let (found, operands) = c.contract(operand),
        // Stores stay contiguous along the last axis.
        axes.last == axes.count - 1
    else { return nil }
    var contract = found
    contract.result = axes.map { contract.result[$0] }
    return try c.builder.add(.contract(contract), c.moved(operands))
}

private func contractOfExpand(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard var (contract, operands) = c.contract(Value(id)) else { return nil }
    for side in 0..<2 {
        guard let source = c.expanded(operands[side]) else { continue }
        let full = c.shape(operands[side])
        let old = c.shape(source)
        let aligned = Shape(repeating: 1, count: full.count - old.count) + old
        let labels = contract[side]
        let dropped = full.indices.filter {
            aligned[$0] == 1 && full[$0] != 1 && contract[1 - side].contains(labels[$0])
                && contract.result.contains(labels[$0])
        }
        guard !dropped.isEmpty else { continue }
        let kept = full.indices.filter { !dropped.contains($0) }
        let narrow = try c.builder.reshape(c.moved(source), kept.map { aligned[$0] })
        let operand = try c.builder.expand(narrow, kept.map { full[$0] })
        contract[side] = kept.map { labels[$0] }
        operands = c.moved(operands)
        operands[side] = operand
        return try c.builder.add(.contract(contract), operands)
    }
    return nil
}

private func contractOfMerged(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (contract, operands) = c.contract(Value(id)), let left = c.reshaped(operands[0]),
        let right = c.reshaped(operands[1])
    else { return nil }
    let sources = [left, right]
    /// For each label of an operand that merges several axes, their extents.
    var parts: [[Int: Shape]] = [[:], [:]]
    for side in 0..<2 {
        let old = c.shape(sources[side])
        guard let runs = reshapeRuns(old, c.shape(operands[side]), c.ranges) else { return nil }
        // A batch of 1 that was dropped counts as merged with the axis after it.
        var first: Int?
        for run in runs {
            if run.new.isEmpty {
                first = first ?? run.old.lowerBound
                continue
            }
            let axes = (first ?? run.old.lowerBound)..<run.old.upperBound
            first = nil
            guard axes.count > 1, run.new.count == 1 else { continue }
            parts[side][contract[side][run.new.lowerBound]] = Array(old[axes])
        }
    }
    // Where the sides merge different parts, the coarser ones: the other side is merged as far.
    var split: [Int: Shape] = [:]
    for (label, extents) in parts[0] {
        if let others = parts[1][label] { split[label] = others.count < extents.count ? others : extents }
    }
    guard !split.isEmpty else { return nil }
    var fresh = contract.freshLabel
    var names: [Int: [Int]] = [:]
    for label in split.keys.sorted() {
        let count = split[label]?.count ?? 0
        names[label] = Array(fresh..<fresh + count)
        fresh += count
    }
    var next = contract
    next.result = contract.result.flatMap { names[$0] ?? [$0] }
    var arguments: [Value] = []
    for side in 0..<2 {
        let shape = zip(contract[side], c.shape(operands[side])).flatMap { split[$0.0] ?? [$0.1] }
        arguments.append(try c.builder.reshape(c.moved(sources[side]), shape))
        next[side] = contract[side].flatMap { names[$0] ?? [$0] }
    }
    let result = try c.builder.add(.contract(next), arguments)
    return try c.builder.reshape(result, c.shape(Value(id)))
}

private func contractOfLonely(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard var (contract, operands) = c.contract(Value(id)) else { return nil }
    for side in 0..<2 {
        let labels = contract[side]
        let axes = labels.indices.filter {
            !contract[1 - side].contains(labels[$0]) && !contract.result.contains(labels[$0])
        }
        guard !axes.isEmpty else { continue }
        let element = c.type(operands[side]).element
        let wide = try c.builder.cast(c.moved(operands[side]), element.isInteger ? element : element.computeType)
        let sum = try c.builder.cast(try c.builder.add(.reduce(Reduce(.sum, axes: axes)), [wide]), element)
        contract[side] = labels.indices.filter { !axes.contains($0) }.map { labels[$0] }
        operands = c.moved(operands)
        operands[side] = sum
        return try c.builder.add(.contract(contract), operands)
    }
    return nil
}

private func contractOfNothing(_ c: inout RewriteContext, _ id: NodeID) throws(ShapeError) -> Value? {
    guard let (contract, operands) = c.contract(Value(id)) else { return nil }
    let type = c.type(Value(id))
    var arguments: [Value] = []
    for side in 0..<2 {
        let (labels, shape) = (contract[side], c.shape(operands[side]))
        for (label, extent) in zip(labels, shape) where !contract.result.contains(label) && extent != 1 { return nil }
        let order = contract.result.compactMap { labels.firstIndex(of: $0) }
        let summed = labels.indices.filter { !contract.result.contains(labels[$0]) }
        let permuted = try c.builder.view(.permute(order + summed), c.moved(operands[side]))
        let aligned = zip(contract.result, type.shape).map { labels.contains($0.0) ? $0.1 : 1 }
        arguments.append(try c.builder.expand(try c.builder.reshape(permuted, aligned), type.shape))
    }
    var scalar = ScalarBuilder([type.element, type.element])
    var product = scalar.apply(.multiply, scalar.argument(0), scalar.argument(1))
    if type.element.computeType != type.element { product = scalar.cast(product, type.element) }
    return try c.builder.add(.map(scalar.finish(product)), arguments)
}

/// Runs of axes before and after a reshape with equal numbers of elements, as short as possible; a run of no axes on one
/// side is an extent 1 that comes or goes. Nil where symbolic extents leave it open.
func reshapeRuns(_ old: Shape, _ new: Shape, _ ranges: VariableRanges) -> [(old: Range<Int>, new: Range<Int>)]? {
    var runs: [(old: Range<Int>, new: Range<Int>)] = []
    var (i, j) = (0, 0)
    while i < old.count || j < new.count {
        let (a, b) = (i, j)
        if i < old.count, j < new.count, old[i] == new[j] {
            (i, j) = (i + 1, j + 1)
        } else if i < old.count, old[i] == 1 {
            i += 1
        } else if j < new.count, new[j] == 1 {
            j += 1
        } else {
            guard i < old.count, j < new.count else { return nil }
            var (left, right) = (old[i], new[j])
            (i, j) = (i + 1, j + 1)
            while left != right {
                let growsLeft: Bool
                if let x = left.constantValue, let y = right.constantValue {
                    growsLeft = x < y
                } else {
                    growsLeft = right.dividedExactly(by: left) != nil
                }
                if growsLeft {
                    guard i < old.count else { return nil }
                    left = left * old[i]
                    i += 1
                } else {
                    guard j < new.count else { return nil }
                    right = right * new[j]
                    j += 1
                }
            }
        }
        runs.append((a..<i, b..<j))
    }
    return runs
}
