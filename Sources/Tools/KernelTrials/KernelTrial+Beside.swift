import ElementTypes
import KernelIR

extension KernelTrial {
    /// Sums over rows, whose neighbours in memory are neighbouring results, by teams beside each other and by blocks that share them; and
    /// maps that turn their operand.
    static let beside: [KernelTrial] =
        [
            (300, 37, ElementType.f32, false), (5000, 3, .f16, false), (20_000, 1, .f32, false),
            (4096, 2048, .f32, true), (100_352, 64, .f32, true), (1500, 1280, .bf16, true), (8_388_608, 1, .f32, true),
        ].map { rows, columns, element, isTimed in
            let teams = [(3, 512), (3, 128), (4, 256), (5, 512)].map { Schedule(["team": $0.0, "threads": $0.1]) }
            let blocks = [(2, 256, 2), (2, 1024, 8), (3, 512, 4), (3, 1024, 16), (2, 256, 256), (2, 1024, 128)].map {
                Schedule(["team": $0.0, "threads": $0.1, "parts": $0.2])
            }
            return KernelTrial(
                "sums over \(rows) rows of \(columns) \(element)", TrialShapes.columnSums(rows, columns, element),
                // Few threads lose much of sums over millions.
                plain: Schedule(["team": 2, "threads": 1024, "parts": 1]), rows > 1_000_000 ? blocks : teams + blocks,
                tolerance: element == .f32 ? 1e-5 : 0x1p-8, isTimed: isTimed)
        }
        + [(3000, 37, 4, false), (15_876, 1024, 4, true), (15_876, 256, 16, true)].map { length, width, run, isTimed in
            let teams = [(3, 512), (3, 128), (4, 256), (5, 512)].map { Schedule(["team": $0.0, "threads": $0.1]) }
            return KernelTrial(
                "sums over \(length) runs of \(run) beside \(width)", TrialShapes.runSums(length, width, run),
                plain: Schedule(["team": 2, "threads": 256, "parts": 1]), teams, tolerance: 1e-5, isTimed: isTimed)
        }
        + [
            (100, 37, ElementType.f32, false), (65, 140, .f16, false), (4096, 2048, .f32, true),
            (3136, 512, .f16, true),
        ].map { rows, columns, element, isTimed in
            KernelTrial(
                "turn \(rows)x\(columns) \(element)", TrialShapes.turn(rows, columns, element),
                plain: Schedule(["turned": 0]), [Schedule(["turned": 1])], tolerance: 0, isTimed: isTimed)
        }
}

extension TrialShapes {
    /// `y[n] = Σ x[m, n]²`.
    static func columnSums(_ rows: Int, _ columns: Int, _ element: ElementType) -> Kernel {
        let (n, m) = (axis(0, columns), axis(1, rows))
        var first = ScalarBody()
        let x = first.emit(.load(parameter: 0, index: at(m) * columns + at(n), mask: []))
        let square = first.emit(.apply(.multiply, [x, x]))
        var second = ScalarBody()
        let sum = second.emit(.slot(0))
        let nest = NestKernel(
            axes: [n],
            steps: [
                NestStep(axes: [m], body: first, effects: [.reduce(.sum, value: square, position: nil, slot: 0)]),
                NestStep(axes: [], body: second, effects: [.store(Store(parameter: 1, index: at(n), value: sum))]),
            ], slots: [.f32])
        return kernel([parameter(element, rows * columns), parameter(.f32, columns, .write)], .nest(nest))
    }

    /// `y[n] = Σ x[m, n, r]²`, the sum over `r` outermost: groups of channels that lie last.
    static func runSums(_ length: Int, _ width: Int, _ run: Int) -> Kernel {
        let (n, r, m) = (axis(0, width), axis(1, run), axis(2, length))
        var first = ScalarBody()
        let index = at(m) * (width * run) + at(n) * run + at(r)
        let x = first.emit(.load(parameter: 0, index: index, mask: []))
        let square = first.emit(.apply(.multiply, [x, x]))
        var second = ScalarBody()
        let sum = second.emit(.slot(0))
        let nest = NestKernel(
            axes: [n],
            steps: [
                NestStep(axes: [r, m], body: first, effects: [.reduce(.sum, value: square, position: nil, slot: 0)]),
                NestStep(axes: [], body: second, effects: [.store(Store(parameter: 1, index: at(n), value: sum))]),
            ], slots: [.f32])
        return kernel([parameter(.f32, length * width * run), parameter(.f32, width, .write)], .nest(nest))
    }

    /// `y[m, n] = 2 x[n, m]`.
    static func turn(_ rows: Int, _ columns: Int, _ element: ElementType) -> Kernel {
        let (m, n) = (axis(0, rows), axis(1, columns))
        var body = ScalarBody()
        let x = body.emit(.load(parameter: 0, index: at(n) * rows + at(m), mask: []))
        let value = body.emit(.apply(.multiply, [x, body.emit(.real(bits: (2.0).bitPattern, .f32))]))
        let nest = NestKernel(
            axes: [m, n],
            steps: [
                NestStep(
                    axes: [], body: body,
                    effects: [.store(Store(parameter: 1, index: at(m) * columns + at(n), value: value))])
            ])
        return kernel([parameter(element, rows * columns), parameter(element, rows * columns, .write)], .nest(nest))
    }
}
