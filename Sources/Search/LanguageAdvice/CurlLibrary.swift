internal import CCurl
internal import Glibc

/// libcurl's functions, opened once a process and only where an endpoint was named.
struct CurlLibrary: @unchecked Sendable {
    // Safety: a table of functions that is written once; the library itself is never closed.
    let call: HearthCurl

    /// The library that `HEARTH_CURL` names, or the one that the loader finds; or why there is none, in one line.
    static let shared: Result<CurlLibrary, ChatFault> = load()

    private static func load() -> Result<CurlLibrary, ChatFault> {
        let named = getenv("HEARTH_CURL").map { [String(cString: $0)] }
        var reasons: [String] = []
        for name in named ?? ["libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"] {
            var table = HearthCurl()
            var error = [CChar](repeating: 0, count: 512)
            if hearth_open_curl(&table, name, &error, error.count) == 0 { return .success(CurlLibrary(call: table)) }
            reasons.append(text(error))
        }
        return .failure(.noLibrary(reason: reasons[0]))
    }

    /// A text that C wrote.
    static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
