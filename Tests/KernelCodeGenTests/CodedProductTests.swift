import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Products by weights that are decoded where they are used: what is recognised as codes, and what kernels make of it.
@Suite struct CodedProductTests {
    static let cases: [CodedCase] =
        CodedCase.Form.allCases.flatMap { form in
            [
                CodedCase(form: form, rows: 1, depth: 1024, columns: 37, element: .bf16),
                CodedCase(form: form, rows: 5, depth: 384, columns: 50, element: .f16),
            ]
        } + [
            CodedCase(form: .int4, rows: 11, depth: 320, columns: 33, element: .bf16),
            CodedCase(form: .siblings, rows: 2, depth: 256, columns: 64, element: .f32),
            CodedCase(form: .e4m3, rows: 2, depth: 200, columns: 21, element: .f32),
            CodedCase(form: .int8, rows: 16, depth: 77, columns: 20, element: .bf16),
        ]

    private static func codes(_ coded: CodedCase) -> SIMTCodes? {
        guard case .contraction(let body) = coded.kernel.body else { return nil }
        return SIMTProduct(coded.kernel, body, CubinTarget.target("sm_90a")).codes
    }

    @Test func codesAreRecognised() throws {
        let expected: [CodedCase.Form: (CodedOperand.Kind, block: Int, scale: ElementType)] = [
            .e4m3: (.real(.f8e4m3), 1024, .f32), .e5m2: (.real(.f8e5m2), 1024, .f32),
            .bare: (.real(.f8e4m3), 1024, .f32), .int8: (.integer(bits: 8, lowest: -128), 1024, .f32),
            .centred: (.integer(bits: 8, lowest: -128), 64, .f16), .int4: (.integer(bits: 4, lowest: -8), 32, .bf16),
            .pairs: (.integer(bits: 4, lowest: -8), 128, .f32), .siblings: (.integer(bits: 4, lowest: -8), 32, .bf16),
        ]
        for form in CodedCase.Form.allCases {
            let coded = CodedCase(form: form, rows: 1, depth: 1024, columns: 38, element: .bf16)
            let operand = try #require(Self.codes(coded)?.operand, "\(form)")
            let wanted = try #require(expected[form])
            #expect(operand.kind == wanted.0, "\(form)")
            #expect(operand.block == wanted.block, "\(form)")
            #expect(operand.scaleElement == wanted.scale, "\(form)")
            #expect((operand.scale == nil) == (form == .bare), "\(form)")
        }
    }

    /// The kernel is given what was packed and not also what it was packed from.
    @Test func codesAreNotStoredTwice() throws {
        let coded = CodedCase(form: .int4, rows: 1, depth: 1024, columns: 48, element: .bf16)
        for algorithm in [2, 8, 10, 13] {
            let emitted = try SIMTEmitter(CubinTarget.target("sm_90a")).emit(
                coded.kernel, symbol: "tested", Schedule(["algorithm": algorithm]))
            let given = emitted.arguments.compactMap { if case .parameter(let number) = $0 { number } else { nil } }
            #expect(given == [0, 3, 4])
            // Half a byte a code, a bf16 for each 32.
            let sizes = emitted.packings.map { $0.count * $0.element.byteCount }
            #expect(sizes == (algorithm >= 10 ? [48 * 576] : [48 * 512, 48 * 64]))
        }
    }

    @Test(arguments: cases)
    func decodedInRegisters(_ coded: CodedCase) throws {
        let kernel = try EmulatedKernel(coded.kernel, Schedule(["algorithm": 2, "across": 2, "columns": 2]))
        try coded.verify(kernel)
        #expect(kernel.emitted.overflowing != nil && kernel.emitted.spreading == nil)
    }

    @Test(
        arguments: [
            CodedCase(form: .int4, rows: 1, depth: 1024, columns: 37, element: .bf16),
            CodedCase(form: .int4, rows: 5, depth: 384, columns: 50, element: .f16),
            CodedCase(form: .int4, rows: 11, depth: 320, columns: 33, element: .bf16),
            CodedCase(form: .pairs, rows: 1, depth: 2048, columns: 16, element: .bf16),
            CodedCase(form: .pairs, rows: 16, depth: 640, columns: 70, element: .f16),
            CodedCase(form: .siblings, rows: 2, depth: 256, columns: 64, element: .bf16),
        ],
        [
            Schedule(["across": 1, "columnTiles": 1, "ahead": 1, "warps": 4]),
            Schedule(["across": 4, "columnTiles": 2, "ahead": 2, "warps": 8]),
            Schedule(["across": 2, "columnTiles": 1, "ahead": 4, "warps": 4]),
        ])
    func onMatrixUnits(_ coded: CodedCase, _ schedule: Schedule) throws {
        var schedule = schedule
        schedule.set("algorithm", 8)
        try coded.verify(EmulatedKernel(coded.kernel, schedule))
    }

    @Test(
        arguments: [
            CodedCase(form: .int4, rows: 1, depth: 1024, columns: 37, element: .bf16),
            CodedCase(form: .int4, rows: 5, depth: 384, columns: 50, element: .f16),
            CodedCase(form: .pairs, rows: 16, depth: 640, columns: 70, element: .f16),
            CodedCase(form: .siblings, rows: 2, depth: 256, columns: 64, element: .bf16),
            CodedCase(form: .int8, rows: 1, depth: 512, columns: 70, element: .bf16),
            CodedCase(form: .int8, rows: 9, depth: 320, columns: 33, element: .f16),
            CodedCase(form: .centred, rows: 3, depth: 192, columns: 40, element: .bf16),
            CodedCase(form: .centred, rows: 1, depth: 128, columns: 20, element: .f16),
            CodedCase(form: .e4m3, rows: 1, depth: 512, columns: 70, element: .bf16),
            CodedCase(form: .e4m3, rows: 12, depth: 448, columns: 33, element: .f16),
            CodedCase(form: .bare, rows: 2, depth: 192, columns: 40, element: .bf16),
        ],
        [
            Schedule(["ringWarps": 4, "ring": 4, "together": 4, "residents": 1]),
            Schedule(["ringWarps": 8, "ring": 6, "together": 2, "residents": 2]),
            Schedule(["ringWarps": 2, "ring": 10, "together": 1, "residents": 1]),
        ])
    func throughSharedMemory(_ coded: CodedCase, _ schedule: Schedule) throws {
        var schedule = schedule
        schedule.set("algorithm", 10)
        // As many multiprocessors as make blocks take several tiles, and the last fewer.
        for processors in [1, 2, 132] {
            try coded.verify(
                EmulatedKernel(coded.kernel, schedule, multiprocessors: processors))
        }
    }

    @Test(
        arguments: zip(
            [
                CodedCase(form: .int4, rows: 1, depth: 1024, columns: 37, element: .bf16),
                CodedCase(form: .int4, rows: 1, depth: 1152, columns: 100, element: .f16),
                CodedCase(form: .pairs, rows: 1, depth: 2048, columns: 16, element: .bf16),
                CodedCase(form: .siblings, rows: 1, depth: 512, columns: 64, element: .bf16),
                CodedCase(form: .int8, rows: 1, depth: 512, columns: 70, element: .bf16),
                CodedCase(form: .int8, rows: 1, depth: 320, columns: 33, element: .f16),
                CodedCase(form: .centred, rows: 1, depth: 384, columns: 40, element: .bf16),
                CodedCase(form: .e4m3, rows: 1, depth: 512, columns: 70, element: .bf16),
                CodedCase(form: .e4m3, rows: 1, depth: 1088, columns: 33, element: .f16),
                CodedCase(form: .bare, rows: 1, depth: 256, columns: 40, element: .bf16),
            ],
            // Warps, batches of a stage, stages of the ring; processors, so that blocks take several tiles, and some none.
            [
                (8, 1, 0, 2), (12, 1, 0, 2), (8, 2, 2, 1), (8, 1, 2, 3), (8, 1, 0, 132), (12, 2, 0, 2), (8, 2, 0, 2),
                (8, 1, 0, 2), (12, 1, 2, 1), (8, 1, 0, 3),
            ]))
    func dealtToBlocks(_ coded: CodedCase, _ form: (warps: Int, batches: Int, stages: Int, processors: Int)) throws {
        var schedule = Schedule(["algorithm": 13, "dealtWarps": form.warps, "dealtBatches": form.batches])
        if form.stages > 0 { schedule.set("dealtStages", form.stages) }
        let kernel = try EmulatedKernel(coded.kernel, schedule, multiprocessors: form.processors)
        try coded.verify(kernel, unit: 0x1p-15)
        // What is a thousand times smaller than its neighbours keeps fewer of its bits, in f16 one fewer than in bf16.
        if coded.form == .int4 {
            try coded.verify(kernel, unit: coded.element == .f16 ? 0x1p-10 : 0x1p-11, outliers: true)
        }
        // An infinity is hidden by neither; whole numbers make NaN of it, and say so.
        let isReal = coded.form == .e4m3 || coded.form == .bare
        #expect((kernel.emitted.spreading == nil) == isReal && kernel.emitted.overflowing == nil)
        let found = try coded.results(kernel, infinity: 77)
        #expect(found.allSatisfy { !$0.isFinite })
        #expect(found.contains { $0.isInfinite } == isReal)
    }

    /// Weights of products of many rows are decoded on their way to matrix units.
    @Test(
        arguments: [
            CodedCase(form: .int4, rows: 40, depth: 384, columns: 77, element: .bf16),
            CodedCase(form: .int4, rows: 17, depth: 256, columns: 130, element: .f16),
            CodedCase(form: .pairs, rows: 70, depth: 640, columns: 36, element: .f16),
            CodedCase(form: .siblings, rows: 33, depth: 256, columns: 64, element: .bf16),
            CodedCase(form: .int8, rows: 66, depth: 320, columns: 70, element: .bf16),
            CodedCase(form: .centred, rows: 20, depth: 192, columns: 40, element: .bf16),
            CodedCase(form: .centred, rows: 20, depth: 192, columns: 40, element: .f16),
            CodedCase(form: .e4m3, rows: 24, depth: 448, columns: 33, element: .f16),
            CodedCase(form: .bare, rows: 65, depth: 192, columns: 140, element: .bf16),
        ],
        [
            Schedule(["tile": 2, "stages": 3]), Schedule(["tile": 5, "stages": 2, "parts": 2]),
            Schedule(["tile": SIMTMatrixWriter.place(64, 128), "stages": 4]),
            Schedule(["tile": SIMTMatrixWriter.place(64, 16), "stages": 3, "parts": 2]),
        ])
    func decodedIntoTiles(_ coded: CodedCase, _ schedule: Schedule) throws {
        var schedule = schedule
        schedule.set("algorithm", 3)
        let kernel = try EmulatedKernel(coded.kernel, schedule)
        try coded.verify(kernel)
        // What is packed is what kernels of few rows read.
        let few = CodedCase(
            form: coded.form, rows: 1, depth: coded.depth, columns: coded.columns, element: coded.element)
        let ring = try SIMTEmitter(CubinTarget.target("sm_90a")).emit(
            few.kernel, symbol: "tested", Schedule(["algorithm": 10]))
        #expect(ring.packingSource == kernel.emitted.packingSource)
    }

    @Test(.enabled(if: BlockKernel.isThere, "there is no OpenCL device"), arguments: cases)
    func inOpenCL(_ coded: CodedCase) throws {
        try coded.verify(BlockKernel(coded.kernel))
        try coded.verify(BlockKernel(coded.kernel, Schedule(["algorithm": 0])))
    }

    @Test(arguments: cases)
    func onTheProcessor(_ coded: CodedCase) throws {
        try coded.verify(CompiledKernel(coded.kernel, .portable))
    }
}
