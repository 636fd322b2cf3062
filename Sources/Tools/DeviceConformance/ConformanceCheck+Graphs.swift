import DeviceAPI
import ElementTypes
import GraphIR

/// `y = factor · x + added` over `count` integers.
func line(_ count: Int, factor: Int64, added: Int64) throws -> Graph {
    var b = GraphBuilder(name: "line")
    b.graph.inputs = [GraphPort(name: "x", type: TensorType(.i64, [Dimension(count)]))]
    let x = try b.leaf(.input(0, b.graph.inputs[0].type))
    let y = try b.map([x]) {
        let product = $0.apply(.multiply, $1[0], $0.integer(factor))
        return $0.apply(.add, product, $0.integer(added))
    }
    b.graph.outputs = [GraphOutput(name: "y", value: y)]
    return b.graph
}

/// `y[i] = x[p[i]]` over `count` numbers and four positions.
private func picked(_ count: Int) throws -> Graph {
    var b = GraphBuilder(name: "picked")
    b.graph.inputs = [
        GraphPort(name: "x", type: TensorType(.i64, [Dimension(count)])),
        GraphPort(name: "p", type: TensorType(.i64, [4])),
    ]
    let x = try b.leaf(.input(0, b.graph.inputs[0].type))
    let p = try b.leaf(.input(1, b.graph.inputs[1].type))
    let y = try b.add(.gather(.init(axes: [0], at: 0)), [x, p])
    b.graph.outputs = [GraphOutput(name: "y", value: y)]
    return b.graph
}

/// Numbers on a device.
private struct Numbers: ~Copyable {
    let buffer: DeviceBuffer
    let count: Int

    init(_ values: [Int64], _ device: any Device, _ queue: any DeviceQueue) throws {
        let buffer = try device.allocate(8 * values.count)
        try values.withUnsafeBytes { try queue.copy($0, to: buffer, at: 0) }
        try queue.synchronize()
        self.buffer = buffer
        count = values.count
    }

    func read(_ queue: any DeviceQueue) throws -> [Int64] {
        var values = [Int64](repeating: -1, count: count)
        try values.withUnsafeMutableBytes { try queue.copy(buffer, at: 0, to: $0) }
        try queue.synchronize()
        return values
    }
}

private var noSlots: UnsafeBufferPointer<UnsafeMutableRawPointer> { .init(start: nil, count: 0) }

extension ConformanceCheck {
    /// Captured launches: order, slots, codes, replays.
    static let graphs: [ConformanceCheck] = [
        .init("a queue over a caller's stream keeps its order, or is refused") { bench in
            let count = 1000
            let (device, own) = (bench.device, try bench.device.makeQueue())
            let queue: any DeviceQueue
            do throws(DeviceError) {
                queue = try device.makeQueue(on: nil)
            } catch {
                return try require(error == .unsupported("streams of its caller"), "it was refused with: \(error)")
            }
            try await bench.withKernel(try line(count, factor: 2, added: 1)) { kernel in
                let a = try Numbers([Int64](repeating: 3, count: count), device, own)
                let b = try Numbers([Int64](repeating: 0, count: count), device, own)
                let there = try device.makeGraph([
                    try kernel.launch([.fixed(a.buffer.address)], [.fixed(b.buffer.address)])
                ])
                let back = try device.makeGraph([
                    try kernel.launch([.fixed(b.buffer.address)], [.fixed(a.buffer.address)])
                ])
                for _ in 0..<5 {
                    try queue.run(there, noSlots)
                    try queue.run(back, noSlots)
                }
                try queue.synchronize()
                var expected: Int64 = 3
                for _ in 0..<10 { expected = expected * 2 + 1 }
                try require(try a.read(own).allSatisfy { $0 == expected }, "runs of one stream overtook each other")
            }
        },
        .init("what a thread had selected can be put back") { bench in
            let before = bench.device.selection()
            _ = try bench.device.allocate(64).byteCount
            bench.device.select(before)
            try require(bench.device.selection() == before, "the thread's selection is another one than before")
        },
        .init("launches of a graph run in order") { bench in
            let count = 1000
            let (device, queue) = (bench.device, try bench.device.makeQueue())
            try await bench.withKernel(try line(count, factor: 3, added: -1)) { kernel in
                let a = try Numbers((0..<Int64(count)).map { $0 % 7 }, device, queue)
                let b = try Numbers([Int64](repeating: 0, count: count), device, queue)
                var launches: [Launch] = []
                for step in 0..<20 {
                    let (from, to) =
                        step % 2 == 0 ? (a.buffer.address, b.buffer.address) : (b.buffer.address, a.buffer.address)
                    launches.append(try kernel.launch([.fixed(from)], [.fixed(to)]))
                }
                try device.makeGraph(launches).run(noSlots)
                var expected = (0..<Int64(count)).map { $0 % 7 }
                for _ in 0..<20 { expected = expected.map { $0 &* 3 &- 1 } }
                try require(try a.read(queue) == expected, "a launch read what was not written yet")
            }
        },
        .init("a graph replays, also on slots that move") { bench in
            let (device, queue) = (bench.device, try bench.device.makeQueue())
            try await bench.withKernel(try line(333, factor: 1, added: 1)) { kernel in
                let there = try Numbers([Int64](repeating: 5, count: 400), device, queue)
                let here = try Numbers([Int64](repeating: 0, count: 400), device, queue)
                let graph = try device.makeGraph(
                    [
                        try kernel.launch([.slot(0, byteOffset: 16)], [.slot(1, byteOffset: 8)]),
                        try kernel.launch([.slot(1, byteOffset: 8)], [.slot(0, byteOffset: 16)]),
                    ], slotCount: 2, workspaceBytes: 0)
                let slots = [there.buffer.address, here.buffer.address]
                for _ in 0..<50 { try slots.withUnsafeBufferPointer { try graph.run($0) } }
                try Array(slots.reversed()).withUnsafeBufferPointer { try graph.run($0) }
                try slots.withUnsafeBufferPointer { try queue.run(graph, $0) }
                try queue.synchronize()
                let (a, b) = (try there.read(queue), try here.read(queue))
                var first = [Int64](repeating: 5, count: 400)
                var second = [Int64](repeating: 0, count: 400)
                /// What a run does: there and back, each time one more.
                func once(_ x: inout [Int64], _ y: inout [Int64]) {
                    for i in 0..<333 { y[1 + i] = x[2 + i] + 1 }
                    for i in 0..<333 { x[2 + i] = y[1 + i] + 1 }
                }
                for _ in 0..<50 { once(&first, &second) }
                once(&second, &first)
                once(&first, &second)
                try require(a == first && b == second, "a replay on other slots gave other numbers")
                try requireError(
                    "one slot for two", { $0 as? DeviceError == .wrongSlotCount(expected: 2, found: 1) }
                ) { try [slots[0]].withUnsafeBufferPointer { try graph.run($0) } }
                try requireError(
                    "slot 2 of 2", { if case .badLaunch(launch: 0, _)? = $0 as? DeviceError { true } else { false } }
                ) {
                    _ = try device.makeGraph(
                        [try kernel.launch([.slot(2, byteOffset: 0)], [.slot(1, byteOffset: 0)])], slotCount: 2,
                        workspaceBytes: 0)
                }
            }
        },
        .init("graphs and copies of a queue happen in order") { bench in
            let (device, queue) = (bench.device, try bench.device.makeQueue())
            try await bench.withKernel(try line(1000, factor: 1, added: 7)) { kernel in
                let x = try Numbers([Int64](repeating: 0, count: 1000), device, queue)
                let y = try Numbers([Int64](repeating: 0, count: 1000), device, queue)
                let graph = try device.makeGraph([
                    try kernel.launch([.fixed(x.buffer.address)], [.fixed(y.buffer.address)])
                ])
                for _ in 0..<100 {
                    try queue.run(graph, noSlots)
                    try queue.copy(from: y.buffer.address, to: x.buffer.address, 8000)
                }
                try require(try y.read(queue) == [Int64](repeating: 700, count: 1000), "100 runs did not add 700")
            }
        },
        .init("an index outside is reported, once, and nothing else is touched") { bench in
            let (device, queue) = (bench.device, try bench.device.makeQueue())
            try await bench.withKernel(try picked(10)) { kernel in
                let x = try Numbers((0..<10).map { $0 * $0 }, device, queue)
                let p = try Numbers([3, 0, 10, 9], device, queue)
                let y = try Numbers([-5, -5, -5, -5, -5], device, queue)
                let launch = try kernel.launch(
                    [.fixed(x.buffer.address), .fixed(p.buffer.address)], [.fixed(y.buffer.address)])
                let graph = try device.makeGraph([launch])
                let isReported: (any Error) -> Bool = {
                    guard case .kernelFailed(launch: 0, _, code: let code)? = $0 as? DeviceError else { return false }
                    return code == KernelCode.indexOutOfRange.rawValue
                }
                try requireError("position 10 of 10", isReported) { try graph.run(noSlots) }
                try requireError("position 10 of 10 on a queue", isReported) {
                    try queue.run(graph, noSlots)
                    try queue.synchronize()
                }
                try [Int64(4)].withUnsafeBytes { try queue.copy($0, to: p.buffer, at: 16) }
                try queue.synchronize()
                try graph.run(noSlots)
                try queue.synchronize()
                try require(try y.read(queue) == [9, 0, 16, 81, -5], "after the fault, the results are others")
            }
        },
        .init("runs are timed, as a whole and launch by launch") { bench in
            let (device, queue) = (bench.device, try bench.device.makeQueue())
            try await bench.withKernel(try line(1 << 18, factor: 3, added: 1)) { kernel in
                let x = try Numbers([Int64](repeating: 1, count: 1 << 18), device, queue)
                let y = try Numbers([Int64](repeating: 0, count: 1 << 18), device, queue)
                let launch = try kernel.launch([.fixed(x.buffer.address)], [.fixed(y.buffer.address)])
                let graph = try device.makeGraph([launch, launch])
                try graph.run(noSlots)
                let profile = try graph.runProfiled(noSlots)
                try require(profile.count == 2 && profile.allSatisfy { $0 > 0 }, "launches took \(profile) ns")
                let times = try graph.time(noSlots, samples: 3, inner: 4)
                try require(times.count == 3 && times.allSatisfy { $0 > 0 }, "samples took \(times) ns")
            }
        },
        .init("what is no program is refused") { bench in
            let isRefused: (any Error) -> Bool = {
                if case .programNotLoaded? = $0 as? DeviceError { true } else { false }
            }
            try requireError("text that is no program", isRefused) {
                _ = try bench.device.loadProgram(bytes: Array("this is no program;".utf8), name: "broken")
            }
        },
        .init("an empty graph runs") { bench in try bench.device.makeGraph([]).run(noSlots) },
    ]
}
