import Base
import KernelCodeGen
import KernelIR
import KernelJudge
import PackageBuilder

/// A generated kernel as it is, which the judge must accept.
struct HonestTrial: Sendable {
    var subject: SelfTestBench.Subject
    var target: CPUTarget
    var schedule: Schedule
    var emitted: EmittedKernel

    /// At least `count` kernels of a kind that differ in their text, as far as there are so many: every case under its default
    /// schedule on every target, then drawn schedules.
    static func all(_ kind: KernelCase.Kind, count: Int, _ bench: SelfTestBench) throws -> [HonestTrial] {
        let subjects = try bench.subjects(kind, atMost: count)
        var found: [HonestTrial] = []
        var seen: Set<ContentHash> = []
        for round in [0, 2, 4, 8, 16, 32] {
            // One target after another, so that few kernels are of many cases.
            for target in bench.targets {
                for (number, subject) in subjects.enumerated() {
                    for schedule in bench.schedules(subject.kernel, target, count: round, seed: UInt64(number)) {
                        guard found.count < count else { return found }
                        let emitter = KernelEmitter(target)
                        guard let plain = try? emitter.emit(subject.kernel, symbol: "k", schedule),
                            seen.insert(ContentHash.of("\(subject.name)\(plain.source)")).inserted
                        else { continue }
                        let symbol = "k\(found.count)"
                        let emitted = try emitter.emit(subject.kernel, symbol: symbol, schedule)
                        found.append(
                            HonestTrial(subject: subject, target: target, schedule: schedule, emitted: emitted))
                    }
                }
            }
        }
        return found
    }

    /// Such as `product f32 4x6x8, contract_4 on 64 byte vectors under tile=4`.
    var description: String {
        "\(subject.kind) \(subject.name) on vectors of \(target.vectorBytes) bytes under \(schedule)"
    }
}

extension SelfTestBench {
    /// Some kernels of a kind for one target, cut into as many parts as there can be, each with its text.
    package func emitted(
        _ kind: KernelCase.Kind, count: Int, _ emitter: KernelEmitter
    ) throws -> [(kernel: Kernel, emitted: EmittedKernel)] {
        var found: [(kernel: Kernel, emitted: EmittedKernel)] = []
        for (number, subject) in try subjects(kind, atMost: count).enumerated() {
            let grain = emitter.choices(subject.kernel).first { $0.name == "grain" }?.values.min()
            for var schedule in schedules(subject.kernel, emitter.target, count: 1, seed: UInt64(number)) {
                if let grain { schedule.set("grain", grain) }
                guard !schedule.description.contains("algorithm=3"), !schedule.description.contains("algorithm=4"),
                    let emitted = try? emitter.emit(subject.kernel, symbol: "k\(found.count)", schedule)
                else { continue }
                found.append((subject.kernel, emitted))
            }
        }
        return found
    }
}
