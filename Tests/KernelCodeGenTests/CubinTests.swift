import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// A kernel and a schedule under which its CUDA text must compile.
struct CubinCase: Sendable, CustomTestStringConvertible {
    let name: String
    let kernel: Kernel
    let schedule: Schedule

    var testDescription: String { name }

    static let all: [CubinCase] = {
        func product(_ name: String, _ product: Product, _ schedule: Schedule) -> CubinCase {
            CubinCase(
                name: "\(name) \(product.testDescription) \(schedule)", kernel: product.kernel, schedule: schedule)
        }
        func attention(_ attention: AttentionCase, _ schedule: Schedule) -> CubinCase {
            CubinCase(
                name: "attention \(attention.testDescription) \(schedule)", kernel: attention.kernel, schedule: schedule
            )
        }
        let decode = Product(channels: 4096, outputs: 6144, element: .bf16)
        var cases = [
            product("skinny", decode, Schedule(["algorithm": 2])),
            product("skinny", decode, Schedule(["algorithm": 2, "across": 4, "columns": 2, "ahead": 4])),
            product(
                "skinny", Product(images: 16, channels: 1024, outputs: 1024, element: .f16), Schedule(["algorithm": 2])),
            product(
                "skinny", Product(images: 4, channels: 14336, outputs: 4096, element: .bf16, prologue: true),
                Schedule(["algorithm": 2])),
            product("skinny", Product(channels: 1000, outputs: 33), Schedule(["algorithm": 2])),
            product("dealt", decode, Schedule(["algorithm": 12])),
            product("dealt", decode, Schedule(["algorithm": 12, "dealtColumns": 2])),
            product(
                "tile", Product(images: 200, channels: 300, outputs: 400), Schedule(["algorithm": 1, "threadTile": 8])),
            product(
                "tile", Product(images: 200, channels: 300, outputs: 400),
                Schedule(["algorithm": 1, "threadTile": 4, "parts": 4])),
            product(
                "sliding",
                Product(side: 56, channels: 96, outputs: 96, window: 7, padding: 3, groups: 96, element: .f16),
                Schedule(["algorithm": 14, "slideRun": 8, "slideWidth": 2])),
            product(
                "sliding",
                Product(side: 14, channels: 384, outputs: 384, window: 3, stride: 2, padding: 1, groups: 384),
                Schedule(["algorithm": 14, "slideRun": 4, "slideWidth": 4])),
            product("nest", Product(images: 20, channels: 300, outputs: 40), Schedule(["algorithm": 0])),
            product(
                "matrix", Product(images: 27, channels: 200, outputs: 50, element: .bf16, isSymbolic: true),
                Schedule(["algorithm": 3])),
            product(
                "matrix", Product(images: 70, channels: 77, outputs: 50, element: .bf16), Schedule(["algorithm": 3])),
            product(
                "matrix", Product(images: 300, channels: 256, outputs: 512, element: .bf16, prologue: true),
                Schedule(["algorithm": 3])),
            product(
                "matrix", Product(images: 300, channels: 256, outputs: 512, element: .bf16, isConstant: false),
                Schedule(["algorithm": 3])),
            product(
                "matrix",
                Product(images: 2, side: 56, channels: 64, outputs: 64, window: 3, padding: 1, element: .f16),
                Schedule(["algorithm": 3])),
            product(
                "matrix",
                Product(
                    images: 1, side: 224, channels: 3, outputs: 64, window: 7, stride: 2, padding: 3, element: .f16),
                Schedule(["algorithm": 3])),
        ]
        for isPlanar in [false, true] {
            cases.append(
                product(
                    "window",
                    Product(
                        images: 32, side: 224, channels: 3, outputs: 64, window: 7, stride: 2, padding: 3,
                        element: .f16, channelsFirst: isPlanar),
                    Schedule(["algorithm": 11])))
        }
        for sums in [
            SeveralSumsCase(rows: 1, depth: 4096, columns: 6144, gates: 1, isNormed: true),
            SeveralSumsCase(rows: 1, depth: 4096, columns: 14336, gates: 2, isNormed: true),
            SeveralSumsCase(rows: 8, depth: 8192, columns: 64, gates: 2, isNormed: true, element: .f16),
        ] {
            for algorithm in [2, 12] where algorithm == 2 || sums.rows == 1 {
                cases.append(
                    CubinCase(
                        name: "sums \(sums.testDescription)\(algorithm == 2 ? "" : " dealt")", kernel: sums.kernel,
                        schedule: Schedule(["algorithm": algorithm])))
            }
        }
        let large = Product(images: 512, channels: 4096, outputs: 4096, element: .bf16)
        for tile in SIMTMatrixWriter.tiles.indices {
            cases.append(product("matrix", large, Schedule(["algorithm": 3, "tile": tile, "stages": 3, "parts": 1])))
        }
        cases.append(product("matrix", large, Schedule(["algorithm": 3, "tile": 2, "stages": 4, "parts": 4])))
        let group = SIMTMatrixWriter.place(64, 64)
        cases.append(product("matrix", large, Schedule(["algorithm": 3, "tile": group, "stages": 6, "parts": 4])))
        // f32 in parts: every tile, every operand.
        let largeF32 = Product(images: 4096, channels: 4096, outputs: 4096)
        for tile in SplitFactorsTests.tiles {
            for stages in [3, 4] where tile < 4 || stages == 3 {
                cases.append(product("split", largeF32, SplitFactorsTests.schedule(tile, stages, 1)))
            }
        }
        cases.append(product("split", largeF32, SplitFactorsTests.schedule(2, 4, 4)))
        for operand in [
            Product(images: 70, channels: 77, outputs: 50),
            Product(images: 300, channels: 256, outputs: 512, prologue: true),
            Product(images: 300, channels: 256, outputs: 512, isConstant: false),
            Product(images: 27, channels: 200, outputs: 50, isSymbolic: true),
            Product(images: 64, side: 56, channels: 64, outputs: 64, window: 3, padding: 1),
            Product(images: 32, side: 14, channels: 256, outputs: 256, window: 3, padding: 1),
            Product(images: 4, side: 56, channels: 64, outputs: 64, window: 3, padding: 1, channelsFirst: true),
            Product(images: 1, side: 224, channels: 3, outputs: 64, window: 7, stride: 2, padding: 3),
            Product(images: 300, channels: 256, outputs: 512, isRightTurned: true, isConstant: false),
            Product(
                images: 300, channels: 256, outputs: 512, isLeftTurned: true, isRightTurned: true, isConstant: false),
        ] {
            cases.append(product("split", operand, SplitFactorsTests.schedule(0, 3, 1)))
            var rounded = operand
            rounded.factors = .tf32
            cases.append(
                product("rounded", rounded, Schedule(["algorithm": 16, "tile": 0, "stages": 3, "parts": 1])))
        }
        for depth in [64, 80, 128] {
            cases.append(
                attention(
                    .init(
                        group: 4, queries: 512, keys: 512, depth: depth, valueDepth: depth, element: .bf16,
                        isCausal: true),
                    Schedule(["form": 1])))
        }
        for (depth, tile) in [(64, 0), (64, 6), (128, 3), (128, 6)] {
            cases.append(
                attention(
                    .init(
                        keyHeads: 8, queries: 512, keys: 500, depth: depth, valueDepth: depth, element: .bf16,
                        mask: (depth, tile) == (64, 6) ? .keys : .none, isCausal: depth == 128),
                    Schedule(["form": 3, "tile": tile, "stages": 2])))
        }
        cases += [
            attention(
                .init(queries: 128, keys: 128, depth: 64, valueDepth: 64, element: .f16, mask: .keys),
                Schedule(["form": 1, "warps": 8])),
            attention(
                .init(
                    queries: 40, keys: 77, depth: 32, valueDepth: 64, element: .bf16, mask: .added, prologue: true,
                    isSymbolic: true),
                Schedule(["form": 1])),
            attention(
                .init(
                    keyHeads: 8, group: 4, queries: 1, keys: 2048, depth: 128, valueDepth: 128, element: .bf16,
                    mask: .keys),
                Schedule(["form": 0])),
            attention(
                .init(
                    keyHeads: 8, group: 4, queries: 1, keys: 2048, depth: 128, valueDepth: 128, element: .bf16,
                    mask: .keys),
                Schedule(["form": 2])),
            attention(.init(queries: 17, keys: 41, depth: 5, valueDepth: 3, isSymbolic: true), Schedule(["form": 0])),
        ]
        for cell in RecurrenceKernel.Cell.allCases {
            for element in [ElementType.f16, .bf16] {
                let recurrence = RecurrenceCase(cell: cell, batch: 2, hidden: 512, element: element)
                for shared in [0, 1] {
                    cases.append(
                        CubinCase(
                            name: "recurrence \(recurrence.testDescription) shared \(shared)",
                            kernel: recurrence.kernel, schedule: Schedule(["shared": shared])))
                }
            }
        }
        for count in [1000, 100_000] {
            let sort = SortCase(count: count, limit: 5, isDescending: true, element: .f32)
            cases.append(CubinCase(name: "sort \(sort.testDescription)", kernel: sort.kernel, schedule: Schedule()))
        }
        let coded = [
            (CodedCase.Form.e4m3, 2), (.int8, 2), (.int4, 2), (.int4, 8), (.pairs, 8), (.e4m3, 10), (.int8, 10),
            (.int4, 10), (.pairs, 10), (.centred, 10),
        ]
        for (form, algorithm) in coded {
            for (rows, depth, columns) in [(1, 4096, 6144), (algorithm == 10 ? 2 : 8, 14336, 4096)] {
                let coded = CodedCase(form: form, rows: rows, depth: depth, columns: columns, element: .bf16)
                cases.append(
                    CubinCase(
                        name: "coded \(coded.testDescription) algorithm=\(algorithm)", kernel: coded.kernel,
                        schedule: Schedule(["algorithm": algorithm])))
            }
        }
        for form in [CodedCase.Form.e4m3, .int8, .int4, .pairs, .centred] {
            for (depth, columns) in [(4096, 6144), (14336, 4096)] {
                let coded = CodedCase(form: form, rows: 1, depth: depth, columns: columns, element: .bf16)
                cases.append(
                    CubinCase(
                        name: "coded \(coded.testDescription) algorithm=13", kernel: coded.kernel,
                        schedule: Schedule(["algorithm": 13])))
            }
        }
        // Gated, and with activations in f16.
        for coded in [
            CodedCase(form: .siblings, rows: 1, depth: 4096, columns: 28672, element: .bf16),
            CodedCase(form: .int4, rows: 1, depth: 4096, columns: 6144, element: .f16),
            CodedCase(form: .e4m3, rows: 1, depth: 4096, columns: 6144, element: .f16),
        ] {
            cases.append(
                CubinCase(
                    name: "coded \(coded.testDescription) algorithm=13", kernel: coded.kernel,
                    schedule: Schedule(["algorithm": 13])))
        }
        for (depth, columns) in [(4096, 6144), (14336, 4096), (18944, 3584)] {
            cases.append(
                product(
                    "dealt", Product(channels: depth, outputs: columns, element: .bf16), Schedule(["algorithm": 12])))
        }
        // Many rows by codes, in tiles of all warps and of specialised ones.
        for algorithm in [3, 6] {
            let coded = CodedCase(form: .int4, rows: 512, depth: 4096, columns: 4096, element: .bf16)
            cases.append(
                CubinCase(
                    name: "coded \(coded.testDescription) algorithm=\(algorithm)", kernel: coded.kernel,
                    schedule: Schedule(["algorithm": algorithm])))
        }
        // Specialised warps: as chosen, two groups that share a tile with a neighbour, two that take turns, and one alone.
        cases.append(product("special", large, Schedule(["algorithm": 6])))
        cases.append(
            product(
                "special",
                Product(images: 32, side: 28, channels: 128, outputs: 128, window: 3, padding: 1, element: .f16),
                Schedule(["algorithm": 6])))
        for (span, cluster, stay) in [(0, 2, 1), (5, 1, 1), (11, 1, 0)] {
            cases.append(
                product(
                    "special", large,
                    Schedule(["algorithm": 6, "span": span, "depths": 3, "cluster": cluster, "stay": stay])))
        }
        return cases + nests
    }()
}

/// NVRTC and what to compile for.
enum CubinTarget {
    static let toolchain: NVRTCToolchain? = {
        guard let path = ProcessInfo.processInfo.environment["HEARTH_NVRTC"] else { return nil }
        return try? NVRTCToolchain(path: path, parallel: 1)
    }()

    static func target(_ architecture: String) -> SIMTTarget {
        let isHopper = architecture.hasPrefix("sm_9")
        return SIMTTarget(
            dialect: .cuda, architecture: architecture, warp: 32, threads: 1024,
            sharedBytes: isHopper ? 232_448 : 166_912, multiprocessors: isHopper ? 132 : 108, l2Bytes: 40 << 20)
    }

}

/// CUDA text of every template, compiled without a GPU where NVRTC is there: `HEARTH_NVRTC` names the library.
@Suite(.enabled(if: CubinTarget.toolchain != nil, "NVRTC is not there"), .serialized) struct CubinTests {
    @Test(arguments: CubinCase.all, ["sm_80", "sm_90a"])
    func compiles(_ cubin: CubinCase, _ architecture: String) async throws {
        let emitter = SIMTEmitter(CubinTarget.target(architecture))
        let tile = cubin.schedule[Choice("tile", Array(SIMTMatrixWriter.tiles.indices))]
        let isGroupAttention = cubin.schedule[Choice("form", [0])] == 3
        let isSpecial = cubin.schedule[Choice("algorithm", [0])] == 6
        let isDealt = [12, 13].contains(cubin.schedule[Choice("algorithm", [0])])
        if isGroupAttention || isSpecial || isDealt || SIMTMatrixWriter.tiles[tile].isGroup,
            !emitter.target.hasGroupUnits
        {
            #expect(throws: EmissionError.self) {
                try emitter.emit(cubin.kernel, symbol: "tested", cubin.schedule)
            }
            return
        }
        let emitted = try emitter.emit(cubin.kernel, symbol: "tested", cubin.schedule)
        let toolchain = try #require(CubinTarget.toolchain)
        let image = try await toolchain.compile(
            emitter.prelude + emitted.source, architecture: architecture)
        let facts = try #require(CubinFacts(image))
        #expect(facts.localBytes == 0, "registers are spilled: \(facts)")
        let line = "\(architecture) \(cubin.name)"
        var found = "\(facts)"
        if case .grid(let grid) = emitted.parts {
            found += ", \(grid.sharedBytes) asked for"
            if let other = grid.alternate { found += " or \(other.sharedBytes) by \(other.threads) threads" }
        }
        if ProcessInfo.processInfo.environment["HEARTH_UPDATE_GOLDENS"] != nil {
            try CubinGoldens.update(line, found, toolchain.version)
        } else if CubinGoldens.version == toolchain.version {
            #expect(CubinGoldens.facts[line] == found, "\(line)")
        }
        #expect(facts.registers > 0)
    }

    /// Warps that come late are other code, which asks for the same memory.
    @Test(arguments: ["tile", "matrix", "attention"]) func outOfStepIsOtherCode(_ template: String) async throws {
        let cubin = try #require(CubinCase.all.first { $0.name.hasPrefix(template) })
        let emitter = SIMTEmitter(CubinTarget.target("sm_90a"))
        let text = emitter.prelude + (try emitter.emit(cubin.kernel, symbol: "tested", cubin.schedule).source)
        let toolchain = try #require(CubinTarget.toolchain)
        let plain = try await toolchain.compile(text, architecture: "sm_90a")
        let late = try await toolchain.compile(SIMTPrelude.outOfStep + text, architecture: "sm_90a")
        #expect(late.count > plain.count)
        #expect(CubinFacts(late)?.sharedBytes == CubinFacts(plain)?.sharedBytes)
    }
}
