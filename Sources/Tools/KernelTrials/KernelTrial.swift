import ElementTypes
import KernelIR

/// A kernel with schedules that must all give what a plain one gives, and that can be timed beside each other.
package struct KernelTrial: Sendable {
    /// What it is, for people.
    package let name: String
    package let kernel: Kernel
    /// The schedule whose result the others must give: it leans on least.
    package let plain: Schedule
    /// What is tried.
    package let schedules: [Schedule]
    /// Largest difference allowed, as a part of the largest result.
    package let tolerance: Double
    /// Whether it stands for a layer of a model and is worth timing.
    package let isTimed: Bool

    /// Makes a trial; see the properties.
    init(
        _ name: String, _ kernel: Kernel, plain: Schedule, _ schedules: [Schedule], tolerance: Double,
        isTimed: Bool = false
    ) {
        self.name = name
        self.kernel = kernel
        self.plain = plain
        self.schedules = schedules
        self.tolerance = tolerance
        self.isTimed = isTimed
    }

    /// All trials: odd shapes first, then layers of models.
    package static let all: [KernelTrial] =
        oddProducts + oddSpecial + oddCoded + oddAttentions + oddDecodes + others + fewRows + sums + turned + coded
        + products
        + convolutions + special + attentions + groupAttentions + oddTriton + everyForm + everyConvolution + manyCoded
        + oddWindows + firstLayers + residualNetwork + beside + slidingWindows + oddSplits + splits
        + roundings

    private static func rounding(_ element: ElementType) -> Double {
        switch element {
        case .bf16: 0x1p-7
        case .f16: 0x1p-10
        default: 1e-5
        }
    }

    static func product(
        _ name: String, _ kernel: Kernel, _ element: ElementType, _ schedules: [Schedule], isTimed: Bool = false
    ) -> KernelTrial {
        KernelTrial(
            name, kernel, plain: Schedule(["algorithm": 0]), schedules, tolerance: rounding(element), isTimed: isTimed)
    }

    private static func skinny(_ across: Int, _ columns: Int, _ ahead: Int, _ warps: Int = 8) -> Schedule {
        Schedule(["algorithm": 2, "across": across, "columns": columns, "ahead": ahead, "warps": warps])
    }

    private static func units(_ across: Int, _ tiles: Int, _ ahead: Int, _ warps: Int = 8) -> Schedule {
        Schedule(["algorithm": 8, "across": across, "columnTiles": tiles, "ahead": ahead, "warps": warps])
    }

    private static func ring(_ warps: Int, _ ring: Int, _ together: Int, _ residents: Int = 1) -> Schedule {
        Schedule(["algorithm": 10, "ringWarps": warps, "ring": ring, "together": together, "residents": residents])
    }

    /// Tiles of codes that are dealt, through rings as long as there is room for where no stages are named.
    private static func dealtCodes(_ warps: Int, _ batches: Int, _ stages: Int? = nil) -> Schedule {
        var schedule = Schedule(["algorithm": 13, "dealtWarps": warps, "dealtBatches": batches])
        if let stages { schedule.set("dealtStages", stages) }
        return schedule
    }

    private static func matrix(_ tile: Int, _ stages: Int, _ parts: Int) -> Schedule {
        Schedule(["algorithm": 3, "tile": tile, "stages": stages, "parts": parts])
    }

    private static let oddProducts: [KernelTrial] = {
        var trials: [KernelTrial] = []
        for element in [ElementType.bf16, .f16] {
            for (m, k, n) in [(1, 1024, 1003), (3, 200, 77), (16, 520, 130), (70, 136, 90), (129, 328, 257)] {
                for hasPrologue in [false, true] {
                    var schedules =
                        (0..<17).map { matrix($0, 3, 1) } + [matrix(2, 2, 1), matrix(2, 4, 3), matrix(0, 3, 2)]
                        + [matrix(9, 2, 1), matrix(9, 5, 3), matrix(13, 4, 2)]
                    if m <= 16 { schedules += [skinny(8, 4, 2), skinny(1, 2, 4), skinny(4, 1, 1), skinny(2, 4, 2, 4)] }
                    schedules.append(Schedule(["algorithm": 1, "threadTile": 4, "parts": 2]))
                    trials.append(
                        product(
                            "product \(m)x\(k)x\(n) \(element)\(hasPrologue ? " gated" : "")",
                            TrialShapes.product(m, k, n, element, hasPrologue: hasPrologue), element, schedules))
                }
            }
        }
        trials.append(
            product(
                "product of activations", TrialShapes.product(65, 72, 130, .bf16, isConstant: false), .bf16,
                [matrix(2, 3, 1), matrix(1, 3, 2)]))
        trials.append(
            product(
                "product 2x1000x130 f32", TrialShapes.product(2, 1000, 130, .f32), .f32,
                [skinny(8, 4, 2), skinny(2, 2, 4), Schedule(["algorithm": 1, "threadTile": 8, "parts": 3])]))
        for (side, channels, outputs, window, stride) in [(9, 16, 40, 3, 1), (14, 64, 96, 3, 2), (7, 8, 33, 1, 1)] {
            trials.append(
                product(
                    "convolution \(side) \(channels)-\(outputs) w\(window) s\(stride)",
                    TrialShapes.convolution(2, side, channels, outputs, window: window, stride: stride, .f16), .f16,
                    [matrix(0, 3, 1), matrix(2, 3, 1), matrix(2, 3, 2), matrix(5, 4, 1), matrix(6, 3, 4)]))
        }
        return trials
    }()

    /// A trial of an attention beside rows one by one.
    static func attention(_ name: String, _ kernel: Kernel, _ schedules: [Schedule], isTimed: Bool = false)
        -> KernelTrial
    {
        KernelTrial(
            name, kernel, plain: Schedule(["form": 0, "rows": 1, "parts": 1]), schedules, tolerance: 0x1p-6,
            isTimed: isTimed)
    }

    /// Attention by warps of 16 rows.
    static let flash = [4, 8, 2].map { Schedule(["form": 1, "warps": $0]) }
    private static func decode(_ parts: Int, _ warps: Int = 4) -> Schedule {
        Schedule(["form": 2, "parts": parts, "warps": warps])
    }
    private static let byRows = [(4, 8), (8, 1), (2, 16), (4, 32)].map {
        Schedule(["form": 0, "rows": $0.0, "parts": $0.1])
    }

    private static let oddAttentions: [KernelTrial] = [
        attention(
            "attention 37x91 d64",
            TrialShapes.attention(keyHeads: 3, group: 1, queries: 37, keys: 91, depth: 64, .bf16),
            flash + byRows),
        attention(
            "attention 130x130 d128 causal, groups of 4",
            TrialShapes.attention(keyHeads: 2, group: 4, queries: 130, keys: 130, depth: 128, .bf16, isCausal: true),
            flash + byRows),
        attention(
            "attention 50x200 d80 f16, keys 77 on hidden",
            TrialShapes.attention(
                batch: 2, keyHeads: 2, group: 2, queries: 50, keys: 200, depth: 80, .f16, visible: 77),
            flash + byRows),
        attention(
            "attention 20x70 d32 added",
            TrialShapes.attention(keyHeads: 2, group: 1, queries: 20, keys: 70, depth: 32, .f16, isAdded: true),
            flash + byRows),
    ]

    private static let oddDecodes: [KernelTrial] = [
        attention(
            "decoding 300 keys d64",
            TrialShapes.attention(
                batch: 2, keyHeads: 3, group: 5, queries: 1, keys: 300, depth: 64, .bf16, visible: 130),
            [decode(1), decode(4), decode(8), decode(2, 8)]),
        attention(
            "decoding 3 queries d128 causal",
            TrialShapes.attention(keyHeads: 2, group: 4, queries: 3, keys: 500, depth: 128, .f16, isCausal: true),
            [decode(1), decode(4), decode(8), decode(2, 8)]),
        attention(
            "decoding 1 of 70 d80",
            TrialShapes.attention(keyHeads: 2, group: 1, queries: 1, keys: 70, depth: 80, .f16, isAdded: true),
            [decode(1), decode(2)]),
    ]

    private static let others: [KernelTrial] = {
        var trials: [KernelTrial] = []
        let shared = [128, 64, 16].map { Schedule(["shared": 1, "blocks": $0]) }
        for cell in RecurrenceKernel.Cell.allCases {
            trials.append(
                KernelTrial(
                    "\(cell) 7 steps of 3 of 200", TrialShapes.recurrence(cell, time: 7, batch: 3, hidden: 200, .f16),
                    plain: Schedule(["shared": 0]), shared, tolerance: 0x1p-9))
        }
        trials.append(
            KernelTrial(
                "lstm 64 steps of 512", TrialShapes.recurrence(.lstm, time: 64, batch: 1, hidden: 512, .f16),
                plain: Schedule(["shared": 0]),
                shared + [512, 128].map { Schedule(["shared": 1, "blocks": 128, "threads": $0]) }, tolerance: 0x1p-9,
                isTimed: true))
        for (rows, width) in [(1, 4096), (128, 1024), (33, 77)] {
            trials.append(
                KernelTrial(
                    "rms \(rows)x\(width)", TrialShapes.rootMeanSquare(rows, width, .bf16),
                    plain: Schedule(["team": 0]),
                    [(2, 256), (2, 1024), (2, 512), (1, 128)].map { Schedule(["team": $0.0, "threads": $0.1]) },
                    tolerance: 0x1p-7, isTimed: width > 100))
        }
        trials.append(
            KernelTrial(
                "sort 3x5000", TrialShapes.sort(3, 5000, limit: 40), plain: Schedule(["threads": 128]),
                [Schedule(["threads": 1024])], tolerance: 0))
        return trials
    }()

    /// Tiles that are dealt to blocks: columns of a tile and stages.
    static let dealt = [(4, 3), (4, 2), (4, 6), (4, 4), (2, 6)].map {
        Schedule(["algorithm": 12, "dealtColumns": $0.0, "dealtStages": $0.1])
    }

    /// Layers of Llama-3.1-8B at one token, and of an MLP.
    private static let fewRows: [KernelTrial] = [
        (4096, 6144), (4096, 4096), (4096, 28672), (14336, 4096), (4096, 128_256), (18944, 3584), (1024, 1024),
    ].map { depth, columns in
        product(
            "decode 1x\(depth)x\(columns)", TrialShapes.product(1, depth, columns, .bf16), .bf16,
            [
                skinny(8, 4, 2), skinny(8, 2, 2), skinny(8, 8, 1), skinny(8, 2, 4), skinny(4, 4, 4, 4),
                skinny(4, 8, 2, 4),
                skinny(16, 4, 1, 16), skinny(16, 2, 2, 16), skinny(16, 8, 1, 16), skinny(16, 4, 2, 16), skinny(8, 4, 4),
            ] + (depth < 2048 ? [] : dealt), isTimed: true)
    }

    /// Products by weights in fewer bits at odd sizes.
    private static let oddCoded: [KernelTrial] = WeightFormat.allCases.flatMap { format in
        [
            (1, 1024, 1003, ElementType.bf16), (3, 224, 77, .f16), (16, 544, 130, .bf16), (2, 4096, 33, .f32),
            (9, 1152, 70, .bf16),
        ].map {
            m, k, n, element in
            product(
                "coded \(format) \(m)x\(k)x\(n) \(element)", TrialShapes.coded(m, k, n, element, format), element,
                [skinny(8, 4, 2), skinny(1, 2, 4), skinny(4, 1, 1), skinny(2, 4, 2, 4)]
                    + [ring(8, 4, 1), ring(4, 6, 2, 2), ring(16, 4, 2)]
                    + (m == 1 ? [dealtCodes(8, 1), dealtCodes(8, 2, 2), dealtCodes(12, 1, 5)] : [])
                    + (format == .int4 ? [units(8, 1, 4), units(2, 2, 2), units(4, 4, 1, 4), units(1, 1, 8)] : []))
        }
    }

    /// Products of many rows by weights in fewer bits: odd sizes, then a layer of Llama-3.1-8B at 512 tokens.
    private static let manyCoded: [KernelTrial] = WeightFormat.allCases.flatMap { format in
        [(70, 640, 90, ElementType.bf16), (129, 384, 257, .f16), (512, 4096, 6144, .bf16)].map { m, k, n, element in
            product(
                "many coded \(format) \(m)x\(k)x\(n)", TrialShapes.coded(m, k, n, element, format), element,
                m < 512
                    ? [matrix(2, 3, 1), matrix(0, 3, 2), matrix(9, 4, 1), matrix(13, 4, 2), matrix(16, 3, 4)]
                    : [
                        matrix(7, 3, 1), matrix(10, 4, 1), matrix(12, 4, 1), matrix(13, 3, 1), matrix(13, 4, 1),
                        matrix(13, 6, 1), matrix(14, 3, 1), matrix(14, 4, 1), matrix(15, 3, 1), matrix(15, 4, 1),
                    ], isTimed: m >= 512)
        }
    }

    /// Layers of Llama-3.1-8B at one token with weights in fewer bits.
    private static let coded: [KernelTrial] = WeightFormat.allCases.flatMap { format in
        [(4096, 6144), (4096, 4096), (4096, 28672), (14336, 4096), (4096, 128_256)].map { depth, columns in
            product(
                "coded \(format) 1x\(depth)x\(columns)", TrialShapes.coded(1, depth, columns, .bf16, format), .bf16,
                [
                    skinny(4, 4, 2), skinny(2, 4, 2), skinny(1, 4, 2), skinny(4, 2, 2), skinny(2, 2, 4),
                    skinny(1, 2, 4), skinny(1, 4, 4), skinny(2, 8, 1), skinny(4, 4, 1), skinny(8, 4, 1),
                ]
                    + [
                        dealtCodes(8, 1), dealtCodes(8, 2), dealtCodes(12, 1), dealtCodes(8, 1, 6),
                        ring(8, 8, 1), ring(8, 8, 2), ring(8, 8, 4), ring(8, 10, 2), ring(8, 12, 2), ring(8, 16, 4),
                        ring(8, 20, 2), ring(8, 4, 2, 2), ring(8, 6, 2, 2), ring(8, 8, 2, 2), ring(8, 10, 2, 2),
                        ring(16, 4, 1), ring(16, 4, 2), ring(16, 6, 2), ring(16, 10, 2), ring(4, 20, 4),
                    ]
                    + (format == .int4
                        ? [
                            units(8, 1, 4), units(8, 1, 8), units(8, 2, 4), units(4, 1, 8), units(4, 2, 4),
                            units(8, 2, 2), units(8, 4, 2), units(4, 1, 4, 4), units(4, 2, 4, 4), units(16, 1, 4, 16),
                            units(2, 2, 8), units(2, 1, 8, 4),
                        ] : []),
                isTimed: true)
        }
    }

    /// Layers of BERT-large at 128 tokens and of Llama-3.1-8B at 512.
    private static let products: [KernelTrial] = [
        (128, 1024, 3072), (128, 1024, 1024), (128, 1024, 4096), (128, 4096, 1024), (512, 4096, 6144),
        (512, 4096, 28672), (4096, 1024, 3072),
        (197, 768, 3072), (1500, 1280, 5120),
    ].map { m, k, n in
        product(
            "product \(m)x\(k)x\(n)", TrialShapes.product(m, k, n, .bf16), .bf16,
            m <= 256
                ? [8, 9, 10, 12, 13, 16].flatMap { tile in
                    [(1, 4), (2, 4), (4, 4), (8, 4), (1, 6), (2, 6), (4, 6)].map { matrix(tile, $0.1, $0.0) }
                }
                : [
                    matrix(2, 3, 1), matrix(7, 3, 1), matrix(10, 4, 1), matrix(11, 4, 1), matrix(12, 4, 1),
                    matrix(13, 3, 1),
                    matrix(13, 4, 1), matrix(13, 6, 1), matrix(14, 3, 1), matrix(14, 4, 1), matrix(15, 3, 1),
                    matrix(15, 4, 1),
                    matrix(13, 3, 2), matrix(14, 4, 2),
                ], isTimed: true)
    }

    /// Layers of ResNet-50 at one image and at 32.
    private static let convolutions: [KernelTrial] = [
        (1, 56, 64, 64, 3), (1, 14, 256, 256, 3), (1, 7, 512, 512, 3), (1, 14, 1024, 256, 1), (32, 28, 128, 128, 3),
    ].map { images, side, channels, outputs, window in
        product(
            "convolution \(images)x\(side)x\(channels)-\(outputs) w\(window)",
            TrialShapes.convolution(images, side, channels, outputs, window: window, stride: 1, .f16), .f16,
            [
                matrix(5, 4, 2), matrix(5, 4, 8), matrix(6, 4, 8), matrix(8, 4, 1), matrix(8, 4, 4), matrix(9, 4, 1),
                matrix(9, 4, 2),
                matrix(9, 4, 4), matrix(9, 4, 8), matrix(9, 6, 4), matrix(10, 4, 8), matrix(12, 4, 1), matrix(12, 4, 4),
                matrix(13, 4, 1), matrix(16, 6, 4), matrix(16, 6, 8),
            ], isTimed: true)
    }

    /// Attention of Llama-3.1-8B at one token and 512 of 2048, 2048, and 16384, and of whole prompts.
    private static let attentions: [KernelTrial] = [
        attention(
            "decode 512 of 2048",
            TrialShapes.attention(keyHeads: 8, group: 4, queries: 1, keys: 2048, depth: 128, .bf16, visible: 513),
            [decode(32), decode(16), decode(8), decode(32, 8), decode(16, 8), decode(8, 8), byRows[3]], isTimed: true),
        attention(
            "decode 16384", TrialShapes.attention(keyHeads: 8, group: 4, queries: 1, keys: 16384, depth: 128, .bf16),
            [decode(32), decode(16), decode(16, 8), decode(32, 8), decode(64, 4), decode(64, 8), byRows[3]],
            isTimed: true),
        attention(
            "prompt of 512",
            TrialShapes.attention(keyHeads: 8, group: 4, queries: 512, keys: 512, depth: 128, .bf16, isCausal: true),
            flash,
            isTimed: true),
        attention(
            "BERT 128", TrialShapes.attention(keyHeads: 16, group: 1, queries: 128, keys: 128, depth: 64, .bf16), flash,
            isTimed: true),
        attention(
            "Whisper 1500", TrialShapes.attention(keyHeads: 20, group: 1, queries: 1500, keys: 1500, depth: 64, .bf16),
            flash,
            isTimed: true),
    ]
}
