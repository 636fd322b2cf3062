import ArchiveExchange
import ArgumentParser
import KernelArchive
import MappedFiles
import Signatures

/// Reads another's trials, as suggestions.
struct ArchiveImportSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Reads trials that another exported, as suggestions of what to try.",
        discussion: """
            What is imported is never believed: its candidates are compiled, judged and measured here like any other. A file whose \
            signature is missing or does not hold is refused, unless --unsigned says otherwise.

            Example: hearth archive import trials.jsonl
            """)

    @Argument(help: "The file that `hearth archive export` wrote.") var file: String
    @Flag(help: "Take the file though nobody vouches for it.") var unsigned = false
    @OptionGroup var place: ArchiveOption

    func run() throws {
        let bytes = try MappedFile(path: file).withUnsafeBytes { Array($0) }
        let export: ArchiveExport
        do throws(ExportError) {
            export = try ArchiveExport(bytes)
        } catch {
            throw BadInput("\(file): \(error)")
        }
        let signer: String
        switch export.seal {
        case .holds(let key):
            signer = "ed25519 " + Hexadecimal.text(key)
            let own = try SigningKey.standardPath.flatMap { (path) throws(SignatureError) in try SigningKey.read(path) }
            print("signed by \(signer)\(own?.publicKey == key ? " (your own key)" : ""); the signature holds")
        case .broken(let key):
            let fault =
                "\(file) was changed after it was signed by ed25519 \(Hexadecimal.text(key)): the signature does not hold"
            guard unsigned else { throw BadInput(fault + "; --unsigned takes it all the same") }
            Failure.complain("hearth: note: \(fault)")
            signer = "unsigned"
        case .missing:
            let fault = "\(file) ends without a signature: it was cut short, or nobody vouches for it"
            guard unsigned else { throw BadInput(fault + "; --unsigned takes it all the same") }
            Failure.complain("hearth: note: \(fault)")
            signer = "unsigned"
        }
        let archive = try ArchivePlace.require(place.archive)
        try archive.add(export.trials, kernels: export.kernels, machines: export.machines, signer: signer)
        print("imported \(export.trials.count) trials of \(export.kernels.count) kernels, as suggestions")
    }
}
