import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// CUDA text against the same references as generated C, with the GPU's instructions written out on the host.
@Suite struct MatrixUnitTests {
    @Test(arguments: SIMTMatrixWriter.tiles.indices, [1, 4])
    func productsOfEveryTile(_ tile: Int, _ parts: Int) throws {
        let schedule = Schedule(["algorithm": 3, "tile": tile, "stages": 3, "parts": parts])
        for product in [
            Product(images: 37, channels: 200, outputs: 75, element: .bf16),
            Product(images: 140, channels: 72, outputs: 30, element: .f16),
        ] {
            try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule))
        }
    }

    @Test(
        arguments: [
            // Runs that cross the end of the depth, prologues, operands that are no weights, symbols, heads.
            Product(images: 19, channels: 77, outputs: 40, element: .bf16),
            Product(images: 19, channels: 136, outputs: 40, element: .f16, prologue: true),
            Product(images: 23, channels: 80, outputs: 70, element: .bf16, isConstant: false),
            Product(images: 27, channels: 96, outputs: 50, element: .bf16, isSymbolic: true),
            Product(images: 18, channels: 64, outputs: 40, element: .bf16, headSize: 16),
            // Windows as products.
            Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1, element: .f16),
            Product(images: 2, side: 7, channels: 8, outputs: 33, window: 3, stride: 2, padding: 1, element: .bf16),
            Product(side: 13, channels: 3, outputs: 24, window: 5, stride: 2, padding: 2, element: .f16),
            Product(side: 6, channels: 24, outputs: 36, window: 3, padding: 1, groups: 3, element: .f16),
            Product(side: 9, channels: 64, outputs: 36, window: 3, stride: 2, padding: 2, dilation: 2, element: .f16),
            Product(side: 6, channels: 16, outputs: 18, window: 3, padding: 1, element: .f16, channelsFirst: true),
        ], [2, 4])
    func productsOfEveryOperand(_ product: Product, _ stages: Int) throws {
        let schedule = Schedule(["algorithm": 3, "tile": 2, "stages": stages, "parts": 1])
        try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule))
    }

    @Test(arguments: SIMTSpecialisedWriter.tiles.indices, [(1, 0), (2, 1), (4, 1)])
    func productsOfSpecialisedWarps(_ tile: Int, _ form: (cluster: Int, stay: Int)) throws {
        let schedule = Schedule([
            "algorithm": 6, "span": tile, "depths": 2, "cluster": form.cluster, "stay": form.stay,
        ])
        for product in [
            Product(images: 140, channels: 328, outputs: 300, element: .bf16),
            Product(images: 129, channels: 40, outputs: 257, element: .f16),
        ] {
            try ContractionTests.verify(
                product, EmulatedKernel(product.kernel, schedule, multiprocessors: form.cluster))
        }
    }

    @Test(arguments: [
        // Runs that cross the end of the depth, prologues, windows, groups.
        Product(images: 70, channels: 77, outputs: 90, element: .bf16),
        Product(images: 190, channels: 136, outputs: 72, element: .f16, prologue: true),
        Product(side: 9, channels: 16, outputs: 80, window: 3, padding: 1, element: .f16),
        Product(images: 2, side: 13, channels: 8, outputs: 66, window: 3, stride: 2, padding: 1, element: .bf16),
        Product(side: 9, channels: 48, outputs: 192, window: 3, padding: 1, groups: 2, element: .f16),
        // Rows that are found once: slices within a tap, steps without a window, steps between a window's pixels.
        Product(images: 2, side: 9, channels: 64, outputs: 72, window: 3, padding: 1, element: .f16),
        Product(images: 3, side: 13, channels: 128, outputs: 66, stride: 2, element: .bf16),
        Product(images: 2, side: 12, channels: 24, outputs: 72, window: 3, padding: 2, dilation: 2, element: .f16),
    ])
    func productsOfSpecialisedWarpsOfEveryOperand(_ product: Product) throws {
        for (span, cluster) in [(12, 2), (7, 1), (2, 4)] {
            let schedule = Schedule(["algorithm": 6, "span": span, "depths": 3, "cluster": cluster, "stay": 1])
            try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule))
        }
    }

    @Test(arguments: [
        Schedule(["across": 1, "columns": 1, "ahead": 1, "warps": 4]),
        Schedule(["across": 8, "columns": 4, "ahead": 2, "warps": 8]),
        Schedule(["across": 2, "columns": 2, "ahead": 4, "warps": 8]),
        Schedule(["across": 4, "columns": 8, "ahead": 8, "warps": 4]),
    ])
    func productsOfFewRows(_ schedule: Schedule) throws {
        var schedule = schedule
        schedule.set("algorithm", 2)
        for product in [
            Product(images: 3, channels: 1030, outputs: 21), Product(channels: 2048, outputs: 17, element: .bf16),
            Product(images: 7, channels: 304, outputs: 35, element: .f16, prologue: true),
        ] {
            try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule))
        }
    }

    /// Tiles dealt to one block, to few and to more than there are tiles; parts of columns that threads do and do not fill.
    @Test(arguments: [
        Product(channels: 2048, outputs: 61, element: .bf16), Product(channels: 4104, outputs: 9, element: .bf16),
        Product(channels: 9472, outputs: 10, element: .f16, prologue: true), Product(channels: 1030, outputs: 21),
        Product(channels: 14336, outputs: 19, element: .bf16), Product(channels: 18944, outputs: 9, element: .bf16),
        Product(channels: 12345, outputs: 5),
    ])
    func productsOfDealtTiles(_ product: Product) throws {
        for (processors, width, stages) in [(1, 4, 3), (2, 1, 8), (3, 2, 5), (132, 4, 2)] {
            let schedule = Schedule(["algorithm": 12, "dealtColumns": width, "dealtStages": stages])
            try ContractionTests.verify(product, EmulatedKernel(product.kernel, schedule, multiprocessors: processors))
        }
    }

    @Test(
        arguments: [
            AttentionCase(queries: 70, keys: 90, depth: 64, valueDepth: 64, element: .f16),
            AttentionCase(group: 2, queries: 70, keys: 70, depth: 32, valueDepth: 48, element: .f16, isCausal: true),
            AttentionCase(batch: 2, queries: 40, keys: 77, depth: 16, valueDepth: 32, element: .bf16, mask: .keys),
            AttentionCase(queries: 20, keys: 140, depth: 80, valueDepth: 80, element: .bf16, mask: .all),
            AttentionCase(
                queries: 33, keys: 65, depth: 128, valueDepth: 128, element: .bf16, mask: .added, prologue: true),
            AttentionCase(
                queries: 17, keys: 41, depth: 16, valueDepth: 16, element: .f16, isCausal: true, isSymbolic: true),
        ], [2, 4])
    func attentions(_ attention: AttentionCase, _ warps: Int) throws {
        try attention.verify(EmulatedKernel(attention.kernel, Schedule(["form": 1, "warps": warps])))
    }

    @Test(
        arguments: [
            AttentionCase(queries: 150, keys: 300, depth: 64, valueDepth: 64, element: .f16),
            AttentionCase(group: 2, queries: 70, keys: 70, depth: 32, valueDepth: 48, element: .f16, isCausal: true),
            AttentionCase(batch: 2, queries: 40, keys: 277, depth: 16, valueDepth: 32, element: .bf16, mask: .keys),
            AttentionCase(queries: 20, keys: 140, depth: 80, valueDepth: 80, element: .bf16, mask: .all),
            AttentionCase(queries: 133, keys: 65, depth: 128, valueDepth: 128, element: .bf16, mask: .added),
            AttentionCase(queries: 200, keys: 200, depth: 64, valueDepth: 64, element: .bf16, mask: .triangle),
            AttentionCase(
                queries: 17, keys: 41, depth: 16, valueDepth: 16, element: .f16, isCausal: true, isSymbolic: true),
        ], [(0, 2), (2, 3), (7, 4)])
    func attentionsOfSpecialisedWarps(_ attention: AttentionCase, _ way: (tile: Int, stages: Int)) throws {
        let schedule = Schedule(["form": 3, "tile": way.tile, "stages": way.stages])
        try attention.verify(EmulatedKernel(attention.kernel, schedule))
    }

    @Test(
        arguments: [
            AttentionCase(group: 4, queries: 1, keys: 600, depth: 64, valueDepth: 64, element: .bf16, mask: .keys),
            AttentionCase(group: 2, queries: 5, keys: 75, depth: 32, valueDepth: 48, element: .f16, isCausal: true),
            AttentionCase(batch: 2, queries: 3, keys: 40, depth: 80, valueDepth: 16, element: .f16, mask: .all),
            AttentionCase(queries: 16, keys: 200, depth: 16, valueDepth: 32, element: .bf16, mask: .added),
            // A long cache, of which little is seen.
            AttentionCase(queries: 2, keys: 4500, depth: 16, valueDepth: 16, element: .bf16, mask: .triangle),
        ], [(1, 4), (2, 8), (4, 4), (3, 4)])
    func decodings(_ attention: AttentionCase, _ split: (parts: Int, warps: Int)) throws {
        let schedule = Schedule(["form": 2, "parts": split.parts, "warps": split.warps])
        try attention.verify(EmulatedKernel(attention.kernel, schedule))
    }

    /// In every form keys that nobody sees may score anything.
    @Test(
        arguments: [
            AttentionCase(
                group: 4, queries: 1, keys: 300, depth: 64, valueDepth: 64, element: .bf16, mask: .keys,
                spoilsHidden: true),
            AttentionCase(
                group: 2, queries: 5, keys: 75, depth: 32, valueDepth: 48, element: .f16, isCausal: true,
                spoilsHidden: true),
            AttentionCase(
                queries: 60, keys: 300, depth: 64, valueDepth: 64, element: .bf16, mask: .triangle, spoilsHidden: true),
        ], [0, 1, 2, 3])
    func hiddenKeysScoreAnything(_ attention: AttentionCase, _ form: Int) throws {
        let schedule = Schedule(["form": form, "parts": 2, "warps": 4])
        let choices = SIMTEmitter(CubinTarget.target("sm_90a")).choices(attention.kernel)
        guard choices.first(where: { $0.name == "form" })?.values.contains(form) == true else { return }
        try attention.verify(EmulatedKernel(attention.kernel, schedule))
    }

    @Test(arguments: [
        Schedule(["rows": 1, "parts": 1]), Schedule(["rows": 4, "parts": 4]), Schedule(["rows": 8, "parts": 2]),
    ])
    func attentionsByRows(_ schedule: Schedule) throws {
        for attention in [
            AttentionCase(group: 4, queries: 1, keys: 600, depth: 64, valueDepth: 64, element: .bf16, mask: .keys),
            AttentionCase(batch: 2, queries: 19, keys: 150, depth: 20, valueDepth: 9, mask: .all),
        ] {
            var schedule = schedule
            schedule.set("form", 0)
            try attention.verify(EmulatedKernel(attention.kernel, schedule))
        }
    }

    /// Alone, and as one of several blocks that share the units (here the only one, as blocks run one after another).
    @Test(arguments: RecurrenceTests.cases, [0, 1])
    func recurrences(_ recurrence: RecurrenceCase, _ shared: Int) throws {
        if shared == 1, recurrence.isSymbolic || recurrence.hidden < 64 { return }
        try recurrence.verify(
            EmulatedKernel(recurrence.kernel, Schedule(["shared": shared, "blocks": 1, "threads": 128])))
    }

    @Test(arguments: [(20, 300), (300, 20)])
    func nests(_ rows: Int, _ channels: Int) throws {
        let product = Product(images: rows, channels: channels, outputs: 9)
        for team in [0, 1, 2] {
            try ContractionTests.verify(
                product, EmulatedKernel(product.kernel, Schedule(["algorithm": 0, "team": team, "threads": 64])))
        }
    }

    @Test func sorts() throws {
        let sort = SortCase(count: 300, limit: 20, isDescending: true, element: .f32)
        try sort.verify(EmulatedKernel(sort.kernel, Schedule(["threads": 128])))
    }
}
