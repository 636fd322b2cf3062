internal import JSON

/// What the process that compiles Triton answers; see `python/hearth/triton_worker.py`.
package enum TritonReply: Hashable, Sendable {
    /// It is ready.
    case ready(version: String)
    /// A cubin of so many bytes follows.
    case compiled(byteCount: Int, sharedBytes: Int, name: String, threads: Int, scratchBytes: Int)
    /// It has no Triton.
    case missing(reason: String)
    /// It did not do what was asked.
    case refused(reason: String)

    /// Why bytes are no reply.
    package struct Malformed: Error, Hashable {
        package var reason: String
    }

    /// Most bytes of a cubin.
    private static let largest = 1 << 26

    /// Reads the bytes of a frame.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        let value: JSONValue
        do { value = try JSONReader().read(bytes) } catch { throw Malformed(reason: "\(error)") }
        guard let fields = value.objectValue, let isRight = fields["ok"]?.boolValue else {
            throw Malformed(reason: "no object with ok")
        }
        guard isRight else {
            let reason = fields["error"]?.stringValue ?? "no reason given"
            self = fields["code"]?.stringValue == "missing" ? .missing(reason: reason) : .refused(reason: reason)
            return
        }
        if let version = fields["version"]?.stringValue {
            self = .ready(version: version)
            return
        }
        func number(_ name: String, _ range: ClosedRange<Int>) throws(Malformed) -> Int {
            guard let value = fields[name]?.integerValue, let number = Int(exactly: value), range.contains(number)
            else { throw Malformed(reason: "\(name) is no number of \(range)") }
            return number
        }
        guard let name = fields["name"]?.stringValue else { throw Malformed(reason: "no name") }
        self = .compiled(
            byteCount: try number("bytes", 1...Self.largest), sharedBytes: try number("shared", 0...(1 << 24)),
            name: name, threads: try number("threads", 1...4096), scratchBytes: try number("scratch", 0...(1 << 30)))
    }
}
