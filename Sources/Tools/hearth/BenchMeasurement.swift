import Baselines
import DeviceAPI
import ElementTypes
import Glibc
import KernelJudge
import ModelPackage
import PackageBuilder
import Processes

/// Who calls the package in a bench.
enum BenchOurs {
    /// This process.
    case here(BenchRunner)
    /// Python, through the shared library at this path: the first of the rivals' processes.
    case python(library: String)

    /// Whether it is this process.
    var isHere: Bool { if case .here = self { true } else { false } }
}

/// The measurements of one bench: interleaved batches, then the agreement of what was timed, the device's own time and energy.
struct BenchMeasurement {
    let ours: BenchOurs
    let rivals: BenchRivals
    /// Input sets whose tensors have the types of the first one.
    let sets: [Int]
    let rounds: Int
    /// Milliseconds of a batch.
    let batch: Double
    /// Number of rivals.
    let modes: Int
    /// Taken for every round.
    let turn: TimingTurn

    /// Position of a rival among the processes.
    func rival(_ index: Int) -> Int { ours.isHere ? index : index + 1 }

    /// Batches of about `batch` milliseconds of every side, interleaved; two rounds, one in each order, on each input set in turn.
    func measure() throws -> InterleavedTiming {
        func calls(_ nanoseconds: Double) -> Int { max(2, min(5000, Int(batch * 1e6 / max(nanoseconds, 1)))) }
        let theirs = (0..<modes).map { rivals.median(rival($0), calls: 3).map(calls) ?? 0 }
        let own = calls(try ownMedian(calls: 10, set: 0))
        var timing = InterleavedTiming(sides: modes + 1)
        for round in 0..<rounds {
            let set = sets[round / 2 % sets.count]
            turn.begin()
            defer { turn.end() }
            try timing.measure { side in
                side == 0
                    ? try ownMedian(calls: own, set: set)
                    : rivals.median(rival(side - 1), calls: theirs[side - 1], set: set)
            }
        }
        return timing
    }

    /// Holds the outputs of every side's last timed call against the truth. Throws where the package's are wrong: then its times
    /// are worth nothing. A model with state is put back first and called once; of rivals, which cannot, nothing is said then.
    func verify(
        _ report: inout BenchReport, golden: String, interface: ModelInterface, hasState: Bool
    ) throws {
        let last = sets[(rounds - 1) / 2 % sets.count]
        let findings: [ModelAgreement.Finding]?
        switch ours {
        case .here(let runner):
            findings = try PackageAgreement.compare(try runner.results(afterReset: hasState), golden: golden)
        case .python:
            if hasState {
                rivals.reset(0)
                _ = rivals.once(0, set: last)
            }
            findings = try outputs(of: 0, interface).flatMap {
                try PackageAgreement.compare($0, golden: golden, set: last)
            }
            if let failure = rivals.failures[0] { throw BadInput(failure) }
        }
        if let wrong = findings?.first(where: { !$0.passes }) {
            throw WrongOutputs(path: report.package, finding: "\(wrong)")
        }
        report.isVerified = findings != nil
        // Rivals run the model as it was: what coded weights give is not theirs to agree with.
        if try hasState || PackageAgreement.isCoded(golden: golden) { return }
        for index in 0..<modes where rivals.failures[rival(index)] == nil {
            guard let outputs = try outputs(of: rival(index), interface),
                let findings = try PackageAgreement.compare(outputs, golden: golden, set: last)
            else { continue }
            report.rows[index].agrees = findings.allSatisfy(\.passes)
        }
    }

    /// The device's own time of a call of every side that says it: the median of five rounds in turn.
    func measureDevice(_ report: inout BenchReport) throws {
        var (own, theirs) = ([Double](), [[Double]](repeating: [], count: modes))
        for round in 0..<5 {
            for side in InterleavedTiming.order(sides: modes + 1, round: round) {
                let index = side == 0 ? 0 : rival(side - 1)
                let wall = side == 0 ? report.oursWall : report.rows[side - 1].timing.theirs
                guard let wall, wall > 0 else { continue }
                let inner = max(1, min(100, Int(2e6 / wall)))
                if side == 0, case .here(let runner) = ours {
                    own.append(try runner.deviceTime(samples: 3, inner: inner))
                } else if let time = rivals.deviceTime(index, samples: 3, inner: inner) {
                    if side == 0 { own.append(time) } else { theirs[side - 1].append(time) }
                }
            }
        }
        report.oursDevice = own.isEmpty ? nil : Baselines.median(own)
        for index in 0..<modes where !theirs[index].isEmpty {
            report.rows[index].device = Baselines.median(theirs[index])
        }
    }

    /// Joules of the whole board a call of every side, over `seconds` of calls twice, in turn; nothing where the device says none.
    func measureEnergy(_ report: inout BenchReport, _ device: any Device, seconds: Double) throws {
        guard device.telemetry?.joules != nil else { return }
        var joules = [Double](repeating: 0, count: modes + 1)
        var calls = [Double](repeating: 0, count: modes + 1)
        for round in 0..<2 {
            for side in InterleavedTiming.order(sides: modes + 1, round: round) {
                let wall = side == 0 ? report.oursWall : report.rows[side - 1].timing.theirs
                guard let wall, wall > 0, let before = device.telemetry?.joules else { continue }
                let count = max(1, min(1_000_000, Int(seconds * 1e9 / wall)))
                let done: Double? =
                    side == 0 ? try ownMedian(calls: count, set: 0) : rivals.median(rival(side - 1), calls: count)
                guard done != nil, let after = device.telemetry?.joules else { continue }
                joules[side] += after - before
                // One more than asked for runs first, untimed.
                calls[side] += Double(count + 1)
            }
        }
        func each(_ side: Int) -> Double? { calls[side] > 0 ? joules[side] / calls[side] : nil }
        report.oursJoules = each(0)
        for index in 0..<modes { report.rows[index].joules = each(index + 1) }
    }

    /// Median nanoseconds of our own calls.
    private func ownMedian(calls: Int, set: Int) throws -> Double {
        switch ours {
        case .here(let runner): return try runner.median(calls: calls, warm: 1)
        case .python:
            if let time = rivals.median(0, calls: calls, set: set) { return time }
            throw BadInput(rivals.failures[0] ?? "the package could not be called from Python")
        }
    }

    /// What a side's last timed call computed, by way of a file.
    private func outputs(of index: Int, _ interface: ModelInterface) throws
        -> [(name: String, element: ElementType, values: [Double])]?
    {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let path = folder.path + "/outputs.safetensors"
        guard rivals.outputs(index, to: path) else { return nil }
        let file = try TensorFile(path: path)
        return try interface.outputs.enumerated().map { number, port in
            (port.name, port.type.element, try PackageAgreement.values(file, "output.\(number)", path))
        }
    }
}

/// Outputs of timed calls that the recorded truth contradicts: our fault.
struct WrongOutputs: Error, CustomStringConvertible {
    /// Where the package lies.
    var path: String
    /// What was found.
    var finding: String

    /// One line.
    var description: String { "\(path) computed something wrong in the timed calls: \(finding)" }
}
