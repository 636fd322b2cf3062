import KernelIR
import MappedFiles
import ModelPackage

/// The kernels of a package as text and as C, found by name.
struct KernelListing {
    /// By kernel: the symbol, the region of searches, the name, the text with the line of its schedule before it.
    private var entries: [(symbol: String, region: String, name: String, text: String)] = []
    private var source: [String] = []

    /// Reads `kernels/plan.txt` and the text beside it of a package.
    init(_ package: PackageDirectory) throws(PackageError) {
        let listing = try Self.lines(package, "kernels/plan.txt")
        let texts = ["kernels/plan.c", "kernels/plan.cu", "kernels/plan.cl"]
        let text = texts.first { text in package.manifest.files.contains { $0.path == text } }
        source = try Self.lines(package, text ?? texts[0])
        for line in listing {
            if line.hasPrefix("// ") {
                let words = line.split(separator: " ")
                let symbol = words.count > 1 ? String(words[1]) : ""
                let region = words.count > 2 && words[2].hasPrefix("region.") ? String(words[2]) : ""
                entries.append((symbol, region, "", line + "\n"))
            } else if let last = entries.indices.last {
                if line.hasPrefix("kernel \"") { entries[last].name = String(line.dropFirst(8).dropLast()) }
                entries[last].text += line + "\n"
            }
        }
    }

    /// The text and the C of every kernel of that name or symbol.
    func text(_ wanted: String) throws -> String {
        let found = entries.filter { $0.symbol == wanted || $0.name == wanted || $0.region == wanted }
        guard !found.isEmpty else {
            throw BadInput("no kernel '\(wanted)'; the kernels are \(entries.map(\.name).joined(separator: ", "))")
        }
        return found.map { $0.text + "\n" + code($0.symbol) }.joined(separator: "\n")
    }

    /// Names of the regions by symbol.
    var regions: [String: String] {
        Dictionary(entries.map { ($0.symbol, $0.region) }) { first, _ in first }
    }

    /// The kernels by symbol, read back from their texts; without those that cannot be.
    var kernels: [String: Kernel] {
        var found: [String: Kernel] = [:]
        for entry in entries {
            let text = entry.text.split(separator: "\n").dropFirst().map { $0 + "\n" }.joined()
            found[entry.symbol] = try? Kernel(parsing: text)
        }
        return found
    }

    /// The part of the C text between the headings around a kernel's symbol.
    private func code(_ symbol: String) -> String {
        let headings = source.indices.filter { source[$0].hasPrefix("// kernel ") } + [source.count]
        for (start, end) in zip(headings, headings.dropFirst()) where source[start].contains(" \(symbol) ") {
            return source[start..<end].joined(separator: "\n") + "\n"
        }
        return ""
    }

    private static func lines(_ package: PackageDirectory, _ file: String) throws(PackageError) -> [String] {
        let mapped = try package.map(file)
        let text = mapped.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
