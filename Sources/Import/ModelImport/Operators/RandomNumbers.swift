import ElementTypes
import GraphIR
import ModelFiles

/// Calls that draw random numbers; see `Importer.draw`.
func registerRandomNumbers(_ table: inout OperatorTable) {
    registerDistributions(&table)
    registerWholeNumbers(&table)
    registerDropouts(&table)
    table.refuse(OperatorTable.randomOperators) { .random($0.site) }
}

private func registerDistributions(_ table: inout OperatorTable) {
    table.value("rand", "rand_like") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        return try i.draw(type) { $0.unit($1, type.element) }
    }
    table.value("randn", "randn_like") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        return try i.draw(type) { $0.normal($1, type.element) }
    }
    table.value("uniform") { (i) throws(ImportError) in
        let type = try i.type(of: "self")
        let (low, high) = (try i.float("from"), try i.float("to"))
        return try i.scaled(try i.draw(type) { $0.unit($1, type.element) }, by: high - low, from: low)
    }
    table.value("normal", "normal_functional") { (i) throws(ImportError) in
        let type = try i.drawnType()
        let compute: ElementType = type.element == .f64 ? .f64 : .f32
        let standard = try i.draw(TensorType(compute, type.shape)) { $0.normal($1, compute) }
        return try i.formula(
            [.tensor(standard), try i.operand("std"), try i.operand("mean")], common: compute, result: type.element
        ) { $0[0] * $0[1] + $0[2] }
    }
    func exponential(_ name: String, _ body: @escaping @Sendable (Importer, Formula) throws(ImportError) -> Formula) {
        table.value(name) { (i) throws(ImportError) in
            let type = try i.type(of: "self")
            let compute: ElementType = type.element == .f64 ? .f64 : .f32
            let drawn = try i.draw(TensorType(compute, type.shape)) { $0.exponential($1, compute) }
            let formula = try body(i, .argument(0))
            return try i.formula([.tensor(drawn)], common: compute, result: type.element) { _ in formula }
        }
    }
    exponential("exponential") { (i, x) throws(ImportError) in x / .number(try i.float("lambd")) }
    // The first of many trials that succeeds.
    exponential("geometric") { (i, x) throws(ImportError) in
        let p = try i.float("p")
        return p >= 1 ? x * 0 + 1 : (x / -Formula.number(-p).log1p).apply(.ceiling).maximum(1)
    }
    table.value("cauchy") { (i) throws(ImportError) in
        let type = try i.type(of: "self")
        let (median, sigma) = (try i.float("median"), try i.float("sigma"))
        let drawn = try i.draw(type) { $0.unit($1, type.element) }
        return try i.formula(drawn) {
            .number(median) + .number(sigma) * ((($0 - 0.5) * .number(Double.pi)).apply(.tangent))
        }
    }
    table.value("log_normal") { (i) throws(ImportError) in
        let type = try i.type(of: "self")
        let (mean, deviation) = (try i.float("mean"), try i.float("std"))
        let drawn = try i.draw(type) { $0.normal($1, type.element) }
        return try i.formula(drawn) { ($0 * .number(deviation) + .number(mean)).exp }
    }
}

private func registerWholeNumbers(_ table: inout OperatorTable) {
    table.value("randint", "randint_like", "random") { (i) throws(ImportError) in
        let isInPlace = i.call.name.base.hasPrefix("random")
        let type = isInPlace ? try i.type(of: "self") : try i.declaredResult()
        // `random_` alone takes all numbers that its elements hold exactly.
        let (from, to) = isInPlace ? ("from", "to") : ("low", "high")
        let low = i.has(from) ? try i.int(from) : 0
        let high = i.has(to) ? try i.int(to) : Importer.wholeNumbers(type.element)
        guard high > low else { throw i.unsupported("no whole number from \(low) to below \(high)") }
        return try i.draw(type) { s, words in
            let rest = s.apply(.remainder, s.whole(words), s.integer(Int64(high - low)))
            return s.apply(.add, rest, s.integer(Int64(low)))
        }
    }
    table.value("randperm") { (i) throws(ImportError) in
        let type = try i.declaredResult()
        let keys = try i.draw(TensorType(.i64, type.shape)) { $0.whole($1) }
        return try i.cast(try i.order(of: keys, descending: false), type.element)
    }
    table.value("multinomial") { (i) throws(ImportError) in
        let weights = try i.tensor("self")
        let (count, isReplaced) = (try i.int("num_samples"), try i.bool("replacement"))
        let compute: ElementType = i.element(weights) == .f64 ? .f64 : .f32
        let p = try i.cast(weights, compute)
        let shape = i.shape(p)
        guard isReplaced, count > 1 else {
            // The greatest of p / q for q of the exponential distribution are samples without replacement (P. S. Efraimidis and
            // P. G. Spirakis, "Weighted random sampling with a reservoir", 2006).
            let q = try i.draw(TensorType(compute, shape)) { $0.exponential($1, compute) }
            let keys = try i.formula([p, q]) { $0[0] / $0[1] }
            return try i.order(of: keys, descending: true, limit: count)
        }
        // How many of the running sums a part of the whole reaches.
        let last = shape.count - 1
        let sums = try i.add(.scan(Scan(.sum, axis: last)), [p])
        let total = try i.slice(sums, last, shape[last] - 1, 1)
        var wanted = shape
        wanted[last] = Dimension(count)
        let u = try i.draw(TensorType(compute, wanted)) { $0.unit($1, compute) }
        let part = try i.unsqueeze(try i.formula([u, total]) { $0[0] * $0[1] }, last + 1)
        let reached = try i.map([try i.unsqueeze(sums, last), part]) { $0.apply(.lessOrEqual, $1[0], $1[1]) }
        let place = try i.reduce(.sum, try i.cast(reached, .i64), [last + 1])
        let most = try i.dimension(shape[last] - 1, .i64)
        return try i.map([place, most]) { $0.apply(.minimum, $1[0], $1[1]) }
    }
    table.value("bernoulli") { (i) throws(ImportError) in
        let type = try i.type(of: "self")
        if i.has("p"), case .scalar = try i.operand("p") {
            let p = try i.float("p")
            return try i.cast(
                try i.draw(TensorType(.bool, type.shape)) { $0.event($1, p) }, type.element)
        }
        let probability = try i.tensor(i.has("p") ? "p" : "self")
        let compute: ElementType = i.element(probability) == .f64 ? .f64 : .f32
        let u = try i.draw(TensorType(compute, type.shape)) { $0.unit($1, compute) }
        let drawn = try i.map([u, try i.cast(probability, compute)]) { $0.apply(.less, $1[0], $1[1]) }
        return try i.cast(drawn, type.element)
    }
}

/// Dropouts of training mode (N. Srivastava and others, "Dropout", 2014); identities outside of it.
private func registerDropouts(_ table: inout OperatorTable) {
    table.on("dropout", "feature_dropout") { (i) throws(ImportError) in
        let p = try i.float("p")
        guard try i.bool("train"), p > 0 else { return [try i.handle("input")] }
        let x = try i.tensor("input")
        return [i.fresh(try i.dropped(x, try i.kept(p, i.maskShape(x)), p))]
    }
    // SELU's dropout keeps mean and variance (G. Klambauer and others, "Self-normalizing neural networks", 2017).
    table.on("alpha_dropout", "feature_alpha_dropout") { (i) throws(ImportError) in
        let p = try i.float("p")
        guard try i.bool("train"), p > 0 else { return [try i.handle("input")] }
        let x = try i.tensor("input")
        let kept = try i.kept(p, i.maskShape(x))
        let alpha = 1.7580993408473766
        let scale = 1 / ((alpha * alpha * p + 1) * (1 - p)).squareRoot()
        return [
            i.fresh(
                try i.formula([x, try i.cast(kept, i.element(x))]) { t in
                    p == 1
                        ? t[0] * 0
                        : t[0] * t[1] * .number(scale) + (t[1] - 1) * .number(alpha * scale)
                            + .number(alpha * scale * p)
                })
        ]
    }
    table.values("native_dropout") { (i) throws(ImportError) in
        let x = try i.tensor("input")
        let p = try i.float("p")
        guard try i.optionalBool("train") ?? true, p > 0 else {
            return [x, try i.full(1, TensorType(.bool, i.shape(x)))]
        }
        let kept = try i.kept(p, i.shape(x))
        return [try i.dropped(x, kept, p), kept]
    }
}

extension OperatorTable {
    /// Operators that draw from distributions without a rule.
    static let randomOperators: [String] = ["poisson", "binomial", "_standard_gamma", "_sample_dirichlet"]
}

extension Importer {
    /// The type of what a call draws: that of the tensor it fills, or the declared one.
    fileprivate mutating func drawnType() throws(ImportError) -> TensorType {
        has("self") ? try type(of: "self") : try declaredResult()
    }

    fileprivate mutating func scaled(_ x: Value, by scale: Double, from low: Double) throws(ImportError) -> Value {
        scale == 1 && low == 0 ? x : try formula(x) { $0 * .number(scale) + .number(low) }
    }

    /// The positions that sort a value along its last axis.
    fileprivate mutating func order(
        of value: Value, descending: Bool, limit: Int? = nil
    ) throws(ImportError) -> Value {
        Value(try node(.sort(Sort(axis: rank(value) - 1, isDescending: descending, limit: limit)), [value]), 1)
    }

    /// Which elements a dropout of probability `p` keeps, as truth values; where none is, nothing is drawn, as in PyTorch.
    fileprivate mutating func kept(_ p: Double, _ shape: Shape) throws(ImportError) -> Value {
        p == 1 ? try full(0, TensorType(.bool, shape)) : try draw(TensorType(.bool, shape)) { $0.event($1, 1 - p) }
    }

    /// What is kept, made larger by as much as is expected to go.
    fileprivate mutating func dropped(_ x: Value, _ kept: Value, _ p: Double) throws(ImportError) -> Value {
        try formula([x, try cast(kept, element(x))]) { p == 1 ? $0[0] * 0 : $0[0] * $0[1] * .number(1 / (1 - p)) }
    }

    /// A truth value an element, or for dropouts of features one a channel.
    fileprivate func maskShape(_ x: Value) -> Shape {
        guard call.name.base.hasPrefix("feature") else { return shape(x) }
        return shape(x).enumerated().map { $0.offset < 2 ? $0.element : 1 }
    }

    /// How many whole numbers from 0 on elements of a type hold exactly.
    fileprivate static func wholeNumbers(_ element: ElementType) -> Int {
        switch element {
        case .i64: .max
        case .i32: 1 << 31
        case .i16: 1 << 15
        case .i8: 1 << 7
        case .u8: 1 << 8
        case .bool: 2
        case .f64: (1 << 53) + 1
        case .f32: (1 << 24) + 1
        case .f16: (1 << 11) + 1
        case .bf16: (1 << 8) + 1
        case .f8e4m3, .f8e5m2: 1
        }
    }
}
