/// A graph and the launches that it becomes: one row of the tests of partition and lowering. The same rows are built, run
/// and compared with the interpreter.
package struct FusionCase: Sendable, CustomStringConvertible {
    /// What the row shows.
    package let name: String
    /// The graph in its printed form, without the first line.
    package let graph: String
    /// The launches in order: kind, steps of a nest, what is read and what is written.
    ///
    /// `x0`, `y0` and `s0` are inputs, outputs and states, `t0` temporaries, `k0` what is computed once, `c0` literals;
    /// parameters have their names. A physical order other than the logical one stands in brackets; launches of
    /// build time begin with `once`, those of a loop with `turn`.
    package let launches: [String]
    /// Rows up to which products take in what stands around them; 0 where the rules know of none.
    package let fewRows: Int

    /// The printed graph.
    package var text: String { "graph \"case\"\n\(graph)\n" }
    package var description: String { name }

    /// Makes a row.
    init(_ name: String, _ graph: String, _ launches: [String], fewRows: Int = 0) {
        self.name = name
        self.graph = graph
        self.launches = launches
        self.fewRows = fewRows
    }

    /// All rows.
    package static let all = chains + products + severalSums + spread + pooling + stored + orders + leaves + loops
}

extension FusionCase {
    /// Maps, reductions and what joins them.
    private static let chains = [
        FusionCase(
            "twelve operations on the way through a layer normalisation",
            """
            input "x" f32[6, 40]
            input "residual" f32[6, 40]
            %0 = input 0 : f32[6, 40]
            %1 = input 1 : f32[6, 40]
            %2 = parameter "bias" : f32[40]
            %3 = parameter "gain" : f32[40]
            %4 = parameter "shift" : f32[40]
            %5 = view.expand [6, 40] %2 : f32[6, 40]
            %6 = map add(a0, a1) %0, %5 : f32[6, 40]
            %7 = map multiply(multiply(a0, 0.5), add(1.0, errorFunction(multiply(a0, 0.70710677)))) %6 : f32[6, 40]
            %8 = map add(a0, a1) %7, %1 : f32[6, 40]
            %9 = reduce.sum axes [1] %8 : f32[6]
            %10 = map multiply(a0, 0.025) %9 : f32[6]
            %11 = view.reshape [6, 1] %10 : f32[6, 1]
            %12 = view.expand [6, 40] %11 : f32[6, 40]
            %13 = map subtract(a0, a1) %8, %12 : f32[6, 40]
            %14 = map multiply(a0, a0) %13 : f32[6, 40]
            %15 = reduce.sum axes [1] %14 : f32[6]
            %16 = map reciprocalSquareRoot(add(multiply(a0, 0.025), 1e-05)) %15 : f32[6]
            %17 = view.reshape [6, 1] %16 : f32[6, 1]
            %18 = view.expand [6, 40] %17 : f32[6, 40]
            %19 = map multiply(a0, a1) %13, %18 : f32[6, 40]
            %20 = view.expand [6, 40] %3 : f32[6, 40]
            %21 = map multiply(a0, a1) %19, %20 : f32[6, 40]
            %22 = view.expand [6, 40] %4 : f32[6, 40]
            %23 = map add(a0, a1) %21, %22 : f32[6, 40]
            %24 = map multiply(a0, 0.5) %23 : f32[6, 40]
            %25 = map minimum(maximum(a0, -3.0), 3.0) %24 : f32[6, 40]
            %26 = map hyperbolicTangent(a0) %25 : f32[6, 40]
            %27 = map multiply(a0, a1) %26, %1 : f32[6, 40]
            %28 = map bf16(a0) %27 : bf16[6, 40]
            %29 = map f32(a0) %28 : f32[6, 40]
            %30 = map divide(1.0, add(1.0, exp(negate(a0)))) %0 : f32[6, 40]
            %31 = map multiply(a0, a1) %29, %30 : f32[6, 40]
            %32 = map subtract(a0, a1) %31, %1 : f32[6, 40]
            output "y" %32
            """, ["rows/3 x0 bias x1 gain shift -> y0"]),
        FusionCase(
            "maps of one shape are one map",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = map exp(a0) %0 : f32[4, 8]
            %2 = map negate(a0) %1 : f32[4, 8]
            %3 = map multiply(a0, a1) %0, %2 : f32[4, 8]
            output "y" %3
            """, ["map/1 x0 -> y0"]),
        FusionCase(
            "views between maps cost no kernel",
            """
            input "x" f32[4, 6]
            %0 = input 0 : f32[4, 6]
            %1 = map exp(a0) %0 : f32[4, 6]
            %2 = view.permute [1, 0] %1 : f32[6, 4]
            %3 = view.reshape [3, 2, 4] %2 : f32[3, 2, 4]
            %4 = view.slice axis 0 start [1] count [2] step 1 %3 : f32[2, 2, 4]
            %5 = map negate(a0) %4 : f32[2, 2, 4]
            output "y" %5
            """, ["map/1 x0 -> y0"]),
        FusionCase(
            "padding and concatenation are computed where they are used",
            """
            input "x" f32[4, 6]
            input "z" f32[4, 2]
            %0 = input 0 : f32[4, 6]
            %1 = input 1 : f32[4, 2]
            %2 = concatenate axis 1 %0, %1 : f32[4, 8]
            %3 = view.pad low [0, 1] high [1, 0] value 2.0 %2 : f32[5, 9]
            %4 = map exp(a0) %3 : f32[5, 9]
            output "y" %4
            """, ["map/1 x0 x1 -> y0"]),
        FusionCase(
            "halves change places, a whole vector at a time",
            """
            input "x" f32[3, 64]
            %0 = input 0 : f32[3, 64]
            %1 = view.slice axis 1 start [32] count [32] step 1 %0 : f32[3, 32]
            %2 = view.slice axis 1 start [0] count [32] step 1 %0 : f32[3, 32]
            %3 = concatenate axis 1 %1, %2 : f32[3, 64]
            output "y" %3
            """, ["map/1 x0 -> y0"]),
        FusionCase(
            "reductions of one operand over the same axes are one pass",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = reduce.sum axes [1] %0 : f32[4]
            %2 = reduce.maximum axes [1] %0 : f32[4]
            output "a" %1
            output "b" %2
            """, ["rows/2 x0 -> y0 y1"]),
        FusionCase(
            "reductions over different axes are kernels of their own",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = reduce.sum axes [1] %0 : f32[4]
            %2 = reduce.sum axes [0] %0 : f32[8]
            output "a" %1
            output "b" %2
            """, ["rows/2 x0 -> y0", "rows/2 x0 -> y1"]),
        FusionCase(
            "what two reductions lead to joins the first",
            """
            input "x" f32[5, 5]
            %0 = input 0 : f32[5, 5]
            %1 = reduce.sum axes [1] %0 : f32[5]
            %2 = reduce.maximum axes [0] %0 : f32[5]
            %3 = map add(a0, a1) %1, %2 : f32[5]
            %4 = map subtract(a0, a1) %2, %1 : f32[5]
            output "sum" %3
            output "difference" %4
            """, ["rows/2 x0 -> t0", "rows/2 x0 t0 -> y0 y1"]),
        FusionCase(
            "groups that would wait for each other grow less",
            """
            input "x" f32[4, 6]
            input "z" f32[4, 5, 7]
            %0 = input 0 : f32[4, 6]
            %1 = input 1 : f32[4, 5, 7]
            %2 = reduce.sum axes [1] %0 : f32[4]
            %3 = reduce.sum axes [2] %1 : f32[4, 5]
            %4 = view.slice axis 1 start [0] count [1] step 1 %3 : f32[4, 1]
            %5 = view.reshape [4] %4 : f32[4]
            %6 = map add(a0, a1) %2, %5 : f32[4]
            %7 = view.reshape [4, 1] %2 : f32[4, 1]
            %8 = view.expand [4, 5] %7 : f32[4, 5]
            %9 = map multiply(a0, a1) %3, %8 : f32[4, 5]
            output "a" %6
            output "b" %9
            """, ["rows/2 x0 -> t0", "rows/2 x1 t0 -> t1 y1", "map/1 t0 t1 -> y0"]),
        FusionCase(
            "three groups in a ring grow less",
            """
            input "x" f32[4, 6]
            input "z" f32[4, 5, 7]
            input "w" f32[4, 3, 2]
            %0 = input 0 : f32[4, 6]
            %1 = input 1 : f32[4, 5, 7]
            %2 = input 2 : f32[4, 3, 2]
            %3 = reduce.sum axes [1] %0 : f32[4]
            %4 = reduce.sum axes [2] %1 : f32[4, 5]
            %5 = reduce.maximum axes [2] %2 : f32[4, 3]
            %6 = view.slice axis 1 start [2] count [1] step 1 %4 : f32[4, 1]
            %7 = view.reshape [4] %6 : f32[4]
            %8 = map add(a0, a1) %3, %7 : f32[4]
            %9 = view.slice axis 1 start [1] count [1] step 1 %5 : f32[4, 1]
            %10 = view.expand [4, 5] %9 : f32[4, 5]
            %11 = map multiply(a0, a1) %4, %10 : f32[4, 5]
            %12 = view.reshape [4, 1] %3 : f32[4, 1]
            %13 = view.expand [4, 3] %12 : f32[4, 3]
            %14 = map subtract(a0, a1) %5, %13 : f32[4, 3]
            output "a" %8
            output "b" %11
            output "c" %14
            """, ["rows/2 x0 -> t0", "rows/2 x2 t0 -> t1 y2", "rows/2 x1 t1 -> t2 y1", "map/1 t0 t2 -> y0"]),
    ]

    /// Matrix products, convolutions, attention and what follows them.
    private static let products = [
        FusionCase(
            "bias, activation and residual join a product",
            """
            input "x" f32[4, 8]
            input "residual" f32[4, 6]
            %0 = input 0 : f32[4, 8]
            %1 = input 1 : f32[4, 6]
            %2 = parameter "w" : f32[6, 8]
            %3 = parameter "bias" : f32[6]
            %4 = contract [0, 1] [2, 1] [0, 2] %0, %2 : f32[4, 6]
            %5 = view.expand [4, 6] %3 : f32[4, 6]
            %6 = map add(a0, a1) %4, %5 : f32[4, 6]
            %7 = map hyperbolicTangent(a0) %6 : f32[4, 6]
            %8 = map add(a0, a1) %7, %1 : f32[4, 6]
            output "y" %8
            """, ["contract x0 w bias x1 -> y0"]),
        FusionCase(
            "a product that two read is stored before its activation",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : f32[6, 8]
            %2 = contract [0, 1] [2, 1] [0, 2] %0, %1 : f32[4, 6]
            %3 = map exp(a0) %2 : f32[4, 6]
            %4 = map negate(a0) %2 : f32[4, 6]
            output "a" %3
            output "b" %4
            """, ["contract x0 w -> t0", "map/1 t0 -> y0", "map/1 t0 -> y1"]),
        FusionCase(
            "an epilogue follows its product through a permutation",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : f32[6, 8]
            %2 = contract [0, 1] [2, 1] [0, 2] %0, %1 : f32[4, 6]
            %3 = view.reshape [4, 2, 3] %2 : f32[4, 2, 3]
            %4 = view.permute [1, 0, 2] %3 : f32[2, 4, 3]
            %5 = map exp(a0) %4 : f32[2, 4, 3]
            output "y" %5
            """, ["contract x0 w -> y0"]),
        FusionCase(
            "what a product reads many times is stored first",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : f32[6, 8]
            %2 = map exp(a0) %0 : f32[4, 8]
            %3 = contract [0, 1] [2, 1] [0, 2] %2, %1 : f32[4, 6]
            output "y" %3
            """, ["map/1 x0 -> t0", "contract t0 w -> y0"]),
        FusionCase(
            "a product of bytes reads bytes, however they were widened",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : i8[8, 6]
            %2 = map i8(round(multiply(a0, 100.0))) %0 : i8[4, 8]
            %3 = map i32(a0) %2 : i32[4, 8]
            %4 = map i32(a0) %1 : i32[8, 6]
            %5 = contract [0, 1] [1, 2] [0, 2] %3, %4 : i32[4, 6]
            %6 = map multiply(f32(a0), 0.5) %5 : f32[4, 6]
            output "y" %6
            """, ["map/1 x0 -> t0", "contract t0 w -> y0"]),
        FusionCase(
            "a normalisation before a product is one kernel, the product another",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : f32[6, 8]
            %2 = map multiply(a0, a0) %0 : f32[4, 8]
            %3 = reduce.sum axes [1] %2 : f32[4]
            %4 = map reciprocalSquareRoot(add(a0, 1.0)) %3 : f32[4]
            %5 = view.reshape [4, 1] %4 : f32[4, 1]
            %6 = view.expand [4, 8] %5 : f32[4, 8]
            %7 = map multiply(a0, a1) %0, %6 : f32[4, 8]
            %8 = contract [0, 1] [2, 1] [0, 2] %7, %1 : f32[4, 6]
            output "y" %8
            """, ["rows/2 x0 -> t0", "contract t0 w -> y0"]),
        FusionCase(
            "attention reads permuted operands in place and takes its scale along",
            """
            input "q" f32[1, 5, 2, 4]
            input "k" f32[1, 5, 2, 4]
            input "v" f32[1, 5, 2, 4]
            %0 = input 0 : f32[1, 5, 2, 4]
            %1 = input 1 : f32[1, 5, 2, 4]
            %2 = input 2 : f32[1, 5, 2, 4]
            %3 = view.permute [0, 2, 1, 3] %0 : f32[1, 2, 5, 4]
            %4 = view.permute [0, 2, 1, 3] %1 : f32[1, 2, 5, 4]
            %5 = view.permute [0, 2, 1, 3] %2 : f32[1, 2, 5, 4]
            %6 = attend causal scale 0.5 %3, %4, %5 : f32[1, 2, 5, 4]
            %7 = view.permute [0, 2, 1, 3] %6 : f32[1, 5, 2, 4]
            %8 = map multiply(a0, 2.0) %7 : f32[1, 5, 2, 4]
            output "y" %8
            """, ["attend x0 x1 x2 -> y0"]),
        FusionCase(
            "two convolutions with their activations; between them channels lie last",
            """
            input "x" f32[1, 3, 6, 6]
            %0 = input 0 : f32[1, 3, 6, 6]
            %1 = parameter "v" : f32[8, 3, 3, 3]
            %2 = parameter "w" : f32[4, 8, 1, 1]
            %3 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %0, %1 : f32[1, 8, 6, 6]
            %4 = map maximum(a0, 0.0) %3 : f32[1, 8, 6, 6]
            %5 = convolve stride [1, 1] low [0, 0] high [0, 0] dilation [1, 1] groups 1 %4, %2 : f32[1, 4, 6, 6]
            %6 = map maximum(a0, 0.0) %5 : f32[1, 4, 6, 6]
            %7 = reduce.sum axes [2, 3] %6 : f32[1, 4]
            output "y" %7
            """,
            [
                "convolve x0 v -> t0[0, 2, 3, 1]", "convolve t0[0, 2, 3, 1] w -> t1[0, 2, 3, 1]",
                "rows/2 t1[0, 2, 3, 1] -> y0",
            ]),
    ]

    /// Pooling, recurrence, scans, sorting and writing at positions.
    private static let pooling = [
        FusionCase(
            "pooling takes the activation after it along and keeps the layout",
            """
            input "x" f32[1, 3, 6, 6]
            %0 = input 0 : f32[1, 3, 6, 6]
            %1 = parameter "v" : f32[8, 3, 3, 3]
            %2 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %0, %1 : f32[1, 8, 6, 6]
            %3 = window.maximum size [2, 2] stride [2, 2] padding [0, 0] dilation [1, 1] %2 : f32[1, 8, 3, 3]
            %4 = map exp(a0) %3 : f32[1, 8, 3, 3]
            %5 = reduce.sum axes [2, 3] %4 : f32[1, 8]
            output "y" %5
            """,
            [
                "convolve x0 v -> t0[0, 2, 3, 1]", "window/2 t0[0, 2, 3, 1] -> t1[0, 2, 3, 1]",
                "rows/2 t1[0, 2, 3, 1] -> y0",
            ]),
        FusionCase(
            "a recurrent layer is a product and a cell; what nothing reads is not written",
            """
            input "x" f32[5, 2, 3]
            input "h" f32[2, 4]
            %0 = input 0 : f32[5, 2, 3]
            %1 = input 1 : f32[2, 4]
            %2 = parameter "wi" : f32[4, 3]
            %3 = parameter "wh" : f32[4, 4]
            %4 = recur.tanh %0, %1, %2, %3 : f32[5, 2, 4], f32[2, 4]
            output "y" %4
            """, ["project x0 wi -> t0", "recur t0 wh x1 -> y0"]),
        FusionCase(
            "what a running sum reads is stored first",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = map exp(a0) %0 : f32[4, 8]
            %2 = scan.sum axis 1 %1 : f32[4, 8]
            output "y" %2
            """, ["map/1 x0 -> t0", "scan/1 t0 -> y0"]),
        FusionCase(
            "sorting writes values and positions",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = sort axis 1 descending limit 3 %0 : f32[4, 3], i64[4, 3]
            %2 = map f32(a0) %1.1 : f32[4, 3]
            output "values" %1
            output "positions" %2
            """, ["sort x0 -> y0 t0", "map/1 t0 -> y1"]),
        FusionCase(
            "a state that a scatter alone reads is written in place",
            """
            input "x" f32[1, 4]
            state "cache" f32[6, 4]
            %0 = input 0 : f32[1, 4]
            %1 = state 0 : f32[6, 4]
            %2 = constant [2.0] : i64[1]
            %3 = scatter.set axes [0] at 0 %1, %0, %2 : f32[6, 4]
            %4 = reduce.sum axes [0] %3 : f32[4]
            output "y" %4
            update 0 %3
            """, ["scatter x0 s0 -> s0", "rows/2 s0 -> y0"]),
        FusionCase(
            "an input is copied before a scatter changes it",
            """
            input "x" f32[6, 4]
            input "z" f32[1, 4]
            %0 = input 0 : f32[6, 4]
            %1 = input 1 : f32[1, 4]
            %2 = constant [2.0] : i64[1]
            %3 = scatter.add axes [0] at 0 %0, %1, %2 : f32[6, 4]
            output "y" %3
            """, ["base/1 x0 -> y0", "scatter x1 y0 -> y0"]),
    ]

    /// Which maps stand in memory.
    private static let stored = [
        FusionCase(
            "a cheap map that two kernels read is computed twice",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = map negate(a0) %0 : f32[4, 8]
            %2 = reduce.sum axes [0] %1 : f32[8]
            %3 = reduce.sum axes [1] %1 : f32[4]
            output "a" %2
            output "b" %3
            """, ["rows/2 x0 -> y0", "rows/2 x0 -> y1"]),
        FusionCase(
            "a dear map that two kernels read is stored",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = map exp(a0) %0 : f32[4, 8]
            %2 = reduce.sum axes [0] %1 : f32[8]
            %3 = reduce.sum axes [1] %1 : f32[4]
            output "a" %2
            output "b" %3
            """, ["map/1 x0 -> t0", "rows/2 t0 -> y0", "rows/2 t0 -> y1"]),
        FusionCase(
            "a concatenation before a product is stored",
            """
            input "x" f32[4, 5]
            input "z" f32[4, 3]
            %0 = input 0 : f32[4, 5]
            %1 = input 1 : f32[4, 3]
            %2 = parameter "w" : f32[6, 8]
            %3 = concatenate axis 1 %0, %1 : f32[4, 8]
            %4 = contract [0, 1] [2, 1] [0, 2] %3, %2 : f32[4, 6]
            output "y" %4
            """, ["map/1 x0 x1 -> t0", "contract t0 w -> y0"]),
        FusionCase(
            "an embedding is read where it is used",
            """
            input "positions" i64[4]
            %0 = input 0 : i64[4]
            %1 = parameter "table" : f32[10, 8]
            %2 = gather axes [0] at 0 %1, %0 : f32[4, 8]
            %3 = reduce.sum axes [1] %2 : f32[4]
            output "y" %3
            """, ["rows/2 x0 table -> y0"]),
        FusionCase(
            "what weights alone decide is computed once",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : f32[8]
            %2 = map exp(a0) %1 : f32[8]
            %3 = view.expand [4, 8] %2 : f32[4, 8]
            %4 = map add(a0, a1) %0, %3 : f32[4, 8]
            output "y" %4
            """, ["once map/1 w -> k0", "map/1 x0 k0 -> y0"]),
    ]

    /// What is written when, where outputs and states share values.
    private static let orders = [
        FusionCase(
            "an output keeps the old contents of a state",
            """
            input "x" f32[4]
            state "total" f32[4]
            %0 = input 0 : f32[4]
            %1 = state 0 : f32[4]
            %2 = map add(a0, a1) %1, %0 : f32[4]
            output "before" %1
            update 0 %2
            """, ["map/1 s0 x0 -> t0", "copy/1 s0 -> y0", "copy/1 t0 -> s0"]),
        FusionCase(
            "two states change places",
            """
            state "a" f32[4]
            state "b" f32[4]
            %0 = state 0 : f32[4]
            %1 = state 1 : f32[4]
            update 0 %1
            update 1 %0
            """, ["copy/1 s1 -> t0", "copy/1 s0 -> t1", "copy/1 t0 -> s0", "copy/1 t1 -> s1"]),
    ]

    /// What needs no arithmetic.
    private static let leaves = [
        FusionCase(
            "an input that is an output is copied",
            """
            input "x" f32[4]
            %0 = input 0 : f32[4]
            output "y" %0
            """, ["copy/1 x0 -> y0"]),
        FusionCase(
            "a value that leaves twice is computed once",
            """
            input "x" f32[4]
            %0 = input 0 : f32[4]
            %1 = map exp(a0) %0 : f32[4]
            output "a" %1
            output "b" %1
            """, ["map/1 x0 -> y0", "copy/1 y0 -> y1"]),
        FusionCase(
            "what nothing needs is not computed",
            """
            input "x" f32[4]
            %0 = input 0 : f32[4]
            %1 = map exp(a0) %0 : f32[4]
            %2 = reduce.sum axes [0] %0 : f32[]
            %3 = map negate(a0) %0 : f32[4]
            output "y" %3
            """, ["map/1 x0 -> y0"]),
        FusionCase(
            "numbers and counters are written into the kernel",
            """
            input "x" f32[4]
            %0 = input 0 : f32[4]
            %1 = iota [4] : i64[4]
            %2 = map multiply(a0, f32(a1)) %0, %1 : f32[4]
            output "y" %2
            """, ["map/1 x0 -> y0"]),
    ]
}
