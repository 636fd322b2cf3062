import ElementTypes
import Foundation
import KernelIR
import Processes

@testable import KernelCodeGen

/// A kernel in Triton, run on the host by Triton's interpreter.
final class InterpretedTriton: RunnableKernel {
    typealias Failure = CompiledKernel.Failure

    let kernel: Kernel
    let emitted: EmittedKernel

    /// Python's files in this repository.
    static let python = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "python").path
    static let interpreter = ProcessInfo.processInfo.environment["HEARTH_PYTHON"]

    /// One process for all kernels, one at a time; nil where Triton or PyTorch is not there.
    private static let server: Server? = {
        guard let interpreter, let server = try? Server(interpreter, "\(python)/tests/interpret_triton.py"),
            (try? server.ask(["do": "hello"])) != nil
        else { return nil }
        return server
    }()

    static var isThere: Bool { server != nil }

    /// A device without early starts, for which the interpreter has no words.
    static var target: SIMTTarget {
        var target = CubinTarget.target("sm_80")
        target.hasTriton = true
        return target
    }

    init(_ kernel: Kernel, _ schedule: Schedule) throws {
        self.kernel = kernel
        emitted = try SIMTEmitter(Self.target).emit(kernel, symbol: "tested", schedule)
    }

    func run(_ buffers: inout [[UInt8]], dimensions: [Int64], parts: Int32 = 1) throws {
        guard case .grid(let grid) = emitted.parts, let source = emitted.triton else {
            throw Failure(description: "no Triton")
        }
        let symbols = kernel.symbols
        func value(_ expression: IntegerExpression) -> Int {
            expression.evaluate { variable in symbols.firstIndex(of: variable).map { Int(dimensions[$0]) } ?? 0 } ?? 0
        }
        // 64 bytes that nothing may touch stand after every buffer.
        var memory: [UInt8] = []
        var places: [[Int]] = []
        func place(_ bytes: [UInt8]) -> Int {
            places.append([memory.count, bytes.count])
            memory += bytes + [UInt8](repeating: 0xA5, count: 64 + (64 - bytes.count % 64) % 64)
            return places.count - 1
        }
        let given = buffers.map(place)
        let packed = try HostLibrary.pack(emitted, buffers, dimensions).map(place)
        var order: [Int] = try emitted.arguments.map { argument in
            switch argument {
            case .parameter(let number): given[number]
            case .packed(let number): packed[number]
            case .library: throw Failure(description: "a library on a device of blocks")
            case .shared(let bytes): place([UInt8](repeating: 0xFF, count: value(bytes)))
            }
        }
        if grid.counters > 0 { order.append(place([UInt8](repeating: 0, count: 4 * grid.counters))) }
        let counters = grid.counters > 0 ? places[places.count - 1] : [0, 0]
        order.append(place([0, 0, 0, 0]))
        let file = FileManager.default.temporaryDirectory.appending(path: "hearth-triton-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(memory).write(to: file)
        let request: [String: Any] = [
            "do": "run", "text": TritonPrelude.text + emitted.source, "symbol": "tested",
            "arguments": source.arguments.map { [$0.name, $0.type] }, "blocks": value(grid.blocks), "memory": file.path,
            "buffers": order.map { places[$0] }, "dimensions": symbols.isEmpty ? [] : dimensions,
        ]
        guard let server = Self.server else { throw Failure(description: "no interpreter") }
        try server.ask(request)
        let found = [UInt8](try Data(contentsOf: file))
        for (number, index) in given.enumerated() {
            let (start, count) = (places[index][0], places[index][1])
            buffers[number] = Array(found[start..<start + count])
        }
        for range in places where !found[(range[0] + range[1])...].prefix(64).allSatisfy({ $0 == 0xA5 }) {
            throw Failure(description: "the buffer at \(range[0]) is overrun")
        }
        guard found[counters[0]..<counters[0] + counters[1]].allSatisfy({ $0 == 0 }) else {
            throw Failure(description: "counters are not left zero")
        }
    }

    /// Runs the function `tested` of a text once over on buffers of f32.
    static func run(_ text: String, _ buffers: [[UInt8]]) throws -> [[UInt8]] {
        let file = FileManager.default.temporaryDirectory.appending(path: "hearth-triton-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(buffers.flatMap { $0 }).write(to: file)
        let size = buffers[0].count
        guard let server else { throw Failure(description: "no interpreter") }
        try server.ask([
            "do": "run", "text": TritonPrelude.text + text, "symbol": "tested",
            "arguments": buffers.indices.map { ["p\($0)", "*fp32"] }, "blocks": 1, "memory": file.path,
            "buffers": buffers.indices.map { [$0 * size, size] }, "dimensions": [Int](),
        ])
        let found = [UInt8](try Data(contentsOf: file))
        return buffers.indices.map { Array(found[$0 * size..<($0 + 1) * size]) }
    }

    /// The process, which answers frames.
    private final class Server: Sendable {
        private let child: ChildProcess
        /// Held from a request to its reply.
        private let turn = NSLock()

        init(_ interpreter: String, _ script: String) throws {
            child = try ChildProcess(
                executable: interpreter, arguments: ["-u", script], input: .pipe, output: .pipe, errors: .null)
        }

        func ask(_ request: [String: Any]) throws {
            turn.lock()
            defer { turn.unlock() }
            let body = [UInt8](try JSONSerialization.data(withJSONObject: request))
            let deadline = monotonicSeconds() + 300
            try child.write(
                (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) } + body, deadline: deadline)
            let size = try child.read(4, deadline: deadline).reversed().reduce(0) { $0 << 8 | Int($1) }
            let answer = try JSONSerialization.jsonObject(with: Data(try child.read(size, deadline: deadline)))
            guard let fields = answer as? [String: Any], fields["ok"] as? Bool == true else {
                throw Failure(description: "the interpreter: \(answer)")
            }
        }
    }
}
