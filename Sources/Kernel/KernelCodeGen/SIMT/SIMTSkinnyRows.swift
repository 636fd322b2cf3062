import ElementTypes
import KernelIR

/// The left operand of a product of few rows: what a thread has of it for one run of the summed axis.
struct SIMTSkinnyRows {
    /// The device function `left`.
    let function: String
    /// Statements that open a loop over the rows, `held` at a time from `top` on, and fill `x[row][element]` for the run `now`.
    let statements: [String]

    /// The rows of a product whose runs have `run` elements.
    init(_ product: SIMTProduct, _ frame: SIMTFrame, run: Int, held: Int) {
        let (rows, depth) = (product.rows ?? 1, product.depth ?? 0)
        let axes = [product.batch, product.row, product.sum]
        let rounding = product.element == .f32 ? nil : product.element
        let take: String
        if depth % run == 0 {
            function = frame.run(
                "left", product.left, over: axes, along: product.sum, count: run, .values(rounded: rounding))
            take = frame.call("left", ["b", "top + m", "now * \(run)", "x[m]"]) + ";"
        } else {
            function = frame.function("left", product.left, over: axes, as: nil)
            let value = frame.call("left", ["b", "top + m", "now * \(run) + k"])
            let type = product.left.body.types(parameters: product.kernel.parameters)[product.left.result]
            let rounded = rounding.map { CScalarTable.cast(value, from: type, to: $0, "s") } ?? value
            take = "UNROLL for (int k = 0; k < \(run); ++k) x[m][k] = now * \(run) + k < \(depth) ? \(rounded) : 0;"
        }
        statements = [
            "UNROLL for (int top = 0; top < \(rows); top += \(held)) {", "float x[\(held)][\(run)];",
            "UNROLL for (int m = 0; m < \(held); ++m) if (top + m < \(rows)) {", take, "}",
        ]
    }
}
