/// A kernel of the study, as a graph in its printed form. Sizes are those of layers of models, small enough that a schedule is judged
/// in a second.
package struct StudyKernel: Sendable {
    /// Name of its landscape.
    package var name: String
    /// Whether searches may be tuned on it.
    package var isTuned: Bool
    /// The graph, which becomes one kernel.
    package var text: String

    private init(_ name: String, isTuned: Bool, _ lines: String) {
        self.name = name
        self.isTuned = isTuned
        text = "graph \"\(name)\"\n\(lines)\n"
    }

    /// Six to tune on, then six held out.
    package static let all = [
        product(64, 512, 256, isTuned: true), product(8, 1024, 512, isTuned: true),
        convolution(64, 64, side: 14, stride: 1, isTuned: true),
        attention(heads: 4, queries: 128, keys: 128, depth: 64, isTuned: true),
        softmax(128, 1000, isTuned: true), gelu(256, 3072, isTuned: true),
        product(96, 640, 320, isTuned: false), product(1, 2048, 1024, isTuned: false),
        convolution(32, 64, side: 28, stride: 2, isTuned: false),
        attention(heads: 8, queries: 1, keys: 512, depth: 64, isTuned: false),
        normalisation(128, 768, isTuned: false), sums(1024, 512, isTuned: false),
    ]

    private static func product(_ rows: Int, _ columns: Int, _ depth: Int, isTuned: Bool) -> StudyKernel {
        let y = "f32[\(rows), \(columns)]"
        return StudyKernel(
            "product \(rows)x\(columns)x\(depth)", isTuned: isTuned,
            """
            input "x" f32[\(rows), \(depth)]
            %0 = input 0 : f32[\(rows), \(depth)]
            %1 = parameter "w" : f32[\(columns), \(depth)]
            %2 = parameter "bias" : f32[\(columns)]
            %3 = contract [0, 1] [2, 1] [0, 2] %0, %1 : \(y)
            %4 = view.expand [\(rows), \(columns)] %2 : \(y)
            %5 = map hyperbolicTangent(add(a0, a1)) %3, %4 : \(y)
            output "y" %5
            """)
    }

    private static func convolution(
        _ channels: Int, _ outputs: Int, side: Int, stride: Int, isTuned: Bool
    ) -> StudyKernel {
        let x = "f32[1, \(channels), \(side), \(side)]"
        let out = (side - 1) / stride + 1
        let y = "f32[1, \(outputs), \(out), \(out)]"
        return StudyKernel(
            "convolution \(channels)x\(side)x\(side) to \(outputs) by \(stride)", isTuned: isTuned,
            """
            input "x" \(x)
            %0 = input 0 : \(x)
            %1 = parameter "w" : f32[\(outputs), \(channels), 3, 3]
            %2 = convolve stride [\(stride), \(stride)] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %0, %1 : \(y)
            %3 = map maximum(a0, 0.0) %2 : \(y)
            output "y" %3
            """)
    }

    private static func attention(heads: Int, queries: Int, keys: Int, depth: Int, isTuned: Bool) -> StudyKernel {
        let (q, k) = ("f32[1, \(heads), \(queries), \(depth)]", "f32[1, \(heads), \(keys), \(depth)]")
        return StudyKernel(
            "attention \(heads)x\(queries)x\(keys)x\(depth)", isTuned: isTuned,
            """
            input "q" \(q)
            input "k" \(k)
            input "v" \(k)
            %0 = input 0 : \(q)
            %1 = input 1 : \(k)
            %2 = input 2 : \(k)
            %3 = attend scale 0.125 %0, %1, %2 : \(q)
            output "y" %3
            """)
    }

    private static func spread(_ rows: Int, _ columns: Int, _ value: Int, _ next: Int) -> String {
        """
        %\(next) = view.reshape [\(rows), 1] %\(value) : f32[\(rows), 1]
        %\(next + 1) = view.expand [\(rows), \(columns)] %\(next) : f32[\(rows), \(columns)]
        """
    }

    private static func softmax(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
        let t = "f32[\(rows), \(columns)]"
        return StudyKernel(
            "softmax \(rows)x\(columns)", isTuned: isTuned,
            """
            input "x" \(t)
            %0 = input 0 : \(t)
            %1 = reduce.maximum axes [1] %0 : f32[\(rows)]
            \(spread(rows, columns, 1, 2))
            %4 = map exp(subtract(a0, a1)) %0, %3 : \(t)
            %5 = reduce.sum axes [1] %4 : f32[\(rows)]
            \(spread(rows, columns, 5, 6))
            %8 = map divide(a0, a1) %4, %7 : \(t)
            output "y" %8
            """)
    }

    private static func normalisation(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
        let t = "f32[\(rows), \(columns)]"
        return StudyKernel(
            "layer normalisation \(rows)x\(columns)", isTuned: isTuned,
            """
            input "x" \(t)
            %0 = input 0 : \(t)
            %1 = parameter "gain" : f32[\(columns)]
            %2 = reduce.sum axes [1] %0 : f32[\(rows)]
            %3 = map multiply(a0, \(1 / Double(columns))) %2 : f32[\(rows)]
            \(spread(rows, columns, 3, 4))
            %6 = map subtract(a0, a1) %0, %5 : \(t)
            %7 = map multiply(a0, a0) %6 : \(t)
            %8 = reduce.sum axes [1] %7 : f32[\(rows)]
            %9 = map reciprocalSquareRoot(add(multiply(a0, \(1 / Double(columns))), 1e-05)) %8 : f32[\(rows)]
            \(spread(rows, columns, 9, 10))
            %12 = map multiply(a0, a1) %6, %11 : \(t)
            %13 = view.expand [\(rows), \(columns)] %1 : \(t)
            %14 = map multiply(a0, a1) %12, %13 : \(t)
            output "y" %14
            """)
    }

    private static func gelu(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
        let t = "f32[\(rows), \(columns)]"
        return StudyKernel(
            "gelu \(rows)x\(columns)", isTuned: isTuned,
            """
            input "x" \(t)
            %0 = input 0 : \(t)
            %1 = map multiply(multiply(a0, 0.5), add(1.0, errorFunction(multiply(a0, 0.70710677)))) %0 : \(t)
            output "y" %1
            """)
    }

    private static func sums(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
        let t = "f32[\(rows), \(columns)]"
        return StudyKernel(
            "sums over columns \(rows)x\(columns)", isTuned: isTuned,
            """
            input "x" \(t)
            %0 = input 0 : \(t)
            %1 = map multiply(a0, a0) %0 : \(t)
            %2 = reduce.sum axes [0] %1 : f32[\(columns)]
            output "y" %2
            """)
    }
}
