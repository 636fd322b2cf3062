/// Texts of kernels in a language model's answer.
package enum SourceAnswer {
    private static let languages: Set<String> = ["c", "h", "cpp", "c++", "cuda", "cu", "opencl", "cl"]

    /// What stands in code fences that say so, the first `SchedulePrompt.mostTexts` of them, and how many more there are.
    package static func texts(_ answer: String) -> (texts: [String], left: Int) {
        var found: [String] = []
        let answer = ScheduleAnswer.withoutThoughts(answer)
        let parts = answer.split(separator: "```", omittingEmptySubsequences: false)
        for (place, part) in parts.enumerated() where place % 2 == 1 {
            guard let end = part.firstIndex(where: \.isNewline) else { continue }
            let language = part[..<end].filter { !$0.isWhitespace }.lowercased()
            guard languages.contains(language) else { continue }
            // What ends lines on other systems ends them here.
            found.append(String(part[part.index(after: end)...]).replacing("\r\n", with: "\n"))
        }
        return (Array(found.prefix(SchedulePrompt.mostTexts)), max(0, found.count - SchedulePrompt.mostTexts))
    }
}
