import ElementTypes
import KernelIR

/// Rows of a left operand that lie in memory as runs of 16 bytes, fetched with as few instructions as a run needs: what hangs on a row
/// alone (where it begins, which places of a window are inside) is found once for a tile's rows, and what hangs on the summed element
/// once a slice.
///
/// An index is a part of the row plus a part of the summed element, as it is linear in all axes; a mask is one of conditions
/// `of row + step · tap ≥ 0`. So a row has a bit for every value of every axis that conditions look at, which says whether all of
/// them hold, and a summed element asks for those of its own values. Every lane finds one row and shows it to the others of its warp.
struct SIMTFetchedRows {
    private let product: SIMTProduct
    private let frame: SIMTFrame
    private let parameter: Int
    /// Rows of a tile, and threads that fetch them.
    private let rows: Int
    private let threads: Int
    /// Part of the index without the summed element, and what the rest adds to it: steps of the summed axes.
    private let ofRow: IntegerExpression
    private let steps: [(axis: LoopAxis, step: Int, weight: Int)]
    /// Axes that conditions look at, their first bits, and their conditions as parts of the row and steps.
    private let taps: [Tap]
    /// Conditions on the row alone.
    private let alone: [IntegerExpression]

    private struct Tap {
        let axis: LoopAxis
        let weight: Int
        let bit: Int
        var conditions: [(ofRow: IntegerExpression, step: Int)]
    }

    /// Summed elements of a run of 16 bytes, and of a slice.
    private var run: Int { product.runLength }
    private var slice: Int { 8 * run }
    /// The bit that no row has.
    private static let never = 31

    /// Rows that a thread fetches runs of.
    private var each: Int { rows * 8 / threads }

    /// Fails where an index or a condition is of another form, or all that it says is a product.
    init?(_ product: SIMTProduct, _ frame: SIMTFrame, rows: Int, threads: Int) {
        guard frame.isNarrow, threads % 32 == 0, rows * 8 % threads == 0, (1...8).contains(rows * 8 / threads),
            SIMTSpecialisedWriter.isFetched(product), case .contraction(let body) = product.kernel.body,
            let load = body.left.plainLoad, let flat = product.left.plainLoad
        else { return nil }
        self.product = product
        self.frame = frame
        self.rows = rows
        self.threads = threads
        parameter = load.parameter
        let summed = product.summed.filter { $0.extent != 1 }
        var steps: [(axis: LoopAxis, step: Int, weight: Int)] = []
        var weight = 1
        for axis in product.summed.reversed() {
            guard let extent = axis.extent.constantValue else { return nil }
            if extent > 1 {
                guard let step = load.index.linearCoefficient(of: axis.variable)?.constantValue else { return nil }
                steps.append((axis, step, weight))
            }
            weight *= extent
        }
        self.steps = steps
        let ranges = product.ranges
        let sum = product.sum.variable
        func withoutSum(_ expression: IntegerExpression) -> IntegerExpression {
            expression.substituting(ranges) { $0 == sum ? 0 : nil }
        }
        ofRow = withoutSum(flat.index)
        var taps: [Tap] = []
        var alone: [IntegerExpression] = []
        for (condition, inFlat) in zip(load.mask, flat.mask) where !ranges.isNonNegative(condition) {
            let looked = summed.filter { condition.contains($0.variable) }
            guard looked.count <= 1 else { return nil }
            guard let axis = looked.first else {
                alone.append(inFlat)
                continue
            }
            guard let step = condition.linearCoefficient(of: axis.variable)?.constantValue else { return nil }
            let one = (ofRow: withoutSum(inFlat), step: step)
            if let place = taps.firstIndex(where: { $0.axis == axis }) {
                taps[place].conditions.append(one)
                continue
            }
            let bit = taps.last.map { $0.bit + ($0.axis.extent.constantValue ?? 0) } ?? 1
            guard let own = steps.first(where: { $0.axis == axis }), let extent = axis.extent.constantValue,
                bit + extent <= Self.never
            else { return nil }
            taps.append(Tap(axis: axis, weight: own.weight, bit: bit, conditions: [one]))
        }
        self.taps = taps
        self.alone = alone
        // Rows that lie one after the other need nothing but a product.
        guard !taps.isEmpty || !alone.isEmpty || body.rows.filter({ $0.extent != 1 }).count > 1 else { return nil }
    }

    /// Statements that find the rows of the tile whose first row is `firstRow`; `rows` is the number of all, `b` the batch.
    var prepare: [String] {
        let i = frame.integer
        let index = frame.index
        let row = product.row.variable.name
        var lines = [
            "int rowAt[\(each)]; uint32_t rowSees[\(each)];",
            "{ const int own = thread % 32, r = own / 4 * \(threads / 8) + thread / 32 * 4 + own % 4;",
            "const \(i) \(row) = firstRow + r, \(product.batch.variable.name) = b; (void)\(product.batch.variable.name);",
            "int at = 0; uint32_t sees = 0;",
            "if (r < \(rows) && \(row) < rows) {", "at = \(index.print(ofRow)); sees = 1;",
        ]
        if let condition = index.condition(alone) { lines.append("if (!(\(condition))) sees = 0;") }
        for tap in taps {
            let names = tap.conditions.indices.map { "c\(tap.bit)_\($0)" }
            lines += zip(names, tap.conditions).map { "const int \($0) = \(index.print($1.ofRow));" }
            for value in 0..<(tap.axis.extent.constantValue ?? 0) {
                let all = zip(names, tap.conditions).map { "\($0) >= \(-$1.step * value)" }
                lines.append("if (\(all.joined(separator: " && "))) sees |= \(1 << (tap.bit + value))u;")
            }
        }
        lines += [
            "}",
            "UNROLL for (int i = 0; i < \(each); ++i) {",
            "rowAt[i] = __shfl_sync(0xffffffffu, at, thread % 32 / 8 + 4 * i);",
            "rowSees[i] = __shfl_sync(0xffffffffu, sees, thread % 32 / 8 + 4 * i);", "}", "}",
        ]
        return lines
    }

    /// The value of a summed axis at the first element of a thread's run.
    private func value(_ axis: LoopAxis, _ weight: Int) -> String {
        let extent = axis.extent.constantValue ?? 1
        let isOuter = axis == steps.last?.axis
        func rest(_ text: String, _ extent: Int) -> String { isOuter ? text : "\(text) % \(extent)" }
        if weight == 1 {
            return extent % slice == 0
                ? "(\(rest("turn", extent / slice)) * \(slice) + thread % 8 * \(run))" : "(\(rest("s", extent)))"
        }
        // One for all threads where slices do not cross its ends.
        return weight % slice == 0
            ? "(\(rest("turn / \(weight / slice)", extent)))" : "(\(rest("s / \(weight)", extent)))"
    }

    /// Statements that fetch slice `turn` of the rows to `base`.
    func fill(base: String) -> [String] {
        let depth = product.depth ?? 0
        let along = steps.map { "\(value($0.axis, $0.weight)) * \($0.step)" }
        let wanted = taps.map { " | 1u << (\($0.bit) + \(value($0.axis, $0.weight)))" }
        let isWhole = depth % slice == 0
        return [
            "{ const int s = turn * \(slice) + thread % 8 * \(run); (void)s;",
            "const int along = \(along.isEmpty ? "0" : along.joined(separator: " + "));",
            "const uint32_t asked = \(isWhole ? "" : "s >= \(depth) ? 1u << \(Self.never) : ")1u\(wanted.joined());",
            "const uint32_t to = \(base) + thread / 8 * 128 + ((thread % 8 ^ (thread / 8 & 7)) << 4);",
            "UNROLL for (int i = 0; i < \(each); ++i) {",
            "const int isThere = (rowSees[i] & asked) == asked;",
            "copy16(to + i * \(threads * 16), p\(parameter) + (isThere ? rowAt[i] + along : 0), isThere);", "}", "}",
        ]
    }
}
