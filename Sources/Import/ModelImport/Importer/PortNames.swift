import JSON
import ModelFiles

/// Dotted names of all flat inputs and outputs, from the structure of the model's Python signature.
struct PortNames {
    /// One for each thing that the caller passes: `x`, `cache.0.k`.
    var inputs: [String]
    /// One for each thing that the caller gets: `output`, `output.0`, `output.logits`.
    var outputs: [String]

    /// Names for a program; value names where it does not record the structure, or records another number of leaves.
    init(_ program: ExportedProgram) {
        var plain: [String] = []
        for input in program.inputs {
            switch input {
            case .user(.tensor(let name)), .user(.symInt(.name(let name))): plain.append(name)
            case .constant(let name, _): plain.append(name)
            case .user: plain.append("input.\(plain.count)")
            case .parameter, .buffer, .tensorConstant, .customObject, .token: break
            }
        }
        let results = program.outputs.count { if case .user = $0 { true } else { false } }
        inputs = plain
        outputs = results == 1 ? ["output"] : (0..<results).map { "output.\($0)" }
        guard let call = program.rootCall else { return }
        let fields = program.namedTupleFields
        var paths: [String] = []
        let parts = call.inputTree.children
        if parts.count == 2 {
            for (index, argument) in parts[0].children.enumerated() {
                let known = call.argumentNames.flatMap { $0.indices.contains(index) ? $0[index] : nil }
                let fallback =
                    argument == .leaf && plain.indices.contains(paths.count) ? plain[paths.count] : "args.\(index)"
                paths += argument.paths(known ?? fallback, fields)
            }
            for (key, argument) in zip(parts[1].keys(fields), parts[1].children) {
                paths += argument.paths(key, fields)
            }
        }
        if paths.count == plain.count, Set(paths).count == paths.count { inputs = paths }
        let leaves = call.outputTree.paths("output", fields)
        if leaves.count == results, Set(leaves).count == leaves.count { outputs = leaves }
    }
}

extension PyTree {
    /// Dotted paths of all leaves under a prefix, depth first.
    fileprivate func paths(_ prefix: String, _ fields: NamedValues<[String]>) -> [String] {
        if self == .leaf { return [prefix] }
        return zip(keys(fields), children).flatMap { $1.paths("\(prefix).\($0)", fields) }
    }

    /// How each child is called: key, field or number.
    fileprivate func keys(_ fields: NamedValues<[String]>) -> [String] {
        let numbers = children.indices.map(String.init)
        switch self {
        case .leaf: return []
        case .tuple, .list: return numbers
        case .dictionary(let keys, _): return keys.map(\.description)
        case .namedTuple(let type, _):
            let names = fields[type] ?? []
            return names.count == numbers.count ? names : numbers
        case .other(_, let context, _):
            // Model output classes record their keys.
            let names = context.arrayValue?.compactMap(\.stringValue) ?? []
            return names.count == numbers.count ? names : numbers
        }
    }
}
