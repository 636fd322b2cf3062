import ElementTypes

/// The closed set of tensor operations. Each payload's file states its operands and its shape rule.
package enum Operation: Hashable, Sendable {
    /// A value from outside or a constant; no operands.
    case leaf(Leaf)
    /// A scalar function applied to operands of one shape.
    case map(ScalarExpression)
    /// Combines elements along axes.
    case reduce(Reduce)
    /// Combines elements along an axis, keeping every partial result.
    case scan(Scan)
    /// The operand's elements at other indices; costs nothing by itself.
    case view(View)
    /// Operands one after another along an axis.
    case concatenate(axis: Int)
    /// Elements of the first operand at positions given by the others.
    case gather(Gather)
    /// The first operand with elements replaced by or combined with updates at given positions.
    case scatter(Scatter)
    /// A generalised matrix product.
    case contract(Contract)
    /// An n-dimensional convolution.
    case convolve(Convolve)
    /// Scaled dot-product attention.
    case attend(Attend)
    /// One layer of a recurrent network in one direction.
    case recur(Recur)
    /// Pooling over sliding windows.
    case window(Window)
    /// Sorted elements and their positions, or the k greatest or least.
    case sort(Sort)
}

extension Operation {
    /// The short name used in printed graphs and reports.
    package var name: String {
        switch self {
        case .leaf: "leaf"
        case .map: "map"
        case .reduce: "reduce"
        case .scan: "scan"
        case .view: "view"
        case .concatenate: "concatenate"
        case .gather: "gather"
        case .scatter: "scatter"
        case .contract: "contract"
        case .convolve: "convolve"
        case .attend: "attend"
        case .recur: "recur"
        case .window: "window"
        case .sort: "sort"
        }
    }
}

/// Why a node cannot be made: the operation, its operand types and the reason.
package struct ShapeError: Error, Hashable, CustomStringConvertible {
    package var operation: String
    package var operands: [TensorType]
    package var reason: String

    package var description: String {
        "\(operation)(\(operands.map(\.description).joined(separator: ", "))): \(reason)"
    }
}

extension Operation {
    /// The types of the results for operands of the given types: the shape rule of every operation.
    package func results(_ operands: [TensorType], _ ranges: VariableRanges) throws(ShapeError) -> [TensorType] {
        let rule = ShapeRule(operation: name, operands: operands, ranges: ranges)
        switch self {
        case .leaf(let leaf): return try leaf.results(rule)
        case .map(let expression): return try mapResults(expression, rule)
        case .reduce(let reduce): return try reduce.results(rule)
        case .scan(let scan): return try scan.results(rule)
        case .view(let view): return try view.results(rule)
        case .concatenate(let axis): return try concatenateResults(axis, rule)
        case .gather(let gather): return try gather.results(rule)
        case .scatter(let scatter): return try scatter.results(rule)
        case .contract(let contract): return try contract.results(rule)
        case .convolve(let convolve): return try convolve.results(rule)
        case .attend(let attend): return try attend.results(rule)
        case .recur(let recur): return try recur.results(rule)
        case .window(let window): return try window.results(rule)
        case .sort(let sort): return try sort.results(rule)
        }
    }
}

/// What a shape rule sees: operand types and what is known of symbols.
package struct ShapeRule {
    package let operation: String
    package let operands: [TensorType]
    package let ranges: VariableRanges

    /// Fails with a reason unless `condition` holds.
    package func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(ShapeError) {
        if !condition { throw ShapeError(operation: operation, operands: operands, reason: reason()) }
    }

    /// Fails unless there are exactly `count` operands.
    package func requireOperands(_ count: Int) throws(ShapeError) {
        try require(operands.count == count, "expected \(count) operands, found \(operands.count)")
    }

    /// Fails unless `axis` is an axis of a tensor of this rank.
    package func requireAxis(_ axis: Int, rank: Int) throws(ShapeError) {
        try require(axis >= 0 && axis < rank, "axis \(axis) of a rank-\(rank) tensor")
    }
}
