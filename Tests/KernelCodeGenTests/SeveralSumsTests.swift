import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Products whose epilogues read several sums of a point: gates, and sums over rows.
@Suite struct SeveralSumsTests {
    static let cases = [
        SeveralSumsCase(rows: 1, depth: 1024, columns: 37, gates: 2),
        SeveralSumsCase(rows: 1, depth: 4096, columns: 6, gates: 2, isNormed: true),
        SeveralSumsCase(rows: 5, depth: 264, columns: 18, gates: 2, isNormed: true, element: .f16),
        SeveralSumsCase(rows: 3, depth: 77, columns: 11, gates: 3, isNormed: true, element: .f32),
        SeveralSumsCase(rows: 16, depth: 120, columns: 9, gates: 1, isNormed: true),
        SeveralSumsCase(rows: 2, depth: 90, columns: 10, gates: 4, element: .f16, isTransposed: true),
        SeveralSumsCase(rows: 7, depth: 33, columns: 5, gates: 2, isNormed: true, isTransposed: true),
    ]

    static let schedules = [
        Schedule(["across": 1, "columns": 1, "ahead": 1]), Schedule(["across": 4, "columns": 2, "ahead": 2]),
        Schedule(["across": 8, "columns": 12, "ahead": 4, "warps": 8]),
    ]

    /// A schedule with as many columns as gates allow.
    private func fitted(_ schedule: Schedule, _ sums: SeveralSumsCase) -> Schedule {
        var schedule = schedule
        schedule.set("algorithm", 2)
        let columns = (schedule.values["columns"] ?? 1) / sums.gates * sums.gates
        schedule.set("columns", max(sums.gates, min(columns, 64 / sums.rows / sums.gates * sums.gates)))
        return schedule
    }

    @Test(arguments: cases)
    func textIsParsed(_ sums: SeveralSumsCase) throws {
        try KernelChecker.check(sums.kernel)
        #expect(try Kernel(parsing: sums.kernel.description) == sums.kernel)
    }

    @Test(arguments: cases)
    func onTheProcessor(_ sums: SeveralSumsCase) throws { try sums.verify(CompiledKernel(sums.kernel, .avx2)) }

    @Test(arguments: cases, schedules)
    func acrossTheSum(_ sums: SeveralSumsCase, _ schedule: Schedule) throws {
        try sums.verify(EmulatedKernel(sums.kernel, fitted(schedule, sums)))
    }

    /// Codes on their way through shared memory.
    @Test(arguments: [
        SeveralSumsCase(rows: 1, depth: 512, columns: 37, gates: 2, isCoded: true),
        SeveralSumsCase(rows: 1, depth: 1024, columns: 20, gates: 2, isNormed: true, isCoded: true),
        SeveralSumsCase(rows: 5, depth: 256, columns: 18, gates: 4, isNormed: true, isCoded: true),
        SeveralSumsCase(rows: 3, depth: 384, columns: 11, gates: 2, element: .f16, isCoded: true),
        SeveralSumsCase(rows: 9, depth: 512, columns: 40, gates: 1, isNormed: true, isCoded: true),
    ])
    func throughSharedMemory(_ sums: SeveralSumsCase) throws {
        // A normed operand is rounded to bf16 once.
        for (processors, warps) in [(1, 4), (2, 8), (132, 2)] {
            let schedule = Schedule(["algorithm": 10, "ringWarps": warps, "ring": 4, "residents": 1])
            try sums.verify(
                EmulatedKernel(sums.kernel, schedule, multiprocessors: processors),
                precision: sums.isNormed ? 0x1p-9 + 4e-6 : 4e-6)
        }
    }

    /// Tiles of columns that are dealt to blocks.
    @Test(arguments: [
        SeveralSumsCase(rows: 1, depth: 1024, columns: 74, gates: 2),
        SeveralSumsCase(rows: 1, depth: 4096, columns: 36, gates: 2, isNormed: true),
        SeveralSumsCase(rows: 1, depth: 2320, columns: 21, gates: 1, isNormed: true),
        SeveralSumsCase(rows: 1, depth: 1536, columns: 18, gates: 4, isNormed: true, element: .f16),
        SeveralSumsCase(rows: 1, depth: 3000, columns: 11, gates: 2, isNormed: true, element: .f32),
        SeveralSumsCase(rows: 1, depth: 1100, columns: 10, gates: 2, element: .f16, isTransposed: true),
    ])
    func dealt(_ sums: SeveralSumsCase) throws {
        for (processors, width, stages) in [(1, 4, 3), (2, 4, 2), (3, sums.depth > 2048 ? 4 : 8, 2), (132, 4, 3)] {
            let schedule = Schedule(["algorithm": 12, "dealtColumns": width, "dealtStages": stages])
            try sums.verify(EmulatedKernel(sums.kernel, schedule, multiprocessors: processors))
        }
    }

    @Test(.enabled(if: BlockKernel.isThere), arguments: cases)
    func inOpenCL(_ sums: SeveralSumsCase) throws {
        for schedule in [Schedule(), Schedule(["algorithm": 0])] {
            try sums.verify(BlockKernel(sums.kernel, schedule))
        }
    }

    static let coded = [
        SeveralSumsCase(rows: 1, depth: 1024, columns: 37, gates: 2, isNormed: true, isCoded: true),
        SeveralSumsCase(rows: 11, depth: 320, columns: 20, gates: 2, isNormed: true, isCoded: true),
        SeveralSumsCase(rows: 3, depth: 256, columns: 19, gates: 4, element: .f16, isCoded: true),
        SeveralSumsCase(rows: 2, depth: 576, columns: 40, gates: 1, isNormed: true, isCoded: true),
    ]

    @Test(arguments: coded, schedules)
    func ofCodes(_ sums: SeveralSumsCase, _ schedule: Schedule) throws {
        try sums.verify(EmulatedKernel(sums.kernel, fitted(schedule, sums)))
    }

    /// Matrix units take the left operand as it is rounded.
    @Test(
        arguments: coded,
        [
            Schedule(["across": 1, "columnTiles": 1, "ahead": 1, "warps": 4]),
            Schedule(["across": 4, "columnTiles": 2, "ahead": 2, "warps": 8]),
            Schedule(["across": 2, "columnTiles": 1, "ahead": 4, "warps": 4]),
        ])
    func ofCodesOnMatrixUnits(_ sums: SeveralSumsCase, _ schedule: Schedule) throws {
        var schedule = schedule
        schedule.set("algorithm", 8)
        try sums.verify(EmulatedKernel(sums.kernel, schedule), precision: sums.isNormed ? 0x1p-9 : 4e-6)
    }

    /// Everything that chooses takes whole gates.
    @Test(arguments: cases)
    func choicesHoldWholeGates(_ sums: SeveralSumsCase) throws {
        for choice in SIMTEmitter(CubinTarget.target("sm_90a")).choices(sums.kernel) {
            if choice.name == "columns" { #expect(choice.values.allSatisfy { $0 % sums.gates == 0 }) }
            if choice.name == "algorithm" { #expect(choice.values == (sums.rows == 1 ? [2, 12, 0] : [2, 0])) }
        }
    }
}
