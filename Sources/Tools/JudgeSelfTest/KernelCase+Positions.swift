extension KernelCase {
    /// Elements at positions that are known when the model runs.
    static let gathers: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns, count) in [(10, 8, 5), (50, 33, 7), (3, 130, 19), (7, 1, 64), (16, 16, 16)] {
            for element in ["f32", "bf16"] {
                let found = type(element, [count, columns])
                cases.append(
                    KernelCase(
                        .gather, "rows of a table, \(element) \(count) of \(rows)x\(columns)",
                        """
                        input "i" i64[\(count)]
                        %0 = input 0 : i64[\(count)]
                        %1 = parameter "table" : \(type(element, [rows, columns]))
                        %2 = gather axes [0] at 0 %1, %0 : \(found)
                        %3 = map multiply(f32(a0), 0.5) %2 : \(type("f32", [count, columns]))
                        output "y" %3
                        """))
            }
            cases.append(
                KernelCase(
                    .gather, "columns, \(count) of \(rows)x\(columns)",
                    """
                    input "x" \(type("f32", [rows, columns]))
                    input "i" i64[\(count)]
                    %0 = input 0 : \(type("f32", [rows, columns]))
                    %1 = input 1 : i64[\(count)]
                    %2 = gather axes [1] at 1 %0, %1 : \(type("f32", [rows, count]))
                    output "y" %2
                    """))
            cases.append(
                KernelCase(
                    .gather, "sums of rows, \(count) of \(rows)x\(columns)",
                    """
                    input "x" \(type("f32", [rows, columns]))
                    input "i" i64[\(count)]
                    %0 = input 0 : \(type("f32", [rows, columns]))
                    %1 = input 1 : i64[\(count)]
                    %2 = gather axes [0] at 0 %0, %1 : \(type("f32", [count, columns]))
                    %3 = reduce.sum axes [0] %2 : \(type("f32", [columns]))
                    output "y" %3
                    """))
            cases.append(
                KernelCase(
                    .gather, "single elements, \(count) of \(rows)x\(columns)",
                    """
                    input "x" \(type("f32", [rows, columns]))
                    input "i" i64[\(count)]
                    input "j" i64[\(count)]
                    %0 = input 0 : \(type("f32", [rows, columns]))
                    %1 = input 1 : i64[\(count)]
                    %2 = input 2 : i64[\(count)]
                    %3 = gather axes [0, 1] at 0 %0, %1, %2 : \(type("f32", [count]))
                    output "y" %3
                    """))
        }
        return cases
    }()

    /// Writes at positions that are known when the model runs, and that may repeat.
    static let scatters: [KernelCase] = {
        var cases: [KernelCase] = []
        for (rows, columns, count) in [(6, 4, 3), (2, 3, 7), (9, 33, 5), (40, 1, 64), (5, 64, 21)] {
            let t = type("f32", [rows, columns])
            for kind in ["set", "add", "minimum", "maximum"] {
                for axis in 0...1 {
                    let update = type("f32", axis == 0 ? [count, columns] : [rows, count])
                    cases.append(
                        KernelCase(
                            .scatter, "\(kind), \(count) along \(axis) of \(rows)x\(columns)",
                            """
                            input "x" \(t)
                            input "u" \(update)
                            input "i" i64[\(count)]
                            %0 = input 0 : \(t)
                            %1 = input 1 : \(update)
                            %2 = input 2 : i64[\(count)]
                            %3 = scatter.\(kind) axes [\(axis)] at \(axis) %0, %1, %2 : \(t)
                            output "y" %3
                            """))
                }
            }
            cases.append(
                KernelCase(
                    .scatter, "single elements, \(count) of \(rows)x\(columns)",
                    """
                    input "x" \(t)
                    input "u" f32[\(count)]
                    input "i" i64[\(count)]
                    input "j" i64[\(count)]
                    %0 = input 0 : \(t)
                    %1 = input 1 : f32[\(count)]
                    %2 = input 2 : i64[\(count)]
                    %3 = input 3 : i64[\(count)]
                    %4 = scatter.set axes [0, 1] at 0 %0, %1, %2, %3 : \(t)
                    output "y" %4
                    """))
        }
        return cases
    }()
}
