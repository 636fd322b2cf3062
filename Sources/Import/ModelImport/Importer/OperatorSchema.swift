import ModelFiles

/// The arguments of one operator as PyTorch registers it. Files leave out arguments that equal their default.
package struct OperatorSchema: Sendable {
    /// Argument names in order.
    package var names: [String]
    /// Defaults by argument name; arguments without one are always written.
    package var defaults: [String: ExportedArgument]

    /// Schemas by qualified name, such as `aten.add.Tensor`.
    package static let table: [String: OperatorSchema] = {
        var table: [String: OperatorSchema] = [:]
        for line in operatorSchemaText.split(separator: "\n") {
            var fields = line.split(separator: " ")
            let name = String(fields.removeFirst())
            var schema = OperatorSchema(names: [], defaults: [:])
            for field in fields {
                let parts = field.split(separator: "=", maxSplits: 1)
                schema.names.append(String(parts[0]))
                if parts.count > 1 { schema.defaults[String(parts[0])] = defaultValue(parts[1]) }
            }
            table[name] = schema
        }
        return table
    }()

    /// A default in the generator's notation: `n` none, `i1`, `f0.5`, `b1`, `smean`, `I1,2` integers, `F0.5` floats.
    private static func defaultValue(_ text: Substring) -> ExportedArgument {
        let body = text.dropFirst()
        switch text.first {
        case "i": return .int(Int64(body) ?? 0)
        case "f": return .float(Double(body) ?? .nan)
        case "b": return .bool(body == "1")
        case "s": return .string(String(body))
        case "I": return .ints(body.split(separator: ",").compactMap { Int64($0) })
        case "F": return .floats(body.split(separator: ",").compactMap { Double($0) })
        default: return .none  // `n`; the generator writes nothing else.
        }
    }
}
