import ElementTypes
import KernelIR

/// The choices of a sort on a device that runs blocks of threads.
package func simtSortChoices(_ kernel: Kernel, _ body: SortKernel, _ target: SIMTTarget) -> [Choice] {
    [Choice("threads", [256, 1024, 512, 128].filter { $0 <= target.threads })]
}

/// Emits a stable sort of rows, one block a row: a bitonic network whose every exchange puts the lesser first (Batcher 1968),
/// so that what would lie behind the last element never moves and any length will do. Positions break ties.
package func emitSIMTSort(
    _ kernel: Kernel, _ body: SortKernel, symbol: String, _ schedule: Schedule, _ target: SIMTTarget
) throws(EmissionError) -> EmittedKernel {
    let frame = SIMTFrame(kernel, .sort(body), symbol: symbol, axes: body.axes + [body.axis], target)
    let index = frame.index
    let i = frame.integer
    let type = body.value.body.types(parameters: kernel.parameters)[body.value.result]
    let axes = body.axes + [body.axis]
    let valueType = CTypes.scalar(type)
    let isShared = body.axis.extent.constantValue.map { $0 <= 2048 } ?? false
    let threads = schedule[simtSortChoices(kernel, body, target)[0]]
    let rows = body.axes.reduce(IntegerExpression(1)) { $0 * $1.extent }
    var functions =
        frame.function("value", body.value, over: axes, as: nil) + "FORCE uint64_t \(symbol)_key(\(valueType) x) {\n"
    switch type.computeType {
    case .f32, .f16, .bf16, .f8e4m3, .f8e5m2:
        functions += """
            const uint32_t u = (uint32_t)bits_fs(x == 0 ? 0 : x);
            return x != x ? 0xffffffffu : u ^ (u >> 31 ? 0xffffffffu : 0x80000000u);
            """
    case .f64:
        functions += """
            const uint64_t u = (uint64_t)bits_ds(x == 0 ? 0 : x);
            return x != x ? ~(uint64_t)0 : u ^ (u >> 63 ? ~(uint64_t)0 : (uint64_t)1 << 63);
            """
    case .i64, .i32, .i16, .i8, .u8: functions += "return (uint64_t)x ^ (uint64_t)1 << 63;"
    case .bool: functions += "return (uint64_t)x;"
    }
    functions += "\n}\n"
    if let target = body.values { functions += frame.writer("store", target, over: axes, value: valueType) }
    if let target = body.positions { functions += frame.writer("place", target, over: axes, value: "int64_t") }

    let names = body.axes.map(\.variable.name)
    var lines = ["OVERLAP_BEGIN; OVERLAP_WAIT;", "\(i) rest = BLOCK;"]
    for axis in body.axes.reversed() {
        let extent = index.print(axis.extent)
        lines.append("const \(i) \(axis.variable.name) = rest % \(extent); rest /= \(extent);")
    }
    lines += ["const int count = \(index.print(body.axis.extent)), limit = \(index.print(body.limit));"]
    if isShared {
        let count = body.axis.extent.constantValue ?? 1
        lines += ["SHARED uint64_t keys[\(count)];", "SHARED int places[\(count)];"]
    } else {
        lines += [
            "GLOBAL uint64_t *const keys = all_keys + (int64_t)BLOCK * count;",
            "GLOBAL int *const places = all_places + (int64_t)BLOCK * count;",
        ]
    }
    let stride = "e = THREAD; e < count; e += \(threads)"
    let sign = body.isDescending ? "~" : ""
    lines += [
        "for (int \(stride)) { keys[e] = \(sign)\(symbol)_key(\(frame.call("value", names + ["e"]))); places[e] = e; }",
        "BARRIER_ALL;",
        // Sequences of `size` are merged from halves: first each element with its mirror, then at halving distances.
        "for (int size = 2; size / 2 < count; size *= 2) for (int apart = size / 2; apart > 0; apart /= 2) {",
        "for (int e = THREAD; e < count; e += \(threads)) {",
        "const int other = apart == size / 2 ? e ^ (size - 1) : e ^ apart;",
        "if (other > e && other < count && (keys[other] < keys[e] || (keys[other] == keys[e] && places[other] < places[e]))) {",
        "const uint64_t key = keys[e]; keys[e] = keys[other]; keys[other] = key;",
        "const int place = places[e]; places[e] = places[other]; places[other] = place; } }", "BARRIER_ALL;", "}",
        "for (int e = THREAD; e < limit; e += \(threads)) { const int from = places[e];",
    ]
    if body.values != nil {
        lines.append(frame.call("store", names + ["e", frame.call("value", names + ["from"])]) + ";")
    }
    if body.positions != nil { lines.append(frame.call("place", names + ["e", "from"]) + ";") }
    lines.append("}")
    let total = rows * body.axis.extent
    return EmittedKernel(
        symbol: symbol,
        source: functions
            + frame.kernelFunction(
                extra: isShared
                    ? []
                    : [
                        .init(name: "all_keys", type: "uint64_t", isRead: false),
                        .init(name: "all_places", type: "int", isRead: false),
                    ], threads: threads, lines),
        arguments: kernel.parameters.indices.map { .parameter($0) }
            + (isShared ? [] : [.shared(bytes: total * 8), .shared(bytes: total * 4)]),
        packings: [], workspaceBytes: 0,
        parts: .grid(.init(blocks: rows, threads: threads, overlaps: target.overlaps)))
}
