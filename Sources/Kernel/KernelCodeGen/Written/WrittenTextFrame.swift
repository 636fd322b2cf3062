/// What stays of a generated kernel around a text in its place, and what somebody is shown of it.
struct WrittenTextFrame {
    /// On a processor, headers and what is said between them: stands before any text.
    let opening: String
    /// On a device, the kernel's head with all that its launch must know: stands in place of the word `WrittenTexts.head`.
    let head: String?
    /// What another text takes the place of.
    let text: String

    /// The frame of a generated kernel; nil where no text takes its place: it is in Triton, calls a library, or its parts wait for each other in
    /// ways that other texts may not use.
    init?(_ emitted: EmittedKernel) {
        guard !emitted.arguments.contains(.library), !emitted.packings.contains(where: \.usesLibrary),
            emitted.triton == nil, emitted.parts != .gang
        else { return nil }
        let source = emitted.source
        guard case .grid(let grid) = emitted.parts else {
            let end = Self.directives(source)
            (opening, head, text) = (String(source[..<end]), nil, String(source[end...]))
            return
        }
        let heads = [SIMTFrame.kernelHead, SIMTFrame.openCLHead]
        guard grid.call == nil, let start = heads.lazy.compactMap({ source.ranges(of: $0).last }).first,
            let end = source[start.upperBound...].firstRange(of: " \(emitted.symbol)(")
        else { return nil }
        let parameters = source.index(before: end.upperBound)
        (opening, head) = ("", String(source[start.lowerBound..<parameters]))
        text = source[..<start.lowerBound] + WrittenTexts.head + source[parameters...]
    }

    /// Where the last line ends that is a directive and no pragma.
    private static func directives(_ source: String) -> String.Index {
        var end = source.startIndex
        for line in source.split(separator: "\n") where line.hasPrefix("#") && !line.hasPrefix("#pragma") {
            end = line.endIndex
        }
        return end == source.startIndex ? end : source.index(after: end)
    }

    /// The whole source with a text, written for the function `WrittenTexts.symbol`, in place of the generated kernel of another name.
    func source(_ written: String, symbol: String) -> String {
        var result = Array(opening.utf8)
        var word: [UInt8] = []
        let (ours, longer) = (Array(WrittenTexts.symbol.utf8), Array((WrittenTexts.symbol + "_").utf8))
        let mark = Array(WrittenTexts.head.utf8)
        func end() {
            if let head, word == mark { word = Array(head.utf8) }
            if word == ours || word.starts(with: longer) { word.replaceSubrange(..<ours.count, with: symbol.utf8) }
            result += word
            word = []
        }
        for byte in written.utf8 {
            if WrittenTextRules.isWord(byte) {
                word.append(byte)
            } else {
                end()
                result.append(byte)
            }
        }
        end()
        return String(decoding: result, as: UTF8.self)
    }
}
