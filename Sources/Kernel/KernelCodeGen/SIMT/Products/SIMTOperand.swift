import ElementTypes
import KernelIR

/// How rows of an operand of matrix units get into shared memory: 16-byte runs at `base + row × pitch + (run ^ row % 8) × 16`.
struct SIMTOperand {
    enum Form {
        /// Copied run by run from an address (null where masked).
        case copied
        /// Computed run by run.
        case computed
        /// Computed element by element, as runs cross the end of the axis.
        case single
    }

    /// Device functions that `fill` calls.
    let functions: String
    let form: Form
    private let call: (_ arguments: [String]) -> String
    /// Aligned memory that may be named where nothing is read, for runs that a mask leaves out; nil where none does.
    private let elsewhere: String?

    /// Elements of a run.
    private let run: Int

    /// An operand whose rows lie along the last of `axes`, of `extent` elements; `element` has 2 or 4 bytes.
    init(
        _ function: ScalarFunction, _ name: String, _ frame: SIMTFrame, over axes: [LoopAxis], extent: Int?,
        element: ElementType
    ) {
        let along = axes[axes.count - 1]
        call = { frame.call(name, $0) }
        let run = 16 / element.byteCount
        self.run = run
        let isWhole = extent.map { $0 % run == 0 } ?? false
        if isWhole,
            let text = frame.runAddress(name, function, over: axes, along: along, count: run, element: element)
        {
            functions = text
            form = .copied
            let isMasked = frame.isMasked(function, along: along, count: run)
            elsewhere = isMasked ? function.plainLoad.map { "p\($0.parameter)" } : nil
            return
        }
        elsewhere = nil
        if isWhole, run == 8 {
            functions = frame.run(name, function, over: axes, along: along, count: run, .words(element))
            form = .computed
        } else {
            functions = frame.function(name, function, over: axes, as: element)
            form = .single
        }
    }

    /// An operand with an address of every run, none of them masked.
    init(_ address: (text: String, call: ([String]) -> String), _ element: ElementType) {
        run = 16 / element.byteCount
        functions = address.text
        form = .copied
        call = address.call
        elsewhere = nil
    }

    /// Statements by which all threads of a block fill `rows` rows of `runs` runs each. `first` is the first row's number,
    /// rows from `limit` on are zero, `from` is the first element of each row, elements from `end` on are zero; `arguments`
    /// gives the call's arguments for a row (`line`) and an element (`s`), `swaps` what runs of row `r` are swapped by.
    func fill(
        rows: Int, runs: Int, pitch: Int, threads: Int, first: String, limit: String, from: String, end: String,
        base: String, integer: String, arguments: [String], swaps: String = "(r & 7)"
    ) -> [String] {
        let slots = rows * runs
        let turns = (slots + threads - 1) / threads
        var lines = ["UNROLL for (int i = 0; i < \(turns); ++i) {", "const int slot = thread + i * \(threads);"]
        if slots % threads != 0 { lines.append("if (slot >= \(slots)) continue;") }
        lines += [
            "const int r = slot / \(runs), q = slot % \(runs);",
            "const \(integer) line = \(first) + r, s = (\(integer))(\(from)) + q * \(run);",
            "const uint32_t to = \(base) + r * \(pitch) + ((q ^ \(swaps)) << 4);",
        ]
        switch form {
        case .copied:
            // An address must be one of memory even where nothing is read.
            let nearest = [
                "line": "(line < \(limit) ? line : \(limit) - 1)",
                "s": "(s < \(end) ? s : 0)",
            ]
            let address = call(arguments.map { nearest[$0] ?? $0 })
            lines.append("const void *const from16 = \(address);")
            let inside = "line < \(limit) && s < \(end)"
            lines.append(
                elsewhere.map { "copy16(to, from16 ? from16 : (const void *)\($0), from16 != 0 && \(inside));" }
                    ?? "copy16(to, from16, \(inside));")
        case .computed:
            lines += [
                "uint32_t w[4] = {0, 0, 0, 0};", "if (line < \(limit) && s < \(end)) \(call(arguments + ["w"]));",
                "put16(to, w);",
            ]
        case .single:
            let one = arguments.map { $0 == "s" ? "s + k" : $0 }
            lines += [
                "uint32_t w[4] = {0, 0, 0, 0};",
                "UNROLL for (int k = 0; k < \(run); ++k) if (line < \(limit) && s + k < \(end)) "
                    + (run == 8
                        ? "w[k / 2] |= (uint32_t)\(call(one)) << (k % 2 * 16);"
                        : "w[k] = (uint32_t)bits_fs(\(call(one)));"),
                "put16(to, w);",
            ]
        }
        return lines + ["}"]
    }
}
