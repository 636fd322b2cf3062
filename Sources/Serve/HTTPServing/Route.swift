import ModelServer

/// What an address and a method ask for.
package enum Route: Sendable, Equatable {
    /// `GET /v2/health/live`.
    case live
    /// `GET /v2/health/ready`.
    case ready
    /// `GET /v2`.
    case server
    /// `GET /v2/models/{model}[/versions/{version}]`.
    case model(ModelName)
    /// `GET …/ready`.
    case modelReady(ModelName)
    /// `GET …/config`.
    case modelConfiguration(ModelName)
    /// `GET …/stats`, or `/v2/models/stats` for all.
    case statistics(ModelName?)
    /// `POST …/infer`.
    case infer(ModelName)
    /// `POST /v2/repository/index`.
    case index
    /// `POST /v2/repository/models/{model}/load`.
    case load(String)
    /// `POST /v2/repository/models/{model}/unload`.
    case unload(String)
    /// `GET /v2/systemsharedmemory[/region/{region}]/status`.
    case regions(String?)
    /// `POST /v2/systemsharedmemory/region/{region}/register`.
    case register(String)
    /// `POST /v2/systemsharedmemory[/region/{region}]/unregister`.
    case unregister(String?)
    /// `GET /openapi.json`.
    case openAPI
    /// `GET /metrics`.
    case metrics
    /// `POST /v1/embeddings`.
    case embeddings
    /// `GET /v1/models`, or `/v1/models/{model}` for one.
    case openAIModels(String?)

    /// A model and perhaps a version of it.
    package struct ModelName: Sendable, Equatable {
        /// Name.
        package var name: String
        /// Version; nil for the newest.
        package var version: String?

        /// A model, or one of its versions.
        package init(name: String, version: String? = nil) { (self.name, self.version) = (name, version) }
    }

    /// Finds the route of a method and a path without its query. Throws `notFound` and `wrongMethod`.
    package init(method: String, path: String) throws(ServeError) {
        var parts: [String] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true) {
            guard let text = Self.decoded(part) else { throw .notFound(path) }
            parts.append(text)
        }
        guard let (route, allowed) = Self.find(parts) else { throw .notFound(path) }
        guard method == allowed || method == "HEAD" && allowed == "GET" else {
            throw .wrongMethod(path, allowed: allowed)
        }
        self = route
    }

    private static func find(_ parts: [String]) -> (Route, String)? {
        if parts == ["openapi.json"] { return (.openAPI, "GET") }
        if parts == ["metrics"] { return (.metrics, "GET") }
        if parts.first == "v1" {
            switch parts.dropFirst() {
            case ["embeddings"]: return (.embeddings, "POST")
            case ["models"]: return (.openAIModels(nil), "GET")
            case let rest where rest.count == 2 && rest.first == "models": return (.openAIModels(parts[2]), "GET")
            default: return nil
            }
        }
        guard parts.first == "v2" else { return nil }
        switch parts.dropFirst() {
        case []: return (.server, "GET")
        case ["health", "live"]: return (.live, "GET")
        case ["health", "ready"]: return (.ready, "GET")
        case ["models", "stats"]: return (.statistics(nil), "GET")
        case ["repository", "index"]: return (.index, "POST")
        case ["systemsharedmemory", "status"]: return (.regions(nil), "GET")
        case ["systemsharedmemory", "unregister"]: return (.unregister(nil), "POST")
        default: break
        }
        if parts.count == 5, parts[1] == "repository", parts[2] == "models" {
            return parts[4] == "load"
                ? (.load(parts[3]), "POST") : parts[4] == "unload" ? (.unload(parts[3]), "POST") : nil
        }
        if parts.count == 5, parts[1] == "systemsharedmemory", parts[2] == "region" {
            switch parts[4] {
            case "status": return (.regions(parts[3]), "GET")
            case "register": return (.register(parts[3]), "POST")
            case "unregister": return (.unregister(parts[3]), "POST")
            default: return nil
            }
        }
        guard parts.count >= 3, parts[1] == "models" else { return nil }
        var name = ModelName(name: parts[2], version: nil)
        var rest = parts.dropFirst(3)
        if rest.count >= 2, rest.first == "versions" {
            name.version = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        switch rest {
        case []: return (.model(name), "GET")
        case ["ready"]: return (.modelReady(name), "GET")
        case ["config"]: return (.modelConfiguration(name), "GET")
        case ["stats"]: return (.statistics(name), "GET")
        case ["infer"]: return (.infer(name), "POST")
        default: return nil
        }
    }

    /// A part of a path with its percent escapes (RFC 3986, section 2.1) decoded; nil where they are wrong or what they say is no UTF-8.
    private static func decoded(_ part: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = part[...]
        func digit(_ byte: UInt8) -> UInt8? {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
