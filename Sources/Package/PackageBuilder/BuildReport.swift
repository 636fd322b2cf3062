import JSON
import KernelIR

/// `report.json`: what the stages took and what the search did to each kernel.
enum BuildReport {
    static func json(_ timings: [Pipeline.Timing], _ regions: [RegionReport]) -> JSONValue {
        let stages: [JSONValue] = timings.map {
            ["stage": .string($0.stage.rawValue), "seconds": .number($0.seconds)]
        }
        let kernels: [JSONValue] = regions.map { region in
            var members: [JSONObject.Member] = [
                .init(name: "kernel", value: .string(region.kernel)),
                .init(name: "share", value: .number(region.share)),
                .init(name: "trials", value: .integer(Int64(region.trials))),
                .init(name: "schedule", value: .string(region.schedule.description)),
                .init(name: "agent", value: .string(region.agent)),
            ]
            if let seconds = region.defaultSeconds {
                members.append(.init(name: "default_seconds", value: .number(seconds)))
            }
            if let seconds = region.bestSeconds { members.append(.init(name: "best_seconds", value: .number(seconds))) }
            if !region.note.isEmpty { members.append(.init(name: "note", value: .string(region.note))) }
            if !region.refusals.isEmpty {
                let counts = region.refusals.sorted { $0.key < $1.key }
                    .map { JSONObject.Member(name: $0.key, value: .integer(Int64($0.value))) }
                members.append(.init(name: "refusals", value: .object(JSONObject(members: counts))))
            }
            return .object(JSONObject(members: members))
        }
        return ["stages": .array(stages), "kernels": .array(kernels)]
    }
}
