import ElementTypes
import KernelIR

/// The left operand of a product of few rows: what a thread has of it for one run of the summed axis.
struct SIMTSkinnyRows {
    /// The device function `left`, and those of what rows are summed of.
    let functions: String
    /// Statements that open a loop over the rows, `held` at a time from `top` on, fill `x[row][element]` for the run `now`, and add
    /// what rows are summed of to the sums `c` after those of the columns, which are `columns` a row.
    let statements: [String]

    /// The rows of a product whose runs have `run` elements.
    init(_ product: SIMTProduct, _ frame: SIMTFrame, run: Int, held: Int, columns: Int) {
        let (rows, depth) = (product.rows ?? 1, product.depth ?? 0)
        let axes = [product.batch, product.row, product.sum]
        let rounding = product.leftRounding
        var functions: String
        var take: [String]
        if depth % run == 0 {
            functions = frame.run(
                "left", product.left, over: axes, along: product.sum, count: run, .values(rounded: rounding))
            take = [frame.call("left", ["b", "top + m", "now * \(run)", "x[m]"]) + ";"]
        } else {
            functions = frame.function("left", product.left, over: axes, as: nil)
            let value = frame.call("left", ["b", "top + m", "now * \(run) + k"])
            let type = product.left.body.types(parameters: product.kernel.parameters)[product.left.result]
            let rounded = rounding.map { CScalarTable.cast(value, from: type, to: $0, "s") } ?? value
            take = ["UNROLL for (int k = 0; k < \(run); ++k) x[m][k] = now * \(run) + k < \(depth) ? \(rounded) : 0;"]
        }
        for (number, function) in product.rowSums.enumerated() {
            let sum = "c[\(rows * (columns + number)) + top + m]"
            let name = "term\(number)"
            if depth % run == 0 {
                functions += frame.run(
                    name, function, over: axes, along: product.sum, count: run, .values(rounded: nil))
                take += [
                    "{ float z[\(run)];", frame.call(name, ["b", "top + m", "now * \(run)", "z"]) + ";",
                    "UNROLL for (int k = 0; k < \(run); ++k) \(sum) += z[k]; }",
                ]
            } else {
                functions += frame.function(name, function, over: axes, as: nil)
                let value = frame.call(name, ["b", "top + m", "now * \(run) + k"])
                take.append(
                    "UNROLL for (int k = 0; k < \(run); ++k) if (now * \(run) + k < \(depth)) \(sum) += \(value);")
            }
        }
        self.functions = functions
        statements =
            [
                "UNROLL for (int top = 0; top < \(rows); top += \(held)) {", "float x[\(held)][\(run)];",
                "UNROLL for (int m = 0; m < \(held); ++m) if (top + m < \(rows)) {",
            ] + take + ["}"]
    }
}
