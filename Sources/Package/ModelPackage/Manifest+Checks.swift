import ElementTypes

extension Manifest {
    /// The rules that every manifest keeps.
    package static let checks: [Check<Manifest>] = [
        Check("files are listed once and lie inside the package") { manifest in
            var seen: Set<String> = ["manifest.json"]
            return manifest.files.lazy.map(\.path).first { !isInside($0) || !seen.insert($0).inserted }
                .map { "'\($0)' is not" }
        },
        Check("plans, programs and weights are listed files") { manifest in
            let files = Set(manifest.files.map(\.path))
            let named = manifest.plans.flatMap { [$0.file, $0.program] } + (manifest.weights.map { [$0] } ?? [])
            return named.first { !files.contains($0) }.map { "'\($0)' is not" }
        },
        Check("there is a plan") { $0.plans.isEmpty ? "there is none" : nil },
        Check("inputs have names of their own") { repeated($0.interface.inputs.map(\.name)) },
        Check("outputs have names of their own") { repeated($0.interface.outputs.map(\.name)) },
        Check("dimensions and guards use only declared symbols") { manifest in
            let interface = manifest.interface
            let shapes = (interface.inputs + interface.outputs).flatMap(\.type.shape)
            return undeclared(shapes + interface.guards.flatMap { [$0.left, $0.right] }, interface)
        },
        Check("a symbol's value can be found at its source") { manifest in
            let interface = manifest.interface
            return interface.symbols.indices.first { !interface.canFind($0) }.map { "that of s\($0) cannot" }
        },
        Check("inputs and outputs begin with the extent of independent rows") { manifest in
            let interface = manifest.interface
            guard let rows = interface.independentRows else { return nil }
            guard interface.symbols.indices.contains(rows) else { return "there is no s\(rows)" }
            let extent = Dimension(Variable(.symbol, rows))
            let other = (interface.inputs + interface.outputs).first { $0.type.shape.first != extent }
            return other.map { "'\($0.name)' begins with another" }
        },
        Check("a symbol's range is not empty") { manifest in
            manifest.interface.symbols.firstIndex { ($0.symbol.maximum ?? Int.max) < $0.symbol.minimum }
                .map { "that of s\($0) is" }
        },
    ]

    private static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !path.utf8.contains(0) && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    private static func repeated(_ names: [String]) -> String? {
        var seen: Set<String> = []
        return names.first { !seen.insert($0).inserted }.map { "'\($0)' occurs twice" }
    }

    /// Names the first variable that is no symbol of the interface.
    static func undeclared(_ dimensions: [Dimension], _ interface: ModelInterface) -> String? {
        for dimension in dimensions {
            for variable in dimension.variables
            where variable.kind != .symbol || !interface.symbols.indices.contains(variable.index) {
                return "\(variable.name) is not"
            }
        }
        return nil
    }
}

extension ModelInterface {
    /// The declared extent at a symbol's source as coefficient and constant, when it is linear in the symbol alone.
    package func linearSource(of symbol: Int) -> (coefficient: Int, constant: Int)? {
        guard case .extent(let input, let axis) = symbols[symbol].source, inputs.indices.contains(input),
            inputs[input].type.shape.indices.contains(axis)
        else { return nil }
        let extent = inputs[input].type.shape[axis]
        guard extent.terms.count == 1, extent.terms[0].atoms == [.variable(Variable(.symbol, symbol))],
            extent.terms[0].coefficient > 0
        else { return nil }
        return (extent.terms[0].coefficient, extent.constant)
    }

    fileprivate func canFind(_ symbol: Int) -> Bool {
        switch symbols[symbol].source {
        case .extent: return linearSource(of: symbol) != nil
        case .value(let input):
            guard inputs.indices.contains(input) else { return false }
            let type = inputs[input].type
            return type.element.isInteger && type.shape.allSatisfy { $0 == 1 }
        }
    }
}
