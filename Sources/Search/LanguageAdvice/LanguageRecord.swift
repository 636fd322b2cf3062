internal import Glibc
internal import JSON
internal import Synchronization

/// A file of questions and answers, written as they come. What it is asked to keep and cannot, it says once.
package final class LanguageRecord: Sendable {
    /// First member of the first line, and the version of what follows.
    static let format = "hearth-language"
    static let version: Int64 = 1

    package let path: String
    private let descriptor: Mutex<Int32>

    /// Makes the file, which must not be there yet. Throws `EndpointError`.
    package init(path: String, endpoint: LanguageEndpoint) throws(EndpointError) {
        self.path = path
        // Kernels and machines are nobody else's business.
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw EndpointError("cannot write the record \(path): \(String(cString: strerror(errno)))")
        }
        descriptor = Mutex(file)
        let header: JSONValue = [
            "format": .string(Self.format), "version": .integer(Self.version), "endpoint": .string(endpoint.url),
            "model": .string(endpoint.model),
        ]
        guard append(header) else {
            throw EndpointError("cannot write the record \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { _ = descriptor.withLock { close($0) } }

    /// Keeps an exchange; false where the disk does not take it.
    func append(_ exchange: LanguageExchange) -> Bool { append(exchange.json) }

    private func append(_ value: JSONValue) -> Bool {
        let line = Array((value.text + "\n").utf8)
        return descriptor.withLock { file in
            line.withUnsafeBytes { bytes in
                var rest = bytes
                while !rest.isEmpty {
                    let count = write(file, rest.baseAddress, rest.count)
                    if count < 0, errno == EINTR { continue }
                    if count <= 0 { return false }
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                }
                return true
            }
        }
    }
}

/// Answers from a record, without any network: of each kernel in the order in which they were given.
package final class RecordedAnswers: ChatTransport {
    package let name: String
    /// How many answers are left of each kernel, the next one last.
    private let left: Mutex<[String: [Result<String, ChatFault>]]>

    /// Reads a record's text; `path` names it. Throws `EndpointError`, with the line.
    package init(_ text: String, path: String) throws(EndpointError) {
        name = "the record \(path)"
        var answers: [String: [Result<String, ChatFault>]] = [:]
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        for (number, line) in lines.enumerated() {
            func fault(_ reason: String) -> EndpointError { EndpointError("\(path), line \(number + 1): \(reason)") }
            let object: JSONObject
            do {
                guard let found = try JSONReader(depthLimit: 64).read(String(line)).objectValue else {
                    throw fault("it is no JSON object")
                }
                object = found
            } catch let error as JSONError {
                throw fault("\(error)")
            } catch let error as EndpointError {
                throw error
            } catch {
                throw fault("\(error)")
            }
            if number == 0 {
                guard object["format"]?.stringValue == LanguageRecord.format else {
                    throw fault("it is no record of questions to a language model")
                }
                guard object["version"]?.integerValue == LanguageRecord.version else {
                    throw fault("it is of another version than \(LanguageRecord.version)")
                }
                continue
            }
            guard let kernel = object["kernel"]?.stringValue else { throw fault("it lacks 'kernel'") }
            if let answer = object["answer"]?.stringValue {
                answers[kernel, default: []].append(.success(answer))
            } else if let failure = object["failure"]?.stringValue {
                answers[kernel, default: []].append(.failure(.recorded(failure.oneLine(300))))
            } else {
                throw fault("it has neither 'answer' nor 'failure'")
            }
        }
        if lines.isEmpty { throw EndpointError("\(path) is empty: it is no record of questions to a language model") }
        left = Mutex(answers.mapValues { $0.reversed() })
    }

    package func answer(_ messages: [ChatMessage], region: String, key: String) async -> Result<String, ChatFault> {
        left.withLock { $0[key]?.popLast() } ?? .failure(.notRecorded(region: region))
    }
}
