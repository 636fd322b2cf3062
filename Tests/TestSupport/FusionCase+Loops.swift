extension FusionCase {
    /// Loops that values end. Launches of a turn begin with `turn`.
    static let loops = [
        FusionCase(
            "a product in every turn, and what it reads of what stands before the loop",
            """
            input "x" f32[4, 8]
            %0 = input 0 : f32[4, 8]
            %1 = parameter "w" : f32[8, 8]
            %2 = map exp(a0) %0 : f32[4, 8]
            %3 = constant [0.0] : f32[]
            %4 = constant [1.0] : bool[]
            %5 = carried 0 0 : f32[4, 8]
            %6 = carried 0 1 : f32[]
            %7 = contract [0, 1] [1, 2] [0, 2] %5, %1 : f32[4, 8]
            %8 = map add(multiply(a0, 0.25), a1) %7, %2 : f32[4, 8]
            %9 = reduce.sum axes [0, 1] %8 : f32[]
            %10 = map add(a0, 1.0) %6 : f32[]
            %11 = map and(less(a0, 6.0), less(a1, 1000.0)) %10, %9 : bool[]
            %12 = looped 0 0 : f32[4, 8]
            %13 = looped 0 1 : f32[]
            %14 = view.expand [4, 8] %13 : f32[4, 8]
            %15 = map multiply(a0, a1) %12, %14 : f32[4, 8]
            loop while 2 from %0, %3, %4 by %8, %10, %11
            output "y" %15
            output "turns" %13
            """,
            [
                "once map/1 -> k0",
                "once map/1 -> k1",
                "copy/1 x0 -> t0",
                "copy/1 k0 -> y1",
                "copy/1 k1 -> t1",
                "turn contract t0 w x0 -> t2",
                "turn map/1 y1 -> t3",
                "turn rows/2 t2 t3 -> t4",
                "turn copy/1 t2 -> t0",
                "turn copy/1 t3 -> y1",
                "turn copy/1 t4 -> t1",
                "map/1 t0 y1 -> y0",
            ]),
        FusionCase(
            "what is carried changes places, and leaves the graph where it is",
            """
            input "a" f32[5]
            input "b" f32[5]
            %0 = input 0 : f32[5]
            %1 = input 1 : f32[5]
            %2 = constant [0.0] : f32[]
            %3 = constant [1.0] : bool[]
            %4 = carried 0 0 : f32[5]
            %5 = carried 0 1 : f32[5]
            %6 = carried 0 2 : f32[]
            %7 = map add(a0, a1) %4, %5 : f32[5]
            %8 = map add(a0, 1.0) %6 : f32[]
            %9 = map less(a0, 7.0) %8 : bool[]
            %10 = looped 0 0 : f32[5]
            %11 = looped 0 1 : f32[5]
            loop while 3 from %0, %1, %2, %3 by %5, %7, %8, %9
            output "a" %10
            output "b" %11
            output "again" %11
            """,
            [
                "once map/1 -> k0",
                "once map/1 -> k1",
                "copy/1 x0 -> y0",
                "copy/1 x1 -> y1",
                "copy/1 k0 -> t0",
                "copy/1 k1 -> t1",
                "turn map/1 y0 y1 -> t2",
                "turn map/1 t0 -> t3",
                "turn map/1 t3 -> t4",
                "turn copy/1 y1 -> t5",
                "turn copy/1 t5 -> y0",
                "turn copy/1 t2 -> y1",
                "turn copy/1 t3 -> t0",
                "turn copy/1 t4 -> t1",
                "copy/1 y1 -> y2",
            ]),
        FusionCase(
            "rows are written where they lie",
            """
            input "x" f32[5, 3]
            %0 = input 0 : f32[5, 3]
            %1 = constant [0.0] : i64[]
            %2 = constant [0.0] : f32[]
            %3 = view.expand [3] %2 : f32[3]
            %4 = view.expand [5, 3] %2 : f32[5, 3]
            %5 = constant [1.0] : bool[]
            %6 = carried 0 0 : i64[]
            %7 = carried 0 1 : f32[3]
            %8 = carried 0 2 : f32[5, 3]
            %9 = gather axes [0] at 0 %0, %6 : f32[3]
            %10 = map hyperbolicTangent(add(multiply(a0, 0.5), a1)) %7, %9 : f32[3]
            %11 = scatter.set axes [0] at 0 %8, %10, %6 : f32[5, 3]
            %12 = map add(a0, 1i) %6 : i64[]
            %13 = map less(a0, 5i) %12 : bool[]
            %14 = looped 0 1 : f32[3]
            %15 = looped 0 2 : f32[5, 3]
            loop while 3 from %1, %3, %4, %5 by %12, %10, %11, %13
            output "last" %14
            output "all" %15
            """,
            [
                "once map/1 -> k0",
                "once map/1 -> k1",
                "once map/1 -> k2",
                "once map/1 -> k3",
                "copy/1 k0 -> t0",
                "copy/1 k1 -> y0",
                "copy/1 k2 -> y1",
                "copy/1 k3 -> t1",
                "turn map/1 y0 t0 x0 -> t2",
                "turn scatter t2 t0 y1 -> y1",
                "turn map/1 t0 -> t3",
                "turn map/1 t3 -> t4",
                "turn copy/1 t3 -> t0",
                "turn copy/1 t2 -> y0",
                "turn copy/1 t4 -> t1",
            ]),
        FusionCase(
            "a second loop, of no turn, after the first",
            """
            input "x" f32[6]
            state "s" f32[6]
            %0 = input 0 : f32[6]
            %1 = state 0 : f32[6]
            %2 = reduce.sum axes [0] %0 : f32[]
            %3 = map less(absolute(a0), 40.0) %2 : bool[]
            %4 = carried 0 0 : f32[6]
            %5 = map add(multiply(a0, 1.5), 1.0) %4 : f32[6]
            %6 = reduce.sum axes [0] %5 : f32[]
            %7 = map less(absolute(a0), 40.0) %6 : bool[]
            %8 = looped 0 0 : f32[6]
            %9 = constant [0.0] : bool[]
            %10 = map add(a0, a1) %8, %1 : f32[6]
            %11 = carried 1 0 : f32[6]
            %12 = map exp(a0) %11 : f32[6]
            %13 = looped 1 0 : f32[6]
            %14 = map multiply(a0, 0.5) %13 : f32[6]
            loop while 1 from %0, %3 by %5, %7
            loop while 1 from %10, %9 by %12, %9
            output "y" %14
            update 0 %14
            """,
            [
                "rows/2 x0 -> t0",
                "once map/1 -> k0",
                "copy/1 x0 -> t1",
                "copy/1 t0 -> t2",
                "turn map/1 t1 -> t3",
                "turn rows/2 t3 -> t4",
                "turn copy/1 t3 -> t1",
                "turn copy/1 t4 -> t2",
                "map/1 t1 s0 -> t5",
                "copy/1 t5 -> t6",
                "copy/1 k0 -> t7",
                "turn map/1 t6 -> t8",
                "turn copy/1 t8 -> t6",
                "turn copy/1 k0 -> t7",
                "map/1 t6 -> y0",
                "copy/1 y0 -> s0",
            ]),
    ]
}
