import Base
import ElementTypes
import Foundation
import ModelPackage

/// A package with everything that the format has, for a model that nothing runs.
enum SamplePackage {
    static let symbol = Dimension(Variable(.symbol, 0))

    static var interface: ModelInterface {
        ModelInterface(
            inputs: [
                .init(name: "x", type: TensorType(.f32, [symbol * 2 + 1, 4])),
                .init(name: "n", type: TensorType(.i64, [])),
            ],
            outputs: [
                .init(name: "y", type: TensorType(.bf16, [symbol])), .init(name: "z", type: TensorType(.f32, [4])),
            ],
            symbols: [
                .init(
                    symbol: Symbol(name: "batch", minimum: 1, maximum: 64, hint: 3), source: .extent(input: 0, axis: 0)),
                .init(symbol: Symbol(name: "n", minimum: 0, maximum: nil, hint: 0), source: .value(input: 1)),
            ],
            guards: [.init(symbol.modulo(3, VariableRanges()), .equal, 0)])
    }

    static var plan: Plan {
        var plan = Plan()
        let x = plan.buffers.append(.init(label: "x", byteCount: symbol * 32 + 16, placement: .input(0)))
        let y = plan.buffers.append(.init(byteCount: symbol * 2, placement: .output(0)))
        let w = plan.buffers.append(.init(byteCount: 16, placement: .weight("w")))
        let cache = plan.buffers.append(.init(byteCount: 16, placement: .state(name: "cache", initial: "w")))
        let zeros = plan.buffers.append(.init(byteCount: 8, placement: .state(name: "zeros", initial: nil)))
        let t = plan.buffers.append(.init(byteCount: symbol * 4, placement: .arena(0...1)))
        plan.launches = [
            .init(
                kernel: "first", label: "layer 1", operands: [.init(x, byteOffset: symbol * 4), .init(w), .init(t)],
                dimensions: [symbol, 7], spread: .parts(symbol), workspaceBytes: symbol * 8),
            .init(kernel: "second", operands: [.init(t), .init(y)], spread: .threads, runsBeside: true),
            .init(kernel: "third", operands: [.init(cache), .init(zeros)], spread: .gang),
        ]
        plan.copies = [.init(output: 1, source: .init(cache))]
        return plan
    }

    static var manifest: Manifest {
        Manifest(
            name: "sample", interface: interface,
            plans: [
                .init(
                    file: "plan.json", program: "kernels/cpu.so", device: "cpu", features: ["avx2", "fma"],
                    fingerprint: "0123456789abcdef", machine: "A machine")
            ], weights: "weights.safetensors",
            provenance: [.init(name: "model", value: "sample.pt2"), .init(name: "note", value: "\"ä\"\n")])
    }

    static func write(to path: String, plan: Plan = plan, manifest: Manifest = manifest) throws {
        var writer = try PackageWriter(path: path)
        try writer.add("plan.json", plan)
        try writer.add("kernels/cpu.so", Array("not really code".utf8))
        try writer.add("kernels/cpu.c", Array("/* source */\n".utf8))
        try writer.add(
            "weights.safetensors",
            tensors: [
                .init(name: "w", element: .f32, shape: [4]) { $0.copyBytes(from: (0..<16).map { UInt8($0) }) },
                .init(name: "empty", element: .f32, shape: [0]) { _ in },
                .init(name: "v", element: .u8, shape: [3]) { $0.copyBytes(from: [7, 8, 9]) },
            ])
        try writer.finish(manifest)
    }

    /// Runs `body` with a fresh folder that is removed afterwards.
    static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.path)
    }
}
