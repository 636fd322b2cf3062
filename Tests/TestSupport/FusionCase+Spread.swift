extension FusionCase {
    /// Products of few rows whose columns go to several places.
    static let spread = [
        FusionCase(
            "heads are turned and cached by the product that makes them",
            """
            input "x" f32[1, 1, 8]
            input "cosine" f32[1, 4]
            input "sine" f32[1, 4]
            input "position" i64[1]
            state "keys" f32[1, 1, 4, 4]
            state "values" f32[1, 1, 4, 4]
            %0 = input 0 : f32[1, 1, 8]
            %1 = input 1 : f32[1, 4]
            %2 = input 2 : f32[1, 4]
            %3 = input 3 : i64[1]
            %4 = state 0 : f32[1, 1, 4, 4]
            %5 = state 1 : f32[1, 1, 4, 4]
            %6 = parameter "w" : f32[16, 8]
            %7 = contract [0, 1, 2] [3, 2] [0, 1, 3] %0, %6 : f32[1, 1, 16]
            %8 = view.slice axis 2 start [0] count [8] step 1 %7 : f32[1, 1, 8]
            %9 = view.reshape [1, 2, 1, 4] %8 : f32[1, 2, 1, 4]
            %10 = view.slice axis 2 start [8] count [4] step 1 %7 : f32[1, 1, 4]
            %11 = view.reshape [1, 1, 1, 4] %10 : f32[1, 1, 1, 4]
            %12 = view.slice axis 2 start [12] count [4] step 1 %7 : f32[1, 1, 4]
            %13 = view.reshape [1, 1, 1, 4] %12 : f32[1, 1, 1, 4]
            %14 = view.slice axis 3 start [0] count [2] step 1 %9 : f32[1, 2, 1, 2]
            %15 = view.slice axis 3 start [2] count [2] step 1 %9 : f32[1, 2, 1, 2]
            %16 = map negate(a0) %15 : f32[1, 2, 1, 2]
            %17 = concatenate axis 3 %16, %14 : f32[1, 2, 1, 4]
            %18 = view.expand [1, 2, 1, 4] %1 : f32[1, 2, 1, 4]
            %19 = view.expand [1, 2, 1, 4] %2 : f32[1, 2, 1, 4]
            %20 = map add(multiply(a0, a1), multiply(a2, a3)) %9, %18, %17, %19 : f32[1, 2, 1, 4]
            %21 = view.slice axis 3 start [0] count [2] step 1 %11 : f32[1, 1, 1, 2]
            %22 = view.slice axis 3 start [2] count [2] step 1 %11 : f32[1, 1, 1, 2]
            %23 = map negate(a0) %22 : f32[1, 1, 1, 2]
            %24 = concatenate axis 3 %23, %21 : f32[1, 1, 1, 4]
            %25 = view.expand [1, 1, 1, 4] %1 : f32[1, 1, 1, 4]
            %26 = view.expand [1, 1, 1, 4] %2 : f32[1, 1, 1, 4]
            %27 = map add(multiply(a0, a1), multiply(a2, a3)) %11, %25, %24, %26 : f32[1, 1, 1, 4]
            %28 = scatter.set axes [2] at 2 %4, %27, %3 : f32[1, 1, 4, 4]
            %29 = scatter.set axes [2] at 2 %5, %13, %3 : f32[1, 1, 4, 4]
            %30 = attend scale 0.5 %20, %28, %29 : f32[1, 2, 1, 4]
            output "y" %30
            update 0 %28
            update 1 %29
            """, ["contract x0 w x1 x2 x3 s0 s1 -> t0 s0 s1", "attend t0 s0 s1 -> y0"], fewRows: 8),
        FusionCase(
            "neighbours are turned, of a row that is normed",
            """
            input "x" f32[2, 10]
            input "cosine" f32[2, 6]
            input "sine" f32[2, 6]
            %0 = input 0 : f32[2, 10]
            %1 = input 1 : f32[2, 6]
            %2 = input 2 : f32[2, 6]
            %3 = parameter "w" : f32[10, 20]
            %4 = map multiply(a0, a0) %0 : f32[2, 10]
            %5 = reduce.sum axes [1] %4 : f32[2]
            %6 = view.reshape [2, 1] %5 : f32[2, 1]
            %7 = map reciprocalSquareRoot(add(a0, 0.5)) %6 : f32[2, 1]
            %8 = view.expand [2, 10] %7 : f32[2, 10]
            %9 = map multiply(a0, a1) %0, %8 : f32[2, 10]
            %10 = contract [0, 1] [1, 2] [0, 2] %9, %3 : f32[2, 20]
            %11 = view.slice axis 1 start [4] count [12] step 1 %10 : f32[2, 12]
            %12 = view.reshape [2, 6, 2] %11 : f32[2, 6, 2]
            %13 = view.slice axis 2 start [0] count [1] step 1 %12 : f32[2, 6, 1]
            %14 = view.slice axis 2 start [1] count [1] step 1 %12 : f32[2, 6, 1]
            %15 = view.reshape [2, 6, 1] %1 : f32[2, 6, 1]
            %16 = view.reshape [2, 6, 1] %2 : f32[2, 6, 1]
            %17 = map subtract(multiply(a0, a2), multiply(a1, a3)) %13, %14, %15, %16 : f32[2, 6, 1]
            %18 = map add(multiply(a0, a3), multiply(a1, a2)) %13, %14, %15, %16 : f32[2, 6, 1]
            %19 = concatenate axis 2 %17, %18 : f32[2, 6, 2]
            %20 = map multiply(a0, 0.5) %19 : f32[2, 6, 2]
            %21 = view.slice axis 1 start [0] count [4] step 1 %10 : f32[2, 4]
            %22 = map hyperbolicTangent(a0) %21 : f32[2, 4]
            output "turned" %20
            output "rest" %22
            """, ["contract x0 w x1 x2 -> y0 y1"], fewRows: 8),
        FusionCase(
            "slices that go to maps of their own, with a bias",
            """
            input "x" f32[3, 8]
            input "position" i64[1, 1]
            state "cache" f32[4, 3, 6]
            %0 = input 0 : f32[3, 8]
            %1 = input 1 : i64[1, 1]
            %2 = state 0 : f32[4, 3, 6]
            %3 = parameter "w" : f32[15, 8]
            %4 = parameter "b" : f32[15]
            %5 = contract [0, 1] [2, 1] [0, 2] %0, %3 : f32[3, 15]
            %6 = view.reshape [1, 15] %4 : f32[1, 15]
            %7 = view.expand [3, 15] %6 : f32[3, 15]
            %8 = map add(a0, a1) %5, %7 : f32[3, 15]
            %9 = view.slice axis 1 start [0] count [9] step 1 %8 : f32[3, 9]
            %10 = view.slice axis 1 start [9] count [6] step 1 %8 : f32[3, 6]
            %11 = map hyperbolicTangent(a0) %9 : f32[3, 9]
            %12 = view.permute [1, 0] %11 : f32[9, 3]
            %13 = map multiply(a0, 2.0) %12 : f32[9, 3]
            %14 = view.reshape [1, 1, 3, 6] %10 : f32[1, 1, 3, 6]
            %15 = scatter.set axes [0] at 0 %2, %14, %1 : f32[4, 3, 6]
            output "y" %13
            update 0 %15
            """, ["contract x0 w b x1 s0 -> y0 s0"], fewRows: 8),
        FusionCase(
            "a part of each head is turned: read from memory",
            """
            input "x" f32[1, 8]
            input "cosine" f32[1, 4]
            %0 = input 0 : f32[1, 8]
            %1 = input 1 : f32[1, 4]
            %2 = parameter "w" : f32[16, 8]
            %3 = contract [0, 1] [2, 1] [0, 2] %0, %2 : f32[1, 16]
            %4 = view.reshape [2, 8] %3 : f32[2, 8]
            %5 = view.slice axis 1 start [0] count [4] step 1 %4 : f32[2, 4]
            %6 = view.slice axis 1 start [4] count [4] step 1 %4 : f32[2, 4]
            %7 = view.slice axis 1 start [0] count [2] step 1 %5 : f32[2, 2]
            %8 = view.slice axis 1 start [2] count [2] step 1 %5 : f32[2, 2]
            %9 = concatenate axis 1 %8, %7 : f32[2, 4]
            %10 = view.expand [2, 4] %1 : f32[2, 4]
            %11 = map multiply(a0, a1) %9, %10 : f32[2, 4]
            %12 = concatenate axis 1 %11, %6 : f32[2, 8]
            %13 = map add(a0, a1) %12, %4 : f32[2, 8]
            output "y" %13
            """, ["contract x0 w -> t0", "map/1 t0 x1 -> y0"], fewRows: 8),
        FusionCase(
            "columns that are read as they are too are stored",
            """
            input "x" f32[1, 8]
            input "z" f32[4]
            %0 = input 0 : f32[1, 8]
            %1 = input 1 : f32[4]
            %2 = parameter "w" : f32[8, 8]
            %3 = contract [0, 1] [2, 1] [0, 2] %0, %2 : f32[1, 8]
            %4 = view.slice axis 1 start [0] count [4] step 1 %3 : f32[1, 4]
            %5 = view.slice axis 1 start [4] count [4] step 1 %3 : f32[1, 4]
            %6 = view.reshape [1, 4] %1 : f32[1, 4]
            %7 = map hyperbolicTangent(a0) %4 : f32[1, 4]
            %8 = map multiply(a0, a1) %5, %6 : f32[1, 4]
            %9 = map maximum(a0, a1) %4, %5 : f32[1, 4]
            %10 = reduce.sum axes [1] %5 : f32[1]
            output "a" %7
            output "b" %8
            output "c" %10
            output "d" %9
            """, ["contract x0 w -> t0", "map/1 t0 -> y0", "map/1 t0 x1 -> y1", "map/1 t0 -> y3", "rows/2 t0 -> y2"],
            fewRows: 8),
        FusionCase(
            "a sum is stored once, and what is made of all of it is made where it is read",
            """
            input "x" f32[1, 8]
            input "residual" f32[1, 4]
            %0 = input 0 : f32[1, 8]
            %1 = input 1 : f32[1, 4]
            %2 = parameter "w" : f32[4, 8]
            %3 = parameter "v" : f32[6, 4]
            %4 = contract [0, 1] [2, 1] [0, 2] %0, %2 : f32[1, 4]
            %5 = map add(a0, a1) %4, %1 : f32[1, 4]
            %6 = map multiply(a0, a0) %5 : f32[1, 4]
            %7 = reduce.sum axes [1] %6 : f32[1]
            %8 = view.reshape [1, 1] %7 : f32[1, 1]
            %9 = view.expand [1, 4] %8 : f32[1, 4]
            %10 = map multiply(a0, reciprocalSquareRoot(add(a1, 1.0))) %5, %9 : f32[1, 4]
            %11 = contract [0, 1] [2, 1] [0, 2] %10, %3 : f32[1, 6]
            output "y" %11
            """, ["contract x0 w x1 -> t0", "contract t0 v -> y0"], fewRows: 8),
        FusionCase(
            "rows at several positions are written in order, by a kernel of their own",
            """
            input "x" f32[2, 8]
            input "positions" i64[2]
            state "cache" f32[4, 6]
            %0 = input 0 : f32[2, 8]
            %1 = input 1 : i64[2]
            %2 = state 0 : f32[4, 6]
            %3 = parameter "w" : f32[12, 8]
            %4 = contract [0, 1] [2, 1] [0, 2] %0, %3 : f32[2, 12]
            %5 = view.slice axis 1 start [0] count [6] step 1 %4 : f32[2, 6]
            %6 = view.slice axis 1 start [6] count [6] step 1 %4 : f32[2, 6]
            %7 = map exp(a0) %5 : f32[2, 6]
            %8 = scatter.set axes [0] at 0 %2, %6, %1 : f32[4, 6]
            output "y" %7
            update 0 %8
            """, ["contract x0 w -> t0", "map/1 t0 -> y0", "scatter t0 x1 s0 -> s0"], fewRows: 8),
    ]
}
