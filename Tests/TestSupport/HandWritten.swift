import Base
import ElementTypes
import ModelPackage

/// A hand-written model with a dynamic dimension, a state, weights in the arena's neighbourhood and an aliased output:
///
/// `x: f32[n, 4]`, weight `w: f32[4]`, state `total: f32[4]` starting at weight `start`;
/// `t = x · w` (arena), `y = t + 1`, `total += Σ over rows of t`, `sum = total`.
package enum HandWritten {
    private static let source = """
        typedef long long i64;
        int multiply(void *const *b, const i64 *d, void *s, int part, int parts) {
            const float *x = b[0], *w = b[1]; float *t = b[2]; i64 n = d[0];
            for (i64 i = n * part / parts; i < n * (part + 1) / parts; i++)
                for (int j = 0; j < 4; j++) t[i * 4 + j] = x[i * 4 + j] * w[j];
            return 0;
        }
        int increment(void *const *b, const i64 *d, void *s, int part, int parts) {
            const float *t = b[0]; float *y = b[1]; i64 n = d[0] * 4;
            for (i64 i = n * part / parts; i < n * (part + 1) / parts; i++) y[i] = t[i] + 1;
            return 0;
        }
        int accumulate(void *const *b, const i64 *d, void *s, int part, int parts) {
            const float *t = b[0]; float *total = b[1]; float *row = s;
            for (int j = 0; j < 4; j++) row[j] = total[j];
            for (i64 i = 0; i < d[0]; i++) for (int j = 0; j < 4; j++) row[j] += t[i * 4 + j];
            for (int j = 0; j < 4; j++) total[j] = row[j];
            return d[0] == 13 ? 42 : 0;
        }
        int bounded(void *const *b, const i64 *d, void *s, int part, int parts) {
            const float *x = b[0]; float *y = b[1];
            for (i64 i = 0; i < d[0] * 4; i++) { if (x[i] < 0) return 1; y[i] = x[i] + 1; }
            return 0;
        }
        """

    private static let binary = Result { try KernelCompiler.compile(source) }

    /// Writes the package; `change` may spoil its plan.
    package static func write(to path: String, features: [String] = [], change: (inout Plan) -> Void = { _ in }) throws
    {
        let n = Dimension(Variable(.symbol, 0))
        let rows = n * 16
        var plan = Plan()
        let x = plan.buffers.append(.init(byteCount: rows, placement: .input(0)))
        let w = plan.buffers.append(.init(byteCount: 16, placement: .weight("w")))
        let t = plan.buffers.append(.init(byteCount: rows, placement: .arena(0...2)))
        let y = plan.buffers.append(.init(byteCount: rows, placement: .output(0)))
        let total = plan.buffers.append(.init(byteCount: 16, placement: .state(name: "total", initial: "start")))
        plan.launches = [
            .init(kernel: "multiply", operands: [.init(x), .init(w), .init(t)], dimensions: [n], spread: .threads),
            .init(kernel: "increment", operands: [.init(t), .init(y)], dimensions: [n], spread: .parts(n)),
            .init(
                kernel: "accumulate", operands: [.init(t), .init(total)], dimensions: [n], workspaceBytes: 16,
                runsBeside: true),
        ]
        plan.copies = [.init(output: 1, source: .init(total))]
        change(&plan)
        let interface = ModelInterface(
            inputs: [.init(name: "x", type: TensorType(.f32, [n, 4]))],
            outputs: [
                .init(name: "y", type: TensorType(.f32, [n, 4])), .init(name: "sum", type: TensorType(.f32, [4])),
            ],
            symbols: [
                .init(
                    symbol: Symbol(name: "rows", minimum: 0, maximum: 1000, hint: 2),
                    source: .extent(input: 0, axis: 0))
            ], guards: [.init(n, .notEqual, 7)])
        var writer = try PackageWriter(path: path)
        try writer.add("plan.json", plan)
        try writer.add("kernels/cpu.so", try binary.get())
        try writer.add(
            "weights.safetensors",
            tensors: [("w", [1, 2, 3, 4] as [Float]), ("start", [100, 0, 0, 0])].map { name, values in
                .init(name: name, element: .f32, shape: [4]) { bytes in
                    values.withUnsafeBytes { bytes.copyMemory(from: $0) }
                }
            })
        try writer.finish(
            Manifest(
                name: "hand-written", interface: interface,
                plans: [
                    .init(
                        file: "plan.json", program: "kernels/cpu.so", device: "cpu", features: features,
                        fingerprint: "0000000000000000", machine: "any")
                ], weights: "weights.safetensors"))
    }

    /// Writes a package for `x: f32[10, 4]`, `n: i64[]`: `y = x[..<n] + 1`.
    package static func writeCounted(to path: String) throws {
        let n = Dimension(Variable(.symbol, 0))
        var plan = Plan()
        let x = plan.buffers.append(.init(byteCount: 160, placement: .input(0)))
        let y = plan.buffers.append(.init(byteCount: n * 16, placement: .output(0)))
        plan.launches = [.init(kernel: "increment", operands: [.init(x), .init(y)], dimensions: [n])]
        var writer = try PackageWriter(path: path)
        try writer.add("plan.json", plan)
        try writer.add("kernels/cpu.so", try binary.get())
        try writer.finish(
            Manifest(
                name: "counted",
                interface: ModelInterface(
                    inputs: [
                        .init(name: "x", type: TensorType(.f32, [10, 4])), .init(name: "n", type: TensorType(.i64, [])),
                    ], outputs: [.init(name: "y", type: TensorType(.f32, [n, 4]))],
                    symbols: [
                        .init(
                            symbol: Symbol(name: "count", minimum: 1, maximum: 10, hint: 2), source: .value(input: 1))
                    ]),
                plans: [
                    .init(
                        file: "plan.json", program: "kernels/cpu.so", device: "cpu", features: [],
                        fingerprint: "0000000000000000", machine: "any")
                ]))
    }

    /// Writes a package for `x: f32[n, 4]`, whose rows are independent: `y = x + 1`. A run on a negative number fails, as an index out of
    /// range does.
    package static func writeRows(to path: String, maximum: Int = 1000) throws {
        let n = Dimension(Variable(.symbol, 0))
        var plan = Plan()
        let x = plan.buffers.append(.init(byteCount: n * 16, placement: .input(0)))
        let y = plan.buffers.append(.init(byteCount: n * 16, placement: .output(0)))
        plan.launches = [.init(kernel: "bounded", operands: [.init(x), .init(y)], dimensions: [n])]
        var writer = try PackageWriter(path: path)
        try writer.add("plan.json", plan)
        try writer.add("kernels/cpu.so", try binary.get())
        try writer.finish(
            Manifest(
                name: "rows",
                interface: ModelInterface(
                    inputs: [.init(name: "x", type: TensorType(.f32, [n, 4]))],
                    outputs: [.init(name: "y", type: TensorType(.f32, [n, 4]))],
                    symbols: [
                        .init(
                            symbol: Symbol(name: "rows", minimum: 1, maximum: maximum, hint: 2),
                            source: .extent(input: 0, axis: 0))
                    ], independentRows: 0),
                plans: [
                    .init(
                        file: "plan.json", program: "kernels/cpu.so", device: "cpu", features: [],
                        fingerprint: "0000000000000000", machine: "any")
                ]))
    }
}
