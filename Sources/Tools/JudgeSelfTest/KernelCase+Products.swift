extension KernelCase {
    /// Matrix products with what follows them.
    static let products: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns, depth) in [(4, 6, 8), (1, 33, 70), (13, 17, 41), (7, 64, 96), (29, 40, 19)] {
            for element in ["f32", "bf16", "f16"] {
                let y = type(element, [rows, columns])
                let wide = type("f32", [rows, columns])
                cases.append(
                    KernelCase(
                        .product, "\(element) \(rows)x\(columns)x\(depth)",
                        """
                        input "x" \(type(element, [rows, depth]))
                        input "residual" \(y)
                        %0 = input 0 : \(type(element, [rows, depth]))
                        %1 = input 1 : \(y)
                        %2 = parameter "w" : \(type(element, [columns, depth]))
                        %3 = parameter "bias" : f32[\(columns)]
                        %4 = contract [0, 1] [2, 1] [0, 2] %0, %2 : \(y)
                        %5 = map f32(a0) %4 : \(wide)
                        %6 = view.expand [\(rows), \(columns)] %3 : \(wide)
                        %7 = map hyperbolicTangent(add(a0, a1)) %5, %6 : \(wide)
                        %8 = map f32(a0) %1 : \(wide)
                        %9 = map add(a0, a1) %7, %8 : \(wide)
                        %10 = map \(element)(a0) %9 : \(y)
                        output "y" %10
                        """))
            }
            let y = type("f32", [2, rows, columns])
            cases.append(
                KernelCase(
                    .product, "of two inputs, 2x\(rows)x\(columns)x\(depth)",
                    """
                    input "x" \(type("f32", [2, rows, depth]))
                    input "z" \(type("f32", [2, depth, columns]))
                    %0 = input 0 : \(type("f32", [2, rows, depth]))
                    %1 = input 1 : \(type("f32", [2, depth, columns]))
                    %2 = contract [0, 1, 2] [0, 2, 3] [0, 1, 3] %0, %1 : \(y)
                    output "y" %2
                    """))
            let (x, w) = (type("i8", [rows, depth]), type("i8", [depth, columns]))
            cases.append(
                KernelCase(
                    .product, "of bytes, \(rows)x\(columns)x\(depth)",
                    """
                    input "x" \(x)
                    %0 = input 0 : \(x)
                    %1 = parameter "w" : \(w)
                    %2 = map i32(a0) %0 : \(type("i32", [rows, depth]))
                    %3 = map i32(a0) %1 : \(type("i32", [depth, columns]))
                    %4 = contract [0, 1] [1, 2] [0, 2] %2, %3 : \(type("i32", [rows, columns]))
                    %5 = map multiply(f32(a0), 0.5) %4 : \(type("f32", [rows, columns]))
                    output "y" %5
                    """))
        }
        return cases
    }()

    /// Convolutions.
    static let convolutions: [KernelCase] = {
        var cases: [KernelCase] = []
        for (input, output, height, width) in [(3, 8, 6, 6), (8, 5, 9, 7), (16, 33, 5, 11)] {
            for (size, stride, padding) in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 1, 2)] {
                func out(_ extent: Int) -> Int { (extent + 2 * padding - size) / stride + 1 }
                for element in ["f32", "bf16"] {
                    let y = type(element, [1, output, out(height), out(width)])
                    let wide = type("f32", [1, output, out(height), out(width)])
                    let rest =
                        "stride [\(stride), \(stride)] low [\(padding), \(padding)] high [\(padding), \(padding)]"
                    cases.append(
                        KernelCase(
                            .convolution,
                            "\(element) \(size), stride \(stride), \(input)x\(height)x\(width) to \(output)",
                            """
                            input "x" \(type(element, [1, input, height, width]))
                            %0 = input 0 : \(type(element, [1, input, height, width]))
                            %1 = parameter "w" : \(type(element, [output, input, size, size]))
                            %2 = convolve \(rest) dilation [1, 1] groups 1 %0, %1 : \(y)
                            %3 = map f32(a0) %2 : \(wide)
                            %4 = map maximum(a0, 0.0) %3 : \(wide)
                            output "y" %4
                            """))
                }
            }
        }
        // The first lets the layout of the second's input be chosen, which is one that Winograd's transform takes.
        cases.append(
            KernelCase(
                .convolution, "two, of 64 channels",
                """
                input "x" f32[1, 16, 7, 9]
                %0 = input 0 : f32[1, 16, 7, 9]
                %1 = parameter "v" : f32[64, 16, 1, 1]
                %2 = convolve stride [1, 1] low [0, 0] high [0, 0] dilation [1, 1] groups 1 %0, %1 : f32[1, 64, 7, 9]
                %3 = parameter "w" : f32[64, 64, 3, 3]
                %4 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %2, %3 : f32[1, 64, 7, 9]
                output "y" %4
                """))
        for (channels, height, width) in [(6, 7, 9), (20, 6, 5), (33, 8, 8)] {
            let t = type("f32", [1, channels, height, width])
            cases.append(
                KernelCase(
                    .convolution, "depthwise \(channels)x\(height)x\(width)",
                    """
                    input "x" \(t)
                    %0 = input 0 : \(t)
                    %1 = parameter "w" : f32[\(channels), 1, 3, 3]
                    %2 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups \(channels) %0, %1 : \(t)
                    output "y" %2
                    """))
        }
        return cases
    }()

    /// Attention.
    static let attentions: [KernelCase] = {
        var cases: [KernelCase] = []
        for (heads, queries, keys, depth) in [
            (2, 5, 5, 4), (3, 1, 37, 16), (1, 33, 33, 24), (2, 17, 40, 32), (4, 7, 7, 64), (2, 70, 70, 8),
        ] {
            for element in ["f32", "bf16"] {
                for mask in queries == keys ? ["", "causal "] : [""] {
                    let q = type(element, [1, heads, queries, depth])
                    let k = type(element, [1, heads, keys, depth])
                    cases.append(
                        KernelCase(
                            .attention, "\(mask)\(element) \(heads)x\(queries)x\(keys)x\(depth)",
                            """
                            input "q" \(q)
                            input "k" \(k)
                            input "v" \(k)
                            %0 = input 0 : \(q)
                            %1 = input 1 : \(k)
                            %2 = input 2 : \(k)
                            %3 = attend \(mask)scale 0.25 %0, %1, %2 : \(q)
                            output "y" %3
                            """))
                }
            }
        }
        for (heads, queries, keys, depth) in [(2, 6, 11, 8), (1, 33, 40, 16)] {
            for mask in ["f32", "bool"] {
                let (q, k) = (type("f32", [1, heads, queries, depth]), type("f32", [1, heads, keys, depth]))
                let m = type(mask, [1, heads, queries, keys])
                cases.append(
                    KernelCase(
                        .attention, "\(mask) mask, \(heads)x\(queries)x\(keys)x\(depth)",
                        """
                        input "q" \(q)
                        input "k" \(k)
                        input "v" \(k)
                        input "mask" \(m)
                        %0 = input 0 : \(q)
                        %1 = input 1 : \(k)
                        %2 = input 2 : \(k)
                        %3 = input 3 : \(m)
                        %4 = attend mask scale 0.25 %0, %1, %2, %3 : \(q)
                        output "y" %4
                        """))
            }
        }
        return cases
    }()

    /// Recurrent layers.
    static let recurrences: [KernelCase] = {
        var cases: [KernelCase] = []
        for (time, batch, depth, units) in [(5, 2, 3, 4), (3, 1, 7, 20), (4, 5, 6, 33), (2, 3, 5, 48)] {
            for (cell, gates) in [("tanh", 1), ("gru", 3), ("lstm", 4)] {
                let states = cell == "lstm" ? 2 : 1
                let h = type("f32", [batch, units])
                let y = type("f32", [time, batch, units])
                let inputs = (0..<states).map { "input \"h\($0)\" \(h)" }.joined(separator: "\n")
                let leaves = (0..<states).map { "%\($0 + 1) = input \($0 + 1) : \(h)" }.joined(separator: "\n")
                let next = states + 1
                let given = (0..<states).map { "%\($0 + 1)" }.joined(separator: ", ")
                cases.append(
                    KernelCase(
                        .recurrence, "\(cell) \(time)x\(batch)x\(depth) to \(units)",
                        """
                        input "x" \(type("f32", [time, batch, depth]))
                        \(inputs)
                        %0 = input 0 : \(type("f32", [time, batch, depth]))
                        \(leaves)
                        %\(next) = parameter "wi" : \(type("f32", [gates * units, depth]))
                        %\(next + 1) = parameter "wh" : \(type("f32", [gates * units, units]))
                        %\(next + 2) = recur.\(cell) %0, \(given), %\(next), %\(next + 1) : \(y), \((0..<states).map { _ in h }.joined(separator: ", "))
                        output "y" %\(next + 2)
                        """))
            }
        }
        return cases
    }()

    /// Sorting.
    static let sorts: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns) in [
            (4, 8), (3, 37), (1, 130), (9, 5), (2, 64), (6, 21), (5, 33), (13, 3), (1, 1000), (7, 16),
            (8, 9), (1, 31), (12, 7), (3, 100), (10, 10), (2, 17), (21, 4), (1, 257), (4, 50),
        ] {
            let t = type("f32", [rows, columns])
            for (order, limit) in [("", columns), ("descending ", columns), ("descending ", min(3, columns))] {
                for axis in 0...1 where axis == 1 || (limit == columns && rows > 1) {
                    let y = axis == 1 ? [rows, limit] : [rows, columns]
                    cases.append(
                        KernelCase(
                            .sort, "\(order)\(limit) over \(axis) of \(rows)x\(columns)",
                            """
                            input "x" \(t)
                            %0 = input 0 : \(t)
                            %1 = sort axis \(axis) \(order)\(limit == columns ? "" : "limit \(limit) ")%0 : \(type("f32", y)), \(type("i64", y))
                            output "values" %1
                            output "positions" %1.1
                            """))
                }
            }
        }
        return cases
    }()
}
