import ElementTypes
import KernelIR

/// The choices of a sort: the largest number of kept elements that are found by insertion instead of by sorting all.
package func sortChoices(_ kernel: Kernel, _ body: SortKernel, _ target: CPUTarget) -> [Choice] {
    [Choice("select", [32, 128, 0])]
}

/// Emits a stable sort of rows as C. Values map to unsigned keys that order as PyTorch does (NaN is greatest, zeros of both
/// signs are equal); keys and positions are sorted by radix, short rows by insertion.
package func emitSort(
    _ kernel: Kernel, _ body: SortKernel, symbol: String, _ schedule: Schedule, _ target: CPUTarget
) throws(EmissionError) -> EmittedKernel {
    let frame = CellFrame(kernel, symbol: symbol, axes: body.axes + [body.axis], target)
    let index = frame.index
    let type = body.value.body.types(parameters: kernel.parameters)[body.value.result]
    let isWide = type == .f64 || type == .i64
    let (valueType, keyType) = (CTypes.scalar(type), isWide ? "uint64_t" : "uint32_t")
    let width = isWide ? 8 : 4
    let arguments = kernel.parameters.indices.map { EmittedKernel.Argument.parameter($0) }
    let axis = body.axis.variable.name

    var layout = WorkspaceLayout()
    layout.add("values", valueType, 8, body.axis.extent, index)
    layout.add("keys", keyType, width, body.axis.extent, index)
    layout.add("moreKeys", keyType, width, body.axis.extent, index)
    layout.add("places", "uint32_t", 4, body.axis.extent, index)
    layout.add("morePlaces", "uint32_t", 4, body.axis.extent, index)

    var lines = frame.opening(arguments) + layout.lines
    lines.append("const int64_t count = \(index.print(body.axis.extent)), limit = \(index.print(body.limit));")
    let rows = body.axes.reduce(IntegerExpression(1)) { $0 * $1.extent }
    lines.append("const int64_t rows = \(index.print(rows));")
    lines.append("for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {")
    lines.append("int64_t rest = row; (void)rest;")
    for outer in body.axes.reversed() {
        let name = outer.variable.name
        lines.append("const int64_t \(name) = rest % \(index.print(outer.extent)); (void)\(name);")
        lines.append("rest /= \(index.print(outer.extent));")
    }
    let printer = BodyPrinter(parameters: kernel.parameters, index: index, lanes: frame.lanes, laneAxis: nil)
    let (statements, printed) = printer.print(body.value.body, wanted: [body.value.result])
    guard let value = printed[body.value.result] else { preconditionFailure("the value was not printed") }
    lines.append("for (int64_t \(axis) = 0; \(axis) < count; ++\(axis)) {")
    lines += statements
    lines.append("const \(keyType) key = \(symbol)_key(values[\(axis)] = \(value.text));")
    lines.append("keys[\(axis)] = \(body.isDescending ? "(\(keyType))~key" : "key");")
    lines.append("places[\(axis)] = (uint32_t)\(axis);")
    lines += [
        "}", "const uint32_t *order = places;",
        "if (limit <= \(schedule[sortChoices(kernel, body, target)[0]]) && limit * 8 <= count) {",
        "\(symbol)_select(keys, count, limit, moreKeys, morePlaces); order = morePlaces;",
        "} else order = \(symbol)_order(keys, places, moreKeys, morePlaces, count);",
        "for (int64_t \(axis) = 0; \(axis) < limit; ++\(axis)) {",
    ]
    func store(_ target: RecurrenceKernel.Target, _ text: String) -> String {
        let element = kernel.parameters[target.parameter].element
        return "p\(target.parameter)[\(index.print(target.index))] = \(CTypes.store(element, text));"
    }
    if let target = body.values { lines.append(store(target, "values[order[\(axis)]]")) }
    if let target = body.positions { lines.append(store(target, "(int64_t)order[\(axis)]")) }
    lines += ["}", "}"]
    return EmittedKernel(
        symbol: symbol,
        source: sortRoutines(symbol, type, valueType: valueType, keyType: keyType) + frame.function(symbol, lines),
        arguments: arguments, packings: [], workspaceBytes: layout.bytes, parts: .count(rows))
}

/// The key of a value, sorting by key, and selecting the least keys.
private func sortRoutines(_ symbol: String, _ type: ElementType, valueType: String, keyType: String) -> String {
    let key: String
    switch type {
    case .f32, .f16, .bf16, .f8e4m3, .f8e5m2:
        key = """
            const uint32_t u = (uint32_t)bits_fs(x == 0 ? 0 : x);
                return x != x ? UINT32_MAX : u ^ (u >> 31 ? UINT32_MAX : UINT32_C(1) << 31);
            """
    case .f64:
        key = """
            const uint64_t u = (uint64_t)bits_ds(x == 0 ? 0 : x);
                return x != x ? UINT64_MAX : u ^ (u >> 63 ? UINT64_MAX : UINT64_C(1) << 63);
            """
    case .i64, .i32, .i16, .i8, .u8: key = "return (uint64_t)x ^ UINT64_C(1) << 63;"
    case .bool: key = "return (uint32_t)x;"
    }
    let bytes = keyType == "uint64_t" ? 8 : 4
    return """
        FORCE \(keyType) \(symbol)_key(\(valueType) x) {
            \(key)
        }
        static const uint32_t *\(symbol)_order(
            \(keyType) *keys, uint32_t *places, \(keyType) *moreKeys, uint32_t *morePlaces, int64_t n) {
            if (n <= 64) {
                for (int64_t i = 1; i < n; ++i) {
                    const \(keyType) key = keys[i]; const uint32_t place = places[i];
                    int64_t j = i;
                    for (; j > 0 && keys[j - 1] > key; --j) { keys[j] = keys[j - 1]; places[j] = places[j - 1]; }
                    keys[j] = key; places[j] = place;
                }
                return places;
            }
            uint32_t counts[\(bytes)][256];
            for (int d = 0; d < \(bytes); ++d) for (int i = 0; i < 256; ++i) counts[d][i] = 0;
            for (int64_t i = 0; i < n; ++i) for (int d = 0; d < \(bytes); ++d) ++counts[d][keys[i] >> (8 * d) & 255];
            for (int d = 0; d < \(bytes); ++d) {
                uint32_t *const start = counts[d];
                if (start[keys[0] >> (8 * d) & 255] == n) continue;
                for (uint32_t i = 0, sum = 0; i < 256; ++i) { const uint32_t c = start[i]; start[i] = sum; sum += c; }
                for (int64_t i = 0; i < n; ++i) {
                    const uint32_t to = start[keys[i] >> (8 * d) & 255]++;
                    moreKeys[to] = keys[i]; morePlaces[to] = places[i];
                }
                { \(keyType) *const t = keys; keys = moreKeys; moreKeys = t; }
                { uint32_t *const t = places; places = morePlaces; morePlaces = t; }
            }
            return places;
        }
        static void \(symbol)_select(
            const \(keyType) *keys, int64_t n, int64_t limit, \(keyType) *best, uint32_t *places) {
            int64_t held = 0;
            for (int64_t i = 0; i < n && limit > 0; ++i) {
                const \(keyType) key = keys[i];
                if (held == limit && key >= best[limit - 1]) continue;
                int64_t j = held < limit ? held++ : limit - 1;
                for (; j > 0 && best[j - 1] > key; --j) { best[j] = best[j - 1]; places[j] = places[j - 1]; }
                best[j] = key; places[j] = (uint32_t)i;
            }
        }

        """
}
