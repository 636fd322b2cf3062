import InferenceProtocol
import JSON

extension OpenAPI {
    /// What bodies look like.
    static var schemas: JSONObject {
        let text: JSONValue = ["type": "string"], name: JSONValue = ["type": "string", "minLength": 1]
        let count: JSONValue = ["type": "integer", "minimum": 0, "maximum": 140_737_488_355_327]
        let flag: JSONValue = ["type": "boolean"]
        let datatype: JSONValue = ["type": "string", "enum": .array(Datatype.names.map { .string($0) })]
        let shape: JSONValue = ["type": "array", "items": count, "maxItems": 63]
        let place: JSONObject = [
            "shared_memory_region": text, "shared_memory_offset": count, "shared_memory_byte_size": count,
        ]
        func with(_ more: JSONObject) -> JSONValue {
            object(JSONObject(members: more.members + place.members), required: [])
        }
        return [
            "Object": ["type": "object"],
            "Error": object(["error": text], required: ["error"]),
            "OpenAIError": object(
                ["error": object(["message": text, "type": text], required: ["message", "type"])], required: ["error"]),
            "Server": object(
                ["name": text, "version": text, "extensions": ["type": "array", "items": text]],
                required: ["name", "version", "extensions"]),
            "Port": object(
                ["name": text, "datatype": datatype, "shape": ["type": "array", "items": ["type": "integer"]]],
                required: ["name", "datatype", "shape"]),
            "Model": object(
                [
                    "name": text, "versions": ["type": "array", "items": text], "platform": text,
                    "inputs": list("Port"), "outputs": list("Port"),
                ], required: ["name", "platform", "inputs", "outputs"]),
            "InferenceRequest": object(
                [
                    "id": text,
                    "parameters": object(
                        [
                            "priority": count, "timeout": count, "binary_data_output": flag,
                            // A package's state belongs to one session.
                            "sequence_id": ["enum": [0, ""]], "sequence_start": ["const": false],
                            "sequence_end": ["const": false],
                        ], required: []),
                    "inputs": [
                        "type": "array", "maxItems": 1024,
                        "items": object(
                            [
                                "name": name, "datatype": datatype, "shape": shape, "data": ["type": "array"],
                                "parameters": with(["binary_data_size": count]),
                            ], required: ["name", "datatype", "shape"]),
                    ],
                    "outputs": [
                        "type": "array", "maxItems": 1024,
                        "items": object(
                            [
                                "name": name,
                                "parameters": with(["binary_data": flag, "classification": count]),
                            ], required: ["name"]),
                    ],
                ], required: ["inputs"]),
            "InferenceResponse": object(
                [
                    "model_name": text, "model_version": text, "id": text,
                    "outputs": [
                        "type": "array",
                        "items": object(
                            ["name": text, "datatype": text, "shape": shape, "data": ["type": "array"]],
                            required: ["name", "datatype", "shape"]),
                    ],
                ], required: ["model_name", "outputs"]),
            "IndexRequest": object(["ready": flag], required: []),
            "Index": [
                "type": "array",
                "items": object(
                    ["name": text, "version": text, "state": text, "reason": text],
                    required: ["name", "version", "state", "reason"]),
            ],
            "Region": object(
                ["key": name, "offset": count, "byte_size": ["type": "integer", "minimum": 1]],
                required: ["key", "byte_size"]),
            "Regions": [
                "type": "array",
                "items": object(
                    ["name": text, "key": text, "offset": count, "byte_size": count],
                    required: ["name", "key", "offset", "byte_size"]),
            ],
            "EmbeddingsRequest": object(
                [
                    "model": name,
                    "input": [
                        "anyOf": [
                            text, ["type": "array", "items": text, "minItems": 1, "maxItems": 2048],
                            ["type": "array", "items": token, "minItems": 1],
                            [
                                "type": "array", "minItems": 1, "maxItems": 2048,
                                "items": ["type": "array", "items": token, "minItems": 1],
                            ],
                        ]
                    ],
                    "encoding_format": ["enum": ["float", "base64"]],
                    "dimensions": ["type": "integer", "minimum": 1],
                ], required: ["model", "input"]),
        ]
    }

    private static var token: JSONValue { ["type": "integer", "minimum": 0, "maximum": 2_147_483_647] }

    /// Members that may be missing may be null too.
    private static func nullable(_ properties: JSONObject, but required: [String]) -> JSONObject {
        JSONObject(
            members: properties.members.map { member in
                required.contains(member.name)
                    ? member : .init(name: member.name, value: ["anyOf": [member.value, ["type": "null"]]])
            })
    }

    private static func list(_ schema: String) -> JSONValue {
        ["type": "array", "items": ["$ref": .string("#/components/schemas/\(schema)")]]
    }

    private static func object(_ properties: JSONObject, required: [String]) -> JSONValue {
        [
            "type": "object", "properties": .object(nullable(properties, but: required)),
            "required": .array(required.map { .string($0) }),
        ]
    }
}
