/// The parts of an operator's name as the file gives it: `torch.ops.aten.add_.Tensor`.
struct OperatorName: Hashable, Sendable {
    /// `aten`, `higher_order`, `_operator`, `math`.
    var namespace: String
    /// `add_`.
    var base: String
    /// `Tensor`; empty where there is none.
    var overload: String

    /// Splits a target of the file.
    init(_ target: String) {
        var parts = target.split(separator: ".").map(String.init)
        if parts.count > 2, parts[0] == "torch", parts[1] == "ops" { parts.removeFirst(2) }
        namespace = parts.first ?? ""
        base = parts.count > 1 ? parts[1] : ""
        overload = parts.count > 2 ? parts[2...].joined(separator: ".") : ""
    }

    /// `aten.add_.Tensor`.
    var qualified: String {
        base.isEmpty ? namespace : overload.isEmpty ? "\(namespace).\(base)" : "\(namespace).\(base).\(overload)"
    }

    /// The functional operator that an in-place one repeats (`add` of `add_`, `__and__` of `__iand__`), or nil.
    var functionalBase: String? {
        if base.hasPrefix("__i"), base.hasSuffix("__") { return "__" + base.dropFirst(3) }
        guard base.hasSuffix("_"), !base.hasSuffix("__"), base.count > 1 else { return nil }
        return String(base.dropLast())
    }
}
