/// A kernel of the study, as a graph in its printed form. Sizes are those of layers of models, small enough that a schedule is judged
/// in a second.
package struct StudyKernel: Sendable {
    /// Kernels that are studied together: six to tune on, then six held out.
    package enum Selection: String, CaseIterable, Sendable {
        /// f32 on a processor, or on a small device.
        case first
        /// 16 bits, and shapes that nothing divides, on a processor.
        case types
        /// 16 bits on a GPU, in sizes of language and image models.
        case blocks
    }

    /// Name of its landscape.
    package var name: String
    /// Whether searches may be tuned on it.
    package var isTuned: Bool
    /// The graph, which becomes one kernel.
    package var text: String

    init(_ name: String, isTuned: Bool, _ lines: String) {
        self.name = name
        self.isTuned = isTuned
        text = "graph \"\(name)\"\n\(lines)\n"
    }

    /// The kernels of a selection.
    package static func all(_ selection: Selection) -> [StudyKernel] {
        switch selection {
        case .first: first
        case .types: types
        case .blocks: blocks
        }
    }

    private static let first = [
        product(64, 512, 256, isTuned: true), product(8, 1024, 512, isTuned: true),
        convolution(64, 64, side: 14, stride: 1, isTuned: true),
        attention(heads: 4, queries: 128, keys: 128, depth: 64, isTuned: true),
        softmax(128, 1000, isTuned: true), gelu(256, 3072, isTuned: true),
        product(96, 640, 320, isTuned: false), product(1, 2048, 1024, isTuned: false),
        convolution(32, 64, side: 28, stride: 2, isTuned: false),
        attention(heads: 8, queries: 1, keys: 512, depth: 64, isTuned: false),
        normalisation(128, 768, isTuned: false), sums(1024, 512, isTuned: false),
    ]

    static func product(
        _ rows: Int, _ columns: Int, _ depth: Int, _ element: String = "f32", isTuned: Bool
    ) -> StudyKernel {
        let (x, y) = ("\(element)[\(rows), \(depth)]", "\(element)[\(rows), \(columns)]")
        return StudyKernel(
            named("product \(rows)x\(columns)x\(depth)", element), isTuned: isTuned,
            """
            input "x" \(x)
            %0 = input 0 : \(x)
            %1 = parameter "w" : \(element)[\(columns), \(depth)]
            %2 = parameter "bias" : \(element)[\(columns)]
            %3 = contract [0, 1] [2, 1] [0, 2] %0, %1 : \(y)
            %4 = view.expand [\(rows), \(columns)] %2 : \(y)
            %5 = map \(rounded("hyperbolicTangent(add(a0, a1))", element)) %3, %4 : \(y)
            output "y" %5
            """)
    }

    /// The name of a kernel that is not of f32.
    static func named(_ name: String, _ element: String) -> String { element == "f32" ? name : "\(name) \(element)" }

    /// A formula whose result is rounded to an element type.
    static func rounded(_ formula: String, _ element: String) -> String {
        element == "f32" ? formula : "\(element)(\(formula))"
    }

    static func convolution(
        _ channels: Int, _ outputs: Int, side: Int, stride: Int, size: Int = 3, groups: Int = 1, images: Int = 1,
        _ element: String = "f32", isTuned: Bool
    ) -> StudyKernel {
        let x = "\(element)[\(images), \(channels), \(side), \(side)]"
        let (out, edge) = ((side - 1) / stride + 1, size / 2)
        let y = "\(element)[\(images), \(outputs), \(out), \(out)]"
        let kind = (groups == 1 ? "" : "grouped ") + (size == 3 ? "" : "\(size)x\(size) ")
        return StudyKernel(
            named("\(kind)convolution \(channels)x\(side)x\(side) to \(outputs) by \(stride)", element),
            isTuned: isTuned,
            """
            input "x" \(x)
            %0 = input 0 : \(x)
            %1 = parameter "w" : \(element)[\(outputs), \(channels / groups), \(size), \(size)]
            %2 = convolve stride [\(stride), \(stride)] low [\(edge), \(edge)] high [\(edge), \(edge)] dilation [1, 1] groups \(groups) %0, %1 : \(y)
            %3 = map maximum(a0, 0.0) %2 : \(y)
            output "y" %3
            """)
    }

    static func attention(
        heads: Int, queries: Int, keys: Int, depth: Int, _ element: String = "f32", causal: Bool = false, isTuned: Bool
    ) -> StudyKernel {
        let q = "\(element)[1, \(heads), \(queries), \(depth)]"
        let k = "\(element)[1, \(heads), \(keys), \(depth)]"
        return StudyKernel(
            named("\(causal ? "causal " : "")attention \(heads)x\(queries)x\(keys)x\(depth)", element),
            isTuned: isTuned,
            """
            input "q" \(q)
            input "k" \(k)
            input "v" \(k)
            %0 = input 0 : \(q)
            %1 = input 1 : \(k)
            %2 = input 2 : \(k)
            %3 = attend \(causal ? "causal " : "")scale 0.125 %0, %1, %2 : \(q)
            output "y" %3
            """)
    }

    private static func spread(_ rows: Int, _ columns: Int, _ value: Int, _ next: Int) -> String {
        """
        %\(next) = view.reshape [\(rows), 1] %\(value) : f32[\(rows), 1]
        %\(next + 1) = view.expand [\(rows), \(columns)] %\(next) : f32[\(rows), \(columns)]
        """
    }

    static func softmax(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
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

    static func normalisation(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
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

    static func gelu(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
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

    static func sums(_ rows: Int, _ columns: Int, isTuned: Bool) -> StudyKernel {
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
