import ArgumentParser
import Base
import DeviceAPI
import ElementTypes
import Glibc
import JSON
import KernelJudge
import ModelPackage
import PackageBuilder
import PackageRuntime
import Processes
import SearchEvents

/// Runs a package that was just built on its recorded inputs; started by `optimize`, never by people.
struct RehearseSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rehearse", abstract: "Runs a new package on its recorded inputs (internal).",
        shouldDisplay: false)

    @Argument(help: "The package.") var package: String
    @Flag(help: "Time its launches instead of checking its outputs.") var profile = false
    @Option(help: "Inputs and truth in place of the recorded ones.") var golden: String?
    @Option(help: "\(DeviceChoice.help) (default: what the package was made for).") var device: String?
    @Option(help: "Threads to use (default: one per core).") var threads: Int?

    func run() {
        var members: [JSONObject.Member] = []
        do {
            try DeviceChoice.enterSandbox(for: package, asked: self.device)
            let device = try DeviceChoice.open(for: package, asked: self.device, threads: threads)
            if profile {
                let seconds = try PackageRehearsal.seconds(package, device)
                members.append(.init(name: "seconds", value: .array(seconds.map { .number($0) })))
            } else {
                let findings = try PackageAgreement.check(package, device, golden: golden)
                let wrong = findings.filter { !$0.passes }
                members.append(.init(name: "wrong", value: .array(wrong.map { .string("\($0)") })))
                let known = findings.compactMap(OutputAccuracy.init).map { TimedEvent(at: 0, .output($0)).json }
                members.append(.init(name: "outputs", value: .array(known)))
            }
        } catch RuntimeError.device(.libraryFailed(let refusal)) {
            members.append(.init(name: "library", value: .string(refusal.library)))
            if let sizes = refusal.sizes { members.append(.init(name: "sizes", value: .string(sizes))) }
            members.append(.init(name: "refusal", value: .string(refusal.reason)))
        } catch {
            members.append(.init(name: Failure.isOurs(error) ? "failure" : "fault", value: .string("\(error)")))
        }
        print(JSONValue.object(JSONObject(members: members)).text)
    }
}

/// A package's generated code ended the process that ran it, or failed in it: code that Hearth generates is wrong.
struct PackageCrashed: Error, CustomStringConvertible {
    /// Where the package lies.
    var path: String
    /// What happened, as what follows "its generated code".
    var reason: String
    /// Where it was moved.
    var left: String?

    /// One line: which package, and what happened.
    var description: String {
        "the generated code of \(path) \(reason), on the recorded inputs"
            + (left.map { "; it was left at \($0)" } ?? "")
    }
}

/// A vendor's library failed in a new package on the recorded inputs.
struct LibraryFailed: UserFault {
    /// Which one, for what, and why.
    var refusal: LibraryRefusal

    /// One line.
    var description: String { DeviceError.libraryFailed(refusal).description }
}

/// Running a new package in a process of its own, which generated code may crash without harm.
enum PackageRehearsal {
    /// Median seconds of every launch over a few runs on the recorded inputs.
    static func profile(_ path: String, options: [String]) throws -> [Double] {
        let answer = try inProcess(path, options: ["--profile"] + options)
        guard let seconds = answer["seconds"]?.arrayValue else { throw unanswered(path) }
        return seconds.compactMap(\.doubleValue)
    }

    /// One line for each output of each recorded set that is not what the truth says, and the errors of those that are.
    /// With `golden`, on the inputs of that file.
    static func agreement(
        _ path: String, golden: String? = nil, options: [String]
    ) throws -> (wrong: [String], outputs: [OutputAccuracy]) {
        let answer = try inProcess(path, options: (golden.map { ["--golden", $0] } ?? []) + options)
        guard let wrong = answer["wrong"]?.arrayValue, let outputs = answer["outputs"]?.arrayValue else {
            throw unanswered(path)
        }
        let known = outputs.compactMap { line -> OutputAccuracy? in
            if case .output(let output)? = (try? TimedEvent(line))?.event { output } else { nil }
        }
        return (wrong.compactMap(\.stringValue), known)
    }

    /// What `rehearse --profile` answers, measured here.
    static func seconds(_ path: String, _ device: any Device) throws -> [Double] {
        let package = try LoadedPackage(path: path, device: device, verified: false)
        return try LaunchProfile.measure(try Session(package), runs: 7).map { Double($0) * 1e-9 }
    }

    private static func inProcess(_ path: String, options: [String]) throws -> JSONObject {
        let limit = 600.0
        let result: (end: ChildProcess.End, output: [UInt8], errors: [UInt8])
        do throws(ProcessError) {
            let child = try ChildProcess(
                executable: "/proc/self/exe", arguments: ["rehearse", path] + options, errors: .inherited)
            result = try child.collect(timeLimit: limit, limit: 1 << 24)
        } catch {
            if case .timedOut = error { throw PackageCrashed(path: path, reason: "did not end within \(limit) s") }
            throw BadInput("\(path) cannot be run: \(error)")
        }
        guard result.end == .exited(code: 0) else {
            throw PackageCrashed(path: path, reason: "ended its process by \(result.end)")
        }
        guard let answer = try? JSONReader().read(String(decoding: result.output, as: UTF8.self)).objectValue else {
            throw unanswered(path)
        }
        if let library = answer["library"]?.stringValue {
            throw LibraryFailed(
                refusal: .init(
                    library: library, sizes: answer["sizes"]?.stringValue, reason: answer["refusal"]?.stringValue ?? "?"
                ))
        }
        if let failure = answer["failure"]?.stringValue {
            throw PackageCrashed(path: path, reason: "failed: \(failure)")
        }
        if let fault = answer["fault"]?.stringValue { throw BadInput(fault) }
        return answer
    }

    private static func unanswered(_ path: String) -> PackageCrashed {
        PackageCrashed(path: path, reason: "damaged the process that ran it")
    }
}

extension OutputAccuracy {
    /// The errors of an output that agrees; nil for another.
    fileprivate init?(_ finding: ModelAgreement.Finding) {
        guard case .agrees(let errors) = finding.outcome else { return nil }
        self.init()
        output = finding.name
        elements = errors.count
        (maximum, rms) = (errors.maximum, errors.rms)
        (torchMaximum, torchRMS) = (errors.witnessMaximum, errors.witnessRMS)
        (allowedMaximum, allowedRMS) = (errors.allowedMaximum, errors.allowedRMS)
    }
}
