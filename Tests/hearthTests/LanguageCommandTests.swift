import Foundation
import JSON
import KernelArchive
import Testing
import TestSupport

/// `hearth optimize --llm`: the whole way from the command over HTTP to the judge, the archive and the package, and back by a replay.
@Suite struct LanguageCommandTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelImportTests/Fixtures").path

    private static func optimize(
        _ arguments: [String], in folder: String, environment: [String: String] = [:], archive: String = "trials.sqlite"
    ) throws -> HearthProcess.Outcome {
        try HearthProcess.run(
            [
                "optimize", "\(fixtures)/f64.middle.pt2", "-i", "\(fixtures)/f64.golden.safetensors", "-o", "m.hearth",
                "--archive", archive, "--trials", "16", "--plain", "--only", "region.0",
            ] + arguments, in: folder, environment: environment)
    }

    private static func answer(_ content: String) -> String {
        let value: JSONValue = ["choices": [["message": ["role": "assistant", "content": .string(content)]]]]
        return value.text
    }

    /// A schedule from the table of choices in a request: the second value of the first choice that has one and always means something.
    private static func schedule(_ body: String) -> String? {
        let messages = (try? JSONReader().read(body))?.objectValue?["messages"]?.arrayValue
        let text = messages?.last?.objectValue?["content"]?.stringValue ?? ""
        let table = text.split(separator: "# Choices, the default value first\n").last?.split(separator: "\n\n").first
        for line in (table ?? "").split(separator: "\n") where !line.contains(";") {
            let parts = line.split(separator: ": ")
            let values = parts.count == 2 ? parts[1].split(separator: ", ") : []
            let number = values.count > 1 ? values[1].prefix { $0 != " " } : ""
            if let value = Int(number) { return "{\"\(parts[0].prefix { $0 != " " })\": \(value)}" }
        }
        return nil
    }

    /// What is proposed is judged, remembered and reported like any other's; the key is nowhere; a replay searches the same without a
    /// network.
    @Test func anEndpointIsAskedAndReplayed() throws {
        let key = "sk-\(UUID().uuidString)"
        let server = try #require(
            ChatServer { request in
                guard let schedule = Self.schedule(request.body) else { return (500, [], "no table of choices") }
                return (
                    200, [],
                    Self.answer("Try this:\n```json\n{\"schedules\": [\(schedule), {\"frob\": 1}, \(schedule)]}\n```")
                )
            })
        defer { server.stop() }
        try HearthProcess.withFolder { folder in
            let url = "http://127.0.0.1:\(server.port)/v1"
            let live = try Self.optimize(
                ["--llm", url, "--llm-model", "tuner", "--llm-record", "said.jsonl"], in: folder,
                environment: ["HEARTH_LLM_KEY": key])
            try #require(live.code == 0, "\(live.errors)")
            let requests = server.requests
            try #require(!requests.isEmpty)
            #expect(requests.allSatisfy { $0.headers["authorization"] == "Bearer \(key)" })
            #expect(
                live.errors.contains(
                    "note: A LANGUAGE MODEL IS ASKED, at \(url)/chat/completions (tuner), with the key"))
            #expect(
                live.errors.contains(
                    "language model: request 1 SENT to \(url)/chat/completions (tuner) about region.0: 1 schedule"))
            #expect(live.errors.contains("there is no choice 'frob'"))
            #expect(live.errors.contains("was sent \(requests.count) request"))
            // The judge had it, and the archive keeps it.
            let archive = try KernelArchive(path: "\(folder)/trials.sqlite")
            let own = archive.records.filter { $0.agent.hasSuffix("language") }
            #expect(!own.isEmpty)
            // What was timed is remembered with what else is known of it: here the size of its code, and rates where they are known.
            let timed = archive.records.filter { $0.samples != nil }
            #expect(!timed.isEmpty && timed.allSatisfy { $0.profile["code_bytes"] ?? 0 > 0 }, "\(archive.records)")
            #expect(timed.allSatisfy { $0.profile["memory_share"] ?? 0 > 0 && $0.profile["registers"] == nil })
            archive.close()
            let events = try String(contentsOfFile: "\(folder)/m.hearth/search.jsonl", encoding: .utf8)
            #expect(events.contains("\"event\":\"advice\"") && events.contains("\"agent\":\"language\""))
            let page = try String(contentsOfFile: "\(folder)/m.hearth/report.html", encoding: .utf8)
            #expect(page.contains("<dt>Language model</dt>"))
            // Nowhere in what is left, nor in what was said.
            for path in try FileManager.default.subpathsOfDirectory(atPath: folder) {
                let bytes = (try? Data(contentsOf: URL(filePath: "\(folder)/\(path)"))) ?? Data()
                #expect(bytes.range(of: Data(key.utf8)) == nil, "\(path)")
            }
            #expect(!(live.output + live.errors).contains(key))
            let replay = try Self.optimize(
                ["--llm-replay", "said.jsonl"], in: folder, archive: "others.sqlite")
            try #require(replay.code == 0, "\(replay.errors)")
            #expect(server.requests.count == requests.count)
            #expect(replay.errors.contains("answers come from the record said.jsonl; nothing is sent anywhere"))
            let again = try KernelArchive(path: "\(folder)/others.sqlite")
            let first = own.map(\.key.schedule).first
            #expect(again.records.contains { $0.agent.hasSuffix("language") && $0.key.schedule == first })
        }
    }

    /// Source text is shown and written only where it was asked for; what breaks a rule or is wrong is refused, and the package is right.
    @Test(arguments: ["cpu", "opencl"]) func sourceTextIsJudged(_ device: String) throws {
        let server = try #require(
            ChatServer { request in
                let messages = (try? JSONReader().read(request.body))?.objectValue?["messages"]?.arrayValue
                let text = messages?.last?.objectValue?["content"]?.stringValue ?? ""
                guard let start = text.range(of: "```c\n"), let end = text[start.upperBound...].range(of: "```") else {
                    return (200, [], Self.answer("{\"schedules\": []}"))
                }
                let shown = String(text[start.upperBound..<end.lowerBound])
                // One that computes nothing, and one that includes.
                let idle =
                    shown.contains("KERNEL(")
                    ? "FORCE void candidate_idle() {}\nKERNEL("
                        + shown.split(separator: "\nKERNEL(").last!.prefix { $0 != "{" }
                        + "{ candidate_idle(); }\n"
                    : shown.replacing("{\n", with: "{\nif (parts > 0) return 0;\n")
                return (200, [], Self.answer("```c\n\(idle)```\nor\n```c\n#include <stdio.h>\n\(shown)```"))
            })
        defer { server.stop() }
        try HearthProcess.withFolder { folder in
            let url = "http://127.0.0.1:\(server.port)/v1"
            let live = try Self.optimize(
                [
                    "--llm", url, "--llm-model", "tuner", "--llm-record", "said.jsonl", "--llm-source", "--device",
                    device,
                ],
                in: folder)
            if device == "opencl", live.code == 1, live.errors.contains("no device 'opencl'") { return }
            try #require(live.code == 0, "\(live.errors)")
            #expect(live.errors.contains("note: source text is asked for too"))
            #expect(
                live.errors.contains("1 schedule in ")
                    && live.errors.contains(", 1 of them source text; not used: text 2: the line '# include"))
            let events = try String(contentsOfFile: "\(folder)/m.hearth/search.jsonl", encoding: .utf8)
            let trial = events.split(separator: "\n").first { $0.contains("text=1") && $0.contains("\"trial\"") }
            #expect(trial?.contains("\"verdict\":\"refused\"") == true, "\(trial ?? "")")
            let archive = try KernelArchive(path: "\(folder)/trials.sqlite")
            #expect(!archive.records.isEmpty && !archive.records.contains { $0.key.schedule.contains("text") })
            archive.close()
            // A record answers the same; without the option texts are no answer.
            let replay = try Self.optimize(
                ["--llm-replay", "said.jsonl", "--llm-source", "--device", device], in: folder, archive: "a.sqlite")
            #expect(replay.code == 0 && replay.errors.contains("1 of them source text"), "\(replay.errors)")
            let without = try Self.optimize(
                ["--llm-replay", "said.jsonl", "--device", device], in: folder, archive: "b.sqlite")
            #expect(without.code == 0 && !without.errors.contains("source text"), "\(without.errors)")
        }
    }

    /// Whatever the endpoint does, the search finds what it finds without it.
    @Test(arguments: [
        (401, "wants another key than that of HEARTH_LLM_KEY: who are you"),
        (429, "has had enough requests (429): who are you"), (500, "the endpoint failed (500): who are you"),
        (0, "no connection: "), (200, "the answer is none of the chat-completions protocol"),
    ])
    func aFaultyEndpointIsOneLine(_ status: Int, _ reason: String) throws {
        let server = try #require(ChatServer { _ in (status, [], "{\"error\": {\"message\": \"who are you\"}}") })
        if status == 0 {
            server.stop()
            for _ in 0..<1000 where server.isOpen { usleep(1000) }
        }
        defer { server.stop() }
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize(
                ["--llm", "http://127.0.0.1:\(server.port)/v1", "--llm-model", "tuner"], in: folder)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(
                outcome.errors.contains("note: A LANGUAGE MODEL IS ASKED") && outcome.errors.contains("without a key"))
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("language model: request") }
            #expect(lines.count == 1 && lines[0].contains(reason), "\(lines)")
            #expect(lines.first?.hasSuffix("; the search goes on without it") == true)
            #expect(server.requests.count == (status == 0 ? 0 : 1))
            // Beside the archive, by default.
            let records = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                $0.hasPrefix("language-")
            }
            #expect(records.count == 1 && records[0].hasSuffix(".jsonl"), "\(records)")
        }
    }

    /// A key alone sends nothing.
    @Test func withoutAnEndpointNobodyIsAsked() throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize([], in: folder, environment: ["HEARTH_LLM_KEY": "sk-1"])
            #expect(outcome.code == 0 && !outcome.errors.lowercased().contains("language model"), "\(outcome.errors)")
            let events = try String(contentsOfFile: "\(folder)/m.hearth/search.jsonl", encoding: .utf8)
            #expect(!events.contains("language"))
        }
    }

    @Test(arguments: [
        (["--llm", "http://localhost/v1"], 2, "--llm needs --llm-model"),
        (["--llm-model", "m"], 2, "--llm-model needs --llm"),
        (["--llm", "http://localhost/v1", "--llm-model", "m", "--llm-replay", "r"], 2, "give one of them"),
        (["--llm-record", "r"], 2, "--llm-record needs --llm"),
        (["--llm-source"], 2, "--llm-source needs --llm or --llm-replay"),
        (["--llm", "http://localhost/v1", "--llm-model", "m", "--trials", "0"], 2, "give --trials 1 or more"),
        (["--llm", "localhost:1", "--llm-model", "m"], 1, "write an address such as"),
        (["--llm", "http://gpu.local/v1", "--llm-model", "m"], 1, "a key over http can be read on the way"),
        (["--llm-replay", "missing.jsonl"], 1, "missing.jsonl"),
        (
            ["--llm", "http://localhost/v1", "--llm-model", "m", "--llm-record", "/no/such/r"], 1,
            "cannot write the record"
        ),
    ])
    func whatCannotBeMeantIsOneLine(_ arguments: [String], _ code: Int32, _ reason: String) throws {
        try HearthProcess.withFolder { folder in
            let outcome = try Self.optimize(arguments, in: folder, environment: ["HEARTH_LLM_KEY": "sk-1"])
            #expect(outcome.code == code && outcome.errors.contains(reason), "\(outcome.errors)")
        }
    }
}
