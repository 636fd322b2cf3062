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
        for algorithm in [2, 8] {
            let emitted = try SIMTEmitter(CubinTarget.target("sm_90a")).emit(
                coded.kernel, symbol: "tested", Schedule(["algorithm": algorithm]))
            let given = emitted.arguments.compactMap { if case .parameter(let number) = $0 { number } else { nil } }
            #expect(given == [0, 3, 4])
            // Half a byte a code, a bf16 for each 32.
            #expect(emitted.packings.map { $0.count * $0.element.byteCount } == [48 * 512, 48 * 64])
        }
    }

    @Test(arguments: cases)
    func decodedInRegisters(_ coded: CodedCase) throws {
        try coded.verify(EmulatedKernel(coded.kernel, Schedule(["algorithm": 2, "across": 2, "columns": 2])))
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
