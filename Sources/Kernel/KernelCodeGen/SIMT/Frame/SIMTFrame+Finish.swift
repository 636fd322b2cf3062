import ElementTypes
import KernelIR

extension SIMTFrame {
    /// Whether what an epilogue stores, and where, can be told apart: places that hang on computed values cannot.
    func isSeparable(_ stores: [Store]) -> Bool {
        stores.allSatisfy { store in
            store.combine == nil
                && ([store.index] + store.mask).allSatisfy { !$0.variables.contains { $0.kind == .value } }
        }
    }

    /// The device functions of an epilogue over `axes`, and statements that finish `count` points a thread: all reads of a
    /// batch of points are under way before its first store, which no compiler may do by itself where buffers could
    /// overlap. `point` are statements that declare what `arguments` (one for each axis), `accumulator` and `condition`
    /// read, from the number `e` of the point; threads take neighbouring points. `inside` are arguments that stay inside
    /// where the condition fails, so that values are computed without a branch, which would keep reads apart.
    func finishing(
        _ body: ScalarBody, _ stores: [Store], over axes: [LoopAxis], count: Int, threads: Int, point: [String],
        arguments: [String], inside: [String], accumulator: String, condition: String
    ) -> (functions: String, statements: [String]) {
        let turns = (count + threads - 1) / threads
        let isWhole = count % threads == 0
        guard isSeparable(stores), turns > 1, isWhole else {
            return (
                epilogue("finish", body, stores, over: axes),
                ["for (int e = thread; e < \(count); e += \(threads)) {"] + point
                    + ["if (\(condition)) " + call("finish", arguments + [accumulator]) + ";", "}"]
            )
        }
        let types = body.types(parameters: kernel.parameters)
        var (statements, values) = printer.print(body, wanted: stores.map(\.value))
        let kinds = stores.map { CTypes.scalar(types[$0.value]) }
        for (number, store) in stores.enumerated() {
            statements.append("*v\(number) = \(values[store.value]?.text ?? "0");")
            values[store.value] = .init("v\(number)", isVector: false)
        }
        let compute =
            [head("void", "values", axes, ["const float accumulator"] + kinds.enumerated().map { "\($1) *v\($0)" })]
            + statements + ["}", ""]
        var writes: [String] = []
        for (number, store) in stores.enumerated() {
            writes.append(
                printer.statement(store, [store.value: .init("v\(number)", isVector: false)], types))
        }
        let write =
            [head("void", "store", axes, kinds.enumerated().map { "const \($1) v\($0)" })] + writes + ["}", ""]
        let batch = [8, 4, 2, 1].first { turns % $0 == 0 } ?? 1
        let each =
            ["UNROLL for (int u = 0; u < \(batch); ++u) {", "const int e = thread + (base + u) * \(threads);"] + point
        let kept = kinds.indices.map { "v\($0)" }
        var loop = ["KEEP_LOOP for (int base = 0; base < \(turns); base += \(batch)) {"]
        loop += kinds.enumerated().map { "\($1) v\($0)[\(batch)];" }
        loop += each + [call("values", inside + [accumulator] + kept.map { "&\($0)[u]" }) + ";", "}"]
        loop += each + ["if (\(condition)) " + call("store", arguments + kept.map { "\($0)[u]" }) + ";", "}", "}"]
        return ((compute + write).joined(separator: "\n"), loop)
    }

    /// An epilogue in runs of neighbouring columns: what it reads beside the sums may be fetched long before they are there.
    struct RunFinish {
        /// Device functions.
        let functions: String
        /// Statements that finish all points, a batch at a time.
        let statements: [String]
        /// Statements that fetch what all points need into an array of this name, `[turns][words]` of `uint32_t`.
        let fetch: (_ name: String) -> [String]
        /// Statements that finish all points with what is in the array.
        let finish: (_ name: String) -> [String]
        /// Points of a thread, and words that are fetched for each; 0 where nothing is.
        let turns: Int
        let words: Int
        /// Whether all that is fetched hangs on the column alone.
        let isOfColumns: Bool
    }

    /// As `finishing` for a tile of `columns` columns, but every thread takes runs of `run` neighbouring columns, in wide
    /// accesses. Nil where stores, or the tile, are not made of whole runs. The column is the last of `axes`; `point` declares
    /// what the other texts read, from the number `e` of the run and its first column `q`; `accumulators` is a statement that
    /// fills the array `sums_`.
    func finishingRuns(
        _ body: ScalarBody, _ stores: [Store], over axes: [LoopAxis], count: Int, run: Int, columns: Int, threads: Int,
        point: [String], arguments: [String], inside: [String], accumulators: String, condition: String
    ) -> RunFinish? {
        let column = axes[axes.count - 1]
        guard let extent = column.extent.constantValue, extent % run == 0, columns % run == 0,
            count / run % threads == 0, count >= run, !stores.isEmpty, isSeparable(stores),
            stores.allSatisfy({ isWide($0, along: column, count: run) })
        else { return nil }
        let turns = count / run / threads
        let types = body.types(parameters: kernel.parameters)
        let kinds = stores.map { CTypes.scalar(types[$0.value]) }
        let loads = wideLoads(ScalarFunction(body: body, result: stores[0].value), along: column, count: run)
        var words = 0
        var places: [(load: WideLoad, place: Int)] = []
        for load in loads {
            places.append((load, words))
            words += run * kernel.parameters[load.parameter].element.byteCount / 4
        }
        // What hangs on the column alone is read once where all points of a thread have the same columns.
        let isAligned = threads % (columns / run) == 0
        func isOfColumns(_ load: WideLoad) -> Bool {
            guard isAligned, case .load(_, let index, let mask) = body.nodes[load.node] else { return false }
            return ([index] + mask).allSatisfy { $0.variables.allSatisfy { $0 == column.variable } }
        }
        let once = places.filter { isOfColumns($0.load) }
        let others = places.filter { !isOfColumns($0.load) }
        let functions =
            runFetch("fetch", others, over: axes, run: run) + runFetch("fetch_columns", once, over: axes, run: run)
            + runValues(body, stores, places, over: axes, run: run)
            + runStores(stores, types, over: axes, run: run)
        func loop(_ turns: Int, _ base: String) -> [String] {
            [
                "UNROLL for (int u = 0; u < \(turns); ++u) {",
                "const int e = thread + (\(base)u) * \(threads), q = e % \(columns / run) * \(run); (void)q;",
            ] + point
        }
        func fetch(_ name: String, _ turns: Int, _ base: String) -> [String] {
            var lines: [String] = []
            if !once.isEmpty {
                lines += loop(1, base) + [call("fetch_columns", inside + ["\(name)[0]"]) + ";", "}"]
                let places = once.flatMap { load, place in
                    let count = run * kernel.parameters[load.parameter].element.byteCount / 4
                    return (place..<place + count).map { "\(name)[u][\($0)] = \(name)[0][\($0)];" }
                }
                if turns > 1 {
                    lines += ["UNROLL for (int u = 1; u < \(turns); ++u) {", places.joined(separator: " "), "}"]
                }
            }
            if !others.isEmpty {
                lines += loop(turns, base) + [call("fetch", inside + ["\(name)[u]"]) + ";", "}"]
            }
            return lines
        }
        let kept = kinds.indices.map { "v\($0)[u]" }
        func finish(_ name: String, _ turns: Int, _ base: String) -> [String] {
            var lines = kinds.enumerated().map { "\($1) v\($0)[\(turns)][\(run)];" }
            let fetched = words == 0 ? [] : ["\(name)[u]"]
            lines += loop(turns, base)
            lines += [
                "float sums_[\(run)]; \(accumulators);", call("values", inside + fetched + ["sums_"] + kept) + ";", "}",
            ]
            return lines + loop(turns, base) + ["if (\(condition)) " + call("store", arguments + kept) + ";", "}"]
        }
        let batch = [4, 2, 1].first { turns % $0 == 0 } ?? 1
        var statements = ["KEEP_LOOP for (int base = 0; base < \(turns); base += \(batch)) {"]
        if words > 0 { statements.append("uint32_t words[\(batch)][\(words)];") }
        statements += fetch("words", batch, "base + ") + finish("words", batch, "base + ") + ["}"]
        return RunFinish(
            functions: functions, statements: statements, fetch: { fetch($0, turns, "") },
            finish: { finish($0, turns, "") },
            turns: turns, words: words,
            isOfColumns: others.isEmpty)
    }

    /// Whether a store writes whole runs of neighbours along an axis, under a mask that is the same for all of a run.
    func isWide(_ store: Store, along axis: LoopAxis, count: Int) -> Bool {
        var printer = BodyPrinter(parameters: kernel.parameters, index: index, lanes: count, laneAxis: axis)
        printer.hasHalf = false
        guard (kernel.parameters[store.parameter].element.byteCount * count) % 4 == 0,
            case .linear(let base, 1) = printer.laneForm(store.index), Self.isMultiple(base, of: count)
        else { return false }
        return printer.splitMask(store.mask, vectors: []).lanes.isEmpty
    }

    /// A device function that fetches what the values of a run of columns need, each load's words at its place.
    private func runFetch(
        _ name: String, _ loads: [(load: WideLoad, place: Int)], over axes: [LoopAxis], run: Int
    ) -> String {
        guard !loads.isEmpty else { return "" }
        let loops = axes.map { "const \(integer) \($0.variable.name)" }
        var lines = [
            "FORCE void \(symbol)_\(name)(\((runFormals + loops + ["uint32_t *w"]).joined(separator: ", "))) {"
        ]
        for (load, place) in loads {
            let element = kernel.parameters[load.parameter].element
            lines += fetch("w\(load.node)", element, run, load)
            let count = run * element.byteCount / 4
            lines.append("UNROLL for (int i = 0; i < \(count); ++i) w[\(place) + i] = w\(load.node)[i];")
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }

    /// A device function that computes the stored values of a run of columns from its sums and what was fetched.
    private func runValues(
        _ body: ScalarBody, _ stores: [Store], _ loads: [(load: WideLoad, place: Int)], over axes: [LoopAxis], run: Int
    ) -> String {
        let axis = axes[axes.count - 1]
        let types = body.types(parameters: kernel.parameters)
        let loops = axes.map { "const \(integer) \($0.variable.name)" }
        let results = stores.enumerated().map { "\(CTypes.scalar(types[$1.value])) *v\($0)" }
        let words = loads.isEmpty ? [] : ["const uint32_t *w"]
        let formals = (runFormals + loops + words + ["const float *sums"] + results).joined(separator: ", ")
        var lines = ["FORCE void \(symbol)_values(\(formals)) {"]
        lines += loads.map { "const uint32_t *const w\($0.load.node) = w + \($0.place);" }
        var printer = self.printer
        let nodes = Dictionary(uniqueKeysWithValues: loads.map { ($0.load.node, $0.load.parameter) })
        let parameters = kernel.parameters
        printer.loaded = { node in nodes[node].map { Self.lane("w\(node)", parameters[$0].element, "lane") } }
        printer.accumulator = .init("sums[lane]", isVector: false)
        printer.index.names[axis.variable] = "(\(axis.variable.name) + lane)"
        let (statements, values) = printer.print(body, wanted: stores.map(\.value))
        lines.append("UNROLL for (int lane = 0; lane < \(run); ++lane) {")
        lines += statements
        for (number, store) in stores.enumerated() {
            lines.append("v\(number)[lane] = \(values[store.value]?.text ?? "0");")
        }
        return (lines + ["}", "}", ""]).joined(separator: "\n")
    }

    /// A device function `store` that stores runs: its last arguments are arrays of the values.
    func runStores(_ stores: [Store], _ types: [ElementType], over axes: [LoopAxis], run: Int) -> String {
        let axis = axes[axes.count - 1]
        let loops = axes.map { "const \(integer) \($0.variable.name)" }
        let given = stores.enumerated().map { "const \(CTypes.scalar(types[$1.value])) *v\($0)" }
        var lines = [
            "FORCE void \(symbol)_store(\((runFormals + loops + given).joined(separator: ", "))) {"
        ]
        var printer = BodyPrinter(parameters: kernel.parameters, index: index, lanes: run, laneAxis: axis)
        printer.hasHalf = false
        for (number, store) in stores.enumerated() {
            guard case .linear(let base, _) = printer.laneForm(store.index) else { continue }
            let element = kernel.parameters[store.parameter].element
            let bytes = run * element.byteCount
            let bits = stored(element, "v\(number)[i]", types[store.value])
            let words = bytes / 4
            lines.append("{ union { uint32_t w[\(words)]; \(storage(element)) x[\(run)]; } r;")
            lines.append("UNROLL for (int i = 0; i < \(run); ++i) r.x[i] = \(bits);")
            let (type, parts) = Self.wideType(bytes)
            let step = max(1, parts.count)
            let place = "p\(store.parameter) + \(printer.index.print(base))"
            var writes: [String] = []
            for group in 0..<words / step {
                let target = "((GLOBAL \(type) *)(\(place)))[\(group)]"
                if parts.isEmpty {
                    writes.append("\(target) = r.w[\(group)];")
                } else {
                    let fields = parts.enumerated().map { "o.\($1) = r.w[\(group * step + $0)];" }
                    writes.append("{ \(type) o; \(fields.joined(separator: " ")) \(target) = o; }")
                }
            }
            let condition = printer.index.condition(printer.splitMask(store.mask, vectors: []).uniform)
            lines.append((condition.map { "if (\($0)) { " } ?? "{ ") + writes.joined(separator: " ") + " } }")
        }
        return (lines + ["}", ""]).joined(separator: "\n")
    }
}
