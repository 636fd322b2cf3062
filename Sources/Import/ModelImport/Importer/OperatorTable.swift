import GraphIR
import ModelFiles

/// Imports one call: reads the arguments of `call`, appends nodes, returns the results in order (nil where a result is
/// of no use to a forward pass).
typealias OperatorRule = @Sendable (inout Importer) throws(ImportError) -> [TensorHandle?]

/// The import rules by operator name without overload (`add` covers `add.Tensor` and `add.Scalar`).
struct OperatorTable: Sendable {
    private var rules: [String: OperatorRule] = [:]
    /// Rules for calls with complex operands.
    private var complexRules: [String: OperatorRule] = [:]
    /// Operators whose rule does nothing but say why they cannot be imported.
    private var refused: Set<String> = []

    /// All rules.
    static let shared: OperatorTable = {
        var table = OperatorTable()
        registerPointwise(&table)
        registerActivations(&table)
        registerArithmetic(&table)
        registerCastsAndCreation(&table)
        registerReductions(&table)
        registerNormalisations(&table)
        registerViews(&table)
        registerRearrangements(&table)
        registerIndexing(&table)
        registerScatters(&table)
        registerMatrixProducts(&table)
        registerConvolutions(&table)
        registerPooling(&table)
        registerAttention(&table)
        registerRecurrent(&table)
        registerSortsAndScans(&table)
        registerPadding(&table)
        registerUpsampling(&table)
        registerColumns(&table)
        registerComplexNumbers(&table)
        registerComplexArithmetic(&table)
        registerComplexFunctions(&table)
        registerFourierTransforms(&table)
        registerDistances(&table)
        registerEmbeddingBags(&table)
        registerGradients(&table)
        registerLosses(&table)
        registerRandomNumbers(&table)
        registerControl(&table)
        registerControlFlow(&table)
        return table
    }()

    /// Names of all operators that can be imported, sorted.
    var names: [String] { Set(rules.keys).union(complexRules.keys).subtracting(refused).sorted() }

    /// Names of all operators that are refused with a reason, sorted.
    var refusedNames: [String] { refused.sorted() }

    /// Adds a rule that returns tensors with or without memory of their own.
    mutating func on(_ names: String..., rule: @escaping OperatorRule) {
        for name in names {
            precondition(rules[name] == nil, "two rules for \(name)")
            rules[name] = rule
        }
    }

    /// Whether the operator's rule does nothing but say why it cannot be imported.
    func refuses(_ name: OperatorName) -> Bool { refused.contains(name.base) }

    /// Adds operators that are refused with a reason.
    mutating func refuse(_ names: [String], with error: @escaping @Sendable (Importer) -> ImportError) {
        for name in names {
            on(name) { (i) throws(ImportError) in throw error(i) }
            refused.insert(name)
        }
    }

    /// Adds a rule for calls with complex operands.
    mutating func onComplex(_ names: String..., rule: @escaping OperatorRule) {
        for name in names {
            precondition(complexRules[name] == nil, "two rules for complex \(name)")
            complexRules[name] = rule
        }
    }

    /// Adds a rule whose one result has memory of its own.
    mutating func value(
        _ names: String..., rule: @escaping @Sendable (inout Importer) throws(ImportError) -> Value
    ) {
        for name in names {
            on(name) { (i) throws(ImportError) in
                let value = try rule(&i)
                return [i.fresh(value)]
            }
        }
    }

    /// Adds a rule whose results have memory of their own.
    mutating func values(
        _ names: String..., rule: @escaping @Sendable (inout Importer) throws(ImportError) -> [Value]
    ) {
        for name in names {
            on(name) { (i) throws(ImportError) in
                let values = try rule(&i)
                return values.map { i.fresh($0) }
            }
        }
    }

    /// Adds a rule whose one result shares memory with an argument.
    mutating func alias(
        _ names: String..., rule: @escaping @Sendable (inout Importer) throws(ImportError) -> TensorHandle
    ) {
        for name in names { on(name) { (i) throws(ImportError) in [try rule(&i)] } }
    }

    /// The rule of an operator for complex operands.
    func complexHandler(_ name: OperatorName) -> OperatorRule? {
        name.namespace == "aten" ? complexRules[name.base] : nil
    }

    /// Whether an operator has a rule for operands of some kind.
    func covers(_ name: OperatorName) -> Bool { handler(name) != nil || complexHandler(name) != nil }

    /// The rule of an operator: its own, or for one that writes in place that of its functional twin.
    func handler(_ name: OperatorName) -> OperatorRule? {
        if name.namespace != "aten" { return rules["\(name.namespace).\(name.base)"] }
        if let rule = rules[name.base] { return rule }
        if OperatorTable.shapeMutations.contains(name.base) { return nil }
        guard let base = name.functionalBase, let rule = rules[base] else { return nil }
        return { (i) throws(ImportError) in
            let target = try i.inPlaceTarget()
            guard case let result? = try rule(&i).first ?? nil else { throw i.unsupported("no result to write") }
            try i.write(target, try i.read(result))
            return [target]
        }
    }
}

extension Importer {
    /// The tensor that an in-place operator writes: `self`, or `input` where the schema has no `self`.
    func inPlaceTarget() throws(ImportError) -> TensorHandle {
        try handle(call.arguments["self"] != nil ? "self" : "input")
    }
}
