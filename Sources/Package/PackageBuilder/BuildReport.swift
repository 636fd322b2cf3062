import JSON
import KernelIR
import ModelPackage

/// `report.json`: what the stages took and what the search did to each kernel.
package enum BuildReport {
    /// Name of the fact that a vendor's library failed and is left out, as a whole or for one call.
    package static let libraryFailed = "library_failed"

    /// Name of the fact that kernels compute their products in another way than their element type says.
    package static let arithmetic = "arithmetic"

    /// Name of the fact that no inputs were recorded, so that nothing holds the package to the model.
    package static let notHeld = "not_held"

    /// `stated` are facts about weights in fewer bits, about arithmetic and about libraries that are called.
    static func json(
        _ timings: [Pipeline.Timing], _ findings: Pipeline.Findings, _ stated: [Manifest.Fact] = []
    ) -> JSONValue {
        func facts(_ areCalls: Bool) -> JSONValue {
            .array(
                stated.filter { ["calls", libraryFailed].contains($0.name) == areCalls }
                    .map { .string("\($0.name): \($0.value)") })
        }
        let stages: [JSONValue] = timings.map {
            ["stage": .string($0.stage.rawValue), "seconds": .number($0.seconds)]
        }
        let kernels: [JSONValue] = findings.regions.map { region in
            var members: [JSONObject.Member] = [
                .init(name: "region", value: .string(region.name)),
                .init(name: "kernel", value: .string(region.kernel)),
                .init(name: "share", value: .number(region.share)),
                .init(name: "trials", value: .integer(Int64(region.trials))),
                .init(name: "schedule", value: .string(region.schedule.description)),
                .init(name: "agent", value: .string(region.agent)),
                .init(name: "verified_by", value: .string(region.verification == .judge ? "judge" : "whole model")),
            ]
            if let seconds = region.defaultSeconds {
                members.append(.init(name: "default_seconds", value: .number(seconds)))
            }
            if let seconds = region.bestSeconds { members.append(.init(name: "best_seconds", value: .number(seconds))) }
            if !region.note.isEmpty { members.append(.init(name: "note", value: .string(region.note))) }
            if !region.refusals.isEmpty {
                members.append(.init(name: "refusals", value: counts(region.refusals)))
            }
            return .object(JSONObject(members: members))
        }
        // Without a search no kernel is judged: default schedules stand for themselves until the whole model is compared.
        let verification = JSONValue.string(findings.regions.isEmpty ? "whole model" : "every kernel as stated")
        let sandbox = JSONValue.array(findings.sandbox.map { .string($0) })
        guard let cover = findings.cover else {
            return [
                "stages": .array(stages), "sandbox": sandbox, "kernels_verified_by": verification,
                "precision": facts(false),
                "libraries": facts(true), "kernels": .array(kernels),
            ]
        }
        return [
            "stages": .array(stages), "sandbox": sandbox, "cover": json(cover), "kernels_verified_by": verification,
            "precision": facts(false), "libraries": facts(true), "kernels": .array(kernels),
        ]
    }

    private static func json(_ cover: CoverReport) -> JSONValue {
        var members: [JSONObject.Member] = [
            .init(name: "winner", value: .string(cover.winner)), .init(name: "agent", value: .string(cover.agent)),
            .init(name: "trials", value: .integer(Int64(cover.trials))),
            .init(name: "decisions", value: .array(cover.choices.map { .string($0.name) })),
            .init(name: "refusals", value: counts(cover.refusals)),
        ]
        if let seconds = cover.defaultSeconds {
            members.append(.init(name: "default_seconds", value: .number(seconds)))
        }
        if let seconds = cover.bestSeconds { members.append(.init(name: "best_seconds", value: .number(seconds))) }
        return .object(JSONObject(members: members))
    }

    private static func counts(_ refusals: [String: Int]) -> JSONValue {
        .object(
            JSONObject(
                members: refusals.sorted { $0.key < $1.key }
                    .map { JSONObject.Member(name: $0.key, value: .integer(Int64($0.value))) }))
    }
}
