import GraphIR
import ModelFiles

/// Assertions, scopes that change nothing at inference, and control flow.
func registerControl(_ table: inout OperatorTable) {
    // Assertions on metadata hold by construction of the program; those on elements guard against misuse only.
    table.on(
        "_assert_tensor_metadata", "_assert_async", "sym_constrain_range_for_size", "sym_constrain_range"
    ) { (_) throws(ImportError) in [] }
    // A number read out of a tensor stays a tensor of rank 0; it can be an operand, but no extent.
    table.value("item", "_local_scalar_dense") { (i) throws(ImportError) in
        try i.reshape(try i.tensor("self"), [])
    }
    // An assertion on dimensions becomes a guard on entry.
    table.on("_assert_scalar") { (i) throws(ImportError) in
        guard case .symBool(.name(let name)) = i.argument("self"), case .boolean(let condition) = try i.lookUp(name)
        else { return [] }
        try i.assume(condition, name)
        return []
    }
    table.refuse(OperatorTable.randomOperators) { .random($0.site) }
    let controlFlow = ["cond", "while_loop", "scan", "associative_scan", "map_impl"]
    table.refuse(controlFlow.map { "higher_order.\($0)" }) {
        $0.unsupported("control flow that depends on values; use torch.where, or export the branches by themselves")
    }
    for name in ["wrap_with_set_grad_enabled", "wrap_with_autocast"] {
        table.on("higher_order.\(name)") { (i) throws(ImportError) in try i.inlined() }
    }
}

extension OperatorTable {
    /// Operators that read a random generator, whatever their arguments.
    static let randomOperators: [String] = [
        "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "bernoulli", "multinomial",
        "normal", "uniform", "exponential", "poisson", "binomial", "normal_functional",
    ]

    /// In-place operators that change a tensor's shape rather than its elements; the importer does not follow these.
    static let shapeMutations: Set<String> = [
        "squeeze_", "unsqueeze_", "transpose_", "t_", "swapaxes_", "swapdims_", "resize_", "set_", "as_strided_",
    ]
}

extension Importer {
    /// The results of a call's graph argument, run on the arguments that follow it.
    fileprivate mutating func inlined() throws(ImportError) -> [TensorHandle?] {
        let caller = call
        guard let place = caller.node.inputs.firstIndex(where: { if case .graph = $0.value { true } else { false } }),
            case .graph(_, let body) = caller.node.inputs[place].value
        else { throw unsupported("no graph argument") }
        var scope = Scope(graph: body)
        let operands = caller.node.inputs[(place + 1)...].map(\.value)
        guard operands.count == body.inputs.count else { throw unsupported("another number of operands") }
        for (formal, actual) in zip(body.inputs, operands) {
            switch (formal, actual) {
            case (.tensor(let name), .tensor(let given)): scope.bindings[name] = .tensor(try handle(named: given))
            case (.symInt(.name(let name)), .symInt(.name(let given))): scope.bindings[name] = try lookUp(given)
            default: throw unsupported("an operand that is no tensor")  // Nothing else is passed here.
            }
        }
        scopes.append(scope)
        defer { scopes.removeLast() }
        try run(body)
        call = caller
        var results: [TensorHandle?] = []
        for output in body.outputs {
            switch output {
            case .tensor(let name): results.append(try handle(named: name))
            case .none: results.append(nil)
            default: throw unsupported("a result that is no tensor")  // Nothing else is passed here.
            }
        }
        return results
    }
}
