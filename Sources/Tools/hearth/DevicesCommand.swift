import ArgumentParser
import Base
import CPUDevice
import DeviceAPI
import DeviceCatalogue
import DeviceRates
import ElementTypes
import JSON
import KernelWorker

/// Lists the devices of this machine, what they can do, and how fast they were measured to be.
struct DevicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices", abstract: "Lists devices with their limits and measured rates.",
        discussion: "Example: hearth devices --json")

    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Leave out the measurements, which take about a second a device; what was remembered of GPUs is shown.")
    var quick = false
    @Option(help: "Threads to use (default: one per core).") var threads: Int?

    @Flag(help: "Check that devices do what every device must; takes minutes and needs a C compiler.")
    var conformance = false
    @Option(help: "The only device to list or check.") var device: String?
    @Option(help: "Check only what has this text in its name.") var only: String?
    @Option(help: "A file that names checks: those in it are not done again, and those that pass are added.")
    var passed: String?

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads should be at least 1") }
    }

    func run() async throws {
        if conformance {
            let names = device.map { [$0] } ?? ["cpu"] + DeviceCatalogue.others.found.map(\.limits.name)
            var passes = true
            for name in names {
                passes = try await DeviceConformanceRun(name, only: only, passed: passed).run() && passes
            }
            if !passes { throw ExitCode(1) }
            return
        }
        var all: [(device: any Device, rates: DeviceLimits.Rates?)] = []
        for device in try devices() { all.append((device, await rates(of: device))) }
        if json {
            print(JSONValue.array(all.map { Self.json($0.device, $0.rates) }).prettyText, terminator: "")
        } else {
            print(all.map { Self.text($0.device, $0.rates) }.joined(separator: "\n\n"))
        }
    }

    private func devices() throws -> [any Device] {
        if let device { return [try DeviceCatalogue.open(device, threads: threads, measured: !quick)] }
        let (others, faults) = DeviceCatalogue.others
        // A machine without GPUs has no driver; a driver that does not work is worth a line.
        for fault in faults { Failure.complain("hearth: note: \(fault)") }
        return [try CPUDevice(threads: threads, measured: !quick)] + others
    }

    private func rates(of device: any Device) async -> DeviceLimits.Rates? {
        if device.limits.blocks == nil { return device.limits.rates }
        if quick { return RatesFile.standard.rates(of: device) }
        do {
            return try await DeviceChoice.rates(of: device, anew: true)
        } catch {
            Failure.complain("hearth: note: what \(device.limits.name) reaches was not measured: \(error)")
            return nil
        }
    }

    /// A paragraph about a device.
    static func text(_ device: any Device, _ rates: DeviceLimits.Rates?) -> String {
        let limits = device.limits
        if let blocks = limits.blocks { return text(limits, blocks, rates, device.telemetry, device.libraries) }
        var rows = [
            ["instructions", limits.features.map(\.rawValue).joined(separator: " ")],
            ["cores", "\(limits.cores), \(limits.threads) threads used, vectors of \(limits.vectorBytes) bytes"],
            [
                "caches",
                "L1 \(TextFormat.bytes(limits.caches.l1Data)), L2 \(TextFormat.bytes(limits.caches.l2)) a core, "
                    + "L3 \(TextFormat.bytes(limits.caches.l3)) shared by \(limits.caches.l3SharedBy)",
            ],
            ["memory", TextFormat.bytes(limits.memoryBytes)],
        ]
        if let rates {
            rows.append(["memory read", text(rates.memoryRead, "GB/s", limits.threads)])
            rows.append(["fp32", text(rates.fp32, "GFLOP/s", limits.threads)])
            rows.append(["bf16", rates.bf16.map { text($0, "GFLOP/s", limits.threads) } ?? "no instructions"])
            rows.append(["int8", rates.int8.map { text($0, "Gop/s", limits.threads) } ?? "no instructions"])
        }
        rows.append([
            "libraries",
            text(limits.libraries),
        ])
        rows.append(["counters", EventCounters(EventCounter.hardware).summary])
        rows.append(["fingerprint", limits.fingerprint])
        return "\(limits.name): \(limits.model), \(limits.vendor)\n"
            + TextFormat.table(rows.map { ["  " + $0[0], $0[1]] })
    }

    /// A paragraph about a device that runs blocks of threads.
    private static func text(
        _ limits: DeviceLimits, _ blocks: DeviceLimits.Blocks, _ rates: DeviceLimits.Rates?,
        _ telemetry: DeviceTelemetry?, _ libraries: [DeviceLimits.Library]
    ) -> String {
        var rows = [
            ["architecture", "\(blocks.architecture) (runs \(blocks.accepts.joined(separator: ", ")))"],
            [
                "processors",
                "\(limits.cores), blocks of up to \(blocks.threads) threads with \(TextFormat.bytes(blocks.sharedBytes))",
            ],
            ["cache", TextFormat.bytes(limits.caches.l2)],
            [
                "memory",
                TextFormat.bytes(limits.memoryBytes)
                    + (telemetry?.freeBytes.map { ", \(TextFormat.bytes($0)) free" } ?? ""),
            ],
        ]
        if let rates {
            rows.append(["memory read", TextFormat.short(rates.memoryRead.allThreads / 1e9) + " GB/s"])
            let products = [("fp32", rates.fp32), ("bf16", rates.bf16), ("f16", rates.f16)].compactMap { name, rate in
                rate.map { "\(name) \(TextFormat.short($0.allThreads / 1e12)) TFLOP/s" }
            }
            let bytes = rates.int8.map { ["int8 \(TextFormat.short($0.allThreads / 1e12)) Top/s"] } ?? []
            rows.append(["arithmetic", (products + bytes).joined(separator: ", ")])
        }
        rows.append(["libraries", text(libraries)])
        if let telemetry {
            rows.append(["driver", telemetry.driver])
            let now = [
                telemetry.watts.map { "\(TextFormat.short($0)) W" }, telemetry.temperature.map { "\($0) °C" },
                telemetry.clock.map { "\($0) MHz" }, telemetry.memoryClock.map { "memory \($0) MHz" },
            ].compactMap { $0 }
            if !now.isEmpty { rows.append(["now", now.joined(separator: ", ")]) }
        }
        rows.append(["fingerprint", limits.fingerprint])
        return "\(limits.name): \(limits.model), \(limits.vendor)\n"
            + TextFormat.table(rows.map { ["  " + $0[0], $0[1]] })
    }

    private static func text(_ rate: DeviceLimits.Rate, _ unit: String, _ threads: Int) -> String {
        "\(TextFormat.short(rate.oneThread / 1e9)) \(unit) on one thread, "
            + "\(TextFormat.short(rate.allThreads / 1e9)) \(unit) on \(threads)"
    }

    private static func text(_ libraries: [DeviceLimits.Library]) -> String {
        libraries.isEmpty ? "none" : libraries.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
    }

    /// Everything about a device; rates are per second.
    static func json(_ device: any Device, _ rates: DeviceLimits.Rates?) -> JSONValue {
        let limits = device.limits
        var object: JSONObject = [
            "name": .string(limits.name), "kind": .string(limits.kind.rawValue), "vendor": .string(limits.vendor),
            "model": .string(limits.model), "features": .array(limits.features.map { .string($0.rawValue) }),
            "cores": .integer(Int64(limits.cores)), "threads": .integer(Int64(limits.threads)),
            "vector_bytes": .integer(Int64(limits.vectorBytes)),
            "l1_data_bytes": .integer(Int64(limits.caches.l1Data)), "l2_bytes": .integer(Int64(limits.caches.l2)),
            "l3_bytes": .integer(Int64(limits.caches.l3)), "l3_shared_by": .integer(Int64(limits.caches.l3SharedBy)),
            "memory_bytes": .integer(Int64(limits.memoryBytes)),
            "element_types": .array(limits.elementTypes.map { .string($0.rawValue) }),
            "dialects": .array(limits.dialects.map { .string($0.rawValue) }),
            "reads_host_memory": .bool(limits.readsHostMemory), "captures_graphs": .bool(limits.capturesGraphs),
            "libraries": .array(device.libraries.map { ["name": .string($0.name), "version": .string($0.version)] }),
            "fingerprint": .string(limits.fingerprint),
        ]
        if let blocks = limits.blocks {
            object.members.append(
                .init(
                    name: "blocks",
                    value: [
                        "architecture": .string(blocks.architecture),
                        "accepts": .array(blocks.accepts.map { .string($0) }), "warp": .integer(Int64(blocks.warp)),
                        "threads": .integer(Int64(blocks.threads)),
                        "shared_bytes": .integer(Int64(blocks.sharedBytes)),
                    ]))
        }
        if let telemetry = device.telemetry {
            func number(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
            object.members.append(
                .init(
                    name: "telemetry",
                    value: [
                        "driver": .string(telemetry.driver), "free_bytes": number(telemetry.freeBytes),
                        "watts": telemetry.watts.map { .number($0) } ?? .null,
                        "joules": telemetry.joules.map { .number($0) } ?? .null,
                        "temperature": number(telemetry.temperature), "clock_mhz": number(telemetry.clock),
                        "memory_clock_mhz": number(telemetry.memoryClock),
                    ]))
        }
        if limits.blocks == nil {
            let counters = EventCounters(EventCounter.hardware).given
            object.members.append(.init(name: "counters", value: .array(counters.map { .string($0.description) })))
        }
        if let rates { object.members.append(.init(name: "rates", value: rates.json)) }
        return .object(object)
    }
}
