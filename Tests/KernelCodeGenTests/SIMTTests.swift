import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Generated OpenCL C against the same references as generated C, on a machine with an OpenCL driver (PoCL in CI).
@Suite(.enabled(if: BlockKernel.isThere, "there is no OpenCL device"), .serialized) struct SIMTTests {
    static let narrow: [Product] = [
        Product(images: 3, channels: 64, outputs: 40, element: .bf16),
        Product(channels: 520, outputs: 37, element: .bf16),
        Product(images: 5, channels: 48, outputs: 33, element: .f16),
        Product(channels: 77, outputs: 20, element: .bf16),
        Product(images: 16, channels: 40, outputs: 9, element: .bf16),
        Product(images: 2, channels: 72, outputs: 24, element: .bf16, prologue: true),
        Product(images: 21, channels: 136, outputs: 70, element: .bf16),
    ]

    @Test(arguments: ContractionTests.products + narrow)
    func productsAsChosen(_ product: Product) throws {
        try ContractionTests.verify(product, BlockKernel(product.kernel))
    }

    /// Every third of them.
    static let some = stride(from: 0, to: ContractionTests.products.count, by: 3).map { ContractionTests.products[$0] }

    @Test(arguments: some + narrow, [0, 1])
    func productsInEveryForm(_ product: Product, _ form: Int) throws {
        try ContractionTests.verify(product, BlockKernel(product.kernel, Schedule(["algorithm": form])))
    }

    @Test(arguments: [
        Schedule(["algorithm": 1, "threadTile": 8]), Schedule(["algorithm": 1, "threadTile": 4, "parts": 3]),
        Schedule(["algorithm": 1, "threadTile": 8, "parts": 2]),
    ])
    func tilesObeyChoices(_ schedule: Schedule) throws {
        for product in [
            Product(images: 29, channels: 200, outputs: 150),
            Product(side: 9, channels: 16, outputs: 40, window: 3, padding: 1),
        ] {
            try ContractionTests.verify(product, BlockKernel(product.kernel, schedule))
        }
    }

    @Test(arguments: [
        Schedule(["across": 1, "columns": 1, "ahead": 1, "warps": 4]),
        Schedule(["across": 8, "columns": 4, "ahead": 2, "warps": 8]),
        Schedule(["across": 2, "columns": 2, "ahead": 4, "warps": 8]),
        Schedule(["across": 4, "columns": 8, "ahead": 8, "warps": 4]),
    ])
    func fewRowsObeyChoices(_ schedule: Schedule) throws {
        var schedule = schedule
        schedule.set("algorithm", 2)
        for product in [
            Product(channels: 512, outputs: 50), Product(images: 3, channels: 1030, outputs: 21),
            Product(images: 4, channels: 640, outputs: 17, element: .bf16),
            Product(images: 2, channels: 304, outputs: 35, element: .f16, prologue: true),
            Product(images: 2, channels: 64, outputs: 33, isConstant: false),
        ] {
            try ContractionTests.verify(product, BlockKernel(product.kernel, schedule))
        }
    }

    @Test(arguments: AttentionTests.cases + AttentionTests.narrow)
    func attentionsAsChosen(_ attention: AttentionCase) throws {
        try attention.verify(BlockKernel(attention.kernel))
    }

    @Test(arguments: [
        Schedule(["rows": 1, "parts": 1]), Schedule(["rows": 8, "parts": 3]),
        Schedule(["rows": 4, "parts": 8, "threads": 256]),
    ])
    func attentionsObeyChoices(_ schedule: Schedule) throws {
        for attention in [
            AttentionCase(group: 4, queries: 1, keys: 700, depth: 32, valueDepth: 32, mask: .keys),
            AttentionCase(
                batch: 2, group: 2, queries: 5, keys: 300, depth: 16, valueDepth: 24, element: .bf16, isCausal: true),
            AttentionCase(batch: 2, queries: 70, keys: 200, depth: 16, valueDepth: 16, mask: .triangle),
        ] {
            try attention.verify(BlockKernel(attention.kernel, schedule))
        }
    }

    @Test(arguments: RecurrenceTests.cases)
    func recurrencesMatchEquations(_ recurrence: RecurrenceCase) throws {
        try recurrence.verify(BlockKernel(recurrence.kernel))
    }

    @Test(arguments: [ElementType.f32, .f64, .f16, .i64, .i8, .bool], [false, true])
    func sortsOrderAsPyTorch(_ element: ElementType, _ isDescending: Bool) throws {
        for (count, limit) in [(1, 1), (40, 40), (300, 300), (300, 7), (2500, 9)] {
            let sort = SortCase(count: count, limit: limit, isDescending: isDescending, element: element)
            try sort.verify(BlockKernel(sort.kernel))
        }
    }

    /// What stands in for a refused default is right too, and is another way.
    @Test func saferSchedulesAgree() throws {
        let product = Product(images: 21, channels: 72, outputs: 33)
        let attention = AttentionCase(group: 2, queries: 5, keys: 150, depth: 16, valueDepth: 16, mask: .keys)
        let emitter = SIMTEmitter(BlockKernel.target)
        let (products, attentions) = (
            emitter.saferSchedules(product.kernel), emitter.saferSchedules(attention.kernel)
        )
        #expect(products.last?.values == ["algorithm": 0, "team": 0])
        #expect(attentions == [Schedule(["form": 0, "rows": 1, "parts": 1])])
        for schedule in products { try ContractionTests.verify(product, BlockKernel(product.kernel, schedule)) }
        for schedule in attentions { try attention.verify(BlockKernel(attention.kernel, schedule)) }
    }
}
