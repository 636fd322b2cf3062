import DeviceAPI
import Glibc
import JSON

/// Rates that were measured before, by device: a file with one object, a member each machine and driver.
package struct RatesFile {
    private let path: String

    /// The file at a path; it need not be there.
    package init(path: String) { self.path = path }

    /// `rates.json` beside `HEARTH_ARCHIVE`, else in `.cache/hearth` of the home folder.
    package static var standard: RatesFile {
        if let archive = getenv("HEARTH_ARCHIVE").map({ String(cString: $0) }) {
            let folder = archive.lastIndex(of: "/").map { String(archive[...$0]) } ?? ""
            return RatesFile(path: folder + "rates.json")
        }
        let home = getenv("HOME").map { String(cString: $0) } ?? "."
        return RatesFile(path: "\(home)/.cache/hearth/rates.json")
    }

    /// What was measured for such a device with this driver, if anything was.
    package func rates(of device: any Device) -> DeviceLimits.Rates? {
        members().first { $0.name == Self.key(device) }.flatMap { DeviceLimits.Rates(json: $0.value) }
    }

    /// Remembers rates. A file that cannot be written is no error: they are measured again then.
    package func remember(_ rates: DeviceLimits.Rates, of device: any Device) {
        let key = Self.key(device)
        let kept = members().filter { $0.name != key } + [.init(name: key, value: rates.json)]
        var folder = ""
        for part in path.split(separator: "/").dropLast() {
            folder += (folder.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            mkdir(folder, 0o755)
        }
        // Whole or not at all, whoever else writes.
        let partial = "\(path).\(getpid()).partial"
        guard let file = fopen(partial, "w") else { return }
        let isWritten = fputs(JSONValue.object(JSONObject(members: kept)).prettyText, file) >= 0
        if fclose(file) != 0 || !isWritten || rename(partial, path) != 0 { unlink(partial) }
    }

    private func members() -> [JSONObject.Member] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return (try? JSONReader().read(bytes))?.objectValue?.members ?? []
    }

    private static func key(_ device: any Device) -> String {
        "\(device.limits.fingerprint) \(device.telemetry?.driver ?? "")"
    }
}

extension DeviceLimits.Rates {
    private static let names = [
        "memory_read_bytes", "fp32_operations", "bf16_operations", "f16_operations", "int8_operations",
    ]

    /// Per second, by name: `one_thread` (or one block) and `all_threads` of each; what there is none of is null.
    package var json: JSONValue {
        let values: [DeviceLimits.Rate?] = [memoryRead, fp32, bf16, f16, int8]
        return .object(
            JSONObject(
                members: zip(Self.names, values).map { name, rate in
                    .init(
                        name: name,
                        value: rate.map {
                            ["one_thread": .number($0.oneThread), "all_threads": .number($0.allThreads)]
                        } ?? .null)
                }))
    }

    /// Reads what `json` wrote; nil for anything else.
    package init?(json: JSONValue) {
        guard let object = json.objectValue else { return nil }
        let rates: [DeviceLimits.Rate?] = Self.names.map { name in
            guard let rate = object[name]?.objectValue, let one = rate["one_thread"]?.doubleValue,
                let all = rate["all_threads"]?.doubleValue, one > 0, all > 0, all.isFinite
            else { return nil }
            return .init(oneThread: one, allThreads: all)
        }
        guard let memoryRead = rates[0], let fp32 = rates[1] else { return nil }
        self.init(memoryRead: memoryRead, fp32: fp32, bf16: rates[2], int8: rates[4], f16: rates[3])
    }
}
