import HTTPServing
import ModelServer
import Testing

/// Addresses and methods.
@Suite struct RouteTests {
    static let routes: [(String, String, Route)] = [
        ("GET", "/v2", .server),
        ("GET", "/v2/", .server),
        ("HEAD", "/v2/health/live", .live),
        ("GET", "/v2/health/ready", .ready),
        ("GET", "/v2/models/m", .model(.init(name: "m"))),
        ("GET", "/v2/models/a%20b%C3%A9", .model(.init(name: "a bé"))),
        ("GET", "/v2/models/m/versions/3", .model(.init(name: "m", version: "3"))),
        ("GET", "/v2/models/m/ready", .modelReady(.init(name: "m"))),
        ("GET", "/v2/models/m/versions/3/ready", .modelReady(.init(name: "m", version: "3"))),
        ("GET", "/v2/models/m/config", .modelConfiguration(.init(name: "m"))),
        ("GET", "/v2/models/stats", .statistics(nil)),
        ("GET", "/v2/models/m/stats", .statistics(.init(name: "m"))),
        ("POST", "/v2/models/m/infer", .infer(.init(name: "m"))),
        ("POST", "/v2/models/m/versions/3/infer", .infer(.init(name: "m", version: "3"))),
        ("POST", "/v2/repository/index", .index),
        ("POST", "/v2/repository/models/m/load", .load("m")),
        ("POST", "/v2/repository/models/m/unload", .unload("m")),
        ("GET", "/v2/systemsharedmemory/status", .regions(nil)),
        ("GET", "/v2/systemsharedmemory/region/r/status", .regions("r")),
        ("POST", "/v2/systemsharedmemory/region/r/register", .register("r")),
        ("POST", "/v2/systemsharedmemory/region/r/unregister", .unregister("r")),
        ("POST", "/v2/systemsharedmemory/unregister", .unregister(nil)),
        ("GET", "/openapi.json", .openAPI),
        ("GET", "/metrics", .metrics),
        ("POST", "/v1/embeddings", .embeddings),
        ("GET", "/v1/models", .openAIModels(nil)),
        ("GET", "/v1/models/m", .openAIModels("m")),
    ]

    @Test(arguments: routes.indices) func isFound(_ index: Int) throws {
        let (method, path, route) = Self.routes[index]
        #expect(try Route(method: method, path: path) == route)
    }

    static let wrong: [(String, String, Int, String)] = [
        ("GET", "/", 404, "there is nothing at /"),
        ("GET", "/v1", 404, "there is nothing at /v1"),
        ("GET", "/v2/models", 404, "there is nothing at /v2/models"),
        ("GET", "/v2/models/m/%zz", 404, "there is nothing at /v2/models/m/%zz"),
        ("GET", "/v2/models/%ff", 404, "there is nothing at /v2/models/%ff"),
        ("GET", "/v2/models/m/infer", 405, "/v2/models/m/infer takes POST"),
        ("POST", "/v2", 405, "/v2 takes GET"),
        ("POST", "/v2/models/m/infer/more", 404, "there is nothing at /v2/models/m/infer/more"),
        ("GET", "/v2/models/m/versions", 404, "there is nothing at /v2/models/m/versions"),
        ("POST", "/v2/repository/models/m/drop", 404, "there is nothing at /v2/repository/models/m/drop"),
    ]

    @Test(arguments: wrong.indices) func saysWhatIsWrong(_ index: Int) throws {
        let (method, path, status, message) = Self.wrong[index]
        let error = #expect(throws: ServeError.self) { try Route(method: method, path: path) }
        #expect(error?.status == status && error?.description == message)
    }
}
