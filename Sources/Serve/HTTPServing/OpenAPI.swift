import InferenceProtocol
import JSON

/// The description of a server's addresses (OpenAPI 3.1.0), at `/openapi.json`.
enum OpenAPI {
    /// The whole description, of a server with these models.
    static func document(version: String, models: [(name: String, version: String)]) -> JSONValue {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Hearth", "version": .string(version),
                "description": "Models behind the Open Inference Protocol, version 2, and embeddings in OpenAI's form.",
                "license": ["name": "as the server's", "identifier": "LicenseRef-Hearth"],
            ],
            "paths": .object(JSONObject(members: paths(models))), "components": ["schemas": .object(schemas)],
        ]
    }

    private static func paths(_ models: [(name: String, version: String)]) -> [JSONObject.Member] {
        let model = parameter("model", models.map(\.name)), version = parameter("version", models.map(\.version))
        let region = parameter("region")
        let infer = post(
            "An inference.", [model], "InferenceRequest", "InferenceResponse", [400, 404, 413, 415, 429, 503, 504])
        return [
            path("/v2/health/live", get("Whether the server runs.", [], nil, [])),
            path("/v2/health/ready", get("Whether all models are ready.", [], nil, [503])),
            path("/v2", get("The server.", [], "Server", [])),
            path("/v2/models/{model}", get("A model.", [model], "Model", [404, 503])),
            path("/v2/models/{model}/ready", get("Whether a model is ready.", [model], nil, [404, 503])),
            path("/v2/models/{model}/config", get("A model's configuration.", [model], "Object", [404, 503])),
            path("/v2/models/{model}/stats", get("What a model did.", [model], "Object", [404, 503])),
            path("/v2/models/stats", get("What the models did.", [], "Object", [])),
            path("/v2/models/{model}/infer", infer),
            path(
                "/v2/models/{model}/versions/{version}",
                get("A version of a model.", [model, version], "Model", [404, 503])),
            path(
                "/v2/models/{model}/versions/{version}/infer",
                post(
                    "An inference of a version.", [model, version], "InferenceRequest", "InferenceResponse",
                    [400, 404, 413, 415, 429, 503, 504])),
            path(
                "/v2/repository/index",
                post("Models and their states.", [], "IndexRequest", "Index", [400, 413, 415], isRequired: false)),
            path(
                "/v2/repository/models/{model}/load",
                post("Loads a model.", [model], "Object", "Object", [400, 403, 404, 413, 415, 503], isRequired: false)),
            path(
                "/v2/repository/models/{model}/unload",
                post(
                    "Unloads a model.", [model], "Object", "Object", [400, 403, 404, 413, 415, 503], isRequired: false)),
            path("/v2/systemsharedmemory/status", get("Regions of shared memory.", [], "Regions", [])),
            path(
                "/v2/systemsharedmemory/region/{region}/status",
                get("A region of shared memory.", [region], "Regions", [400])),
            path(
                "/v2/systemsharedmemory/region/{region}/register",
                post("Registers shared memory.", [region], "Region", "Object", [400, 403, 413, 415])),
            path(
                "/v2/systemsharedmemory/region/{region}/unregister",
                post("Forgets a region.", [region], "Object", "Object", [400, 413, 415], isRequired: false)),
            path(
                "/v2/systemsharedmemory/unregister",
                post("Forgets all regions.", [], "Object", "Object", [400, 413, 415], isRequired: false)),
            path(
                "/v1/embeddings",
                post(
                    "Texts as vectors.", [], "EmbeddingsRequest", "Object", [400, 404, 413, 415, 429, 503, 504],
                    error: "OpenAIError")),
            path("/v1/models", get("Models.", [], "Object", [])),
            path("/v1/models/{model}", get("A model.", [model], "Object", [404, 503], error: "OpenAIError")),
            path("/metrics", get("Metrics for Prometheus.", [], nil, [], type: "text/plain")),
            path("/openapi.json", get("This description.", [], "Object", [])),
        ]
    }

    private static func path(_ path: String, _ operation: JSONObject.Member) -> JSONObject.Member {
        .init(name: path, value: .object(JSONObject(members: [operation])))
    }

    private static func reference(_ schema: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(schema)")] }

    private static func parameter(_ name: String, _ values: [String] = []) -> JSONValue {
        var distinct: [String] = []
        for value in values where !distinct.contains(value) { distinct.append(value) }
        let schema: JSONValue =
            distinct.isEmpty
            ? ["type": "string", "minLength": 1] : ["type": "string", "enum": .array(distinct.map { .string($0) })]
        return ["name": .string(name), "in": "path", "required": true, "schema": schema]
    }

    private static func responses(
        _ schema: String?, _ failures: [Int], _ error: String, type: String = "application/json"
    ) -> JSONValue {
        var found = JSONObject()
        var success: JSONObject = ["description": "Done."]
        if let schema {
            success.members.append(
                .init(
                    name: "content",
                    value: .object(
                        JSONObject(members: [
                            .init(name: type, value: ["schema": reference(schema)])
                        ]))))
        } else if type != "application/json" {
            success.members.append(
                .init(
                    name: "content",
                    value: .object(
                        JSONObject(members: [
                            .init(name: type, value: ["schema": ["type": "string"]])
                        ]))))
        }
        found.members.append(.init(name: "200", value: .object(success)))
        for status in failures {
            // Whether something is ready is said without a body.
            let isBare = schema == nil && status == 503
            var failure: JSONObject = ["description": "Why not."]
            if !isBare {
                failure.members.append(
                    .init(name: "content", value: ["application/json": ["schema": reference(error)]]))
            }
            found.members.append(.init(name: "\(status)", value: .object(failure)))
        }
        return .object(found)
    }

    private static func get(
        _ summary: String, _ parameters: [JSONValue], _ schema: String?, _ failures: [Int], error: String = "Error",
        type: String = "application/json"
    ) -> JSONObject.Member {
        .init(
            name: "get",
            value: [
                "summary": .string(summary), "parameters": .array(parameters),
                "responses": responses(schema, failures, error, type: type),
            ])
    }

    private static func post(
        _ summary: String, _ parameters: [JSONValue], _ body: String, _ schema: String, _ failures: [Int],
        isRequired: Bool = true, error: String = "Error"
    ) -> JSONObject.Member {
        .init(
            name: "post",
            value: [
                "summary": .string(summary), "parameters": .array(parameters),
                "requestBody": [
                    "required": .bool(isRequired), "content": ["application/json": ["schema": reference(body)]],
                ],
                "responses": responses(schema, failures, error),
            ])
    }
}
