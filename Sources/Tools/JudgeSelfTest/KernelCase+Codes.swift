extension KernelCase {
    /// Products by weights that are restored from codes and scales.
    static let codedWeights: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns, depth) in [(1, 33, 64), (4, 17, 96), (7, 64, 32), (13, 6, 41), (29, 40, 128)] {
            let (x, y) = (type("f32", [rows, depth]), type("f32", [rows, columns]))
            let (w, scales) = (type("f32", [columns, depth]), type("f32", [columns, 1]))
            for codes in ["i8", "f8e4m3", "f8e5m2"] {
                cases.append(
                    KernelCase(
                        .codedWeight, "\(codes) \(rows)x\(columns)x\(depth)",
                        """
                        input "x" \(x)
                        %0 = input 0 : \(x)
                        %1 = parameter "codes" : \(type(codes, [columns, depth]))
                        %2 = parameter "scales" : \(scales)
                        %3 = map f32(a0) %1 : \(w)
                        %4 = view.expand [\(columns), \(depth)] %2 : \(w)
                        %5 = map multiply(a0, a1) %3, %4 : \(w)
                        %6 = contract [0, 1] [2, 1] [0, 2] %0, %5 : \(y)
                        %7 = map maximum(a0, 0.0) %6 : \(y)
                        output "y" %7
                        """))
            }
            // Two codes a byte, blocks of 32 with a scale each, as `--weights int4` stores them.
            guard depth % 32 == 0 else { continue }
            let blocks = depth / 32
            let half = type("u8", [columns, blocks, 16])
            cases.append(
                KernelCase(
                    .codedWeight, "4 bits \(rows)x\(columns)x\(depth)",
                    """
                    input "x" \(x)
                    %0 = input 0 : \(x)
                    %1 = parameter "codes" : \(half)
                    %2 = parameter "scales" : \(type("bf16", [columns, blocks, 1]))
                    %3 = map u8(and(a0, 15i)) %1 : \(half)
                    %4 = map u8(shiftRight(a0, 4i)) %1 : \(half)
                    %5 = concatenate axis 2 %3, %4 : \(type("u8", [columns, blocks, 32]))
                    %6 = view.expand [\(columns), \(blocks), 32] %2 : \(type("bf16", [columns, blocks, 32]))
                    %7 = map multiply(f32(subtract(a0, 8i)), f32(a1)) %5, %6 : \(type("f32", [columns, blocks, 32]))
                    %8 = view.reshape [\(columns), \(depth)] %7 : \(w)
                    %9 = contract [0, 1] [2, 1] [0, 2] %0, %8 : \(y)
                    output "y" %9
                    """))
        }
        return cases
    }()
}
