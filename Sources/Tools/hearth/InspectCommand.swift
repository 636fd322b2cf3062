import ArgumentParser
import Base
import DeviceAPI
import DeviceRates
import ElementTypes
import JSON
import ModelPackage
import PackageBuilder
import PackageRuntime

/// Shows what is in a package.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Shows a package: inputs, launches, memory, origin.",
        discussion: "Example: hearth inspect model.hearth --launches --memory")

    @Argument(help: "The package, a directory NAME.hearth.") var package: String
    @Flag(help: "List the launches of the plan.") var launches = false
    @Flag(help: "List the buffers with their places in memory.") var memory = false
    @Flag(help: "Check every file against its hash.") var verify = false
    @Flag(help: "Run on the recorded inputs, or random ones, and list the time of each launch.") var profile = false
    @Flag(help: "Print manifest and plans as JSON.") var json = false
    @Option(help: "\(DeviceChoice.help) (default: what the package was made for).") var device: String?
    @Option(help: "Print a kernel's text, schedule and code; its name or symbol as --launches shows them.")
    var kernel: String?

    func run() throws {
        let directory = try PackageDirectory(path: package)
        if verify { try directory.verify() }
        let manifest = directory.manifest
        if json {
            var plans: [JSONValue] = []
            for entry in manifest.plans { plans.append(try directory.plan(entry).json) }
            let value: JSONValue = ["manifest": manifest.json, "plans": .array(plans)]
            print(value.prettyText, terminator: "")
            return
        }
        if let kernel {
            print(try KernelListing(directory).text(kernel), terminator: "")
            return
        }
        print(Self.text(manifest))
        if verify { print("\nall \(manifest.files.count) files are as they were written") }
        for entry in manifest.plans {
            let plan = try directory.plan(entry)
            let report = try MemoryReport(plan, symbols: manifest.interface.symbols.map(\.symbol.hint))
            print(
                "\n\(entry.file): \(plan.launches.count) launches, \(plan.buffers.count) buffers, arena "
                    + "\(TextFormat.bytes(report.arenaBytes)) (live at once \(TextFormat.bytes(report.liveBytes))), "
                    + "weights \(TextFormat.bytes(report.weightBytes)), state \(TextFormat.bytes(report.stateBytes))"
                    + (plan.loops.isEmpty ? "" : ", loops \(plan.loops.count)"))
            if launches {
                // Packages of before name no regions.
                let regions = (try? KernelListing(directory))?.regions ?? [:]
                print("\n" + Self.table(plan, regions))
            }
            if memory { print("\n" + Self.table(report)) }
        }
        if profile { print("\n" + (try profileText())) }
    }

    private static func text(_ manifest: Manifest) -> String {
        let interface = manifest.interface
        var rows: [[String]] = [["name", manifest.name]]
        for port in interface.inputs { rows.append(["input", "\(port.name): \(port.type)"]) }
        for port in interface.outputs { rows.append(["output", "\(port.name): \(port.type)"]) }
        for (index, binding) in interface.symbols.enumerated() {
            let symbol = binding.symbol
            let range = symbol.maximum.map { "\(symbol.minimum) to \($0)" } ?? "at least \(symbol.minimum)"
            let source =
                switch binding.source {
                case .extent(let input, let axis): "dimension \(axis) of '\(interface.inputs[input].name)'"
                case .value(let input): "value of '\(interface.inputs[input].name)'"
                }
            rows.append(["symbol", "s\(index): \(symbol.name), \(range), from \(source)"])
        }
        for condition in interface.guards { rows.append(["guard", condition.text]) }
        if let symbol = interface.independentRows {
            rows.append(["rows", "calls along s\(symbol) may be run as one: no row depends on another"])
        }
        for plan in manifest.plans {
            let features = plan.features.isEmpty ? "any" : plan.features.joined(separator: " ")
            rows.append(["plan", "\(plan.file) for \(plan.device), instructions \(features)"])
            rows.append(["tuned on", "\(plan.machine) (\(plan.fingerprint))"])
        }
        for fact in manifest.provenance {
            // Keys of kernels say nothing to people.
            let count = fact.name == RuleKernels.name ? RuleKernels([fact])?.keys.count : nil
            rows.append([fact.name, count.map { "\($0) by the rules" } ?? fact.value])
        }
        for file in manifest.files {
            rows.append(["file", "\(file.path), \(TextFormat.bytes(file.byteCount)), \(file.digest)"])
        }
        return TextFormat.table(rows)
    }

    private static func table(_ plan: Plan, _ regions: [String: String]) -> String {
        var rows = [["#", "region", "kernel", "spread", "dimensions", "operands", "label"]]
        for (index, launch) in plan.launches.enumerated() {
            let spread =
                switch launch.spread {
                case .parts(let count): "\(count)"
                case .threads: "threads"
                case .gang: "gang"
                case .grid(let grid):
                    (grid.call.map { "\($0.library) \($0.sizes), " } ?? "")
                        + "\(grid.blocks) x \(grid.threads)"
                        + (grid.sharedBytes > 0 ? " with \(TextFormat.bytes(grid.sharedBytes))" : "")
                        + (grid.overlaps ? " early" : "")
                }
            let operands = launch.operands.map { operand in
                operand.byteOffset == 0 ? "\(operand.buffer.index)" : "\(operand.buffer.index)+\(operand.byteOffset)"
            }
            rows.append([
                "\(index)" + (plan.loops.contains { $0.launches.contains(index) } ? " turn" : ""),
                regions[launch.kernel] ?? "", launch.kernel, spread + (launch.runsBeside ? " beside" : ""),
                launch.dimensions.map(\.description).joined(separator: ", "), operands.joined(separator: " "),
                launch.label,
            ])
        }
        return TextFormat.table(rows, right: [0])
    }

    private static func table(_ report: MemoryReport) -> String {
        var rows = [["buffer", "bytes", "offset", "place", "label"]]
        for row in report.rows {
            let place =
                switch row.placement {
                case .input(let index): "input \(index)"
                case .output(let index): "output \(index)"
                case .weight(let name): "weight \(name)"
                case .state(let name, _): "state \(name)"
                case .library(let name): "library \(name)"
                case .arena(let lifetime): "launches \(lifetime.lowerBound) to \(lifetime.upperBound)"
                }
            rows.append(["\(row.buffer)", "\(row.byteCount)", row.offset.map { "\($0)" } ?? "", place, row.label])
        }
        return TextFormat.table(rows, right: [0, 1, 2])
    }

    /// Times of the launches, the median of several runs each, slowest first.
    private func profileText() throws -> String {
        let device = try DeviceChoice.open(for: package, asked: self.device, threads: nil)
        let loaded = try LoadedPackage(path: package, device: device)
        let ceiling = LaunchCeiling(
            loaded.directory, loaded.plan, device.limits, RatesFile.standard.rates(of: device))
        let session = try Session(loaded)
        let times = try LaunchProfile.measure(session, runs: 21)
        let total = times.reduce(0, +)
        let symbols = loaded.interface.symbols.map(\.symbol.hint)
        let sizes = try MemoryReport(loaded.plan, symbols: symbols).rows.map(\.byteCount)
        var rows = [["time", "share", "GB/s"] + (ceiling.isKnown ? ["of ceiling"] : []) + ["#", "kernel", "label"]]
        for index in times.indices.sorted(by: { (times[$1], $0) < (times[$0], $1) }) {
            let launch = loaded.plan.launches[index]
            // As if each buffer were touched once and whole.
            let bytes = Set(launch.operands.map(\.buffer)).reduce(0) { $0 + sizes[$1.index] }
            let figures = [
                TextFormat.time(Double(times[index])),
                TextFormat.fixed(100 * Double(times[index]) / Double(max(total, 1)), 1) + " %",
                TextFormat.short(Double(bytes) / Double(max(times[index], 1))),
            ]
            let share = ceiling.isKnown ? [ceiling.share(index, bytes: bytes, nanoseconds: times[index])] : []
            rows.append(figures + share + ["\(index)", launch.kernel, launch.label])
        }
        return TextFormat.table(rows, right: ceiling.isKnown ? [0, 1, 2, 3, 4] : [0, 1, 2, 3])
            + "\ntotal \(TextFormat.time(Double(total)))"
            + (ceiling.isKnown || device.limits.blocks == nil
                ? "" : "\nwhat the device reaches at most is not known: hearth devices measures it")
    }
}
