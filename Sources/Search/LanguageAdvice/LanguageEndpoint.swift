internal import Glibc

/// An endpoint that speaks OpenAI's chat-completions protocol, as the user named it. Nothing is sent anywhere else.
package struct LanguageEndpoint: Hashable, Sendable {
    /// The environment variable that holds the key, where the endpoint wants one.
    package static let keyVariable = "HEARTH_LLM_KEY"

    /// Where requests go: the address that was named, `/chat/completions` added where it lacks that.
    package let url: String
    /// Name of the model, as the endpoint knows it.
    package let model: String
    /// The endpoint is this machine itself.
    package let isLocal: Bool
    /// Whether nobody between can read what is sent.
    package let isPrivate: Bool

    private static let path = "/chat/completions"

    /// Reads an address such as `http://localhost:11434/v1`. Throws `EndpointError`.
    package init(url: String, model: String) throws(EndpointError) {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https", url.dropFirst(scheme.count).hasPrefix("://") else {
            throw EndpointError("--llm '\(url.oneLine(80))': write an address such as http://localhost:11434/v1")
        }
        let rest = url.dropFirst(scheme.count + 3)
        guard rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw EndpointError("--llm '\(url.oneLine(80))': an address has no spaces and only ASCII characters")
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        // What is named here is shown and recorded.
        if authority.contains("@") || rest.contains("?") || rest.contains("#") {
            throw EndpointError(
                "--llm: leave names, keys and queries out of the address; a key belongs in \(Self.keyVariable)")
        }
        let host = Self.host(authority)
        if host.isEmpty { throw EndpointError("--llm '\(url.oneLine(80))': the name of the machine is missing") }
        if model.isEmpty || model.oneLine(256) != model {
            throw EndpointError("--llm-model: name the model as the endpoint knows it")
        }
        var address = url
        while address.hasSuffix("/") { address.removeLast() }
        self.url = address.hasSuffix(Self.path) ? address : address + Self.path
        self.model = model
        isLocal = host == "localhost" || host == "::1" || Self.isLoopback(host)
        isPrivate = scheme == "https" || isLocal
    }

    /// The machine of an authority, without its port, in lower case.
    private static func host(_ authority: Substring) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return authority[authority.index(after: authority.startIndex)..<end].lowercased()
        }
        return authority.prefix { $0 != ":" }.lowercased()
    }

    /// 127.0.0.0/8: a name that only begins like that is another machine.
    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Takes the key out of the environment, so that no process that is started later is given it; nil where there is none. Throws
    /// where it cannot be sent safely.
    package func takeKey() throws(EndpointError) -> String? {
        guard let place = getenv(Self.keyVariable) else { return nil }
        let key = String(cString: place)
        // The bytes themselves, which others of this user could read from /proc.
        // Safety: `place` names the process's own copy of this variable, `strlen` bytes long, and no thread writes it beside us.
        memset(place, 0, strlen(place))
        unsetenv(Self.keyVariable)
        if key.isEmpty { return nil }
        guard key.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw EndpointError("\(Self.keyVariable) holds spaces or characters that no key has")
        }
        guard isPrivate else {
            throw EndpointError(
                "--llm: a key over http can be read on the way; use https, or unset \(Self.keyVariable) where none is needed"
            )
        }
        return key
    }
}

/// What the user must mend about an endpoint or a record, in one line.
package struct EndpointError: Error, Hashable, CustomStringConvertible {
    /// One line.
    package var description: String
    /// Makes an error.
    package init(_ description: String) { self.description = description }
}
