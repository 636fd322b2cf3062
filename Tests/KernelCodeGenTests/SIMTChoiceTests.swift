import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// Schedules drawn from what is offered.
@Suite struct SIMTChoiceTests {
    static let targets = [BlockKernel.target, CubinTarget.target("sm_80"), CubinTarget.target("sm_90a"), withTriton]

    private static let withTriton: SIMTTarget = {
        var target = CubinTarget.target("sm_90a")
        target.hasTriton = true
        target.hasProductLibrary = true
        return target
    }()

    /// Whatever is drawn gives a kernel within the device's limits, or says why not; defaults always give one.
    @Test(arguments: CubinCase.all)
    func everyScheduleIsAnswered(_ cubin: CubinCase) throws {
        for target in Self.targets {
            let emitter = SIMTEmitter(target)
            let choices = emitter.choices(cubin.kernel)
            var random = SeededRandom(seed: 5)
            var schedules = [Schedule()]
            for _ in 0..<40 {
                var schedule = Schedule()
                for choice in choices {
                    schedule.set(choice.name, choice.values[random.index(below: choice.values.count)])
                }
                schedules.append(schedule)
            }
            for (number, schedule) in schedules.enumerated() {
                do {
                    let emitted = try emitter.emit(cubin.kernel, symbol: "tested", schedule)
                    guard case .grid(let grid) = emitted.parts else {
                        Issue.record("no grid under \(schedule)")
                        continue
                    }
                    #expect(grid.threads >= 1 && grid.threads <= target.threads, "\(schedule)")
                    #expect(grid.sharedBytes <= target.sharedBytes, "\(schedule)")
                    #expect((grid.blocks.constantValue ?? 1) >= (grid.call == nil ? 1 : 0), "\(schedule)")
                    #expect(emitted.source.contains("tested("), "\(schedule)")
                    #expect(sharesRegisters(emitted.source, threads: grid.threads), "\(schedule)")
                } catch {
                    #expect(number > 0, "the default is refused: \(error)")
                }
            }
        }
    }

    /// Of launches that take turns a processor of an H200 (228 KiB of shared memory, 65536 registers) has room for one of each kind, and
    /// never for two of one.
    @Test(arguments: [(4096, 6144), (4096, 28672), (14336, 4096)])
    func turnsFillAProcessor(_ depth: Int, _ columns: Int) throws {
        let product = Product(channels: depth, outputs: columns, element: .bf16)
        let emitted = try SIMTEmitter(CubinTarget.target("sm_90a")).emit(product.kernel, symbol: "tested", Schedule())
        guard case .grid(let grid) = emitted.parts, let second = grid.alternate else {
            Issue.record("no launches that take turns")
            return
        }
        // Registers by the bound of 1024 threads, and shared memory with what every block takes beside.
        #expect(emitted.source.contains("__launch_bounds__(1024, 1)"))
        let (one, other) = (grid.sharedBytes + 1024, second.sharedBytes + 1024)
        let (few, many) = (grid.threads * 64, second.threads * 64)
        #expect(2 * one > 228 << 10 && one + other <= 228 << 10)
        #expect(2 * many > 65536 && few + many <= 65536)
        #expect(second.threads <= 1024)
    }

    /// Whether groups of warps that share registers out again (`setmaxnreg`) ask for no more than the block was given, or it would wait
    /// for ever: all threads but the first or last 128 ask for more.
    private func sharesRegisters(_ source: String, threads: Int) -> Bool {
        guard let down = source.firstMatch(of: /REGISTERS_DOWN\(([0-9]+)\)/).flatMap({ Int($0.1) }) else { return true }
        guard let up = source.firstMatch(of: /REGISTERS_UP\(([0-9]+)\)/).flatMap({ Int($0.1) }),
            let blocks = source.firstMatch(of: /__launch_bounds__\([0-9]+, ([0-9]+)\)/).flatMap({ Int($0.1) })
        else { return false }
        let given = min(255, 65536 / (threads * blocks)) / 8 * 8
        return 128 * down + (threads - 128) * up <= given * threads && up % 8 == 0 && down % 8 == 0
    }
}
