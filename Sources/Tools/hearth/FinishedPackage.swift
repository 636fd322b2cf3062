import Base
import ElementTypes
import Glibc
import ModelPackage
import PackageRuntime
import SearchControl
import SearchEvents
import SearchReport
import Synchronization

/// What the packages that a search tried came to at least; for saying how near it came to a limit.
final class ReachedFigures: Sendable {
    private let least = Mutex<[SearchConstraint.Quantity: Double]>([:])

    /// Takes figures of a correct package.
    func take(_ quantity: SearchConstraint.Quantity, _ value: Double) {
        least.withLock { $0[quantity] = min($0[quantity] ?? .infinity, value) }
    }

    /// The least of a quantity; nil where nothing is known.
    func least(_ quantity: SearchConstraint.Quantity) -> Double? { least.withLock { $0[quantity] } }
}

/// The last steps of `optimize`: the finished package is compared with itself before the search, weighed, held to its limits, and
/// given the record of its search with the report.
struct FinishedPackage {
    /// File of a package that holds the events of its search.
    static let record = "search.jsonl"
    /// File of a package that holds the report.
    static let page = "report.html"

    /// Where the package lies.
    let place: String
    /// The package without the search; nil where there was none.
    let before: String?
    let goal: SearchGoal
    /// What tells a process of our own where to run it; nil where its device is not here.
    let options: [String]?
    let console: SearchConsole
    let reached: ReachedFigures

    /// Bytes of a package's arena and weights at the extents of its export; nil where it cannot be read.
    static func bytes(_ path: String) -> Double? {
        guard let directory = try? PackageDirectory(path: path), let entry = directory.manifest.plans.first,
            let plan = try? directory.plan(entry),
            let report = try? MemoryReport(plan, symbols: directory.manifest.interface.symbols.map(\.symbol.hint))
        else { return nil }
        return Double(report.arenaBytes + report.weightBytes)
    }

    /// Compares and weighs it. Where `mayReturn` allows it, a package that proves slower than without the search is replaced by that
    /// one; returns whether it was.
    func compare(mayReturn: Bool) async throws -> Bool {
        guard let before, let options else { return false }
        var isReturned = false
        var comparison = ModelComparison.sameCode
        if try !Self.isSame(place, before) {
            let options = options + ["--measure", goal.objective.rawValue]
            comparison = await PackageComparison.finished(place, before, options: options)
            if mayReturn, comparison.isSlower {
                // Twice, in two processes: another program may have come between.
                let again = await PackageComparison.finished(place, before, options: options)
                isReturned = again.isSlower
                if !isReturned { comparison = again }
            }
        }
        if isReturned {
            try PackageWriter.move(before, to: place)
            let ratio = TextFormat.fixed(comparison.ratio, 2)
            console.note(
                "the winners together were slower than the package without the search (ratio \(ratio)), which is kept")
            for region in console.record.regions { if let closing = region.returned { console.take(.closed(closing)) } }
            comparison = ModelComparison.sameCode
        }
        console.take(.comparison(comparison))
        return isReturned
    }

    /// States what memory it takes, and how much it took without the search, whose bytes are `beforeBytes`.
    func weigh(beforeBytes: Double?) {
        guard let bytes = Self.bytes(place) else { return }
        reached.take(.memory, bytes)
        var memory = PackageMemory()
        (memory.bytes, memory.defaultBytes) = (bytes, beforeBytes)
        console.take(.memory(memory))
    }

    /// Throws where it breaks a limit; the line names the best that was reached.
    func check() async throws {
        guard !goal.constraints.isEmpty else { return }
        var seconds = 0.0
        if goal.constraints.contains(where: { $0.quantity == .latency }) {
            guard let options else { throw BadInput("--constraint on latency needs the device, which is not here") }
            let timed = await PackageComparison.finished(place, place, options: options)
            if let failure = timed.failure { throw BadInput("the latency could not be measured: \(failure)") }
            seconds = timed.seconds
            reached.take(.latency, seconds)
        }
        let figures = SearchFigures(seconds: seconds, bytes: Self.bytes(place))
        if let complaint = goal.complaint(figures, best: reached.least) { throw BadInput(complaint) }
    }

    /// Writes the record of the search, the report and what was found into the package; `target` is the name that it will have, and
    /// `report` another place for the report.
    func seal(as target: String, report: String?) throws {
        for fact in try PackageDirectory(path: place).manifest.provenance
        where fact.name.hasPrefix("weights") || ["calls", "library_failed", "triton"].contains(fact.name) {
            var note = SearchNote()
            note.text = "\(fact.name): \(fact.value)"
            console.take(.note(note))
        }
        var done = SearchDone()
        (done.package, done.summary) = (target, console.record.summary)
        console.take(.done(done))
        let events = console.events
        let page = Array(SearchPage(SearchRecord(events)).html.utf8)
        var facts: [Manifest.Fact] = []
        if console.record.gain != nil { facts.append(.init(name: "gain", value: done.summary)) }
        try PackageWriter.amend(
            place,
            files: [(Self.record, Array(TimedEvent.text(events).utf8)), (Self.page, page)], facts: facts)
        if let report { try ReportFile.write(page, to: report) }
    }

    /// Whether two packages hold the same code, plan and weights.
    private static func isSame(_ a: String, _ b: String) throws -> Bool {
        func files(_ path: String) throws -> [Manifest.File] {
            try PackageDirectory(path: path).manifest.files.filter {
                // What compilers and linkers write need not be the same twice; the text and the plan are.
                ["plan.json", "weights.safetensors", "kernels/plan.c", "kernels/plan.cu", "kernels/plan.cl"]
                    .contains($0.path)
            }
        }
        return try files(a) == files(b)
    }
}

extension ModelComparison {
    /// Whether the package proved slower, beyond a tie.
    fileprivate var isSlower: Bool { failure == nil && rounds > 0 && high < Gain.tie }
}

extension SearchRecord.Region {
    /// How the region ends where its winner is not kept; nil where it has no other.
    fileprivate var returned: RegionClosing? {
        guard var closing, let first = champions.first, closing.schedule != first.schedule else { return nil }
        (closing.schedule, closing.agent, closing.bestSeconds) = (first.schedule, first.agent, closing.defaultSeconds)
        closing.note = "its winner is not kept: the winners together were slower"
        return closing
    }
}
