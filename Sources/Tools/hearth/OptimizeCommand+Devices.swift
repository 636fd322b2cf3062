import ArgumentParser
import DeviceCatalogue
import ModelPackage
import PackageBuilder

/// What packages for several devices have in common: the capture, and inputs with their truth.
final class SharedModel {
    var capture: ModelCapture?
    /// Evaluated, before anything was coded in fewer bits.
    var record: ReferenceRecord?
}

extension OptimizeCommand {
    /// What is built, from where, and where to: what the command line says, or the package that it names.
    struct Request {
        var model: String
        var inputs: String?
        var allowed: Allowed?
        var path: String

        init(_ command: OptimizeCommand) throws {
            model = command.source ?? ""
            inputs = command.inputs
            allowed = (command.weights.map { .weights($0) } ?? command.precision.map { .products($0) }).map {
                Allowed(bits: $0, calibration: command.calibration)
            }
            var output = command.output
            if let package = command.fromPackage {
                let origin = try PackageOrigin(package)
                model = origin.model
                inputs = inputs ?? origin.inputs
                allowed = allowed ?? origin.allowed
                output = output ?? package
            }
            path = output ?? OptimizeCommand.defaultOutput(model)
        }
    }

    /// What is at odds with several devices.
    var devicesFault: String? {
        let devices = self.devices
        if let again = devices.indices.first(where: { devices[..<$0].contains(devices[$0]) }) {
            return "--device names \(devices[again]) twice"
        }
        if deviceLists.contains(where: { $0.split(separator: ",", omittingEmptySubsequences: false).contains("") }) {
            return "--device names no device between two commas: give cpu,cuda"
        }
        if devices.count > 1, wishes.report != nil { return "--report is about one package: give one --device" }
        return nil
    }

    /// This command once for each device, whose packages have names of their own where there are several. A name that is no device's
    /// is an error before anything is built.
    func forEachDevice() throws -> [(name: String, command: OptimizeCommand)] {
        let devices = self.devices
        for device in devices { _ = try DeviceCatalogue.parts(of: device) }
        guard devices.count > 1 else { return [(place, self)] }
        let path = try Request(self).path
        return devices.map { device in
            var command = self
            command.deviceLists = [device]
            command.output = Self.path(path, for: device)
            return (device, command)
        }
    }

    /// The name of a package among those for several devices: `model.hearth` becomes `model.cuda-sm_90.hearth`.
    static func path(_ path: String, for device: String) -> String {
        var stem = path
        while stem.count > 1, stem.hasSuffix("/") { stem.removeLast() }
        if stem.hasSuffix(".hearth") { stem.removeLast(".hearth".count) }
        return "\(stem).\(device.split(separator: ":").joined(separator: "-")).hearth"
    }

    /// Builds a package for each device. One that fails leaves the others alone; the gravest exit code is that of all.
    func optimize(_ each: [(name: String, command: OptimizeCommand)], _ wanted: Wanted) async throws {
        let shared = SharedModel()
        var code: Int32 = 0
        for (name, command) in each {
            do {
                // What a search reached for one device says nothing of another.
                try await command.optimize(
                    shared, Wanted(goal: wanted.goal, hints: wanted.hints, language: wanted.language))
            } catch {
                code = max(code, Failure.report(error))
                Failure.complain("hearth: --device \(name): no package was written")
            }
        }
        if code != 0 { throw ExitCode(code) }
    }
}
