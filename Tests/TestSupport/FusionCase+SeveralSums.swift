extension FusionCase {
    /// Products of few rows that take in what is made of slices of their columns.
    static let severalSums = [
        FusionCase(
            "a perceptron's gate is computed with both of its products",
            """
            input "x" f32[1, 2, 8]
            %0 = input 0 : f32[1, 2, 8]
            %1 = parameter "gateAndUp" : f32[12, 8]
            %2 = contract [0, 1, 2] [3, 2] [0, 1, 3] %0, %1 : f32[1, 2, 12]
            %3 = view.slice axis 2 start [0] count [6] step 1 %2 : f32[1, 2, 6]
            %4 = view.slice axis 2 start [6] count [6] step 1 %2 : f32[1, 2, 6]
            %5 = map multiply(divide(a0, add(exp(negate(a0)), 1.0)), a1) %3, %4 : f32[1, 2, 6]
            output "y" %5
            """, ["contract x0 gateAndUp -> y0"], fewRows: 8),
        FusionCase(
            "of three slices with a bias, the second first, seen as heads",
            """
            input "x" f32[3, 8]
            input "r" f32[3, 2, 4]
            %0 = input 0 : f32[3, 8]
            %1 = parameter "w" : f32[8, 24]
            %2 = parameter "b" : f32[24]
            %3 = input 1 : f32[3, 2, 4]
            %4 = contract [0, 1] [1, 2] [0, 2] %0, %1 : f32[3, 24]
            %5 = view.expand [3, 24] %2 : f32[3, 24]
            %6 = map add(a0, a1) %4, %5 : f32[3, 24]
            %7 = view.reshape [1, 3, 24] %6 : f32[1, 3, 24]
            %8 = view.slice axis 2 start [0] count [8] step 1 %7 : f32[1, 3, 8]
            %9 = view.slice axis 2 start [8] count [8] step 1 %7 : f32[1, 3, 8]
            %10 = view.slice axis 2 start [16] count [8] step 1 %7 : f32[1, 3, 8]
            %11 = view.reshape [3, 2, 4] %8 : f32[3, 2, 4]
            %12 = view.reshape [3, 2, 4] %9 : f32[3, 2, 4]
            %13 = view.reshape [3, 2, 4] %10 : f32[3, 2, 4]
            %14 = map add(multiply(hyperbolicTangent(a0), a1), a2) %12, %11, %13 : f32[3, 2, 4]
            %15 = map add(a0, a1) %14, %3 : f32[3, 2, 4]
            output "y" %15
            """, ["contract x0 w b x1 -> y0"], fewRows: 8),
        FusionCase(
            "columns that something else reads are stored",
            """
            input "x" f32[2, 8]
            %0 = input 0 : f32[2, 8]
            %1 = parameter "w" : f32[12, 8]
            %2 = contract [0, 1] [2, 1] [0, 2] %0, %1 : f32[2, 12]
            %3 = view.slice axis 1 start [0] count [6] step 1 %2 : f32[2, 6]
            %4 = view.slice axis 1 start [6] count [6] step 1 %2 : f32[2, 6]
            %5 = map multiply(a0, a1) %3, %4 : f32[2, 6]
            output "y" %5
            output "gate" %3
            """, ["contract x0 w -> t0", "map/1 t0 -> y1", "map/1 y1 t0 -> y0"], fewRows: 8),
        FusionCase(
            "more rows than few are a product and a map",
            """
            input "x" f32[9, 8]
            %0 = input 0 : f32[9, 8]
            %1 = parameter "w" : f32[12, 8]
            %2 = contract [0, 1] [2, 1] [0, 2] %0, %1 : f32[9, 12]
            %3 = view.slice axis 1 start [0] count [6] step 1 %2 : f32[9, 6]
            %4 = view.slice axis 1 start [6] count [6] step 1 %2 : f32[9, 6]
            %5 = map multiply(a0, a1) %3, %4 : f32[9, 6]
            output "y" %5
            """, ["contract x0 w -> t0", "map/1 t0 -> y0"], fewRows: 8),
        FusionCase(
            "slices that are turned against each other are read from memory",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : f32[8, 8]
            %2 = contract [0, 1] [2, 1] [0, 2] %0, %1 : f32[4, 8]
            %3 = view.slice axis 1 start [0] count [4] step 1 %2 : f32[4, 4]
            %4 = view.slice axis 1 start [4] count [4] step 1 %2 : f32[4, 4]
            %5 = view.permute [1, 0] %4 : f32[4, 4]
            %6 = map multiply(a0, a1) %3, %5 : f32[4, 4]
            output "y" %6
            """, ["contract x0 w -> t0", "map/1 t0 -> y0"], fewRows: 8),
        FusionCase(
            "a norm is computed by both products of what it norms",
            """
            input "x" f32[1, 2, 8]
            input "residual" f32[1, 2, 8]
            %0 = input 0 : f32[1, 2, 8]
            %1 = input 1 : f32[1, 2, 8]
            %2 = parameter "gain" : f32[8]
            %3 = parameter "v" : f32[6, 8]
            %4 = parameter "w" : f32[8, 5]
            %5 = map add(a0, a1) %0, %1 : f32[1, 2, 8]
            %6 = map multiply(a0, a0) %5 : f32[1, 2, 8]
            %7 = reduce.sum axes [2] %6 : f32[1, 2]
            %8 = view.reshape [1, 2, 1] %7 : f32[1, 2, 1]
            %9 = map reciprocalSquareRoot(add(multiply(a0, 0.125), 1e-05)) %8 : f32[1, 2, 1]
            %10 = view.expand [1, 2, 8] %9 : f32[1, 2, 8]
            %11 = view.reshape [1, 1, 8] %2 : f32[1, 1, 8]
            %12 = view.expand [1, 2, 8] %11 : f32[1, 2, 8]
            %13 = map multiply(a0, multiply(a1, a2)) %12, %5, %10 : f32[1, 2, 8]
            %14 = contract [0, 1, 2] [3, 2] [0, 1, 3] %13, %3 : f32[1, 2, 6]
            %15 = view.reshape [2, 8] %13 : f32[2, 8]
            %16 = contract [0, 1] [1, 2] [0, 2] %15, %4 : f32[2, 5]
            %17 = map add(a0, 1.0) %16 : f32[2, 5]
            output "sum" %5
            output "y" %14
            output "z" %17
            """, ["map/1 x0 x1 -> y0", "contract gain y0 v -> y1", "contract gain y0 w -> y2"], fewRows: 8),
        FusionCase(
            "a division by the root of a sum, before a gate",
            """
            input "x" f32[3, 10]
            %0 = input 0 : f32[3, 10]
            %1 = parameter "w" : f32[12, 10]
            %2 = map absolute(a0) %0 : f32[3, 10]
            %3 = reduce.sum axes [1] %2 : f32[3]
            %4 = view.reshape [3, 1] %3 : f32[3, 1]
            %5 = view.expand [3, 10] %4 : f32[3, 10]
            %6 = map divide(multiply(2.0, a0), squareRoot(add(a1, 1.0))) %0, %5 : f32[3, 10]
            %7 = contract [0, 1] [2, 1] [0, 2] %6, %1 : f32[3, 12]
            %8 = view.slice axis 1 start [0] count [6] step 1 %7 : f32[3, 6]
            %9 = view.slice axis 1 start [6] count [6] step 1 %7 : f32[3, 6]
            %10 = map multiply(hyperbolicTangent(a0), a1) %8, %9 : f32[3, 6]
            output "y" %10
            """, ["contract x0 w -> y0"], fewRows: 8),
        FusionCase(
            "a norm that something else reads stands by itself",
            """
            input "x" f32[3, 10]
            %0 = input 0 : f32[3, 10]
            %1 = parameter "w" : f32[6, 10]
            %2 = map multiply(a0, a0) %0 : f32[3, 10]
            %3 = reduce.sum axes [1] %2 : f32[3]
            %4 = view.reshape [3, 1] %3 : f32[3, 1]
            %5 = view.expand [3, 10] %4 : f32[3, 10]
            %6 = map divide(a0, add(a1, 1.0)) %0, %5 : f32[3, 10]
            %7 = contract [0, 1] [2, 1] [0, 2] %6, %1 : f32[3, 6]
            output "normed" %6
            output "y" %7
            """, ["rows/2 x0 -> y0", "contract y0 w -> y1"], fewRows: 8),
        FusionCase(
            "a norm before codes of fewer bits than a byte stands by itself",
            """
            input "x" f32[2, 8]
            %0 = input 0 : f32[2, 8]
            %1 = parameter "codes" : u8[6, 4]
            %2 = view.reshape [6, 4, 1] %1 : u8[6, 4, 1]
            %3 = view.expand [6, 4, 2] %2 : u8[6, 4, 2]
            %4 = view.reshape [6, 8] %3 : u8[6, 8]
            %5 = map multiply(f32(a0), 0.5) %4 : f32[6, 8]
            %6 = map multiply(a0, a0) %0 : f32[2, 8]
            %7 = reduce.sum axes [1] %6 : f32[2]
            %8 = view.reshape [2, 1] %7 : f32[2, 1]
            %9 = view.expand [2, 8] %8 : f32[2, 8]
            %10 = map divide(a0, add(a1, 1.0)) %0, %9 : f32[2, 8]
            %11 = contract [0, 1] [2, 1] [0, 2] %10, %5 : f32[2, 6]
            output "y" %11
            """, ["rows/2 x0 -> t0", "contract t0 codes -> y0"], fewRows: 8),
        FusionCase(
            "a shift by the sum does not commute with the product",
            """
            input "x" f32[3, 10]
            %0 = input 0 : f32[3, 10]
            %1 = parameter "w" : f32[6, 10]
            %2 = reduce.sum axes [1] %0 : f32[3]
            %3 = view.reshape [3, 1] %2 : f32[3, 1]
            %4 = view.expand [3, 10] %3 : f32[3, 10]
            %5 = map subtract(a0, multiply(a1, 0.1)) %0, %4 : f32[3, 10]
            %6 = contract [0, 1] [2, 1] [0, 2] %5, %1 : f32[3, 6]
            output "y" %6
            """, ["rows/2 x0 -> t0", "contract t0 w -> y0"], fewRows: 8),
        FusionCase(
            "a sum over another axis than the product's stands by itself",
            """
            input "x" f32[4, 4]
            %0 = input 0 : f32[4, 4]
            %1 = parameter "w" : f32[6, 4]
            %2 = reduce.sum axes [0] %0 : f32[4]
            %3 = view.reshape [1, 4] %2 : f32[1, 4]
            %4 = view.expand [4, 4] %3 : f32[4, 4]
            %5 = map divide(a0, add(absolute(a1), 1.0)) %0, %4 : f32[4, 4]
            %6 = contract [0, 1] [2, 1] [0, 2] %5, %1 : f32[4, 6]
            output "y" %6
            """, ["rows/2 x0 -> t0", "contract t0 w -> y0"], fewRows: 8),
    ]
}
