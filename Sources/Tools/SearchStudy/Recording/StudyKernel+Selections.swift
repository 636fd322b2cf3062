/// The second and the third selection, fixed before any of their codes was timed. In the first the defaults were within a few percent of the
/// best; these are shapes and types that the generators' authors looked at less, and a device with far more choices.
extension StudyKernel {
    /// On a processor: 16 bits, sizes that no tile divides, long sums, windows by channel.
    static let types = [
        product(50, 300, 700, "bf16", isTuned: true),
        convolution(24, 40, side: 27, stride: 1, "f16", isTuned: true),
        attention(heads: 6, queries: 100, keys: 100, depth: 48, "bf16", causal: true, isTuned: true),
        convolution(48, 48, side: 56, stride: 1, groups: 48, isTuned: true),
        batched(12, 77, 77, 64, isTuned: true), running(300, 500, isTuned: true),
        product(3, 1111, 900, "bf16", isTuned: false),
        convolution(3, 64, side: 96, stride: 2, size: 7, isTuned: false),
        attention(heads: 2, queries: 37, keys: 513, depth: 80, "f16", isTuned: false),
        convolution(96, 96, side: 28, stride: 2, groups: 96, "bf16", isTuned: false),
        product(200, 50, 3000, isTuned: false), transposed(700, 500, isTuned: false),
    ]

    /// On a GPU: layers of language and image models.
    static let blocks = [
        product(1, 4096, 4096, "bf16", isTuned: true), product(16, 4096, 1024, "bf16", isTuned: true),
        product(256, 2048, 2048, "bf16", isTuned: true),
        convolution(64, 64, side: 56, stride: 1, images: 8, "f16", isTuned: true),
        attention(heads: 16, queries: 512, keys: 512, depth: 64, "bf16", causal: true, isTuned: true),
        softmax(4096, 1000, isTuned: true),
        product(4, 11008, 2048, "bf16", isTuned: false), product(1000, 1000, 4096, "bf16", isTuned: false),
        convolution(128, 256, side: 28, stride: 2, images: 4, "f16", isTuned: false),
        attention(heads: 32, queries: 1, keys: 2048, depth: 128, "bf16", isTuned: false),
        normalisation(2048, 4096, isTuned: false), sums(4096, 2048, isTuned: false),
    ]

    /// Products of two inputs, such as scores of attention that is not fused.
    private static func batched(
        _ batch: Int, _ rows: Int, _ columns: Int, _ depth: Int, isTuned: Bool
    ) -> StudyKernel {
        let (x, z) = ("f32[\(batch), \(rows), \(depth)]", "f32[\(batch), \(columns), \(depth)]")
        let y = "f32[\(batch), \(rows), \(columns)]"
        return StudyKernel(
            "products of inputs \(batch)x\(rows)x\(columns)x\(depth)", isTuned: isTuned,
            """
            input "x" \(x)
            input "z" \(z)
            %0 = input 0 : \(x)
            %1 = input 1 : \(z)
            %2 = contract [0, 1, 2] [0, 3, 2] [0, 1, 3] %0, %1 : \(y)
            %3 = map multiply(a0, 0.125) %2 : \(y)
            output "y" %3
            """)
    }

    private static func running(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
        let t = "f32[\(rows), \(columns)]"
        return StudyKernel(
            "running sums \(rows)x\(columns)", isTuned: isTuned,
            """
            input "x" \(t)
            %0 = input 0 : \(t)
            %1 = scan.sum axis 1 %0 : \(t)
            output "y" %1
            """)
    }

    private static func transposed(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
        let t = "f32[\(rows), \(columns)]"
        return StudyKernel(
            "gate turned \(rows)x\(columns)", isTuned: isTuned,
            """
            input "x" \(t)
            input "z" f32[\(columns), \(rows)]
            %0 = input 0 : \(t)
            %1 = input 1 : f32[\(columns), \(rows)]
            %2 = view.permute [1, 0] %1 : \(t)
            %3 = map multiply(divide(a0, add(1.0, exp(negate(a0)))), a1) %0, %2 : \(t)
            output "y" %3
            """)
    }
}
