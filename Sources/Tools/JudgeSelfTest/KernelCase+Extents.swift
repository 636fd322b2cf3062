extension KernelCase {
    /// Several tensors that become one when the model runs, also with seams that no size of the export fixes.
    static let concatenations: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns, more) in [(3, 5, 2), (1, 37, 64), (6, 16, 16), (9, 1, 3), (4, 130, 7)] {
            for element in ["f32", "bf16"] {
                let (x, z) = (type(element, [rows, columns]), type(element, [rows, more]))
                let y = [rows, columns + more + columns]
                cases.append(
                    KernelCase(
                        .concatenation, "\(element) columns \(rows)x\(columns), \(more) and \(columns)",
                        """
                        input "x" \(x)
                        input "z" \(z)
                        %0 = input 0 : \(x)
                        %1 = input 1 : \(z)
                        %2 = map f32(a0) %0 : \(type("f32", [rows, columns]))
                        %3 = map exp(a0) %2 : \(type("f32", [rows, columns]))
                        %4 = map \(element)(a0) %3 : \(x)
                        %5 = concatenate axis 1 %0, %1, %4 : \(type(element, y))
                        output "y" %5
                        """))
            }
            let (a, b) = (type("f32", [rows, columns]), type("f32", [more, columns]))
            cases.append(
                KernelCase(
                    .concatenation, "rows \(rows) and \(more) of \(columns)",
                    """
                    input "x" \(a)
                    input "z" \(b)
                    %0 = input 0 : \(a)
                    %1 = input 1 : \(b)
                    %2 = concatenate axis 0 %1, %0 : \(type("f32", [rows + more, columns]))
                    %3 = map hyperbolicTangent(a0) %2 : \(type("f32", [rows + more, columns]))
                    output "y" %3
                    """))
            cases.append(
                KernelCase(
                    .concatenation, "any number of rows twice and one more, of \(columns)",
                    """
                    symbol s0 "n" 2...64 hint \(hint)
                    input "x" f32[s0, \(columns)]
                    %0 = input 0 : f32[s0, \(columns)]
                    %1 = parameter "row" : f32[1, \(columns)]
                    %2 = concatenate axis 0 %0, %0, %1 : f32[2*s0 + 1, \(columns)]
                    %3 = map exp(a0) %2 : f32[2*s0 + 1, \(columns)]
                    output "y" %3
                    """))
            cases.append(
                KernelCase(
                    .concatenation, "any number of columns and \(more) in \(rows) rows",
                    """
                    symbol s0 "n" 2...64 hint \(hint)
                    input "x" f32[\(rows), s0]
                    input "z" \(type("f32", [rows, more]))
                    %0 = input 0 : f32[\(rows), s0]
                    %1 = input 1 : \(type("f32", [rows, more]))
                    %2 = concatenate axis 1 %0, %1 : f32[\(rows), s0 + \(more)]
                    output "y" %2
                    """))
        }
        return cases
    }()

    /// Extents that are known when the model runs: judged at that of the export and at another.
    static let dynamicSizes: [KernelCase] = {
        var cases: [KernelCase] = []
        for extent in [5, 16, 37, 64, 129] {
            cases.append(
                KernelCase(
                    .dynamicSize, "map of any rows of \(extent)",
                    """
                    symbol s0 "n" 2...64 hint \(hint)
                    input "x" f32[s0, \(extent)]
                    %0 = input 0 : f32[s0, \(extent)]
                    %1 = parameter "bias" : f32[\(extent)]
                    %2 = view.expand [s0, \(extent)] %1 : f32[s0, \(extent)]
                    %3 = map hyperbolicTangent(add(a0, a1)) %0, %2 : f32[s0, \(extent)]
                    output "y" %3
                    """))
            for (rows, columns) in [("s0", "\(extent)"), ("\(extent)", "s0")] {
                cases.append(
                    KernelCase(
                        .dynamicSize, "softmax of \(rows)x\(columns)",
                        """
                        symbol s0 "n" 2...64 hint \(hint)
                        input "x" f32[\(rows), \(columns)]
                        %0 = input 0 : f32[\(rows), \(columns)]
                        %1 = reduce.maximum axes [1] %0 : f32[\(rows)]
                        %2 = view.reshape [\(rows), 1] %1 : f32[\(rows), 1]
                        %3 = view.expand [\(rows), \(columns)] %2 : f32[\(rows), \(columns)]
                        %4 = map exp(subtract(a0, a1)) %0, %3 : f32[\(rows), \(columns)]
                        %5 = reduce.sum axes [1] %4 : f32[\(rows)]
                        %6 = view.reshape [\(rows), 1] %5 : f32[\(rows), 1]
                        %7 = view.expand [\(rows), \(columns)] %6 : f32[\(rows), \(columns)]
                        %8 = map divide(a0, a1) %4, %7 : f32[\(rows), \(columns)]
                        output "y" %8
                        """))
            }
            for element in ["f32", "bf16"] {
                cases.append(
                    KernelCase(
                        .dynamicSize, "\(element) product of any rows by \(extent)x24",
                        """
                        symbol s0 "n" 2...64 hint \(hint)
                        input "x" \(element)[s0, 24]
                        %0 = input 0 : \(element)[s0, 24]
                        %1 = parameter "w" : \(element)[\(extent), 24]
                        %2 = contract [0, 1] [2, 1] [0, 2] %0, %1 : \(element)[s0, \(extent)]
                        output "y" %2
                        """))
            }
            cases.append(
                KernelCase(
                    .dynamicSize, "product over any number of terms, 3x\(extent)",
                    """
                    symbol s0 "n" 2...64 hint \(hint)
                    input "x" f32[3, s0]
                    input "z" f32[s0, \(extent)]
                    %0 = input 0 : f32[3, s0]
                    %1 = input 1 : f32[s0, \(extent)]
                    %2 = contract [0, 1] [1, 2] [0, 2] %0, %1 : f32[3, \(extent)]
                    output "y" %2
                    """))
        }
        return cases
    }()
}
