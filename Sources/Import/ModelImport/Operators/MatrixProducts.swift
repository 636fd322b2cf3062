import ElementTypes
import GraphIR
import ModelFiles

/// Matrix products as contractions; factors and biases as maps.
func registerMatrixProducts(_ table: inout OperatorTable) {
    table.value("mm") { (i) throws(ImportError) in
        try i.add(.contract(.matrixProduct(batchRank: 0)), [try i.tensor("self"), try i.tensor("mat2")])
    }
    table.value("_int_mm") { (i) throws(ImportError) in
        // Sums of int8 products are exact in int32.
        let operands = [try i.cast(try i.tensor("self"), .i32), try i.cast(try i.tensor("mat2"), .i32)]
        return try i.add(.contract(.matrixProduct(batchRank: 0)), operands)
    }
    table.value("bmm") { (i) throws(ImportError) in
        try i.add(.contract(.matrixProduct(batchRank: 1)), [try i.tensor("self"), try i.tensor("mat2")])
    }
    table.value("matmul", "linalg_matmul", "mv", "dot", "vdot") { (i) throws(ImportError) in
        let other = i.call.name.base == "mv" ? "vec" : i.call.name.base.hasSuffix("dot") ? "tensor" : "other"
        let name = i.call.schema?.names.contains(other) == true ? other : "other"
        return try i.matrixProduct(try i.tensor("self"), try i.tensor(name))
    }
    table.value("linear") { (i) throws(ImportError) in
        let product = try i.linear(try i.tensor("input"), try i.tensor("weight"))
        guard let bias = try i.optionalTensor("bias") else { return product }
        return try i.formula([product, bias]) { $0[0] + $0[1] }
    }
    func sum(_ name: String, _ first: String, _ second: String, _ contract: Contract) {
        table.value(name) { (i) throws(ImportError) in
            let product = try i.add(.contract(contract), [try i.tensor(first), try i.tensor(second)])
            return try i.scaledSum(product)
        }
    }
    sum("addmm", "mat1", "mat2", .matrixProduct(batchRank: 0))
    sum("baddbmm", "batch1", "batch2", .matrixProduct(batchRank: 1))
    sum("addbmm", "batch1", "batch2", Contract(left: [0, 1, 2], right: [0, 2, 3], result: [1, 3]))
    sum("addmv", "mat", "vec", Contract(left: [0, 1], right: [1], result: [0]))
    sum("addr", "vec1", "vec2", Contract(left: [0], right: [1], result: [0, 1]))
    table.value("outer", "ger") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("self"), try i.tensor("vec2"))
        let type = i.resultType([.tensor(a), .tensor(b)])
        return try i.formula([.tensor(try i.unsqueeze(a, 1)), .tensor(b)], common: type) { $0[0] * $0[1] }
    }
    table.value("inner") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("self"), try i.tensor("other"))
        if i.rank(a) == 0 || i.rank(b) == 0 { return try i.formula([a, b]) { $0[0] * $0[1] } }
        let k = 100
        let left = Array(0..<i.rank(a) - 1)
        let right = Array(left.count..<left.count + i.rank(b) - 1)
        return try i.add(.contract(Contract(left: left + [k], right: right + [k], result: left + right)), [a, b])
    }
    table.value("linalg_vecdot") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("x"), try i.tensor("y"))
        let products = try i.formula([.tensor(a), .tensor(b)], common: i.element(a).computeType) { $0[0] * $0[1] }
        return try i.cast(try i.reduce(.sum, products, [try i.axis("dim", i.rank(products))]), i.element(a))
    }
    table.value("tensordot") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("self"), try i.tensor("other"))
        var (left, right) = (Array(0..<i.rank(a)), Array(i.rank(a)..<i.rank(a) + i.rank(b)))
        var result = left + right
        for (x, y) in zip(try i.ints("dims_self"), try i.ints("dims_other")) {
            let (p, q) = (try i.axis(x, i.rank(a)), try i.axis(y, i.rank(b)))
            result.removeAll { $0 == left[p] || $0 == right[q] }
            right[q] = left[p]
        }
        left = Array(0..<i.rank(a))
        return try i.add(.contract(Contract(left: left, right: right, result: result)), [a, b])
    }
    table.value("bilinear") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("input1"), try i.tensor("input2"))
        let lead = Array(0..<i.rank(a) - 1)
        let (p, q, n) = (100, 101, 102)
        let contract = Contract(left: lead + [p], right: [n, p, q], result: lead + [n, q])
        let partial = try i.add(.contract(contract), [a, try i.tensor("weight")])
        let second = Contract(left: lead + [n, q], right: lead + [q], result: lead + [n])
        let product = try i.add(.contract(second), [partial, b])
        guard let bias = try i.optionalTensor("bias") else { return product }
        return try i.formula([product, bias]) { $0[0] + $0[1] }
    }
    table.value("kron") { (i) throws(ImportError) in
        var (a, b) = (try i.tensor("self"), try i.tensor("other"))
        while i.rank(a) < i.rank(b) { a = try i.unsqueeze(a, 0) }
        while i.rank(b) < i.rank(a) { b = try i.unsqueeze(b, 0) }
        var (left, right, joined): (Shape, Shape, Shape) = ([], [], [])
        for (x, y) in zip(i.shape(a), i.shape(b)) {
            left += [x, 1]
            right += [1, y]
            joined.append(x * y)
        }
        let type = i.resultType([.tensor(a), .tensor(b)])
        let operands: [Operand] = [.tensor(try i.reshape(a, left)), .tensor(try i.reshape(b, right))]
        return try i.reshape(try i.formula(operands, common: type) { $0[0] * $0[1] }, joined)
    }
    table.value("linalg_cross", "cross") { (i) throws(ImportError) in
        let (a, b) = (try i.tensor("self"), try i.tensor("other"))
        let axis = try i.axis(try i.optionalInt("dim") ?? -1, max(i.rank(a), i.rank(b)))
        let shape = try i.declaredResult().shape
        func rolled(_ value: Value, _ by: Int, _ i: inout Importer) throws(ImportError) -> Value {
            let value = try i.expand(value, shape)
            let tail = try i.slice(value, axis, Dimension(by), Dimension(3 - by))
            return try i.concatenate([tail, try i.slice(value, axis, 0, Dimension(by))], axis)
        }
        let parts = [try rolled(a, 1, &i), try rolled(b, 2, &i), try rolled(a, 2, &i), try rolled(b, 1, &i)]
        return try i.formula(parts) { $0[0] * $0[1] - $0[2] * $0[3] }
    }
    table.value("einsum") { (i) throws(ImportError) in try i.einsum() }
}

extension Importer {
    /// `x · weightᵀ` over the last axis of `x`; `weight` is `[out, in]` or `[in]`.
    mutating func linear(_ x: Value, _ weight: Value) throws(ImportError) -> Value {
        let lead = Array(0..<rank(x) - 1)
        let (k, n) = (100, 101)
        if rank(weight) == 1 {
            return try add(.contract(Contract(left: lead + [k], right: [k], result: lead)), [x, weight])
        }
        return try add(.contract(Contract(left: lead + [k], right: [n, k], result: lead + [n])), [x, weight])
    }

    /// `torch.matmul` for all ranks. Batch axes that only the left side has join its rows, so that no operand is repeated.
    mutating func matrixProduct(_ a: Value, _ b: Value) throws(ImportError) -> Value {
        let (k, m, n) = (100, 101, 102)
        let leftRows = rank(a) > 1
        let rightColumns = rank(b) > 1
        let leftBatch = max(rank(a) - 2, 0)
        let rightBatch = max(rank(b) - 2, 0)
        let batch = max(leftBatch, rightBatch)
        var (left, right, result): ([Int], [Int], [Int]) = ([], [], [])
        var (leftShape, rightShape): (Shape, Shape) = ([], [])
        var resultShape: Shape = []
        for place in 0..<batch {
            let p = place - (batch - leftBatch)
            let q = place - (batch - rightBatch)
            let x: Dimension = p >= 0 ? shape(a)[p] : 1
            let y: Dimension = q >= 0 ? shape(b)[q] : 1
            resultShape.append(x == 1 ? y : x)
            // An extent of 1 is left out where the other side has more.
            if p >= 0, x != 1 || y == 1 {
                left.append(place)
                leftShape.append(x)
            }
            if q >= 0, y != 1 || x == 1 {
                right.append(place)
                rightShape.append(y)
            }
            result.append(place)
        }
        left += leftRows ? [m, k] : [k]
        leftShape += shape(a).suffix(leftRows ? 2 : 1)
        right += rightColumns ? [k, n] : [k]
        rightShape += shape(b).suffix(rightColumns ? 2 : 1)
        if leftRows { result.append(m) }
        if rightColumns { result.append(n) }
        let operands = [try reshape(a, leftShape), try reshape(b, rightShape)]
        return try add(.contract(Contract(left: left, right: right, result: result)), operands)
    }

    /// `beta × self + alpha × product`.
    fileprivate mutating func scaledSum(_ product: Value) throws(ImportError) -> Value {
        let (alpha, beta) = (try float("alpha"), try float("beta"))
        let element = element(product)
        if beta == 0 { return alpha == 1 ? product : try formula(product) { $0 * .number(alpha) } }
        let bias = try tensor("self")
        return try formula([.tensor(product), .tensor(bias)], common: element) { x in
            let scaled = alpha == 1 ? x[0] : x[0] * .number(alpha)
            return scaled + (beta == 1 ? x[1] : x[1] * .number(beta))
        }
    }

    /// `torch.einsum` of any number of operands, contracted from left to right.
    fileprivate mutating func einsum() throws(ImportError) -> Value {
        let equation = try string("equation").filter { $0 != " " }
        let operands = try tensors("tensors")
        let sides = equation.replacing("...", with: "@").split(separator: "-", omittingEmptySubsequences: false)
        let inputs = sides[0].split(separator: ",", omittingEmptySubsequences: false).map { Array($0) }
        guard inputs.count == operands.count else { throw unsupported("equation '\(equation)'") }
        var spare = 0
        for (labels, operand) in zip(inputs, operands) where labels.contains("@") {
            spare = max(spare, rank(operand) - labels.count + 1)
        }
        /// Letters are their scalar values; the axes of an ellipsis are negative, the last −1.
        func numbered(_ labels: [Character], _ count: Int) -> [Int] {
            labels.flatMap { $0 == "@" ? (0..<count).map { $0 - count } : [Int($0.unicodeScalars.first?.value ?? 0)] }
        }
        var terms: [(labels: [Int], value: Value)] = []
        for (labels, operand) in zip(inputs, operands) {
            let labels = numbered(labels, rank(operand) - labels.count + 1)
            guard labels.count == rank(operand) else { throw unsupported("equation '\(equation)'") }
            terms.append(try withoutRepeats(labels, operand))
        }
        let result: [Int]
        if sides.count > 1 {
            result = numbered(Array(sides[1].dropFirst()), spare)
        } else {
            let all = inputs.flatMap { $0 }.filter { $0 != "@" }
            let once = Set(all).filter { label in all.filter { $0 == label }.count == 1 }
            result = (0..<spare).map { $0 - spare } + numbered(once.sorted(), 0)
        }
        var current = terms.removeFirst()
        while !terms.isEmpty {
            let next = terms.removeFirst()
            let later = Set(terms.flatMap(\.labels) + result)
            current = try contracted(current, next, keeping: later)
        }
        let summed = current.labels.indices.filter { !result.contains(current.labels[$0]) }
        if !summed.isEmpty {
            let total = try cast(try sum(current.value, summed), element(current.value))
            current = (current.labels.filter { result.contains($0) }, total)
        }
        guard current.labels.count == result.count else { throw unsupported("equation '\(equation)'") }
        return try permute(current.value, result.map { current.labels.firstIndex(of: $0) ?? 0 })
    }

    /// Takes diagonals until no label is repeated.
    private mutating func withoutRepeats(_ labels: [Int], _ value: Value) throws(ImportError) -> ([Int], Value) {
        var (labels, value) = (labels, value)
        while let second = labels.indices.first(where: { labels[..<$0].contains(labels[$0]) }),
            let first = labels.firstIndex(of: labels[second])
        {
            let positions = try positions(shape(value)[first], from: 0, step: 1)
            let label = labels[second]
            labels.remove(at: second)
            labels.remove(at: first)
            labels.append(label)
            value = try add(
                .gather(Gather(axes: [first, second], at: labels.count - 1)), [value, positions, positions])
        }
        return (labels, value)
    }

    private mutating func contracted(
        _ a: (labels: [Int], value: Value), _ b: (labels: [Int], value: Value), keeping: Set<Int>
    ) throws(ImportError) -> (labels: [Int], value: Value) {
        var (a, b) = (a, b)
        // An extent of 1 broadcasts: it is dropped where the other side has the axis.
        for label in a.labels {
            guard let p = a.labels.firstIndex(of: label), let q = b.labels.firstIndex(of: label) else { continue }
            let (x, y) = (shape(a.value)[p], shape(b.value)[q])
            if x == y { continue }
            if x == 1 {
                a = (a.labels.filter { $0 != label }, try dropping(a.value, [p]))
            } else if y == 1 {
                b = (b.labels.filter { $0 != label }, try dropping(b.value, [q]))
            }
        }
        let union = a.labels + b.labels.filter { !a.labels.contains($0) }
        let kept = union.filter { keeping.contains($0) }
        // Batch axes first, as kernels like them.
        let shared = kept.filter { a.labels.contains($0) && b.labels.contains($0) }
        let order = shared + kept.filter { !shared.contains($0) }
        return (
            order, try add(.contract(Contract(left: a.labels, right: b.labels, result: order)), [a.value, b.value])
        )
    }
}
